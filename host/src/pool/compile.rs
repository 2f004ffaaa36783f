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
    /// What is to stay free on the disk, bytes.
    pub reserve_bytes: u64,
}

/// How often it is looked what room is left.
const LOOK_EVERY: Duration = Duration::from_millis(25);

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
    let Terms { limits, manner, walls, reserve_bytes } = terms;
    let told = serde_json::to_string(&limits).map_err(io::Error::other)?;
    // Where the reserve is touched already, half of what is left is for this.
    let floor = reserve_bytes.min(free_bytes(program)? / 2);
    let mut over = Over::Else;
    for effort in [Effort::Full, Effort::Least] {
        let process = Process::start(nursery, &["compile", "--limits", &told]).await?;
        if process.walls != walls {
            return Err(io::Error::other(format!("a compiler came up with other walls: {:?}", process.walls)));
        }
        let asked = Asked { limits, manner: Manner { effort, ..manner }, floor };
        match attempt(process, (module, program), asked).await? {
            Ok(compiled) => return Ok(compiled.map(|facts| (facts, effort))),
            Err(Dead { over: Over::Room, .. }) => return Err(io::ErrorKind::StorageFull.into()),
            // Dead or too slow: the cheaper way may do.
            Err(Dead { over: what, error }) => {
                tracing::warn!(%error, ?effort, "a compiling process failed");
                over = what;
            }
        }
        // What is left of an attempt is written over by the next.
        rustix::fs::ftruncate(program, 0)?;
        rustix::fs::seek(program, rustix::fs::SeekFrom::Start(0))?;
    }
    Ok(Err(vec![over.told(&limits)]))
}

/// One attempt.
#[derive(Debug, Clone, Copy)]
struct Asked {
    limits: CompileLimits,
    manner: Manner,
    /// What has to stay free on the disk, bytes.
    floor: u64,
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
    Program,
    /// Room on the disk, whoever took it.
    Room,
    /// No limit of ours that can be told.
    Else,
}

impl Over {
    /// By the signal that ended the process, and what it said before.
    fn by(signal: Option<i32>, said: &str) -> Self {
        const KILL: i32 = 9;
        const CPU: i32 = 24;
        const FILE: i32 = 25;
        match signal {
            Some(KILL | CPU) => Self::Cpu,
            Some(FILE) => Self::Program,
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
            Self::Program => ("program_bytes", limits.program_bytes),
            Self::Room | Self::Else => {
                return "compiling it fails: its process died; the log of this server says how".to_owned();
            }
        };
        format!("compiling it needs more than `{name}` allows, which is {value}")
    }
}

impl From<io::Error> for Dead {
    fn from(error: io::Error) -> Self {
        Self { over: Over::Else, error }
    }
}

/// Inside, what came of it; the process is dead by then, and its program is what it will be.
async fn attempt(
    mut process: Process,
    (module, program): (&OwnedFd, &OwnedFd),
    asked: Asked,
) -> io::Result<Result<Result<ModuleFacts, Vec<String>>, Dead>> {
    let ended = tokio::select! {
        ended = answer(&mut process, (module, program), asked) => ended,
        () = tokio::time::sleep(Duration::from_millis(asked.limits.wall_ms)) => {
            Err(Dead { over: Over::Wall, error: io::Error::other("it took too long") })
        }
        () = filled(program, asked.floor) => {
            Err(Dead { over: Over::Room, error: io::ErrorKind::StorageFull.into() })
        }
    };
    process.end().await?;
    Ok(ended)
}

async fn answer(
    process: &mut Process,
    (module, program): (&OwnedFd, &OwnedFd),
    asked: Asked,
) -> Result<Result<ModuleFacts, Vec<String>>, Dead> {
    process.send(&Command::Compile(asked.limits, asked.manner), &[module.as_fd(), program.as_fd()]).await?;
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

/// Waits until less than that is free on the disk where a program is written.
async fn filled(program: &OwnedFd, floor: u64) {
    // Where that cannot be told it is no reason.
    while free_bytes(program).map_or(true, |bytes| bytes >= floor) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn free_bytes(file: &OwnedFd) -> io::Result<u64> {
    let facts = rustix::fs::fstatvfs(file)?;
    Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::super::process::stand_in;
    use super::*;
    use crate::wire;

    #[test]
    fn what_an_attempt_died_over_is_named_with_its_value() {
        let limits =
            CompileLimits { cpu_s: 7, memory_bytes: 8, wall_ms: 9, program_bytes: 10, ..CompileLimits::DEFAULT };
        for (over, named) in [
            (Over::by(Some(9), ""), "`cpu_s` allows, which is 7"),
            (Over::by(Some(24), ""), "`cpu_s` allows, which is 7"),
            (
                Over::by(Some(31), "signal: 31: memory allocation of 9 bytes failed"),
                "`memory_bytes` allows, which is 8",
            ),
            (Over::Wall, "`wall_ms` allows, which is 9"),
            (Over::by(Some(25), ""), "`program_bytes` allows, which is 10"),
            (Over::by(Some(31), ""), "its process died"),
            (Over::by(None, "panicked"), "its process died"),
        ] {
            assert!(over.told(&limits).contains(named), "{over:?}: {}", over.told(&limits));
        }
    }

    /// How an attempt ends whose process does not end by itself, and whether it is there afterwards.
    async fn attempt_by(said: Option<Event>, asked: Asked) -> Result<Result<ModuleFacts, Vec<String>>, Over> {
        let nursery = Nursery::open().unwrap();
        let (process, theirs) = stand_in::start(&nursery, &["sleep", "600"]).await;
        let pid = process.identity.pid;
        if let Some(event) = said {
            wire::send(theirs.as_fd(), &event, &[]).unwrap();
        }
        let files = [(); 2].map(|()| OwnedFd::from(tempfile::tempfile().unwrap()));
        let ended = attempt(process, (&files[0], &files[1]), asked).await.unwrap();
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "it can still write its program");
        ended.map_err(|it| it.over)
    }

    #[tokio::test]
    async fn a_compiler_is_dead_before_its_program_is_looked_at() {
        let asked = Asked { limits: CompileLimits::DEFAULT, manner: Manner::DEFAULT, floor: 0 };
        let facts = ModuleFacts::default();
        assert_eq!(attempt_by(Some(Event::Compiled(facts.clone())), asked).await, Ok(Ok(facts)));
        let slow = Asked { limits: CompileLimits { wall_ms: 50, ..CompileLimits::DEFAULT }, ..asked };
        assert_eq!(attempt_by(None, slow).await, Err(Over::Wall));
    }

    #[tokio::test]
    async fn a_compiler_leaves_the_reserve_of_the_disk_alone() {
        let asked = Asked { limits: CompileLimits::DEFAULT, manner: Manner::DEFAULT, floor: u64::MAX };
        assert_eq!(attempt_by(None, asked).await, Err(Over::Room));
    }
}
