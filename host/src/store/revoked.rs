//! `analyses/revoked/<digest>`: modules that somebody has marked as bad, and why. The mark outlives the module.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use super::Store;
use super::disk;
use super::lists;
use crate::id::ModuleDigest;
use crate::time::Timestamp;

/// That a module is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    /// Why, for whoever has a result of it.
    pub reason: String,
    pub since: Timestamp,
}

/// Marks a module in a data directory that a server may be working in: it heeds the mark within a second.
///
/// # Errors
/// Of the disk.
pub fn revoke_beside(root: &Path, module: ModuleDigest, revocation: &Revocation) -> io::Result<()> {
    let directory = root.join("analyses/revoked");
    if !directory.is_dir() {
        fs::create_dir(&directory)?;
    }
    // Its name is no digest: nobody takes it for a mark.
    let part = directory.join(format!("{module}.{}.part", std::process::id()));
    let mut file = fs::File::create(&part)?;
    file.write_all(&serde_json::to_vec_pretty(revocation)?)?;
    file.sync_all()?;
    fs::rename(&part, directory.join(module.to_string()))?;
    fs::File::open(&directory)?.sync_all()
}

impl Store {
    /// All of them; what does not read as one was not written here and is left alone.
    ///
    /// # Errors
    /// Of the disk.
    pub fn revocations(&self) -> io::Result<BTreeMap<ModuleDigest, Revocation>> {
        let mut all = BTreeMap::new();
        for name in lists::names(&self.revoked_dir())? {
            let name = name?;
            let revocation = disk::read_if_there(&self.revoked_dir().join(&name))?;
            let revocation = revocation.and_then(|json| serde_json::from_slice(&json).ok());
            all.extend(name.parse().ok().zip(revocation));
        }
        Ok(all)
    }

    /// Marks a module; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn revoke(&self, module: ModuleDigest, revocation: &Revocation) -> io::Result<()> {
        let directory = self.revoked_dir();
        if !directory.is_dir() {
            self.disk.make_directory(&directory)?;
        }
        let json = serde_json::to_vec_pretty(revocation)?;
        self.disk.replace(&self.staging_path(), &directory.join(module.to_string()), &json)
    }

    /// Takes the mark away; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn reinstate(&self, module: ModuleDigest) -> io::Result<()> {
        self.disk.remove_if_there(&self.revoked_dir().join(module.to_string()))?;
        self.disk.settle()
    }

    fn revoked_dir(&self) -> PathBuf {
        self.analyses_dir().join("revoked")
    }
}
