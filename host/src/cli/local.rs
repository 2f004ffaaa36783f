//! The parts of a server for the time of one command, in a directory that vanishes with it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use crate::assembly;
use crate::assembly::Assembly;
use crate::store::cache::ProgramCache;
use crate::store::scratch::Scratch;

/// What one command compiles the next need not: in `$XDG_CACHE_HOME/belljar`, or `~/.cache/belljar`. Where that cannot be had, or is
/// somebody else's too, everything is compiled each time.
pub(super) fn cache() -> Option<ProgramCache> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
    let base = base.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    ProgramCache::open(base.join("belljar")).ok()
}

/// Puts them together and does that work with them.
pub(super) fn with_assembly<T>(
    options: impl FnOnce(PathBuf) -> assembly::Options,
    work: impl AsyncFnOnce(&Assembly) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let scratch = Scratch::new("belljar").context("no room for a data directory")?;
    let options = options(scratch.path().join("data"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let assembly = assembly::assemble(options).await?;
        work(&assembly).await
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    done
}
