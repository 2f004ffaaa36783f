//! `belljar approve`: the operator vouches for a module, with a server running or without.

use std::path::PathBuf;

use anyhow::Context;

use super::say;
use crate::id::ModuleDigest;
use crate::store::marks;
use crate::store::marks::Approval;
use crate::time::Clock;
use crate::time::SystemClock;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The SHA-256 of the module; `GET /modules` tells those in quarantine.
    module: ModuleDigest,
    /// Where it is or may come to be stored; a server that works there heeds it within a second.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
}

/// Vouches for it.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { module, data } = arguments;
    marks::mark_beside(data, *module, &Approval { since: SystemClock.now() })
        .with_context(|| format!("cannot write to {}", data.display()))?;
    say(&format!("{module} is approved: signed or not, it can be installed and asked"));
    Ok(())
}
