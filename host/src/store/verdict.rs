//! `selftest.json`: what the last self-test found out about this machine, for whoever asks the server.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde_json::Value;

use super::Store;
use super::disk;
use super::disk::Disk;
use super::disk::Durability;

const NAME: &str = "selftest.json";

impl Store {
    /// The verdict that lies here, if there is one that can be read.
    ///
    /// # Errors
    /// Of the disk.
    pub fn selftest(&self) -> io::Result<Option<Value>> {
        let verdict = disk::read_if_there(&self.root.join(NAME))?;
        Ok(verdict.and_then(|json| serde_json::from_slice(&json).ok()))
    }
}

/// Puts a verdict into a data directory, which a server may be working on; the directory need not be there yet.
///
/// # Errors
/// Of the disk; the former verdict then stands.
pub fn write(data: &Path, verdict: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    // Not below `staging/`, which a starting server sweeps.
    let staged = data.join(format!("{NAME}.{}", std::process::id()));
    Disk::new(data, Durability::Process, None)?.swap_in(&staged, &data.join(NAME), verdict)?;
    File::open(data.join(NAME))?.sync_all()?;
    File::open(data)?.sync_all()
}
