//! A module with what lies beside it made into one: `<name>.json` is its descriptor, `<name>.files/` ships with it.
//!
//! Both become sections of the module, so that its digest names all that can change an answer.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::analysis::module::DESCRIPTOR_SECTION;
use crate::analysis::module::FILES_SECTION;
use crate::analysis::module::with_sections;

/// Reads a module as it is to be installed.
///
/// # Errors
/// Of the disk; links and devices among the files that ship.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let module = std::fs::read(path)?;
    let sidecar = match std::fs::read(path.with_extension("json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        read => Some(read?),
    };
    let folder = path.with_extension("files");
    let files = if folder.is_dir() { Some(tar(&folder)?) } else { None };
    let sections: Vec<_> = [(DESCRIPTOR_SECTION, &sidecar), (FILES_SECTION, &files)]
        .into_iter()
        .filter_map(|(name, bytes)| Some((name, bytes.as_deref()?)))
        .collect();
    Ok(if sections.is_empty() { module } else { with_sections(&module, &sections) })
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
