//! Who may do what: tokens, the scopes that each has, and whose files it is for. Pure: no IO, no clock.
//!
//! A token is `belljar_<id>_<secret>`. The id is no secret; of the secret only the SHA-256 is kept, which is enough, for
//! it is 256 bits that nobody chose.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use subtle::ConstantTimeEq;

use crate::id::InvalidId;
use crate::id::Sha256;
use crate::id::Tenant;
use crate::id::through_text;
use crate::time::Timestamp;

const PREFIX: &str = "belljar_";
const SECRET_BYTES: usize = 32;

/// What one may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Store files, keep them.
    Upload,
    /// Ask analyses.
    Run,
    /// Look at files, results, analyses.
    Read,
    /// Remove files and results, dismiss runs.
    Delete,
    /// Install analyses for everybody, roll them back, remove them.
    Install,
    /// What is the operator's: revoke modules, read metrics.
    Admin,
}

impl Scope {
    /// Every one there is.
    pub const ALL: [Self; 6] = [Self::Upload, Self::Run, Self::Read, Self::Delete, Self::Install, Self::Admin];
    /// What a token is for that is made without saying: one's own files.
    pub const OWN: [Self; 4] = [Self::Upload, Self::Run, Self::Read, Self::Delete];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Run => "run",
            Self::Read => "read",
            Self::Delete => "delete",
            Self::Install => "install",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let scope = Self::ALL.into_iter().find(|it| it.as_str() == text);
        scope.ok_or(InvalidId::new("a scope is one of upload, run, read, delete, install, admin"))
    }
}

/// What a token is known by: 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(u64);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for TokenId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let sound = text.len() == 16 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        let id = sound.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        id.map(Self).ok_or(InvalidId::new("a token is known by 16 lower-case hex digits"))
    }
}

through_text!(TokenId);

/// How much its holder may use of a server; what is not set is not bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quotas {
    /// Requests a minute; so many may come at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Runs accepted and not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<NonZeroU32>,
    /// Fuel of all runs of a day, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_per_day: Option<u64>,
    /// What its tenant may have stored, bytes, whichever of its tokens it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
}

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub version: u32,
    pub id: TokenId,
    /// For people.
    pub name: String,
    /// Whose files it is for.
    pub tenant: Tenant,
    pub scopes: BTreeSet<Scope>,
    pub created: Timestamp,
    /// From then on it is none.
    pub expires: Option<Timestamp>,
    #[serde(default)]
    pub quotas: Quotas,
    pub secret_sha256: Sha256,
}

/// What its holder has.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    pub id: TokenId,
    secret: [u8; SECRET_BYTES],
}

impl Presented {
    /// Of bytes that nobody can guess.
    #[must_use]
    pub fn new(id: [u8; 8], secret: [u8; SECRET_BYTES]) -> Self {
        Self { id: TokenId(u64::from_be_bytes(id)), secret }
    }

    /// As its holder writes it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, BASE64_URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// What is kept of the secret.
    #[must_use]
    pub fn secret_sha256(&self) -> Sha256 {
        Sha256::new(sha2::Sha256::digest(self.secret).into())
    }

    /// Whether it is that one; takes as long whatever differs.
    #[must_use]
    pub fn is(&self, token: &Token) -> bool {
        self.id == token.id && bool::from(self.secret_sha256().bytes()[..].ct_eq(&token.secret_sha256.bytes()[..]))
    }
}

impl FromStr for Presented {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("a token is `belljar_<id>_<secret>`, as `belljar token create` wrote it");
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|it| it.split_once('_')).ok_or(invalid.clone())?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(secret).ok().and_then(|it| it.try_into().ok());
        Ok(Self { id: id.parse()?, secret: secret.ok_or(invalid)? })
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({}, …)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(presented: &Presented) -> Token {
        Token {
            version: 1,
            id: presented.id,
            name: String::new(),
            tenant: Tenant::MAIN,
            scopes: Scope::OWN.into(),
            created: Timestamp::from_unix_ms(0),
            expires: None,
            quotas: Quotas::default(),
            secret_sha256: presented.secret_sha256(),
        }
    }

    #[test]
    fn a_token_is_known_by_its_secret_alone() {
        let presented = Presented::new([1; 8], [7; 32]);
        let read: Presented = presented.reveal().parse().unwrap();
        assert!(read.is(&token(&presented)));
        assert!(!Presented::new([1; 8], [8; 32]).is(&token(&presented)));
        assert!(!Presented::new([2; 8], [7; 32]).is(&token(&presented)));
        let kept = serde_json::to_string(&token(&presented)).unwrap();
        let secret = presented.reveal().rsplit('_').next().unwrap().to_owned();
        assert!(!kept.contains(&secret) && !format!("{presented:?}").contains(&secret));
    }

    #[test]
    fn what_is_no_token_is_not_taken() {
        let whole = Presented::new([1; 8], [7; 32]).reveal();
        let short = &whole[..whole.len() - 2];
        for text in [
            "",
            "belljar_",
            "belljar_0101010101010101_",
            short,
            &whole.replace("belljar", "other"),
            &format!("{whole}A"),
        ] {
            assert!(text.parse::<Presented>().is_err(), "{text}");
        }
    }

    #[test]
    fn scopes_are_written_as_they_are_read() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        assert!("all".parse::<Scope>().is_err());
    }
}
