//! The virtual file system as a guest's descriptors see it: one read-only sample, `/out` and `/tmp` in a quota,
//! three streams. WASI's faces are thin over this.
//!
//! Invariants: no call names a path of the host; every write is counted before it is carried out; the sample is
//! only ever read. An attempt to leave the roots or to change `/input` is remembered, so that a run that fails
//! over it fails as `denied`.

mod bytes;
mod paths;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::errno::Errno;
use super::port::Host;
use super::resources::Resources;
use super::tree;
use super::tree::Artifact;
use super::tree::Ino;
use super::tree::Stat;
use super::tree::Tree;
use crate::limits::Limits;

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

/// Length that a file gets without a byte being written. It is as dear as what is written: whoever reads the file later
/// reads that much.
#[derive(Debug, Clone, Copy)]
struct Holes {
    made: u64,
    afforded: u64,
}

/// The state of one run's files.
#[derive(Debug)]
pub struct Vfs<H> {
    tree: Tree,
    /// Directories that are open from the start, and where a guest finds them.
    roots: Vec<(Ino, String)>,
    sample_name: String,
    table: Vec<Option<Descriptor>>,
    sample: OwnedFd,
    stdin: Stdin,
    stdout: Vec<u8>,
    /// Bytes that the log still takes; `None` once it was cut.
    stderr_room: Option<u64>,
    bytes_read: u64,
    /// Bytes of holes that the call under way has made, and that it may make.
    holes: Holes,
    denied: Option<String>,
    limits: Limits,
    /// What the sandbox asks of its surroundings.
    pub host: H,
}

/// The guest's stdin.
pub const STDIN_FD: Fd = 0;
/// The guest's stdout.
pub const STDOUT_FD: Fd = 1;
/// The guest's stderr.
pub const STDERR_FD: Fd = 2;
const FIRST_ROOT: Fd = 3;
/// `/out`, open from the start.
pub const OUT_FD: Fd = 4;

impl<H: Host> Vfs<H> {
    /// Streams at 0, 1 and 2; the roots from 3 on.
    #[must_use]
    pub fn new(mounts: Mounts, resources: Option<Arc<Resources>>, host: H) -> Self {
        let all = Access { read: true, write: true, append: false };
        let descriptor = |target| Some(Descriptor { target, position: 0, access: all });
        let mut tree = Tree::new((&mounts.sample_name, mounts.sample_bytes), mounts.limits, resources);
        let mut roots =
            vec![(tree::INPUT, "/input".to_owned()), (tree::OUT, "/out".to_owned()), (tree::TMP, "/tmp".to_owned())];
        roots.extend(tree.resources().map(|it| (tree::RESOURCES, it.mount.clone())));
        let mut table = vec![descriptor(Target::Stdin), descriptor(Target::Stdout), descriptor(Target::Stderr)];
        for (ino, _) in &roots {
            tree.hold(*ino);
            table.push(descriptor(Target::Node(*ino)));
        }
        Self {
            tree,
            roots,
            sample_name: mounts.sample_name,
            table,
            sample: mounts.sample,
            stdin: mounts.stdin,
            stdout: Vec::new(),
            stderr_room: Some(mounts.limits.stderr_bytes),
            bytes_read: 0,
            holes: Holes { made: 0, afforded: u64::MAX },
            denied: None,
            limits: mounts.limits,
            host,
        }
    }

    /// The path under which a preopened directory is known.
    ///
    /// # Errors
    /// `Badf` for any other descriptor, which is how libc finds the end of the list.
    pub fn preopen(&self, fd: Fd) -> Result<&str, Errno> {
        let Target::Node(ino) = self.get(fd)?.target else { return Err(Errno::Badf) };
        let number = fd.checked_sub(FIRST_ROOT).and_then(|it| usize::try_from(it).ok()).ok_or(Errno::Badf)?;
        self.roots.get(number).filter(|it| it.0 == ino).map(|it| it.1.as_str()).ok_or(Errno::Badf)
    }

    /// The directories that are open from the start.
    #[must_use]
    pub fn preopens(&self) -> Vec<(Fd, &str)> {
        (FIRST_ROOT..).zip(&self.roots).map(|(fd, (_, path))| (fd, path.as_str())).collect()
    }

    /// Name and size of the sample, bytes.
    #[must_use]
    pub fn sample(&self) -> (&str, u64) {
        (&self.sample_name, self.tree.size(tree::SAMPLE))
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

    /// Begins to count holes, of which so many bytes can be paid for.
    pub fn afford_holes(&mut self, bytes: u64) {
        self.holes = Holes { made: 0, afforded: bytes };
    }

    /// Bytes of holes made since then.
    #[must_use]
    pub fn holes(&self) -> u64 {
        self.holes.made
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

    /// A directory's entries, in the order of their names.
    ///
    /// # Errors
    /// `Badf`, `Notdir`.
    pub fn list(&self, fd: Fd) -> Result<impl Iterator<Item = (&str, Stat)>, Errno> {
        match self.get(fd)?.target {
            Target::Node(ino) => self.tree.list(ino),
            Target::Stdin | Target::Stdout | Target::Stderr => Err(Errno::Notdir),
        }
    }

    /// The first name of a directory past `after`, with what it names.
    ///
    /// # Errors
    /// `Badf`, `Notdir`.
    pub fn next_name(&self, fd: Fd, after: Option<&str>) -> Result<Option<(String, Stat)>, Errno> {
        match self.get(fd)?.target {
            Target::Node(ino) => self.tree.next_name(ino, after),
            Target::Stdin | Target::Stdout | Target::Stderr => Err(Errno::Notdir),
        }
    }

    /// A second descriptor of the same thing, with a position of its own.
    ///
    /// # Errors
    /// `Badf`, `Mfile`.
    pub fn duplicate(&mut self, fd: Fd, position: u64) -> Result<Fd, Errno> {
        let descriptor = Descriptor { position, ..*self.get(fd)? };
        self.put(descriptor)
    }

    /// Closes a descriptor that the guest was given; streams and roots stay, since they are given again.
    pub fn close_own(&mut self, fd: Fd) {
        let kept = u32::try_from(self.roots.len()).unwrap_or(0) + FIRST_ROOT;
        if fd >= kept {
            let closed = self.close(fd);
            debug_assert!(closed.is_ok(), "only ever called for what is open");
        }
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

    /// The directory that paths of this descriptor start from, and that they cannot leave.
    fn directory(&self, fd: Fd) -> Result<Ino, Errno> {
        let descriptor = self.get(fd)?;
        match descriptor.target {
            Target::Node(ino) if self.tree.stat(ino).directory => Ok(ino),
            Target::Node(_) | Target::Stdin | Target::Stdout | Target::Stderr => Err(Errno::Notdir),
        }
    }

    fn put(&mut self, descriptor: Descriptor) -> Result<Fd, Errno> {
        let slot = self.free_slot()?;
        if let Target::Node(ino) = descriptor.target {
            self.tree.hold(ino);
        }
        if slot == self.table.len() {
            self.table.push(None);
        }
        self.table[slot] = Some(descriptor);
        Fd::try_from(slot).map_err(|_| Errno::Mfile)
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
}

fn index(fd: Fd) -> Result<usize, Errno> {
    usize::try_from(fd).map_err(|_| Errno::Badf)
}

#[cfg(test)]
mod tests;
