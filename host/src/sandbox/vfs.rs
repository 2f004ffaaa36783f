//! The virtual file system as a guest's descriptors see it: one read-only sample, `/out` and `/tmp` in a quota,
//! three streams. WASI's faces are thin over this.
//!
//! Invariants: no call names a path of the host; every write is counted before it is carried out; the sample is
//! only ever read. An attempt to leave the roots or to change `/input` is remembered, so that a run that fails
//! over it fails as `denied`.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use super::errno::CallError;
use super::errno::Errno;
use super::port::Host;
use super::tree;
use super::tree::Artifact;
use super::tree::Ino;
use super::tree::Kind;
use super::tree::Stat;
use super::tree::Tree;
use crate::limits::Limits;
use crate::run::Reason;

/// A guest's descriptor number.
pub type Fd = u32;

/// What stdin gives.
#[derive(Debug)]
pub enum Stdin {
    Bytes(Vec<u8>),
    Sample,
}

/// What a run's file system is made of.
#[derive(Debug)]
pub struct Mounts {
    pub sample: OwnedFd,
    pub sample_name: String,
    pub sample_bytes: u64,
    pub stdin: Stdin,
    pub limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Stdin,
    Stdout,
    Stderr,
    Node(Ino),
}

#[derive(Debug, Clone, Copy)]
struct Descriptor {
    target: Target,
    /// The preopened directory that this descriptor came from, which its paths cannot leave.
    root: Ino,
    position: u64,
    access: Access,
}

/// What a descriptor may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of `path_open`, one by one")]
pub struct Access {
    pub read: bool,
    pub write: bool,
    pub append: bool,
}

/// How `path_open` treats what it finds.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of `path_open`, one by one")]
pub struct OpenHow {
    pub access: Access,
    pub create: bool,
    pub exclusive: bool,
    pub truncate: bool,
    pub directory: bool,
}

/// Where a write without an offset goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WritesTo {
    Position,
    End,
}

/// Whence a seek counts.
#[derive(Debug, Clone, Copy)]
pub enum Whence {
    Start,
    Current,
    End,
}

/// What kind of thing a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    Stream,
    Directory,
    Regular,
}

/// The state of one run's files.
#[derive(Debug)]
pub struct Vfs<H> {
    tree: Tree,
    table: Vec<Option<Descriptor>>,
    sample: OwnedFd,
    stdin: Stdin,
    stdout: Vec<u8>,
    stderr_room: u64,
    bytes_read: u64,
    denied: Option<String>,
    limits: Limits,
    /// What the sandbox asks of its surroundings.
    pub host: H,
}

const PREOPENS: [(Ino, &str); 3] = [(tree::INPUT, "/input"), (tree::OUT, "/out"), (tree::TMP, "/tmp")];
const FIRST_PREOPEN: Fd = 3;

impl<H: Host> Vfs<H> {
    /// Streams at 0, 1 and 2; the three roots at 3, 4 and 5.
    #[must_use]
    pub fn new(mounts: Mounts, host: H) -> Self {
        let all = Access { read: true, write: true, append: false };
        let descriptor = |target, root| Some(Descriptor { target, root, position: 0, access: all });
        let mut tree = Tree::new(&mounts.sample_name, mounts.sample_bytes, mounts.limits);
        let mut table = vec![
            descriptor(Target::Stdin, tree::INPUT),
            descriptor(Target::Stdout, tree::INPUT),
            descriptor(Target::Stderr, tree::INPUT),
        ];
        for (ino, _) in PREOPENS {
            tree.hold(ino);
            table.push(descriptor(Target::Node(ino), ino));
        }
        Self {
            tree,
            table,
            sample: mounts.sample,
            stdin: mounts.stdin,
            stdout: Vec::new(),
            stderr_room: mounts.limits.stderr_bytes,
            bytes_read: 0,
            denied: None,
            limits: mounts.limits,
            host,
        }
    }

    /// The path under which a preopened directory is known.
    ///
    /// # Errors
    /// `Badf` for any other descriptor, which is how libc finds the end of the list.
    pub fn preopen(&self, fd: Fd) -> Result<&'static str, Errno> {
        let Target::Node(ino) = self.get(fd)?.target else { return Err(Errno::Badf) };
        let number = fd.checked_sub(FIRST_PREOPEN).and_then(|it| usize::try_from(it).ok()).ok_or(Errno::Badf)?;
        PREOPENS.get(number).filter(|it| it.0 == ino).map(|it| it.1).ok_or(Errno::Badf)
    }

    /// What the guest printed, once it has ended.
    pub fn take_stdout(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stdout)
    }

    /// Bytes of the sample that the guest has read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The first attempt to reach what is not there to be reached.
    #[must_use]
    pub fn denied(&self) -> Option<&str> {
        self.denied.as_deref()
    }

    /// What the guest left below `/out`.
    #[must_use]
    pub fn artifacts(&self) -> Vec<Artifact> {
        self.tree.artifacts()
    }

    /// What a descriptor is.
    ///
    /// # Errors
    /// `Badf`.
    pub fn file_type(&self, fd: Fd) -> Result<(FileType, Access), Errno> {
        let descriptor = self.get(fd)?;
        let file_type = match descriptor.target {
            Target::Stdin | Target::Stdout | Target::Stderr => FileType::Stream,
            Target::Node(ino) if self.tree.stat(ino).directory => FileType::Directory,
            Target::Node(_) => FileType::Regular,
        };
        Ok((file_type, descriptor.access))
    }

    /// Where writes go from now on.
    ///
    /// # Errors
    /// `Badf`.
    pub fn set_writes_to(&mut self, fd: Fd, place: WritesTo) -> Result<(), Errno> {
        self.get_mut(fd)?.access.append = place == WritesTo::End;
        Ok(())
    }

    /// Size and number; `None` for a stream.
    ///
    /// # Errors
    /// `Badf`.
    pub fn stat(&self, fd: Fd) -> Result<Option<Stat>, Errno> {
        match self.get(fd)?.target {
            Target::Stdin | Target::Stdout | Target::Stderr => Ok(None),
            Target::Node(ino) => Ok(Some(self.tree.stat(ino))),
        }
    }

    /// Size and number of what a path names.
    ///
    /// # Errors
    /// `Badf`, `Notdir` and those of the walk.
    pub fn stat_at(&mut self, fd: Fd, path: &[u8]) -> Result<Stat, Errno> {
        let (root, from) = self.directory(fd)?;
        let found = self.tree.find(root, from, path);
        self.note(found, path).map(|ino| self.tree.stat(ino))
    }

    /// Reads at the descriptor's position and moves it.
    ///
    /// # Errors
    /// `Badf`, `Isdir`.
    pub fn read(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<usize, CallError> {
        let position = self.get(fd)?.position;
        let count = self.read_at(fd, buffer, position)?;
        self.get_mut(fd)?.position += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }

    /// Reads at `offset` and leaves the position.
    ///
    /// # Errors
    /// `Badf`, `Isdir`.
    pub fn read_at(&mut self, fd: Fd, buffer: &mut [u8], offset: u64) -> Result<usize, CallError> {
        let descriptor = *self.get(fd)?;
        if !descriptor.access.read {
            return Err(Errno::Badf.into());
        }
        match descriptor.target {
            Target::Stdout | Target::Stderr => Err(Errno::Badf.into()),
            Target::Stdin => match &self.stdin {
                Stdin::Sample => self.read_sample(buffer, offset),
                Stdin::Bytes(bytes) => {
                    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                    let count = buffer.len().min(bytes.len() - from);
                    buffer[..count].copy_from_slice(&bytes[from..from + count]);
                    Ok(count)
                }
            },
            Target::Node(ino) => match self.tree.kind(ino) {
                Kind::Directory(_) => Err(Errno::Isdir.into()),
                Kind::Gone => Err(Errno::Badf.into()),
                Kind::Sample => self.read_sample(buffer, offset),
                Kind::File(file) => {
                    let count = usize::try_from(self.tree.size(ino).saturating_sub(offset)).unwrap_or(usize::MAX);
                    let count = count.min(buffer.len());
                    read_fully(file.as_fd(), &mut buffer[..count], offset).map_err(CallError::from)
                }
            },
        }
    }

    /// Writes at the descriptor's position (or the end, when appending) and moves it.
    ///
    /// # Errors
    /// `Badf`; `output-limit` past a quota.
    pub fn write(&mut self, fd: Fd, bytes: &[u8]) -> Result<usize, CallError> {
        let descriptor = *self.get(fd)?;
        let offset = match descriptor.target {
            Target::Node(ino) if descriptor.access.append => self.tree.size(ino),
            Target::Node(_) | Target::Stdin | Target::Stdout | Target::Stderr => descriptor.position,
        };
        let count = self.write_at(fd, bytes, offset)?;
        self.get_mut(fd)?.position = offset.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    /// Writes at `offset` and leaves the position.
    ///
    /// # Errors
    /// `Badf`; `output-limit` past a quota.
    pub fn write_at(&mut self, fd: Fd, bytes: &[u8], offset: u64) -> Result<usize, CallError> {
        let descriptor = *self.get(fd)?;
        if !descriptor.access.write {
            return Err(Errno::Badf.into());
        }
        match descriptor.target {
            Target::Stdin => Err(Errno::Badf.into()),
            Target::Stdout => self.print(bytes),
            Target::Stderr => self.log(bytes),
            Target::Node(ino) => {
                let Kind::File(_) = self.tree.kind(ino) else { return Err(Errno::Badf.into()) };
                let end = offset.checked_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX)).ok_or(Errno::Inval)?;
                if bytes.is_empty() {
                    return Ok(0);
                }
                if end > self.tree.size(ino) {
                    self.tree.resize(ino, end)?;
                }
                let Kind::File(file) = self.tree.kind(ino) else { return Err(Errno::Badf.into()) };
                write_fully(file.as_fd(), bytes, offset)?;
                Ok(bytes.len())
            }
        }
    }

    /// Cuts or extends a file.
    ///
    /// # Errors
    /// `Badf`, `Inval` for what is no writable file; `output-limit`.
    pub fn set_size(&mut self, fd: Fd, size: u64) -> Result<(), CallError> {
        let descriptor = *self.get(fd)?;
        let Target::Node(ino) = descriptor.target else { return Err(Errno::Inval.into()) };
        let Kind::File(_) = self.tree.kind(ino) else { return Err(Errno::Inval.into()) };
        if !descriptor.access.write {
            return Err(Errno::Badf.into());
        }
        self.resize_file(ino, size)
    }

    /// Moves the position.
    ///
    /// # Errors
    /// `Badf`, `Spipe` for streams, `Inval` before the start.
    pub fn seek(&mut self, fd: Fd, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let descriptor = *self.get(fd)?;
        let Target::Node(ino) = descriptor.target else { return Err(Errno::Spipe) };
        if self.tree.stat(ino).directory {
            return Err(Errno::Badf);
        }
        let base = match whence {
            Whence::Start => 0,
            Whence::Current => descriptor.position,
            Whence::End => self.tree.size(ino),
        };
        let position = base.checked_add_signed(offset).ok_or(Errno::Inval)?;
        self.get_mut(fd)?.position = position;
        Ok(position)
    }

    /// A directory's entries, in the order of their names.
    ///
    /// # Errors
    /// `Badf`, `Notdir`.
    pub fn list(&self, fd: Fd) -> Result<Vec<(String, Stat)>, Errno> {
        match self.get(fd)?.target {
            Target::Node(ino) => self.tree.list(ino),
            Target::Stdin | Target::Stdout | Target::Stderr => Err(Errno::Notdir),
        }
    }

    /// Opens what a path names, making it when asked to.
    ///
    /// # Errors
    /// Those of the walk, `Rofs` for any wish to change `/input`, `Mfile` past the cap of descriptors; `output-limit`.
    pub fn open_at(&mut self, fd: Fd, path: &[u8], how: OpenHow) -> Result<Fd, CallError> {
        let (root, from) = self.directory(fd)?;
        let slot = self.free_slot()?;
        let found = self.tree.find(root, from, path);
        let ino = match self.note(found, path) {
            Ok(_) if how.create && how.exclusive => return Err(Errno::Exist.into()),
            Ok(ino) => self.open_existing(ino, path, how)?,
            Err(Errno::Noent) if how.create && !how.directory && !super::path::wants_directory(path) => {
                self.create(root, from, path)?
            }
            Err(errno) => return Err(errno.into()),
        };
        self.tree.hold(ino);
        let descriptor = Descriptor { target: Target::Node(ino), root, position: 0, access: how.access };
        if slot == self.table.len() {
            self.table.push(None);
        }
        self.table[slot] = Some(descriptor);
        Fd::try_from(slot).map_err(|_| Errno::Mfile.into())
    }

    /// Closes a descriptor.
    ///
    /// # Errors
    /// `Badf`.
    pub fn close(&mut self, fd: Fd) -> Result<(), Errno> {
        let descriptor = *self.get(fd)?;
        if let Target::Node(ino) = descriptor.target {
            self.tree.release(ino);
        }
        self.table[index(fd)?] = None;
        Ok(())
    }

    /// Moves a descriptor over another one, which is closed first.
    ///
    /// # Errors
    /// `Badf` when either is not open.
    pub fn renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        let descriptor = *self.get(from)?;
        self.get(to)?;
        if from != to {
            self.close(to)?;
            self.table[index(to)?] = Some(descriptor);
            self.table[index(from)?] = None;
        }
        Ok(())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Those of the walk, `Rofs`, `Exist`; `output-limit`.
    pub fn make_directory(&mut self, fd: Fd, path: &[u8]) -> Result<(), CallError> {
        let (root, from) = self.directory(fd)?;
        let parent = self.tree.find_parent(root, from, path);
        let (directory, name) = self.note(parent, path)?;
        let made = self.tree.add_directory(directory, name);
        self.note_change(made, path).map(drop)
    }

    /// Removes a file, or an empty directory when `directory` says so.
    ///
    /// # Errors
    /// Those of the walk, `Rofs`, `Isdir`, `Notdir`, `Notempty`.
    pub fn remove(&mut self, fd: Fd, path: &[u8], expected: FileType) -> Result<(), CallError> {
        let (root, from) = self.directory(fd)?;
        let parent = self.tree.find_parent(root, from, path);
        let (directory, name) = self.note(parent, path)?;
        let ino = self.tree.entry(directory, name).ok_or(Errno::Noent)?;
        let wanted_directory = super::path::wants_directory(path);
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
    /// Those of the walk, `Rofs` as soon as either end lies in `/input`.
    pub fn rename(&mut self, from: (Fd, &[u8]), to: (Fd, &[u8])) -> Result<(), CallError> {
        let (from_root, from_directory) = self.directory(from.0)?;
        let (to_root, to_directory) = self.directory(to.0)?;
        let old = self.tree.find_parent(from_root, from_directory, from.1);
        let old = self.note(old, from.1)?;
        let new = self.tree.find_parent(to_root, to_directory, to.1);
        let new = self.note(new, to.1)?;
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
            let written = how.truncate || (how.access.write && !how.directory);
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

    fn create(&mut self, root: Ino, from: Ino, path: &[u8]) -> Result<Ino, CallError> {
        let (directory, name) = self.tree.find_parent(root, from, path)?;
        let room = self.tree.check_room(directory, name);
        self.note_change(room, path)?;
        let file = self.host.create_file().map_err(CallError::Host)?;
        self.tree.add_file(directory, name, file)
    }

    fn resize_file(&mut self, ino: Ino, size: u64) -> Result<(), CallError> {
        self.tree.resize(ino, size)?;
        if let Kind::File(file) = self.tree.kind(ino) {
            rustix::fs::ftruncate(file, size)?;
        }
        Ok(())
    }

    fn read_sample(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, CallError> {
        let count = read_fully(self.sample.as_fd(), buffer, offset)?;
        self.bytes_read = self.bytes_read.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    fn print(&mut self, bytes: &[u8]) -> Result<usize, CallError> {
        let total = u64::try_from(self.stdout.len() + bytes.len()).unwrap_or(u64::MAX);
        if total > self.limits.stdout_bytes {
            return Err(CallError::Limit(Reason::OutputLimit, "stdout_bytes"));
        }
        self.stdout.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// A full log is no reason to end a run: the rest is dropped, and the log says so.
    fn log(&mut self, bytes: &[u8]) -> Result<usize, CallError> {
        let room = usize::try_from(self.stderr_room).unwrap_or(usize::MAX);
        if room > 0 {
            let kept = &bytes[..bytes.len().min(room)];
            self.host.log(kept).map_err(CallError::Host)?;
            self.stderr_room -= u64::try_from(kept.len()).unwrap_or(0);
            if kept.len() < bytes.len() || self.stderr_room == 0 {
                self.stderr_room = 0;
                self.host.log(b"\n[log cut here: stderr_bytes is used up]\n").map_err(CallError::Host)?;
            }
        }
        Ok(bytes.len())
    }

    fn directory(&self, fd: Fd) -> Result<(Ino, Ino), Errno> {
        let descriptor = self.get(fd)?;
        match descriptor.target {
            Target::Node(ino) if self.tree.stat(ino).directory => Ok((descriptor.root, ino)),
            Target::Node(_) | Target::Stdin | Target::Stdout | Target::Stderr => Err(Errno::Notdir),
        }
    }

    fn free_slot(&self) -> Result<usize, Errno> {
        let slot = self.table.iter().position(Option::is_none).unwrap_or(self.table.len());
        if u64::try_from(slot).unwrap_or(u64::MAX) < self.limits.descriptors { Ok(slot) } else { Err(Errno::Mfile) }
    }

    fn get(&self, fd: Fd) -> Result<&Descriptor, Errno> {
        self.table.get(index(fd)?).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    fn get_mut(&mut self, fd: Fd) -> Result<&mut Descriptor, Errno> {
        self.table.get_mut(index(fd)?).and_then(Option::as_mut).ok_or(Errno::Badf)
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

fn index(fd: Fd) -> Result<usize, Errno> {
    usize::try_from(fd).map_err(|_| Errno::Badf)
}

/// Reads until the buffer is full or the file ends; a short read of the kernel is not the guest's business.
fn read_fully(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> rustix::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        if i64::try_from(at).is_err() {
            break; // Past what a file can hold: the end, as far as the guest is concerned.
        }
        match rustix::io::pread(file, &mut buffer[filled..], at) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => (),
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

fn write_fully(file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> rustix::io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        let at = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        match rustix::io::pwrite(file, &bytes[written..], at) {
            Ok(count) => written += count,
            Err(rustix::io::Errno::INTR) => (),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
