//! Has a module compiled by a confined process that lives for this alone.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::nursery::Nursery;
use super::process::Process;
use crate::analysis::module::Effort;
use crate::analysis::module::Manner;
use crate::analysis::module::ModuleFacts;
use crate::limits::CompileLimits;
use crate::wire::Command;
use crate::wire::Event;
use crate::wire::Walls;

/// What compiling is held to.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub limits: CompileLimits,
    /// The first attempt is at full effort, whatever is said here.
    pub manner: Manner,
    /// Which must stand.
    pub walls: Walls,
}

/// Compiles a module into the empty file `program`; a module that is too dear is tried once more with least effort.
///
/// Inside, the effort that it took, or every reason to refuse it; a process that died of it is one of them.
///
/// # Errors
/// When no process can be had, which says nothing of the module.
pub async fn compile(
    nursery: &Nursery,
    module: &OwnedFd,
    program: &OwnedFd,
    terms: Terms,
) -> io::Result<Result<(ModuleFacts, Effort), Vec<String>>> {
    let Terms { limits, manner, walls } = terms;
    let told = serde_json::to_string(&limits).map_err(io::Error::other)?;
    let mut over = Over::Else;
    for effort in [Effort::Full, Effort::Least] {
        let process = Process::start(nursery, &["compile", "--limits", &told]).await?;
        if process.walls != walls {
            return Err(io::Error::other(format!("a compiler came up with other walls: {:?}", process.walls)));
        }
        let attempt = attempt(process, (module, program), limits, Manner { effort, ..manner });
        match tokio::time::timeout(Duration::from_millis(limits.wall_ms), attempt).await {
            Ok(Ok(compiled)) => return Ok(compiled.map(|facts| (facts, effort))),
            // Dead or too slow: the cheaper way may do.
            Ok(Err(Dead { over: what, error })) => {
                tracing::warn!(%error, ?effort, "a compiling process failed");
                over = what;
            }
            Err(_) => {
                tracing::warn!(wall_ms = limits.wall_ms, ?effort, "a compiling process took too long");
                over = Over::Wall;
            }
        }
        // What is left of an attempt is written over by the next.
        rustix::fs::ftruncate(program, 0)?;
        rustix::fs::seek(program, rustix::fs::SeekFrom::Start(0))?;
    }
    Ok(Err(vec![over.told(&limits)]))
}

/// An attempt whose process died.
struct Dead {
    over: Over,
    error: io::Error,
}

/// What an attempt died over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Cpu,
    Memory,
    Wall,
    /// No limit of ours that can be told.
    Else,
}

impl Over {
    /// By the signal that ended the process, and what it said before.
    fn by(signal: Option<i32>, said: &str) -> Self {
        const KILL: i32 = 9;
        const CPU: i32 = 24;
        match signal {
            Some(KILL | CPU) => Self::Cpu,
            // Of std, when there is none to be had. What it does then to end the process, the filter of calls does first.
            Some(_) | None if said.contains("memory allocation of") => Self::Memory,
            Some(_) | None => Self::Else,
        }
    }

    /// For the module's author.
    fn told(self, limits: &CompileLimits) -> String {
        let (name, value) = match self {
            Self::Cpu => ("cpu_s", limits.cpu_s),
            Self::Memory => ("memory_bytes", limits.memory_bytes),
            Self::Wall => ("wall_ms", limits.wall_ms),
            Self::Else => return "compiling it fails: its process died; the log of this server says how".to_owned(),
        };
        format!("compiling it needs more than `{name}` allows, which is {value}")
    }
}

impl From<io::Error> for Dead {
    fn from(error: io::Error) -> Self {
        Self { over: Over::Else, error }
    }
}

async fn attempt(
    mut process: Process,
    (module, program): (&OwnedFd, &OwnedFd),
    limits: CompileLimits,
    manner: Manner,
) -> Result<Result<ModuleFacts, Vec<String>>, Dead> {
    process.send(&Command::Compile(limits, manner), &[module.as_fd(), program.as_fd()]).await?;
    match process.receive().await? {
        Some(Event::Compiled(facts)) => Ok(Ok(facts)),
        Some(Event::Refused(reasons)) => Ok(Err(reasons)),
        None => {
            let said = process.last_words().await;
            Err(Dead { over: Over::by(process.signal().await, &said), error: io::Error::other(said) })
        }
        Some(odd) => Err(io::Error::other(format!("compiling ended with {}", odd.name())).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_attempt_died_over_is_named_with_its_value() {
        let limits = CompileLimits { cpu_s: 7, memory_bytes: 8, wall_ms: 9, ..CompileLimits::DEFAULT };
        for (over, named) in [
            (Over::by(Some(9), ""), "`cpu_s` allows, which is 7"),
            (Over::by(Some(24), ""), "`cpu_s` allows, which is 7"),
            (
                Over::by(Some(31), "signal: 31: memory allocation of 9 bytes failed"),
                "`memory_bytes` allows, which is 8",
            ),
            (Over::Wall, "`wall_ms` allows, which is 9"),
            (Over::by(Some(31), ""), "its process died"),
            (Over::by(None, "panicked"), "its process died"),
        ] {
            assert!(over.told(&limits).contains(named), "{over:?}: {}", over.told(&limits));
        }
    }
}
