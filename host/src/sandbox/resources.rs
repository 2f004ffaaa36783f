//! Read-only files that ship with a module: a tar in its custom section, looked through once when it is loaded.
//!
//! Nothing is unpacked. A guest reads straight out of the module's file, at the place where the tar has the bytes.

use std::collections::BTreeMap;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use super::tree::Ino;
use super::tree::Kind;
use super::tree::Node;
use super::tree::RESOURCES;
use crate::analysis::module::Span;

/// Most files and directories.
pub const ENTRIES_MAX: usize = 20_000;
/// Longest path within, bytes.
const PATH_BYTES_MAX: usize = 1024;
const DEPTH_MAX: usize = 32;

/// The files, as a tree that every run of the program shares.
#[derive(Debug)]
pub struct Resources {
    /// Absolute, and none of the host's own.
    pub(super) mount: String,
    pub(super) nodes: Vec<Node>,
    pub(super) file: OwnedFd,
}

impl Resources {
    /// Looks through the tar at `span` of `file`.
    ///
    /// # Errors
    /// What is wrong with it, in words for its author.
    pub fn open(file: OwnedFd, span: Span, mount: &str) -> io::Result<Self> {
        let root = Node::new(Kind::Directory(BTreeMap::new()), RESOURCES, 0);
        let mut resources = Self { mount: mount.to_owned(), nodes: vec![root], file };
        for (path, entry) in entries(resources.file.as_fd(), span)? {
            resources.add(&path, entry)?;
        }
        Ok(resources)
    }

    fn add(&mut self, path: &str, entry: Entry) -> io::Result<()> {
        let names: Vec<_> = path.split('/').filter(|it| !matches!(*it, "" | ".")).collect();
        if names.len() > DEPTH_MAX || path.len() > PATH_BYTES_MAX || names.contains(&"..") || path.contains('\0') {
            return Err(odd(format!("`{}` is no path for a file that ships", path.escape_debug())));
        }
        let mut at = 0;
        for (number, name) in names.iter().enumerate() {
            let last = number + 1 == names.len();
            let wanted = match entry {
                Entry::File(span) if last => Node::new(Kind::Resource(span.offset), RESOURCES + at, span.bytes),
                Entry::File(_) | Entry::Directory => Node::new(Kind::Directory(BTreeMap::new()), RESOURCES + at, 0),
            };
            at = self.step(at, name, wanted)?;
        }
        Ok(())
    }

    /// The child of that name, made when it is not there; a file that comes twice is the later one.
    fn step(&mut self, at: usize, name: &str, wanted: Node) -> io::Result<usize> {
        let next = self.nodes.len();
        let Kind::Directory(names) = &mut self.nodes[at].kind else {
            return Err(odd(format!("`{}` lies below a file", name.escape_debug())));
        };
        let known = names.get(name).copied();
        if let Some(known) = known {
            let known = known - RESOURCES;
            if !matches!(wanted.kind, Kind::Directory(_)) {
                self.nodes[known] = wanted;
            }
            return Ok(known);
        }
        if next >= ENTRIES_MAX {
            return Err(odd(format!("more than {ENTRIES_MAX} files and directories ship with it")));
        }
        names.insert(name.to_owned(), RESOURCES + next);
        self.nodes.push(wanted);
        Ok(next)
    }

    /// The node of that number.
    pub(super) fn node(&self, ino: Ino) -> &Node {
        &self.nodes[ino - RESOURCES]
    }
}

enum Entry {
    Directory,
    File(Span),
}

fn entries(file: BorrowedFd<'_>, span: Span) -> io::Result<Vec<(String, Entry)>> {
    let mut archive = tar::Archive::new(Section { file, span, at: 0 });
    let mut found = Vec::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let path = String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| odd("a path is not UTF-8".into()))?;
        let kind = entry.header().entry_type();
        let bytes = entry.size();
        let offset = span.offset.saturating_add(entry.raw_file_position());
        if found.len() >= ENTRIES_MAX {
            return Err(odd(format!("more than {ENTRIES_MAX} files and directories ship with it")));
        }
        if kind.is_file() {
            let end = offset.checked_add(bytes).filter(|end| *end <= span.offset + span.bytes);
            end.ok_or_else(|| odd(format!("`{}` is cut short", path.escape_debug())))?;
            found.push((path, Entry::File(Span { offset, bytes })));
        } else if kind.is_dir() {
            found.push((path, Entry::Directory));
        } else {
            let path = path.escape_debug();
            return Err(odd(format!("`{path}` is neither file nor directory; links and devices cannot ship")));
        }
    }
    Ok(found)
}

/// A part of a file, read by place: the descriptor's own position is nobody's.
struct Section<'a> {
    file: BorrowedFd<'a>,
    span: Span,
    at: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.span.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let got = rustix::io::pread(self.file, &mut buffer[..wanted], self.span.offset + self.at)?;
        self.at += u64::try_from(got).unwrap_or(0);
        Ok(got)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.span.bytes.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| odd("the tar points outside of itself".into()))?;
        Ok(self.at)
    }
}

fn odd(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> io::Result<Resources> {
        let mut builder = tar::Builder::new(Vec::new());
        build(&mut builder);
        let tar = builder.into_inner()?;
        let mut file = tempfile::tempfile()?;
        io::Write::write_all(&mut file, b"wasm")?;
        io::Write::write_all(&mut file, &tar)?;
        let span = Span { offset: 4, bytes: u64::try_from(tar.len()).unwrap() };
        Resources::open(file.into(), span, "/lib")
    }

    fn add(builder: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).unwrap());
        header.set_mode(0o644);
        builder.append_data(&mut header, path, bytes).unwrap();
    }

    #[test]
    fn files_are_found_where_the_tar_has_them() {
        let resources = shipped(|tar| {
            add(tar, "a/b/c.txt", b"hello");
            add(tar, "a/d.txt", b"");
        })
        .unwrap();
        let Kind::Directory(root) = &resources.node(RESOURCES).kind else { panic!() };
        let Kind::Directory(a) = &resources.node(root["a"]).kind else { panic!() };
        assert_eq!(a.keys().collect::<Vec<_>>(), ["b", "d.txt"]);
        let Kind::Directory(b) = &resources.node(a["b"]).kind else { panic!() };
        let Kind::Resource(offset) = resources.node(b["c.txt"]).kind else { panic!() };
        let mut bytes = [0; 5];
        rustix::io::pread(&resources.file, &mut bytes, offset).unwrap();
        assert_eq!(&bytes, b"hello");
    }

    #[test]
    fn links_are_refused_and_so_is_what_lies_below_a_file() {
        let link = shipped(|tar| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            tar.append_link(&mut header, "a", "/etc/passwd").unwrap();
        });
        assert!(link.unwrap_err().to_string().contains("neither file nor directory"));
        let below = shipped(|tar| {
            add(tar, "a", b"x");
            add(tar, "a/b", b"x");
        });
        assert!(below.unwrap_err().to_string().contains("below a file"));
    }
}
