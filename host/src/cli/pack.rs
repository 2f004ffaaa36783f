//! `belljar pack`: a module with its descriptor, and the files that ship with it, as one file.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;

use super::say;
use crate::analysis::module::SIGNATURE_SECTION;
use crate::analysis::module::with_sections;
use crate::inspect;
use crate::registry::package;
use crate::registry::package::Beside;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A `.wasm` file, module or component.
    module: PathBuf,
    /// Its descriptor; `<name>.json` beside the module if left out.
    #[arg(long)]
    descriptor: Option<PathBuf>,
    /// The folder of files that ship with it; `<name>.files/` beside the module if left out.
    #[arg(long)]
    files: Option<PathBuf>,
    /// A signature of the module as it is, by `minisign -S`, to be carried inside; what is packed besides would make it void.
    #[arg(long, conflicts_with_all = ["descriptor", "files"])]
    signature: Option<PathBuf>,
    /// Where to write; over the module if left out.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

/// Packs it, unless a server would refuse what comes out.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let path = &arguments.module;
    let module = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut beside = Beside::of(path);
    if let Some(descriptor) = &arguments.descriptor {
        anyhow::ensure!(descriptor.is_file(), "{} is no file", descriptor.display());
        beside.descriptor.clone_from(descriptor);
    }
    if let Some(files) = &arguments.files {
        anyhow::ensure!(files.is_dir(), "{} is no folder", files.display());
        beside.files.clone_from(files);
    }
    let packed = match &arguments.signature {
        Some(signature) => {
            let text = std::fs::read(signature).with_context(|| format!("cannot read {}", signature.display()))?;
            with_sections(&module, &[(SIGNATURE_SECTION, &text)])
        }
        None => package::pack(&module, &beside)?,
    };
    let found = inspect::inspect(&packed);
    anyhow::ensure!(found.refused.is_empty(), "a server would refuse it: {}", found.refused.join("; "));
    let output = arguments.output.as_deref().unwrap_or(path);
    replace(output, &packed).with_context(|| format!("cannot write {}", output.display()))?;
    say(&format!("{}: {} bytes, sha256 {}", output.display(), found.size_bytes, found.sha256));
    Ok(())
}

/// Whoever installs from there sees the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path)).inspect_err(|_| {
        drop(std::fs::remove_file(&part));
    })
}
