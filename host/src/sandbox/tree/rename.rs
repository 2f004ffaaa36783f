//! Moving names, and how deep things lie.

use super::Ino;
use super::Kind;
use super::Tree;
use crate::sandbox::errno::Errno;

impl Tree {
    /// Moves a name, replacing what stood at the new one.
    ///
    /// # Errors
    /// `Rofs`, `Noent`, `Isdir`, `Notdir`, `Notempty`; `Inval` for a directory into itself; `Nametoolong` where something of it would
    /// lie too deep, or at too long a path.
    pub fn rename(&mut self, (from, old): (Ino, &str), (to, new): (Ino, &str)) -> Result<(), Errno> {
        if !self.writable(from) || !self.writable(to) {
            return Err(Errno::Rofs);
        }
        let ino = self.entry(from, old).ok_or(Errno::Noent)?;
        if !self.nodes[to].linked {
            return Err(Errno::Noent);
        }
        if self.is_within(to, ino) {
            return Err(Errno::Inval);
        }
        let directory = matches!(self.nodes[ino].kind, Kind::Directory(_));
        if let Some(replaced) = self.entry(to, new) {
            if replaced == ino {
                return Ok(());
            }
            match (directory, matches!(self.nodes[replaced].kind, Kind::Directory(_))) {
                (false, true) => return Err(Errno::Isdir),
                (true, false) => return Err(Errno::Notdir),
                (true, true) | (false, false) => (),
            }
        }
        let (height, below) = self.extent(ino);
        let (bounds, bytes) = (self.bounds(), self.path_bytes(to) + new.len() + below);
        if self.depth(to) + height > bounds.depth + 1 || bytes > bounds.bytes {
            return Err(Errno::Nametoolong);
        }
        if self.entry(to, new).is_some() {
            self.remove(to, new)?;
        }
        if let Kind::Directory(names) = &mut self.nodes[from].kind {
            names.remove(old);
        }
        if let Kind::Directory(names) = &mut self.nodes[to].kind {
            names.insert(new.to_owned(), ino);
        }
        self.nodes[ino].parent = to;
        self.nodes[ino].name_bytes = new.len();
        Ok(())
    }

    /// Of a root 1, hence of what lies in it how many names lead there.
    pub(super) fn depth(&self, mut ino: Ino) -> usize {
        let mut depth = 0;
        while self.nodes[ino].parent != ino {
            ino = self.nodes[ino].parent;
            depth += 1;
        }
        depth + 1
    }

    /// Of the path from its root to what lies in that directory, all but the name.
    pub(super) fn path_bytes(&self, mut ino: Ino) -> usize {
        let mut bytes = 0;
        while self.nodes[ino].parent != ino {
            bytes += self.nodes[ino].name_bytes + 1;
            ino = self.nodes[ino].parent;
        }
        bytes
    }

    /// How many names deep what lies there is, 1 for a file, and how long the longest path to anything in it.
    fn extent(&self, ino: Ino) -> (usize, usize) {
        let (mut height, mut longest) = (0, 0);
        let mut level = vec![(ino, 0)];
        while !level.is_empty() {
            height += 1;
            let mut next = Vec::new();
            for (ino, bytes) in level {
                longest = longest.max(bytes);
                if let Kind::Directory(names) = &self.nodes[ino].kind {
                    next.extend(names.iter().map(|(name, child)| (*child, bytes + 1 + name.len())));
                }
            }
            level = next;
        }
        (height, longest)
    }

    fn is_within(&self, mut ino: Ino, ancestor: Ino) -> bool {
        loop {
            if ino == ancestor {
                return true;
            }
            let parent = self.nodes[ino].parent;
            if parent == ino {
                return false;
            }
            ino = parent;
        }
    }
}
