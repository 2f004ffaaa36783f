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
/// Inside, every reason to refuse it; a process that died of it is one of them.
///
/// # Errors
/// When no process can be had, which says nothing of the module.
pub async fn compile(
    nursery: &Nursery,
    module: &OwnedFd,
    program: &OwnedFd,
    (limits, nan): (CompileLimits, Nan),
) -> io::Result<Result<ModuleFacts, Vec<String>>> {
    let told = serde_json::to_string(&limits).map_err(io::Error::other)?;
    for effort in [Effort::Full, Effort::Least] {
        let process = Process::start(nursery, &["compile", "--limits", &told]).await?;
        let attempt = attempt(process, (module, program), limits, (effort, nan));
        match tokio::time::timeout(Duration::from_millis(limits.wall_ms), attempt).await {
            Ok(Ok(compiled)) => return Ok(compiled),
            // Dead or too slow: the cheaper way may do.
            Ok(Err(error)) => tracing::warn!(%error, ?effort, "a compiling process failed"),
            Err(_) => tracing::warn!(wall_ms = limits.wall_ms, ?effort, "a compiling process took too long"),
        }
        // What is left of an attempt is written over by the next.
        _ = rustix::fs::ftruncate(program, 0);
    }
    Ok(Err(vec![format!("compiling it costs more than {} CPU-seconds or {} bytes", limits.cpu_s, limits.memory_bytes)]))
}

async fn attempt(
    mut process: Process,
    (module, program): (&OwnedFd, &OwnedFd),
    limits: CompileLimits,
    (effort, nan): (Effort, Nan),
) -> io::Result<Result<ModuleFacts, Vec<String>>> {
    process.send(&Command::Compile(limits, effort, nan), &[module.as_fd(), program.as_fd()]).await?;
    match process.receive().await? {
        Some(Event::Compiled(facts)) => Ok(Ok(facts)),
        Some(Event::Refused(reasons)) => Ok(Err(reasons)),
        None => Err(io::Error::other(process.last_words().await)),
        Some(odd) => Err(io::Error::other(format!("compiling ended with {odd:?}"))),
    }
}
