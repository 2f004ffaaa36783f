//! `belljar revoke`: a module marked as bad, with a server running or without.

use std::path::PathBuf;

use anyhow::Context;

use super::say;
use crate::id::ModuleDigest;
use crate::store::marks;
use crate::store::marks::Revocation;
use crate::time::Clock;
use crate::time::SystemClock;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The SHA-256 of the module.
    module: ModuleDigest,
    /// Why, for whoever has a result of it.
    #[arg(long)]
    reason: String,
    /// Where it is or may come to be stored; a server that works there heeds it within a second.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
}

/// Marks it.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { module, reason, data } = arguments;
    let revocation = Revocation { reason: reason.clone(), since: SystemClock.now() };
    marks::mark_beside(data, *module, &revocation).with_context(|| format!("cannot write to {}", data.display()))?;
    say(&format!("{module} is revoked: nobody can ask it, and its results say so"));
    Ok(())
}
