//! Making things durable: write under a staging name, sync, rename into place, sync.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::commit::Committer;
use super::commit::Ticket;

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
    committer: Option<Committer>,
}

impl Disk {
    /// For the file system of that directory, with that promise.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn new(root: &Path, durability: Durability) -> io::Result<Self> {
        let committer = match durability {
            Durability::Full => Some(Committer::start(File::open(root)?)?),
            Durability::Process => None,
        };
        Ok(Self { committer })
    }

    /// Asks that everything written so far be on disk; `None` where nobody waits for the disk.
    #[must_use]
    pub fn commit(&self) -> Option<Ticket> {
        self.committer.as_ref().map(Committer::ask)
    }

    /// Waits until everything written so far is on disk; blocks.
    ///
    /// # Errors
    /// What was written may be lost: a sync that failed is not tried again.
    pub fn settle(&self) -> io::Result<()> {
        self.commit().map_or(Ok(()), Ticket::wait)
    }

    /// As [`Self::settle`], without blocking.
    ///
    /// # Errors
    /// The same.
    pub async fn settled(&self) -> io::Result<()> {
        match self.commit() {
            Some(ticket) => ticket.done().await,
            None => Ok(()),
        }
    }

    /// Writes a large file's bytes out by itself, so that the group does not wait for them.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub async fn sync_alone(&self, file: File) -> io::Result<()> {
        match self.committer {
            Some(_) => tokio::task::spawn_blocking(move || file.sync_data()).await.map_err(io::Error::other)?,
            None => Ok(()),
        }
    }

    /// Renames what is staged into place: whole on disk before it appears there, and there for good on return.
    ///
    /// # Errors
    /// The target does not appear, or appears whole.
    pub fn publish(&self, staged: &Path, target: &Path) -> io::Result<()> {
        self.settle()?;
        fs::rename(staged, target)?;
        self.settle()
    }

    /// Puts a whole file into place, over what was there, durably.
    ///
    /// # Errors
    /// The target is then what it was.
    pub fn replace(&self, staged: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
        write_new(staged, bytes)?;
        self.publish(staged, target)
    }
}

/// Writes a new file, mode 0444.
///
/// # Errors
/// When it exists or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o444).open(path)?;
    // Half a file helps nobody.
    file.write_all(bytes).inspect_err(|_| drop(fs::remove_file(path)))
}

/// Puts a file into place whole for every reader, but durable only once the disk settles.
///
/// # Errors
/// The target is then what it was.
pub fn swap_in(staged: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    write_new(staged, bytes)?;
    fs::rename(staged, target).inspect_err(|_| drop(fs::remove_file(staged)))
}

/// Whether a directory had to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Now,
    Before,
}

/// Makes a directory that may be there.
///
/// # Errors
/// Any but that it is there.
pub fn make_directory(path: &Path) -> io::Result<Made> {
    match fs::create_dir(path) {
        Ok(()) => Ok(Made::Now),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Made::Before),
        Err(error) => Err(error),
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

/// Opens a file, with its size in bytes; `None` when it is not there.
///
/// # Errors
/// Any other.
pub fn open_if_there(path: &Path) -> io::Result<Option<(File, u64)>> {
    match File::open(path) {
        Ok(file) => {
            let bytes = file.metadata()?.len();
            Ok(Some((file, bytes)))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
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
