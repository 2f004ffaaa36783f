//! Paths as guests write them, cut into names. Pure text: nothing here touches a file system.

use super::errno::Errno;
use crate::limits::Limits;

/// Longest single name, bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// How long a path may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub bytes: usize,
    /// Names in it, hence also how deep directories go.
    pub depth: usize,
}

impl Bounds {
    /// Those of a run.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
        Self { bytes: size(limits.path_bytes), depth: size(limits.path_depth) }
    }
}

/// One step of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    Name(&'a str),
    Parent,
}

/// The steps of a relative path; `.` and doubled slashes vanish.
///
/// # Errors
/// `Notcapable` for an absolute path, `Ilseq` for bytes that are not UTF-8, `Inval` for a NUL or nothing at all,
/// `Nametoolong` past the bounds.
pub fn steps(path: &[u8], bounds: Bounds) -> Result<Vec<Step<'_>>, Errno> {
    if path.len() > bounds.bytes {
        return Err(Errno::Nametoolong);
    }
    let text = std::str::from_utf8(path).map_err(|_| Errno::Ilseq)?;
    if text.is_empty() {
        return Err(Errno::Noent);
    }
    if text.contains('\0') {
        return Err(Errno::Inval);
    }
    if text.starts_with('/') {
        return Err(Errno::Notcapable);
    }
    let steps: Vec<_> = text
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .map(|name| if name == ".." { Step::Parent } else { Step::Name(name) })
        .collect();
    let name_too_long = |step: &Step<'_>| matches!(step, Step::Name(name) if name.len() > NAME_BYTES_MAX);
    if steps.len() > bounds.depth || steps.iter().any(name_too_long) {
        return Err(Errno::Nametoolong);
    }
    Ok(steps)
}

/// Whether the path insists on naming a directory (`x/`, `x/.`).
#[must_use]
pub fn wants_directory(path: &[u8]) -> bool {
    path.ends_with(b"/") || path.ends_with(b"/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 600, depth: 8 };

    #[test]
    fn a_path_is_cut_into_names_and_parents() {
        use Step::{Name, Parent};
        assert_eq!(steps(b"a//./b/../c/", BOUNDS).unwrap(), [Name("a"), Name("b"), Parent, Name("c")]);
        assert_eq!(steps(b".", BOUNDS).unwrap(), []);
    }

    #[test]
    fn odd_paths_are_refused_by_name() {
        let refused = |path: &[u8]| steps(path, BOUNDS).unwrap_err();
        assert_eq!(refused(b"/etc/passwd"), Errno::Notcapable);
        assert_eq!(refused(b""), Errno::Noent);
        assert_eq!(refused(b"a\0b"), Errno::Inval);
        assert_eq!(refused(b"\xff\xfe"), Errno::Ilseq);
        assert_eq!(refused(&[b'x'; NAME_BYTES_MAX + 1]), Errno::Nametoolong);
        assert!(steps(&[b'x'; NAME_BYTES_MAX], BOUNDS).is_ok());
        assert_eq!(refused("a/".repeat(BOUNDS.depth + 1).as_bytes()), Errno::Nametoolong);
        assert!(steps("a/".repeat(BOUNDS.depth).as_bytes(), BOUNDS).is_ok());
        assert_eq!(refused("./".repeat(BOUNDS.bytes / 2 + 1).as_bytes()), Errno::Nametoolong);
        assert!(steps("./".repeat(BOUNDS.bytes / 2).as_bytes(), BOUNDS).is_ok());
    }
}
