//! The tokens that a server knows, and who is let in by one.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::access::Presented;
use crate::access::Token;
use crate::access::TokenId;
use crate::store::tokens;
use crate::time::Timestamp;

/// Whether a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Whoever reaches this server may do everything, and all have the same files.
    None,
    Token,
}

/// Why nobody is let in by what was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("a token is wanted: `Authorization: Bearer belljar_…`")]
    Nothing,
    #[error("this is no token; it is to be `Bearer belljar_…`, as `belljar token create` wrote it")]
    NoToken,
    #[error("this token is not known here, or was revoked")]
    Unknown,
    #[error("this token has expired")]
    Expired,
}

/// All of them.
#[derive(Debug)]
pub struct Keys {
    demand: Demand,
    /// The data directory.
    root: PathBuf,
    known: RwLock<HashMap<TokenId, Arc<Token>>>,
}

impl Keys {
    /// None is known before [`Self::learn`].
    #[must_use]
    pub fn new(demand: Demand, root: PathBuf) -> Self {
        Self { demand, root, known: RwLock::default() }
    }

    /// Whether a token is asked for.
    #[must_use]
    pub fn demand(&self) -> Demand {
        self.demand
    }

    /// Reads which there are; gives how many.
    ///
    /// # Errors
    /// Of the disk; those count that counted before.
    pub fn learn(&self) -> io::Result<usize> {
        let found: HashMap<_, _> = tokens::all(&self.root)?.into_iter().map(|it| (it.id, Arc::new(it))).collect();
        let count = found.len();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(count)
    }

    /// Whether there is such a token.
    #[must_use]
    pub fn has(&self, token: TokenId) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).contains_key(&token)
    }

    /// Who presents that.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn look_at(&self, presented: &str, now: Timestamp) -> Result<Arc<Token>, Refused> {
        let presented: Presented = presented.parse().map_err(|_| Refused::NoToken)?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let token = known.get(&presented.id).filter(|token| presented.is(token)).ok_or(Refused::Unknown)?;
        match token.expires {
            Some(expires) if expires <= now => Err(Refused::Expired),
            Some(_) | None => Ok(Arc::clone(token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Quotas;
    use crate::access::Scope;
    use crate::id::Tenant;

    #[test]
    fn a_token_counts_from_when_it_is_learnt_until_it_expires_or_is_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let at = Timestamp::from_unix_ms;
        let presented = Presented::new([1; 8], [2; 32]);
        let token = Token {
            version: 1,
            id: presented.id,
            name: "ann".to_owned(),
            tenant: Tenant::MAIN,
            scopes: Scope::OWN.into(),
            created: at(0),
            expires: Some(at(1000)),
            quotas: Quotas::default(),
            secret_sha256: presented.secret_sha256(),
        };
        let keys = Keys::new(Demand::Token, dir.path().to_owned());
        let look = |now| keys.look_at(&presented.reveal(), at(now)).map(|it| it.name.clone());
        assert_eq!((keys.learn().unwrap(), look(0)), (0, Err(Refused::Unknown)));
        tokens::keep_beside(dir.path(), &token).unwrap();
        assert_eq!(keys.learn().unwrap(), 1);
        assert_eq!((look(999), look(1000)), (Ok("ann".to_owned()), Err(Refused::Expired)));
        let other = Presented::new([1; 8], [3; 32]).reveal();
        assert_eq!(keys.look_at(&other, at(0)), Err(Refused::Unknown));
        assert_eq!(keys.look_at("Bearer", at(0)), Err(Refused::NoToken));
        assert!(tokens::revoke_beside(dir.path(), token.id).unwrap());
        assert!(!tokens::revoke_beside(dir.path(), token.id).unwrap());
        assert_eq!((keys.learn().unwrap(), look(0)), (0, Err(Refused::Unknown)));
    }
}
