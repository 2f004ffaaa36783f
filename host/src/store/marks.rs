//! `analyses/revoked/<digest>` and `analyses/approved/<digest>`: modules that somebody has marked as bad, with why, and
//! those that the operator vouches for. A mark outlives its module, and may come before it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use super::disk;
use super::lists;
use crate::id::ModuleDigest;
use crate::time::Timestamp;

/// What a module can be marked with.
pub trait Mark: Serialize + DeserializeOwned {
    /// Below `analyses/`.
    const FOLDER: &str;
}

/// That a module is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    /// Why, for whoever has a result of it.
    pub reason: String,
    pub since: Timestamp,
}

/// That the operator vouches for a module, signed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub since: Timestamp,
}

impl Mark for Revocation {
    const FOLDER: &str = "revoked";
}

impl Mark for Approval {
    const FOLDER: &str = "approved";
}

/// Marks a module in a data directory that a server may be working in: it heeds the mark within a second.
///
/// # Errors
/// Of the disk.
pub fn mark_beside<M: Mark>(root: &Path, module: ModuleDigest, mark: &M) -> io::Result<()> {
    let directory = root.join("analyses").join(M::FOLDER);
    if !directory.is_dir() {
        fs::create_dir(&directory)?;
    }
    // Its name is no digest: nobody takes it for a mark.
    let part = directory.join(format!("{module}.{}.part", std::process::id()));
    let mut file = fs::File::create(&part)?;
    file.write_all(&serde_json::to_vec_pretty(mark)?)?;
    file.sync_all()?;
    fs::rename(&part, directory.join(module.to_string()))?;
    fs::File::open(&directory)?.sync_all()
}

/// Takes a mark away in a data directory that a server may be working in; false where there was none.
///
/// # Errors
/// Of the disk.
pub fn unmark_beside<M: Mark>(root: &Path, module: ModuleDigest) -> io::Result<bool> {
    let directory = root.join("analyses").join(M::FOLDER);
    match fs::remove_file(directory.join(module.to_string())) {
        Ok(()) => fs::File::open(&directory)?.sync_all().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Store {
    /// All marks of a kind; what does not read as one was not written here and is left alone.
    ///
    /// # Errors
    /// Of the disk.
    pub fn marks<M: Mark>(&self) -> io::Result<BTreeMap<ModuleDigest, M>> {
        let mut all = BTreeMap::new();
        for name in lists::names(&self.marks_dir::<M>())? {
            let name = name?;
            let mark = disk::read_if_there(&self.marks_dir::<M>().join(&name))?;
            let mark = mark.and_then(|json| serde_json::from_slice(&json).ok());
            all.extend(name.parse().ok().zip(mark));
        }
        Ok(all)
    }

    /// Marks a module; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn mark<M: Mark>(&self, module: ModuleDigest, mark: &M) -> io::Result<()> {
        let directory = self.marks_dir::<M>();
        if !directory.is_dir() {
            self.disk.make_directory(&directory)?;
        }
        let json = serde_json::to_vec_pretty(mark)?;
        self.disk.replace(&self.staging_path(), &directory.join(module.to_string()), &json)
    }

    /// Takes a mark away; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn unmark<M: Mark>(&self, module: ModuleDigest) -> io::Result<()> {
        self.disk.remove_if_there(&self.marks_dir::<M>().join(module.to_string()))?;
        self.disk.settle()
    }

    fn marks_dir<M: Mark>(&self) -> PathBuf {
        self.analyses_dir().join(M::FOLDER)
    }
}
