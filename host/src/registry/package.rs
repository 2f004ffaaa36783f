//! A module with what lies beside it made into one: `<name>.json` is its descriptor, `<name>.files/` ships with it.
//!
//! Both become sections of the module, so that its digest names all that can change an answer.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use bytes::Bytes;

use crate::analysis::module::DESCRIPTOR_SECTION;
use crate::analysis::module::FILES_SECTION;
use crate::analysis::module::with_sections;

/// What is to be installed.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub module: Bytes,
    /// That came with it; another may be inside.
    pub signature: Option<Vec<u8>>,
}

impl<B: Into<Bytes>> From<B> for Parcel {
    fn from(module: B) -> Self {
        Self { module: module.into(), signature: None }
    }
}

/// Where what belongs into a module lies.
#[derive(Debug)]
pub struct Beside {
    pub descriptor: PathBuf,
    /// A folder.
    pub files: PathBuf,
    /// Of the module as it is, without the others.
    pub signature: PathBuf,
}

impl Beside {
    /// Where it is looked for.
    #[must_use]
    pub fn of(module: &Path) -> Self {
        Self {
            descriptor: module.with_extension("json"),
            files: module.with_extension("files"),
            signature: module.with_extension("wasm.minisig"),
        }
    }
}

/// When a file or a folder changed last, and its size.
pub type Stamp = Option<(u64, i64, i64)>;

/// How one stands now; nothing where there is none.
#[must_use]
pub fn stamp(path: &Path) -> Stamp {
    let found = std::fs::metadata(path).ok()?;
    Some((found.size(), found.mtime(), found.mtime_nsec()))
}

/// How a module stands, and what belongs into it.
#[must_use]
pub fn stamps(module: &Path) -> [Stamp; 4] {
    let beside = Beside::of(module);
    [module, &beside.descriptor, &beside.files, &beside.signature].map(stamp)
}

/// Reads a module as it is to be installed: with what lies beside it inside, and its signature apart.
///
/// # Errors
/// Of the disk; links and devices among the files that ship.
pub fn read(path: &Path) -> io::Result<Parcel> {
    let beside = Beside::of(path);
    let module = pack(&std::fs::read(path)?, &beside)?.into();
    Ok(Parcel { module, signature: read_if_there(&beside.signature)? })
}

/// Puts what is there of it into a module, in place of what it had.
///
/// # Errors
/// Of the disk; links and devices among the files that ship.
pub fn pack(module: &[u8], beside: &Beside) -> io::Result<Vec<u8>> {
    let descriptor = read_if_there(&beside.descriptor)?;
    let files = if beside.files.is_dir() { Some(tar(&beside.files)?) } else { None };
    let sections: Vec<_> = [(DESCRIPTOR_SECTION, &descriptor), (FILES_SECTION, &files)]
        .into_iter()
        .filter_map(|(name, bytes)| Some((name, bytes.as_deref()?)))
        .collect();
    Ok(if sections.is_empty() { module.to_vec() } else { with_sections(module, &sections) })
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The folder as a tar that depends on names and contents alone: the same files, the same bytes.
fn tar(folder: &Path) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut pending = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                pending.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            } else {
                let path = entry.path();
                return Err(io::Error::other(format!("{} is neither file nor directory", path.display())));
            }
        }
    }
    found.sort();
    for path in found {
        let name = path.strip_prefix(folder).map_err(io::Error::other)?;
        let mut header = tar::Header::new_gnu();
        let file = File::open(&path)?;
        header.set_size(file.metadata()?.len());
        header.set_mode(0o444);
        builder.append_data(&mut header, name, file)?;
    }
    builder.into_inner()
}
