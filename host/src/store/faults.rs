//! Probes for tests of whole servers, by `belljar serve --fault …`. Release builds have none of it.
//!
//! - `die:17`: the process is killed in place of the 17th change of the data directory; `die:2@queue/`: in place of the 2nd
//!   of those whose path has that in it.
//! - `nospc:17`, `io:17`: that change fails, as on a full or a broken disk.
//! - `full-while:PATH`: as long as that file is there, nothing can be written.
//! - `trace:PATH`: every change is written down there, a line of JSON each, with all that is needed to make it again.

use std::collections::HashSet;
use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rustix::io::Errno;
use serde::Deserialize;
use serde::Serialize;

use super::probe::Change;
use super::probe::Probe;

/// What is to go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// At which change, and of what alone.
    Die(u64, Option<String>),
    Fail(u64, Failing),
    FullWhile(PathBuf),
    Trace(PathBuf),
}

/// How a change fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    Full,
    Broken,
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').ok_or("write it as KIND:WHAT")?;
        let number = |text: &str| text.parse().map_err(|error| format!("`{text}`: {error}"));
        Ok(match kind {
            "die" => match rest.split_once('@') {
                Some((at, part)) => Self::Die(number(at)?, Some(part.to_owned())),
                None => Self::Die(number(rest)?, None),
            },
            "nospc" => Self::Fail(number(rest)?, Failing::Full),
            "io" => Self::Fail(number(rest)?, Failing::Broken),
            "full-while" => Self::FullWhile(rest.into()),
            "trace" => Self::Trace(rest.into()),
            _ => return Err(format!("`{kind}`: one of die, nospc, io, full-while, trace")),
        })
    }
}

impl Plan {
    /// The probe that does so.
    ///
    /// # Errors
    /// When the trace cannot be written.
    pub fn probe(&self) -> io::Result<Arc<dyn Probe>> {
        Ok(match self {
            Self::Die(number, of) => Arc::new(Counted { left: AtomicU64::new(*number), of: of.clone(), end: End::Die }),
            Self::Fail(number, failing) => {
                Arc::new(Counted { left: AtomicU64::new(*number), of: None, end: End::Fail(*failing) })
            }
            Self::FullWhile(path) => Arc::new(FullWhile(path.clone())),
            Self::Trace(path) => Arc::new(Tracer(Mutex::new(Trace { out: File::create(path)?, lent: HashSet::new() }))),
        })
    }
}

#[derive(Debug)]
enum End {
    Die,
    Fail(Failing),
}

#[derive(Debug)]
struct Counted {
    left: AtomicU64,
    /// What a path has in it, for its change to count.
    of: Option<String>,
    end: End,
}

impl Probe for Counted {
    fn before(&self, change: Change<'_>) -> io::Result<()> {
        if matches!(self.end, End::Fail(Failing::Full)) && !takes_room(change) {
            return Ok(());
        }
        let (what, path) = name(change);
        if self.of.as_ref().is_some_and(|part| !path.to_string_lossy().contains(part)) {
            return Ok(());
        }
        // Goes on counting below zero, which takes longer than any test.
        if self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return Ok(());
        }
        tracing::warn!(fault = ?self.end, what, path = %path.display(), "a fault was asked for here");
        match self.end {
            End::Fail(Failing::Full) => Err(Errno::NOSPC.into()),
            End::Fail(Failing::Broken) => Err(Errno::IO.into()),
            End::Die => {
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                loop {
                    std::thread::park();
                }
            }
        }
    }

    fn after(&self, _: Change<'_>) {}
}

#[derive(Debug)]
struct FullWhile(PathBuf);

impl Probe for FullWhile {
    fn before(&self, change: Change<'_>) -> io::Result<()> {
        // Moving a thing takes none in a directory that has held as many.
        let moves = matches!(change, Change::Rename(..));
        if takes_room(change) && !moves && self.0.exists() { Err(Errno::NOSPC.into()) } else { Ok(()) }
    }

    fn after(&self, _: Change<'_>) {}
}

/// Whether a full disk can refuse it.
fn takes_room(change: Change<'_>) -> bool {
    match change {
        Change::Create(_)
        | Change::Lend(_)
        | Change::Write(..)
        | Change::Overwrite(..)
        | Change::MakeDirectory(_)
        | Change::Link(..)
        | Change::Rename(..) => true,
        Change::Truncate(..) | Change::Remove(_) | Change::RemoveTree(_) | Change::SyncFile(_) | Change::Sync => false,
    }
}

fn name(change: Change<'_>) -> (&'static str, &Path) {
    match change {
        Change::Create(path) => ("create", path),
        Change::Lend(path) => ("lend", path),
        Change::Write(path, _) => ("write", path),
        Change::Truncate(path, _) => ("truncate", path),
        Change::Overwrite(path, _) => ("overwrite", path),
        Change::SyncFile(path) => ("sync-file", path),
        Change::MakeDirectory(path) => ("make-directory", path),
        Change::Link(_, path) => ("link", path),
        Change::Rename(_, path) => ("rename", path),
        Change::Remove(path) => ("remove", path),
        Change::RemoveTree(path) => ("remove-tree", path),
        Change::Sync => ("sync", Path::new("")),
    }
}

/// A change as the trace has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traced {
    Create(PathBuf),
    Write(PathBuf, Vec<u8>),
    Truncate(PathBuf, u64),
    Overwrite(PathBuf, Vec<u8>),
    SyncFile(PathBuf),
    MakeDirectory(PathBuf),
    Link(String, PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveTree(PathBuf),
    /// What was made before is on disk once the next `Synced` stands.
    SyncBegun,
    Synced,
}

#[derive(Debug)]
struct Tracer(Mutex<Trace>);

#[derive(Debug)]
struct Trace {
    out: File,
    /// What confined processes write into is written down when it gets its name.
    lent: HashSet<PathBuf>,
}

impl Probe for Tracer {
    fn before(&self, change: Change<'_>) -> io::Result<()> {
        if matches!(change, Change::Sync) { self.trace().put(&Traced::SyncBegun) } else { Ok(()) }
    }

    fn after(&self, change: Change<'_>) {
        let mut trace = self.trace();
        let put = match change {
            Change::Create(path) => trace.put(&Traced::Create(path.into())),
            Change::Lend(path) => {
                trace.lent.insert(path.into());
                trace.put(&Traced::Create(path.into()))
            }
            Change::Write(path, bytes) => trace.put(&Traced::Write(path.into(), bytes.into())),
            Change::Truncate(path, bytes) => trace.put(&Traced::Truncate(path.into(), bytes)),
            Change::Overwrite(path, bytes) => trace.put(&Traced::Overwrite(path.into(), bytes.into())),
            Change::SyncFile(path) => trace.put(&Traced::SyncFile(path.into())),
            Change::MakeDirectory(path) => trace.put(&Traced::MakeDirectory(path.into())),
            Change::Link(target, path) => trace.put(&Traced::Link(target.into(), path.into())),
            Change::Rename(from, to) => trace.renamed(from, to),
            Change::Remove(path) => trace.put(&Traced::Remove(path.into())),
            Change::RemoveTree(path) => trace.put(&Traced::RemoveTree(path.into())),
            Change::Sync => trace.put(&Traced::Synced),
        };
        if let Err(error) = put {
            tracing::error!(%error, "the trace is not whole");
        }
    }
}

impl Tracer {
    fn trace(&self) -> std::sync::MutexGuard<'_, Trace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trace {
    fn put(&mut self, traced: &Traced) -> io::Result<()> {
        let mut line = serde_json::to_vec(traced)?;
        line.push(b'\n');
        self.out.write_all(&line)
    }

    fn renamed(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if self.lent.remove(from) {
            self.put(&Traced::Write(from.into(), std::fs::read(to)?))?;
        }
        self.put(&Traced::Rename(from.into(), to.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_a_kind_and_what_it_needs() {
        assert_eq!("die:3".parse(), Ok(Plan::Die(3, None)));
        assert_eq!("die:3@a/b".parse(), Ok(Plan::Die(3, Some("a/b".into()))));
        assert_eq!("nospc:1".parse(), Ok(Plan::Fail(1, Failing::Full)));
        assert_eq!("trace:/a:b".parse(), Ok(Plan::Trace("/a:b".into())));
        for wrong in ["die", "die:x", "die:@a", "burn:1"] {
            assert!(wrong.parse::<Plan>().is_err(), "{wrong}");
        }
    }
}
