//! `tokens/<id>.json`: what is kept of each token. The operator makes and revokes them beside a server that may run: it
//! heeds that within a second. `spent.json`: what their holders have spent of the day, as of a second ago at most.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use super::Store;
use super::audit::AuditLog;
use super::disk;
use super::lists;
use crate::access::Token;
use crate::access::TokenId;
use crate::quota::Spent;

const SPENT: &str = "spent.json";

fn directory(root: &Path) -> PathBuf {
    root.join("tokens")
}

/// Keeps a token in a data directory that a server may be working in; durable on return.
///
/// # Errors
/// Of the disk.
pub fn keep_beside(root: &Path, token: &Token) -> io::Result<()> {
    let directory = directory(root);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    let part = directory.join(format!("{}.{}.part", token.id, std::process::id()));
    let mut file = fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    file.write_all(&serde_json::to_vec_pretty(token)?)?;
    file.sync_all()?;
    fs::rename(&part, directory.join(format!("{}.json", token.id)))?;
    fs::File::open(&directory)?.sync_all()
}

/// Removes a token; false where there was none. Durable on return.
///
/// # Errors
/// Of the disk.
pub fn revoke_beside(root: &Path, id: TokenId) -> io::Result<bool> {
    let directory = directory(root);
    match fs::remove_file(directory.join(format!("{id}.json"))) {
        Ok(()) => fs::File::open(&directory)?.sync_all().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Store {
    /// What holders of tokens have spent of a day.
    ///
    /// # Errors
    /// Of the disk; what does not read as it was lost with a disk that forgot, and counts as nothing.
    pub fn spent(&self) -> io::Result<BTreeMap<TokenId, Spent>> {
        let Some(json) = disk::read_if_there(&self.base.join(SPENT))? else { return Ok(BTreeMap::new()) };
        Ok(serde_json::from_slice(&json).unwrap_or_else(|error| {
            tracing::error!(%error, "{SPENT} cannot be read; the day's fuel is counted anew");
            BTreeMap::new()
        }))
    }

    /// Keeps that; a killed server forgets none of it.
    ///
    /// # Errors
    /// Of the disk.
    pub fn keep_spent(&self, spent: &BTreeMap<TokenId, Spent>) -> io::Result<()> {
        self.disk.swap_in_synced(&self.staging_path(), &self.base.join(SPENT), &serde_json::to_vec(spent)?)
    }

    /// The audit log of this data directory.
    ///
    /// # Errors
    /// Of the disk.
    pub fn audit_log(&self) -> io::Result<AuditLog> {
        AuditLog::open(&self.base)
    }
}

/// Every token. What does not read as one opens nothing.
///
/// # Errors
/// Of the disk.
pub fn all(root: &Path) -> io::Result<Vec<Token>> {
    let directory = directory(root);
    let mut tokens = Vec::new();
    for name in lists::names(&directory)? {
        let name = name?;
        let Some(id) = name.strip_suffix(".json").and_then(|it| it.parse::<TokenId>().ok()) else { continue };
        match fs::read(directory.join(&name)).and_then(|json| Ok(serde_json::from_slice::<Token>(&json)?)) {
            Ok(token) if token.id == id => tokens.push(token),
            Ok(_) => tracing::error!(%name, "a token is not the one that it is called"),
            // It was revoked just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => tracing::error!(%name, %error, "a token cannot be read"),
        }
    }
    tokens.sort_by_key(|token| token.created);
    Ok(tokens)
}
