//! The tree of the virtual file system: three roots, one read-only file, what the guest makes, what its module ships.
//!
//! ```text
//! /input/<name>  /input/the_file   the sample, read-only
//! /out/…         /tmp/…            made by the guest, within the quota
//! <mount>/…                        what the module ships, read-only, shared by all runs
//! ```
//! No name of the host is reachable, because none is here: bytes lie in descriptors that the host handed over.
//! There are no links, so a node has one parent and `..` is a look-up; directories list in the order of their names.

mod rename;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::errno::CallError;
use super::errno::Errno;
use super::path;
use super::path::Bounds;
use super::path::Step;
use super::resources::Resources;
use crate::limits::Limits;
use crate::run::Reason;

/// Index of a node; also its inode number, less one.
pub type Ino = usize;

pub const INPUT: Ino = 0;
pub const OUT: Ino = 1;
pub const TMP: Ino = 2;
pub const SAMPLE: Ino = 3;
const FIRST_MADE: Ino = 4;
/// Root of what the module ships; its nodes count on from here, past whatever a guest can make.
pub const RESOURCES: Ino = 1 << 24;

/// What a node is.
#[derive(Debug)]
pub enum Kind {
    Directory(BTreeMap<String, Ino>),
    Sample,
    File(OwnedFd),
    /// Ships with the module; where it begins in the module's file, bytes.
    Resource(u64),
    /// Removed; the number is not given out again.
    Gone,
}

/// A file or directory.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    parent: Ino,
    /// How long the name is that leads there.
    name_bytes: usize,
    size: u64,
    /// Descriptors that the guest holds on it.
    open: u32,
    linked: bool,
}

impl Node {
    pub(super) fn new(kind: Kind, parent: Ino, size: u64) -> Self {
        Self { kind, parent, name_bytes: 0, size, open: 0, linked: true }
    }
}

/// What a guest may learn of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    pub ino: u64,
    pub directory: bool,
    pub size: u64,
}

/// A file that the guest left below `/out`.
#[derive(Debug)]
pub struct Artifact {
    /// Below `/out`, joined by `/`.
    pub path: String,
    pub size: u64,
    /// Which of the files that the host handed over, counted from 0.
    pub file_number: u32,
}

/// All nodes, and the quota they count against.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    file_numbers: BTreeMap<Ino, u32>,
    files_made: u32,
    entries: u64,
    bytes: u64,
    limits: Limits,
    resources: Option<Arc<Resources>>,
}

impl Tree {
    /// The three roots and the sample under its two names.
    #[must_use]
    pub fn new(sample: (&str, u64), limits: Limits, resources: Option<Arc<Resources>>) -> Self {
        let (sample_name, sample_bytes) = sample;
        let names = BTreeMap::from([(sample_name.to_owned(), SAMPLE), ("the_file".to_owned(), SAMPLE)]);
        let nodes = vec![
            Node::new(Kind::Directory(names), INPUT, 0),
            Node::new(Kind::Directory(BTreeMap::new()), OUT, 0),
            Node::new(Kind::Directory(BTreeMap::new()), TMP, 0),
            Node::new(Kind::Sample, INPUT, sample_bytes),
        ];
        Self { nodes, file_numbers: BTreeMap::new(), files_made: 0, entries: 0, bytes: 0, limits, resources }
    }

    /// What stands at that number.
    #[must_use]
    pub fn kind(&self, ino: Ino) -> &Kind {
        &self.node(ino).kind
    }

    /// Size in bytes; 0 for directories.
    #[must_use]
    pub fn size(&self, ino: Ino) -> u64 {
        self.node(ino).size
    }

    /// What `fd_filestat_get` tells.
    #[must_use]
    pub fn stat(&self, ino: Ino) -> Stat {
        let node = self.node(ino);
        let directory = matches!(node.kind, Kind::Directory(_));
        Stat { ino: u64::try_from(ino).unwrap_or(0) + 1, directory, size: node.size }
    }

    /// Whether the guest may change it.
    #[must_use]
    pub fn writable(&self, ino: Ino) -> bool {
        ino != INPUT && ino != SAMPLE && ino < RESOURCES
    }

    /// What the module ships.
    #[must_use]
    pub fn resources(&self) -> Option<&Resources> {
        self.resources.as_deref()
    }

    /// The first name of a directory past `after`, with what it names.
    ///
    /// # Errors
    /// `Notdir`.
    pub fn next_name(&self, ino: Ino, after: Option<&str>) -> Result<Option<(String, Stat)>, Errno> {
        use std::ops::Bound;
        let Kind::Directory(names) = self.kind(ino) else { return Err(Errno::Notdir) };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let next = names.range::<str, _>((from, Bound::Unbounded)).next();
        Ok(next.map(|(name, ino)| (name.clone(), self.stat(*ino))))
    }

    /// Names in a directory, in their order, with what they name; `.` and `..` first.
    ///
    /// # Errors
    /// `Notdir`.
    pub fn list(&self, ino: Ino) -> Result<impl Iterator<Item = (&str, Stat)>, Errno> {
        let Kind::Directory(names) = self.kind(ino) else { return Err(Errno::Notdir) };
        let dots = [(".", self.stat(ino)), ("..", self.stat(self.node(ino).parent))];
        Ok(dots.into_iter().chain(names.iter().map(|(name, ino)| (name.as_str(), self.stat(*ino)))))
    }

    /// Walks `path` from the directory `from`, never above it.
    ///
    /// # Errors
    /// `Notcapable` where the path leaves it; `Noent`, `Notdir` and those of [`path::steps`].
    pub fn find(&self, from: Ino, path: &[u8]) -> Result<Ino, Errno> {
        let found = self.walk(from, &path::steps(path, self.bounds())?)?;
        if path::wants_directory(path) && !matches!(self.kind(found), Kind::Directory(_)) {
            return Err(Errno::Notdir);
        }
        Ok(found)
    }

    /// The directory that holds the last name of `path`, and that name.
    ///
    /// # Errors
    /// As [`Self::find`]; `Inval` when the path does not end in a name.
    pub fn find_parent<'a>(&self, from: Ino, path: &'a [u8]) -> Result<(Ino, &'a str), Errno> {
        let steps = path::steps(path, self.bounds())?;
        let Some((last, before)) = steps.split_last() else { return Err(Errno::Inval) };
        let directory = self.walk(from, before)?;
        let Kind::Directory(_) = self.kind(directory) else { return Err(Errno::Notdir) };
        match last {
            Step::Name(name) => Ok((directory, name)),
            Step::Parent => Err(self.walk(from, &steps).err().unwrap_or(Errno::Inval)),
        }
    }

    /// The node of that name in a directory, if there is one.
    #[must_use]
    pub fn entry(&self, directory: Ino, name: &str) -> Option<Ino> {
        match self.kind(directory) {
            Kind::Directory(names) => names.get(name).copied(),
            Kind::Sample | Kind::File(_) | Kind::Resource(_) | Kind::Gone => None,
        }
    }

    /// Makes a file; `descriptor` comes from the host.
    ///
    /// # Errors
    /// As [`Self::check_room`].
    pub fn add_file(&mut self, directory: Ino, name: &str, descriptor: OwnedFd) -> Result<Ino, CallError> {
        let ino = self.add(directory, name, Kind::File(descriptor))?;
        self.file_numbers.insert(ino, self.files_made);
        self.files_made += 1;
        Ok(ino)
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// As [`Self::check_room`].
    pub fn add_directory(&mut self, directory: Ino, name: &str) -> Result<Ino, CallError> {
        self.add(directory, name, Kind::Directory(BTreeMap::new()))
    }

    /// Whether one more name may be made in that directory.
    ///
    /// # Errors
    /// `Rofs` below `/input`, `Exist`, `Nametoolong` too deep or by too long a path; `output-limit` when the quota of names is used up.
    pub fn check_room(&self, directory: Ino, name: &str) -> Result<(), CallError> {
        if !self.writable(directory) {
            return Err(Errno::Rofs.into());
        }
        if self.entry(directory, name).is_some() {
            return Err(Errno::Exist.into());
        }
        if !self.nodes[directory].linked {
            return Err(Errno::Noent.into());
        }
        let bounds = self.bounds();
        if self.depth(directory) > bounds.depth || self.path_bytes(directory) + name.len() > bounds.bytes {
            return Err(Errno::Nametoolong.into());
        }
        // The nodes that are always there do not count as made.
        let made = u64::try_from(self.nodes.len() - FIRST_MADE).unwrap_or(u64::MAX);
        if self.entries >= self.limits.artifacts_count || made >= self.limits.files_made_max() {
            return Err(CallError::Limit(Reason::OutputLimit, "artifacts_count"));
        }
        Ok(())
    }

    /// Takes a name away; the node goes when nobody has it open.
    ///
    /// # Errors
    /// `Rofs` below `/input`, `Noent`, `Notempty`.
    pub fn remove(&mut self, directory: Ino, name: &str) -> Result<(), Errno> {
        if !self.writable(directory) {
            return Err(Errno::Rofs);
        }
        let ino = self.entry(directory, name).ok_or(Errno::Noent)?;
        if let Kind::Directory(names) = &self.nodes[ino].kind
            && !names.is_empty()
        {
            return Err(Errno::Notempty);
        }
        if let Kind::Directory(names) = &mut self.nodes[directory].kind {
            names.remove(name);
        }
        self.nodes[ino].linked = false;
        self.entries -= 1;
        self.forget_if_unused(ino);
        Ok(())
    }

    /// Counts a file's new size against the quota, before anything is written.
    ///
    /// # Errors
    /// `output-limit`. A hole counts like bytes: a sparse file is as long as it says.
    pub fn resize(&mut self, ino: Ino, size: u64) -> Result<(), CallError> {
        let total = (self.bytes - self.nodes[ino].size).saturating_add(size);
        if size > self.limits.artifact_bytes {
            return Err(CallError::Limit(Reason::OutputLimit, "artifact_bytes"));
        }
        if total > self.limits.artifacts_bytes {
            return Err(CallError::Limit(Reason::OutputLimit, "artifacts_bytes"));
        }
        self.bytes = total;
        self.nodes[ino].size = size;
        Ok(())
    }

    /// The guest opened it.
    pub fn hold(&mut self, ino: Ino) {
        if let Some(node) = self.nodes.get_mut(ino) {
            node.open += 1;
        }
    }

    /// The guest closed it.
    pub fn release(&mut self, ino: Ino) {
        if let Some(node) = self.nodes.get_mut(ino) {
            node.open -= 1;
            self.forget_if_unused(ino);
        }
    }

    /// Every file below `/out`, by path.
    #[must_use]
    pub fn artifacts(&self) -> Vec<Artifact> {
        let mut found = Vec::new();
        let mut pending = vec![(OUT, String::new())];
        while let Some((ino, path)) = pending.pop() {
            match &self.nodes[ino].kind {
                Kind::Directory(names) => pending.extend(names.iter().map(|(name, child)| {
                    (*child, if path.is_empty() { name.clone() } else { format!("{path}/{name}") })
                })),
                Kind::File(_) => {
                    let file_number = self.file_numbers.get(&ino).copied().unwrap_or(0);
                    found.push(Artifact { path, size: self.nodes[ino].size, file_number });
                }
                Kind::Sample | Kind::Resource(_) | Kind::Gone => (),
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    fn node(&self, ino: Ino) -> &Node {
        match &self.resources {
            Some(resources) if ino >= RESOURCES => resources.node(ino),
            Some(_) | None => &self.nodes[ino],
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds::of(&self.limits)
    }

    fn walk(&self, root: Ino, steps: &[Step<'_>]) -> Result<Ino, Errno> {
        steps.iter().try_fold(root, |at, step| {
            let Kind::Directory(names) = self.kind(at) else { return Err(Errno::Notdir) };
            match step {
                Step::Parent if at == root => Err(Errno::Notcapable),
                Step::Parent => Ok(self.node(at).parent),
                Step::Name(name) => names.get(*name).copied().ok_or(Errno::Noent),
            }
        })
    }

    fn add(&mut self, directory: Ino, name: &str, kind: Kind) -> Result<Ino, CallError> {
        self.check_room(directory, name)?;
        let ino = self.nodes.len();
        self.nodes.push(Node { name_bytes: name.len(), ..Node::new(kind, directory, 0) });
        if let Kind::Directory(names) = &mut self.nodes[directory].kind {
            names.insert(name.to_owned(), ino);
        }
        self.entries += 1;
        Ok(ino)
    }

    fn forget_if_unused(&mut self, ino: Ino) {
        let node = &mut self.nodes[ino];
        if node.open > 0 || node.linked {
            return;
        }
        // The host keeps the file until the run ends; only what it no longer holds is given back to the quota.
        let emptied = match &node.kind {
            Kind::File(file) => rustix::fs::ftruncate(file, 0).is_ok(),
            Kind::Directory(_) | Kind::Sample | Kind::Resource(_) | Kind::Gone => true,
        };
        if emptied {
            self.bytes -= node.size;
        }
        node.size = 0;
        node.kind = Kind::Gone;
    }
}
