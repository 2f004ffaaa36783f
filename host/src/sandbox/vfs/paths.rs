//! What is done by name: opening, making, removing, renaming, and remembering what was denied.

use super::Descriptor;
use super::Fd;
use super::FileType;
use super::OpenHow;
use super::Target;
use super::Vfs;
use crate::sandbox::errno::CallError;
use crate::sandbox::errno::Errno;
use crate::sandbox::path as path_text;
use crate::sandbox::port::Host;
use crate::sandbox::tree::Ino;
use crate::sandbox::tree::Stat;

impl<H: Host> Vfs<H> {
    /// Size and number of what a path names.
    ///
    /// # Errors
    /// `Badf`, `Notdir` and those of the walk.
    pub fn stat_at(&mut self, fd: Fd, path: &[u8]) -> Result<Stat, Errno> {
        let from = self.directory(fd)?;
        let found = self.tree.find(from, path);
        self.note(found, path).map(|ino| self.tree.stat(ino))
    }

    /// Opens what a path names, making it when asked to.
    ///
    /// # Errors
    /// Those of the walk, `Rofs` for any wish to change `/input`, `Mfile` past the cap of descriptors; `output-limit`.
    pub fn open_at(&mut self, fd: Fd, path: &[u8], how: OpenHow) -> Result<Fd, CallError> {
        let from = self.directory(fd)?;
        self.free_slot()?;
        let found = self.tree.find(from, path);
        let ino = match self.note(found, path) {
            Ok(_) if how.create && how.exclusive => return Err(Errno::Exist.into()),
            Ok(ino) => self.open_existing(ino, path, how)?,
            Err(Errno::Noent) if how.create && !how.directory && !path_text::wants_directory(path) => {
                self.create(from, path)?
            }
            Err(errno) => return Err(errno.into()),
        };
        Ok(self.put(Descriptor { target: Target::Node(ino), position: 0, access: how.access })?)
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Those of the walk, `Rofs`, `Exist`; `output-limit`.
    pub fn make_directory(&mut self, fd: Fd, path: &[u8]) -> Result<(), CallError> {
        let from = self.directory(fd)?;
        let parent = self.tree.find_parent(from, path);
        let (directory, name) = self.note(parent, path)?;
        let made = self.tree.add_directory(directory, name);
        self.note_change(made, path).map(drop)
    }

    /// Removes a file, or an empty directory when `directory` says so.
    ///
    /// # Errors
    /// Those of the walk, `Rofs`, `Isdir`, `Notdir`, `Notempty`.
    pub fn remove(&mut self, fd: Fd, path: &[u8], expected: FileType) -> Result<(), CallError> {
        let from = self.directory(fd)?;
        let parent = self.tree.find_parent(from, path);
        let (directory, name) = self.note(parent, path)?;
        let ino = self.tree.entry(directory, name).ok_or(Errno::Noent)?;
        let wanted_directory = path_text::wants_directory(path);
        match (expected, self.tree.stat(ino).directory) {
            (FileType::Regular | FileType::Stream, false) if wanted_directory => return Err(Errno::Notdir.into()),
            (FileType::Directory, false) => return Err(Errno::Notdir.into()),
            (FileType::Regular | FileType::Stream, true) => return Err(Errno::Isdir.into()),
            (FileType::Directory, true) | (FileType::Regular | FileType::Stream, false) => (),
        }
        let removed = self.tree.remove(directory, name).map_err(CallError::from);
        self.note_change(removed, path)
    }

    /// Renames within the writable roots.
    ///
    /// # Errors
    /// Those of the walk, `Rofs` as soon as either end lies in `/input`, `Notdir` for a file with a slash behind.
    pub fn rename(&mut self, from: (Fd, &[u8]), to: (Fd, &[u8])) -> Result<(), CallError> {
        let from_directory = self.directory(from.0)?;
        let to_directory = self.directory(to.0)?;
        let old = self.tree.find_parent(from_directory, from.1);
        let old = self.note(old, from.1)?;
        let new = self.tree.find_parent(to_directory, to.1);
        let new = self.note(new, to.1)?;
        let slash = path_text::wants_directory(from.1) || path_text::wants_directory(to.1);
        let file = || self.tree.entry(old.0, old.1).is_some_and(|ino| !self.tree.stat(ino).directory);
        if slash && self.tree.writable(old.0) && self.tree.writable(new.0) && file() {
            return Err(Errno::Notdir.into());
        }
        let renamed = self.tree.rename(old, new).map_err(CallError::from);
        self.note_change(renamed, to.1)
    }

    /// Remembers a wish that the file system has no answer to, such as a link.
    pub fn deny(&mut self, what: &str, path: &[u8]) {
        // Guests choose these bytes, and how many; they are kept short and escaped.
        let path = &path[..path.len().min(120)];
        let told = || format!("{what} `{}`", String::from_utf8_lossy(path).escape_debug());
        self.denied.get_or_insert_with(told);
    }

    fn open_existing(&mut self, ino: Ino, path: &[u8], how: OpenHow) -> Result<Ino, CallError> {
        let directory = self.tree.stat(ino).directory;
        if how.directory && !directory {
            return Err(Errno::Notdir.into());
        }
        if directory {
            let written = how.truncate || how.access.write;
            return if written { Err(Errno::Isdir.into()) } else { Ok(ino) };
        }
        if (how.access.write || how.truncate) && !self.tree.writable(ino) {
            return self.note_change(Err(Errno::Rofs.into()), path);
        }
        if how.truncate {
            self.resize_file(ino, 0)?;
        }
        Ok(ino)
    }

    fn create(&mut self, from: Ino, path: &[u8]) -> Result<Ino, CallError> {
        let (directory, name) = self.tree.find_parent(from, path)?;
        let room = self.tree.check_room(directory, name);
        self.note_change(room, path)?;
        let file = self.host.create_file().map_err(CallError::Host)?;
        self.tree.add_file(directory, name, file)
    }

    fn note<T>(&mut self, found: Result<T, Errno>, path: &[u8]) -> Result<T, Errno> {
        if matches!(found, Err(Errno::Notcapable)) {
            self.deny("reach outside of the sandbox:", path);
        }
        found
    }

    fn note_change<T>(&mut self, changed: Result<T, CallError>, path: &[u8]) -> Result<T, CallError> {
        if matches!(changed, Err(CallError::Errno(Errno::Rofs))) {
            self.deny("change the read-only", path);
        }
        changed
    }
}
