//! `tokens/<id>.json`: what is kept of each token. The operator makes and revokes them beside a server that may run: it
//! heeds that within a second.

use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use super::lists;
use crate::access::Token;
use crate::access::TokenId;

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
