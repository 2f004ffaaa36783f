//! `belljar install`: a module out of a registry, or from anywhere on this machine, into the directory of analyses.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;

use super::pack;
use super::say;
use crate::inspect;
use crate::limits::CompileLimits;
use crate::oci;
use crate::oci::Login;
use crate::oci::Reference;
use crate::registry::package;
use crate::registry::package::Beside;
use crate::registry::package::Parcel;

#[derive(Debug, clap::Args)]
pub(super) struct InstallArguments {
    /// `oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:DIGEST]`, or a `.wasm` file with what lies beside it.
    source: String,
    /// The directory that a server was given by `--analyses`; one that runs installs it within a second, by its own rules.
    #[arg(long)]
    to: PathBuf,
    /// Who pulls, where the registry wants to know.
    #[arg(long, requires = "password_file")]
    username: Option<String>,
    /// A file with the password, or the token, in its first line.
    #[arg(long, requires = "username")]
    password_file: Option<PathBuf>,
}

/// Puts it there as `<name>.wasm`, unless a server would refuse it.
pub(super) fn main(arguments: &InstallArguments) -> anyhow::Result<()> {
    let Parcel { module, signature } = match arguments.source.strip_prefix("oci://") {
        Some(_) => {
            let reference: Reference = arguments.source.parse()?;
            let pulled = oci::pull(&reference, login(arguments)?.as_ref(), CompileLimits::DEFAULT.module_bytes);
            let module = pulled.with_context(|| format!("cannot pull {reference}"))?.into();
            Parcel { module, signature: None }
        }
        None => {
            let path = Path::new(&arguments.source);
            package::read(path).with_context(|| format!("cannot read {}", path.display()))?
        }
    };
    let found = inspect::inspect(&module);
    anyhow::ensure!(found.refused.is_empty(), "a server would refuse it: {}", found.refused.join("; "));
    let name = found.descriptor.as_ref().and_then(|it| it["name"].as_str());
    let name = name.context("its descriptor has no name")?;
    anyhow::ensure!(arguments.to.is_dir(), "{} is no directory", arguments.to.display());
    let path = arguments.to.join(format!("{name}.wasm"));
    // One of the module that was there before would be taken for a forgery.
    let beside = Beside::of(&path).signature;
    if beside.exists() {
        std::fs::remove_file(&beside).with_context(|| format!("cannot remove {}", beside.display()))?;
    }
    pack::replace(&path, &module).with_context(|| format!("cannot write {}", path.display()))?;
    if let Some(signature) = signature {
        pack::replace(&beside, &signature).with_context(|| format!("cannot write {}", beside.display()))?;
    }
    say(&format!("{}: {} bytes, sha256 {}", path.display(), found.size_bytes, found.sha256));
    Ok(())
}

fn login(arguments: &InstallArguments) -> anyhow::Result<Option<Login>> {
    let Some((username, path)) = arguments.username.as_ref().zip(arguments.password_file.as_ref()) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    Ok(Some(Login { username: username.clone(), password }))
}
