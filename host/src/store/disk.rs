//! Every change of the data directory is made here, one function a kind, so that a [`Probe`] sees them all. What is to
//! last is written under a staging name, synced, renamed into place, synced.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::commit::Committer;
use super::commit::Ticket;
use super::probe::Change;
use super::probe::Probe;

/// What an answer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The disk: survives power loss.
    Full,
    /// The page cache: survives the death of the process.
    Process,
}

/// Changes a data directory, durably as asked.
#[derive(Debug)]
pub struct Disk {
    committer: Option<Committer>,
    probe: Option<Arc<dyn Probe>>,
}

/// A file that is being written, mode 0444.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: PathBuf,
}

/// Whether a directory had to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Now,
    Before,
}

impl Disk {
    /// For the file system of that directory, with that promise.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn new(root: &Path, durability: Durability, probe: Option<Arc<dyn Probe>>) -> io::Result<Self> {
        let committer = match durability {
            Durability::Full => Some(Committer::start(File::open(root)?, probe.clone())?),
            Durability::Process => None,
        };
        Ok(Self { committer, probe })
    }

    /// Whether a sync has failed: nothing more is made durable then, until a restart has looked at the disk.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.committer.as_ref().is_some_and(Committer::has_failed)
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

    /// Writes a large file's bytes out by itself, so that the group does not wait for them; blocks.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub fn sync_alone(&self, new: &NewFile) -> io::Result<()> {
        match self.committer {
            Some(_) => self.change(Change::SyncFile(&new.path), || new.file.sync_data()),
            None => Ok(()),
        }
    }

    /// Renames what is staged into place: whole on disk before it appears there, and there for good on return.
    ///
    /// # Errors
    /// The target does not appear, or appears whole.
    pub fn publish(&self, staged: &Path, target: &Path) -> io::Result<()> {
        self.settle()?;
        self.rename(staged, target)?;
        self.settle()
    }

    /// Puts a whole file into place, over what was there, durably.
    ///
    /// # Errors
    /// The target is then what it was.
    pub fn replace(&self, staged: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write_new(staged, bytes)?;
        self.publish(staged, target)
    }

    /// Begins a new file.
    ///
    /// # Errors
    /// When it exists, and of the disk.
    pub fn create(&self, path: &Path) -> io::Result<NewFile> {
        let mut options = File::options();
        options.write(true).create_new(true).mode(0o444);
        let file = self.change(Change::Create(path), || options.open(path))?;
        Ok(NewFile { file, path: path.to_owned() })
    }

    /// Begins a new file that is written on after a restart: mode 0644 until it is sealed.
    ///
    /// # Errors
    /// When it exists, and of the disk.
    pub fn create_to_resume(&self, path: &Path) -> io::Result<NewFile> {
        let mut options = File::options();
        options.append(true).create_new(true).mode(0o644);
        let file = self.change(Change::Create(path), || options.open(path))?;
        Ok(NewFile { file, path: path.to_owned() })
    }

    /// Takes up such a file at that many bytes; what lies beyond goes.
    ///
    /// # Errors
    /// When it is shorter, and of the disk.
    pub fn resume(&self, path: &Path, bytes: u64) -> io::Result<NewFile> {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
        let file = File::options().append(true).open(path)?;
        let there = file.metadata()?.len();
        if there < bytes {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{there} bytes are left of {bytes}")));
        }
        if there > bytes {
            self.change(Change::Truncate(path, bytes), || file.set_len(bytes))?;
        }
        Ok(NewFile { file, path: path.to_owned() })
    }

    /// Nobody writes it any more: mode 0444, as with other new files.
    ///
    /// # Errors
    /// Of the disk.
    pub fn seal(&self, new: &NewFile) -> io::Result<()> {
        new.file.set_permissions(fs::Permissions::from_mode(0o444))
    }

    /// Makes a new file for a confined process to write, which nobody else may: mode 0444.
    ///
    /// # Errors
    /// When it exists, and of the disk.
    pub fn lend(&self, path: &Path) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(0o444);
        self.change(Change::Lend(path), || options.open(path))
    }

    /// Appends.
    ///
    /// # Errors
    /// Of the disk; a part may have been written.
    pub fn write(&self, new: &mut NewFile, bytes: &[u8]) -> io::Result<()> {
        let NewFile { file, path } = new;
        self.change(Change::Write(path, bytes), || file.write_all(bytes))
    }

    /// Writes a new file whole.
    ///
    /// # Errors
    /// When it exists or cannot be written; then nothing of it stays.
    pub fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut new = self.create(path)?;
        // Half a file helps nobody.
        self.write(&mut new, bytes).inspect_err(|_| drop(self.remove_if_there(path)))
    }

    /// Writes a file over what was there, in place: a reader may see half of it.
    ///
    /// # Errors
    /// Of the disk.
    pub fn overwrite(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.change(Change::Overwrite(path, bytes), || fs::write(path, bytes))
    }

    /// Puts a file into place whole for every reader, but durable only once the disk settles.
    ///
    /// # Errors
    /// The target is then what it was.
    pub fn swap_in(&self, staged: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write_new(staged, bytes)?;
        self.rename(staged, target).inspect_err(|_| drop(self.remove_if_there(staged)))
    }

    /// As [`Self::swap_in`], but what is there at any time is whole on disk: waits for the new file's bytes.
    ///
    /// # Errors
    /// The target is then what it was.
    pub fn swap_in_synced(&self, staged: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
        let swap = || {
            let mut new = self.create(staged)?;
            self.write(&mut new, bytes)?;
            self.sync_alone(&new)?;
            self.rename(staged, target)
        };
        swap().inspect_err(|_| drop(self.remove_if_there(staged)))
    }

    /// Moves a file or a tree, over a file that may be there.
    ///
    /// # Errors
    /// Of the disk.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Change::Rename(from, to), || fs::rename(from, to))
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// Of the disk.
    pub fn link(&self, target: &str, path: &Path) -> io::Result<()> {
        self.change(Change::Link(target, path), || symlink(target, path))
    }

    /// Makes a directory that may be there.
    ///
    /// # Errors
    /// Any but that it is there.
    pub fn make_directory(&self, path: &Path) -> io::Result<Made> {
        match self.change(Change::MakeDirectory(path), || fs::create_dir(path)) {
            Ok(()) => Ok(Made::Now),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Made::Before),
            Err(error) => Err(error),
        }
    }

    /// Removes a file that need not be there.
    ///
    /// # Errors
    /// Any but that it is not there.
    pub fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        unless_missing(self.change(Change::Remove(path), || fs::remove_file(path)))
    }

    /// Removes a directory that need not be there, with all that is in it.
    ///
    /// # Errors
    /// Any but that it is not there; a part may be gone.
    pub fn remove_tree(&self, path: &Path) -> io::Result<()> {
        unless_missing(self.change(Change::RemoveTree(path), || fs::remove_dir_all(path)))
    }

    fn change<T>(&self, change: Change<'_>, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(probe) = &self.probe else { return make() };
        probe.before(change)?;
        let made = make()?;
        probe.after(change);
        Ok(made)
    }
}

fn unless_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
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

/// What lies in a directory; nothing when it is not there.
///
/// # Errors
/// Any other.
pub fn names_if_there(path: &Path) -> io::Result<Vec<OsString>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.map(|it| it.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What a file takes on the disk, bytes: holes are not there yet, and what the file system keeps ready past its end may
/// never be. Nothing for one that cannot be looked at.
#[must_use]
pub fn room_taken(path: &Path) -> u64 {
    const BLOCK_BYTES: u64 = 512;
    fs::metadata(path).map_or(0, |it| it.len().min(it.blocks().saturating_mul(BLOCK_BYTES)))
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_lent_is_written_by_whom_it_is_lent_to_and_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::new(dir.path(), Durability::Process, None).unwrap();
        let path = dir.path().join("lent");
        let mut lent = disk.lend(&path).unwrap();
        lent.write_all(b"a").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
    }
}
