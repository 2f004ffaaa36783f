//! Has a module compiled by a confined process that lives for this alone.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::nursery::Nursery;
use super::process::Process;
use crate::analysis::module::Effort;
use crate::analysis::module::ModuleFacts;
use crate::analysis::module::Nan;
use crate::limits::CompileLimits;
use crate::wire::Command;
use crate::wire::Event;

/// Compiles a module into the empty file `program`; a module that is too dear is tried once more with least effort.
///
/// # Errors
/// Every reason to refuse it; a process that died is one of them.
pub async fn compile(
    nursery: &Nursery,
    module: &OwnedFd,
    program: &OwnedFd,
    (limits, nan): (CompileLimits, Nan),
) -> Result<ModuleFacts, Vec<String>> {
    for effort in [Effort::Full, Effort::Least] {
        match tokio::time::timeout(
            Duration::from_millis(limits.wall_ms),
            attempt(nursery, (module, program), limits, (effort, nan)),
        )
        .await
        {
            Ok(Ok(compiled)) => return compiled,
            // Dead or too slow: the cheaper way may do.
            Ok(Err(error)) => tracing::warn!(%error, ?effort, "a compiling process failed"),
            Err(_) => tracing::warn!(wall_ms = limits.wall_ms, ?effort, "a compiling process took too long"),
        }
        // What is left of an attempt is written over by the next.
        _ = rustix::fs::ftruncate(program, 0);
    }
    Err(vec![format!("compiling it costs more than {} CPU-seconds or {} bytes", limits.cpu_s, limits.memory_bytes)])
}

async fn attempt(
    nursery: &Nursery,
    (module, program): (&OwnedFd, &OwnedFd),
    limits: CompileLimits,
    (effort, nan): (Effort, Nan),
) -> io::Result<Result<ModuleFacts, Vec<String>>> {
    let told = serde_json::to_string(&limits).map_err(io::Error::other)?;
    let mut process = Process::start(nursery, &["compile", "--limits", &told]).await?;
    process.send(&Command::Compile(limits, effort, nan), &[module.as_fd(), program.as_fd()]).await?;
    match process.receive().await? {
        Some(Event::Compiled(facts)) => Ok(Ok(facts)),
        Some(Event::Refused(reasons)) => Ok(Err(reasons)),
        None => Err(io::Error::other(process.last_words().await)),
        Some(odd) => Err(io::Error::other(format!("compiling ended with {odd:?}"))),
    }
}
