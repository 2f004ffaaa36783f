//! A file system in memory that knows what a power cut may leave: whatever was made since the last sync is there or not,
//! each by itself, names and bytes apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use host::store::faults::Traced;

type Node = usize;
type Names = BTreeMap<(Node, String), Node>;
type Contents = BTreeMap<Node, Vec<u8>>;

const ROOT: Node = 0;

#[derive(Debug, Clone)]
enum Kind {
    Directory,
    File,
    Link(String),
}

/// One thing that reaches the disk, or does not.
#[derive(Debug, Clone)]
enum Effect {
    Name {
        directory: Node,
        name: String,
        node: Node,
    },
    NoName {
        directory: Node,
        name: String,
    },
    /// A rename is whole or is not: that much every file system promises.
    Move {
        from: (Node, String),
        to: (Node, String),
        node: Node,
    },
    Append {
        node: Node,
        bytes: Vec<u8>,
    },
    Set {
        node: Node,
        bytes: Vec<u8>,
    },
    Cut {
        node: Node,
        bytes: usize,
    },
}

/// What a power cut makes of what was not synced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    Everything,
    Nothing,
    /// Names were written and bytes were not, as with delayed allocation.
    Bytes,
    /// By chance, each by itself.
    Some(u64),
}

/// Everything that was done, in order, by what it does to the disk.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    kinds: Vec<Kind>,
    /// At which change each came about; 0 is what was there before.
    effects: Vec<(usize, Effect)>,
    /// The bytes of a file are safe from that change on, if they were written before it.
    synced_files: Vec<(usize, Node)>,
    /// When a sync was over, and when it had begun.
    syncs: Vec<(usize, usize)>,
    pub(super) changes: usize,
    /// As a process sees it.
    tree: Names,
    root: PathBuf,
}

impl Recorded {
    /// What is there before the first change, without the files that lie in these folders.
    pub(super) fn before(root: &Path, bare: &[&str]) -> Self {
        let root = root.canonicalize().unwrap();
        let mut it = Self { kinds: vec![Kind::Directory], root, ..Self::default() };
        let top = it.root.clone();
        it.take_in(&top, ROOT, bare);
        it
    }

    fn take_in(&mut self, path: &Path, directory: Node, bare: &[&str]) {
        let is_bare = path.file_name().and_then(|it| it.to_str()).is_some_and(|it| bare.contains(&it));
        for entry in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                let node = self.name(directory, name, Kind::Directory);
                self.take_in(&entry.path(), node, bare);
            } else if is_bare {
                continue;
            } else if kind.is_symlink() {
                let target = std::fs::read_link(entry.path()).unwrap();
                self.name(directory, name, Kind::Link(target.to_str().unwrap().to_owned()));
            } else {
                let node = self.name(directory, name, Kind::File);
                self.push(Effect::Append { node, bytes: std::fs::read(entry.path()).unwrap() });
            }
        }
    }

    /// The next change.
    pub(super) fn take(&mut self, traced: Traced) {
        self.changes += 1;
        match traced {
            Traced::Create(path) => self.make(&path, Kind::File),
            Traced::MakeDirectory(path) => self.make(&path, Kind::Directory),
            Traced::Link(target, path) => self.make(&path, Kind::Link(target)),
            Traced::Write(path, bytes) => {
                let node = self.find(&path);
                node.into_iter().for_each(|node| self.push(Effect::Append { node, bytes: bytes.clone() }));
            }
            Traced::Truncate(path, bytes) => {
                let bytes = usize::try_from(bytes).unwrap();
                self.find(&path).into_iter().for_each(|node| self.push(Effect::Cut { node, bytes }));
            }
            Traced::Overwrite(path, bytes) => {
                if self.find(&path).is_none() {
                    self.make(&path, Kind::File);
                }
                let node = self.find(&path);
                node.into_iter().for_each(|node| self.push(Effect::Set { node, bytes: bytes.clone() }));
            }
            Traced::SyncFile(path) => {
                let node = self.find(&path);
                self.synced_files.extend(node.map(|node| (self.changes, node)));
            }
            Traced::Rename(from, to) => self.rename(&from, &to),
            Traced::Remove(path) => {
                if let Some((directory, name)) = self.place(&path) {
                    self.unname(directory, name);
                }
            }
            Traced::RemoveTree(path) => {
                if let (Some(node), Some((directory, name))) = (self.find(&path), self.place(&path)) {
                    self.remove_below(node);
                    self.unname(directory, name);
                }
            }
            Traced::SyncBegun => self.syncs.push((usize::MAX, self.changes)),
            Traced::Synced => {
                let last = self.syncs.last_mut().expect("a sync begins before it ends");
                last.0 = self.changes;
            }
        }
    }

    fn push(&mut self, effect: Effect) {
        self.effects.push((self.changes, effect));
    }

    fn name(&mut self, directory: Node, name: String, kind: Kind) -> Node {
        let node = self.kinds.len();
        self.kinds.push(kind);
        self.tree.insert((directory, name.clone()), node);
        self.push(Effect::Name { directory, name, node });
        node
    }

    fn unname(&mut self, directory: Node, name: String) {
        self.tree.remove(&(directory, name.clone()));
        self.push(Effect::NoName { directory, name });
    }

    fn make(&mut self, path: &Path, kind: Kind) {
        if let Some((directory, name)) = self.place(path) {
            self.name(directory, name, kind);
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let (Some(node), Some(from), Some(to)) = (self.find(from), self.place(from), self.place(to)) else { return };
        self.tree.remove(&from);
        self.tree.insert(to.clone(), node);
        self.push(Effect::Move { from, to, node });
    }

    fn remove_below(&mut self, node: Node) {
        let children: Vec<_> = self.tree.keys().filter(|it| it.0 == node).cloned().collect();
        for (directory, name) in children {
            let child = self.tree[&(directory, name.clone())];
            self.remove_below(child);
            self.unname(directory, name);
        }
    }

    /// The directory and the name of what lies there, if that is looked at.
    fn place(&self, path: &Path) -> Option<(Node, String)> {
        let name = path.file_name()?.to_str()?.to_owned();
        Some((self.find(path.parent()?)?, name))
    }

    fn find(&self, path: &Path) -> Option<Node> {
        let below = path.strip_prefix(&self.root).ok()?;
        below.iter().try_fold(ROOT, |at, part| self.tree.get(&(at, part.to_str()?.to_owned())).copied())
    }

    /// Writes down what a power cut just after that many changes leaves.
    pub(super) fn leave(&self, changes: usize, loss: Loss, target: &Path) {
        let safe = self.syncs.iter().filter(|it| it.0 <= changes).map(|it| it.1).max().unwrap_or(0);
        let mut names = Names::new();
        let mut bytes = Contents::new();
        for (number, (at, effect)) in self.effects.iter().enumerate() {
            if *at > changes {
                break;
            }
            let fate = if *at <= safe || self.file_is_safe(*at, effect, changes) {
                Fate::Kept
            } else {
                loss.fate(number, effect)
            };
            match (effect, fate) {
                (Effect::Append { node, bytes: more }, Fate::Zeroed) => {
                    let file = bytes.entry(*node).or_default();
                    file.resize(file.len() + more.len(), 0);
                }
                (Effect::Set { node, bytes: all }, Fate::Zeroed) => drop(bytes.insert(*node, vec![0; all.len()])),
                (_, Fate::Lost | Fate::Zeroed) => (),
                (Effect::Name { directory, name, node }, Fate::Kept) => {
                    names.insert((*directory, name.clone()), *node);
                }
                (Effect::NoName { directory, name }, Fate::Kept) => drop(names.remove(&(*directory, name.clone()))),
                (Effect::Move { from, to, node }, Fate::Kept) => {
                    if names.get(from) == Some(node) {
                        names.remove(from);
                    }
                    names.insert(to.clone(), *node);
                }
                (Effect::Append { node, bytes: more }, Fate::Kept) => bytes.entry(*node).or_default().extend(more),
                (Effect::Cut { node, bytes: left }, Fate::Kept) => bytes.entry(*node).or_default().truncate(*left),
                (Effect::Set { node, bytes: all }, Fate::Kept) => drop(bytes.insert(*node, all.clone())),
            }
        }
        self.write(ROOT, (&names, &bytes), target);
    }

    fn file_is_safe(&self, at: usize, effect: &Effect, changes: usize) -> bool {
        let (Effect::Append { node, .. } | Effect::Set { node, .. } | Effect::Cut { node, .. }) = effect else {
            return false;
        };
        self.synced_files.iter().any(|(synced, file)| file == node && *synced <= changes && at <= *synced)
    }

    fn write(&self, node: Node, disk: (&Names, &Contents), path: &Path) {
        match &self.kinds[node] {
            Kind::Directory => {
                std::fs::create_dir(path).unwrap();
                for ((_, name), child) in disk.0.range((node, String::new())..(node + 1, String::new())) {
                    self.write(*child, disk, &path.join(name));
                }
            }
            Kind::File => std::fs::write(path, disk.1.get(&node).map_or(&[][..], Vec::as_slice)).unwrap(),
            Kind::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    /// A file is as long as it was to be, and empty.
    Zeroed,
}

impl Loss {
    fn fate(self, number: usize, effect: &Effect) -> Fate {
        let is_bytes = matches!(effect, Effect::Append { .. } | Effect::Set { .. });
        match self {
            Self::Everything => Fate::Lost,
            Self::Nothing => Fate::Kept,
            Self::Bytes if is_bytes => Fate::Lost,
            Self::Bytes => Fate::Kept,
            Self::Some(seed) => {
                // SplitMix64 (Steele, Lea, Flood 2014), one step for each.
                let mixed = (seed ^ u64::try_from(number).unwrap()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                match (mixed >> 60) % 4 {
                    0 | 1 => Fate::Kept,
                    2 if is_bytes => Fate::Zeroed,
                    _ => Fate::Lost,
                }
            }
        }
    }
}
