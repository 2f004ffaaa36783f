//! Making things durable: write under a staging name, fsync, rename into place, fsync the directory.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What an answer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The disk: survives power loss.
    Full,
    /// The page cache: survives the death of the process.
    Process,
}

/// Carries out durable writes as asked.
#[derive(Debug)]
pub struct Disk {
    durability: Durability,
}

impl Disk {
    /// With that promise.
    #[must_use]
    pub fn new(durability: Durability) -> Self {
        Self { durability }
    }

    /// Whether syncs wait for the disk.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Syncs a file.
    ///
    /// # Errors
    /// The file is then lost: an fsync that failed is not tried again.
    pub fn sync(&self, file: &File) -> io::Result<()> {
        match self.durability {
            Durability::Full => file.sync_all(),
            Durability::Process => Ok(()),
        }
    }

    /// Syncs a directory's entries.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub fn sync_directory(&self, path: &Path) -> io::Result<()> {
        match self.durability {
            Durability::Full => File::open(path)?.sync_all(),
            Durability::Process => Ok(()),
        }
    }

    /// Renames what is staged and already synced into place, and makes that durable.
    ///
    /// # Errors
    /// The target does not appear, or appears whole.
    pub fn publish(&self, staged: &Path, target: &Path) -> io::Result<()> {
        fs::rename(staged, target)?;
        self.sync_directory(target.parent().unwrap_or(target))
    }

    /// Writes a new file and syncs it.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::options().write(true).create_new(true).mode(0o444).open(path)?;
        file.write_all(bytes)?;
        self.sync(&file)
    }

    /// Puts a whole file into place, over what was there.
    ///
    /// # Errors
    /// The target is then what it was.
    pub fn replace(&self, staged: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write_new(staged, bytes)?;
        self.publish(staged, target)
    }
}

/// Removes a file that need not be there.
///
/// # Errors
/// Any but that it is not there.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Reads a small file whole; `None` when it is not there.
///
/// # Errors
/// Any other.
pub fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
