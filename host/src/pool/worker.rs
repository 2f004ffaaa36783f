//! A confined process that has one program loaded, and how one run goes with it.

use std::collections::HashSet;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::nursery::Nursery;
use super::process::Process;
use super::process::memory_taken;
use crate::id::ClientId;
use crate::id::FileId;
use crate::id::ModuleDigest;
use crate::limits::Limits;
use crate::run::Fault;
use crate::run::Reason;
use crate::run::SoFar;
use crate::run::Usage;
use crate::run::WorkerIdentity;
use crate::sandbox::BYTES_PER_FUEL;
use crate::wire;
use crate::wire::ArtifactSpec;
use crate::wire::CHUNK_BYTES;
use crate::wire::Command;
use crate::wire::Done;
use crate::wire::Event;
use crate::wire::LoadSpec;
use crate::wire::OWN_MEMORY_BYTES_MAX;
use crate::wire::PROGRESS_EVERY_MS;
use crate::wire::RunSpec;
use crate::wire::Walls;

const DETAIL_CHARS_MAX: usize = 2000;
/// From a program to a worker that has loaded it.
const LOAD_WITHIN: Duration = Duration::from_secs(10);
/// Messages of progress beyond those that there is time for: clocks differ.
const PROGRESS_MORE: u64 = 8;
/// What files take that wait for their worker in its socket: room for a few, of which one that keeps to the rules has one.
const FILES_WAITING_BYTES: usize = 2048;
/// How often it is looked how much memory that takes.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// What an honest worker holds between two runs, its memories made fresh, with room to spare: its program, and what the
/// allocator keeps. To be wrong costs the start of another.
const IDLE_MEMORY_BYTES_MAX: u64 = 128 << 20;

/// A process that has one program loaded.
#[derive(Debug)]
pub struct Worker {
    process: Process,
    /// What it can be used for.
    pub fit: Fit,
    /// The files that it was lent: one that was broken into may still hold them.
    pub lent: HashSet<FileId>,
}

/// Which runs a worker can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Which module its program was made of.
    pub module: ModuleDigest,
    /// How deep a stack its engine was made for, bytes.
    pub stack_bytes: u64,
    /// Whose questions it answers: what one client's file does to it is not carried to another's.
    pub client: ClientId,
}

/// A program on its way to a worker.
#[derive(Debug)]
pub struct Cargo {
    pub spec: LoadSpec,
    pub program: OwnedFd,
    /// The module itself, when files ship with it.
    pub module: Option<OwnedFd>,
}

/// What every worker of a server is held to.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// What no run may pass.
    pub caps: Limits,
    /// Which walls must stand.
    pub walls: Walls,
}

impl Terms {
    /// The most that a worker's process may have in memory, bytes.
    #[must_use]
    pub fn process_memory_bytes(&self) -> u64 {
        self.caps.memory_bytes.saturating_add(OWN_MEMORY_BYTES_MAX)
    }
}

/// What the server does while a guest runs.
pub trait Attendant: Send {
    /// Makes an empty file for the guest.
    ///
    /// # Errors
    /// Of the disk.
    fn create_file(&mut self) -> io::Result<OwnedFd>;
    /// The guest wrote to stderr.
    fn log(&mut self, bytes: &[u8]);
    /// The guest has come that far.
    fn progress(&mut self, so_far: SoFar);
    /// Whether there is no room on the disk, or was none when a file was asked for.
    fn is_full(&self) -> bool;
}

impl Worker {
    /// Starts a worker and has it load a program; `pid` is told as soon as there is one.
    ///
    /// # Errors
    /// When the process or the program does not come up.
    pub async fn start(
        nursery: &Nursery,
        terms: &Terms,
        (fit, cargo): (Fit, Cargo),
        pid: &AtomicU32,
    ) -> io::Result<Self> {
        let process = load(nursery, terms, (fit.stack_bytes, cargo), pid).await?.map_err(io::Error::other)?;
        Ok(Self { process, fit, lent: HashSet::new() })
    }

    /// Tells its process from every other.
    #[must_use]
    pub fn identity(&self) -> WorkerIdentity {
        self.process.identity
    }

    /// Whether it takes no more memory than one that has done its run and waits for another.
    #[must_use]
    pub fn is_small(&self) -> bool {
        memory_taken(self.process.identity.pid).is_none_or(|bytes| bytes <= IDLE_MEMORY_BYTES_MAX)
    }

    /// Stops it between two runs: whatever it has become, it does nothing.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on; false for one that is of no use any more, since it is dead or says what nobody asked.
    pub fn resume(&mut self) -> bool {
        let fit = self.process.is_alive() && self.process.is_silent();
        self.process.resume();
        fit
    }

    /// Kills it, and waits until it is dead: nothing that it was lent changes from then on.
    ///
    /// # Errors
    /// When it does not die.
    pub async fn end(self) -> io::Result<()> {
        self.process.end().await
    }

    /// How its process ended, and what it said; for one that failed.
    pub async fn last_words(&mut self) -> String {
        self.process.last_words().await
    }

    /// Runs once. Dropping the future leaves the worker in mid-run: drop the worker with it.
    ///
    /// # Errors
    /// When the worker died or talks nonsense.
    pub async fn run(
        &mut self,
        spec: RunSpec,
        sample: OwnedFd,
        attendant: &mut impl Attendant,
    ) -> io::Result<(Done, Vec<ArtifactSpec>)> {
        let mut allowed = Allowed::new(&spec.limits);
        let most = Most::new(&spec.limits, spec.sample_bytes);
        self.process.send(&Command::Run(Box::new(spec)), &[sample.as_fd()]).await?;
        // Files that are on their way count for all processes of this user.
        self.process.send_little(FILES_WAITING_BYTES)?;
        let mut stdout = Vec::new();
        let mut artifacts = Vec::new();
        loop {
            // A worker that never pauses must not keep the deadline from being looked at.
            tokio::task::consume_budget().await;
            let event = self.process.receive().await?;
            if let Some(event) = &event {
                allowed.take(event)?;
            }
            match event {
                Some(Event::Log(bytes)) => attendant.log(&bytes),
                Some(Event::Progress(so_far)) => attendant.progress(most.of_progress(so_far)),
                Some(Event::NeedFile) => match attendant.create_file() {
                    Ok(file) => self.process.send(&Command::File, &[file.as_fd()]).await?,
                    Err(_) => self.process.send(&Command::NoFile, &[]).await?,
                },
                Some(Event::Stdout(bytes)) => stdout.extend(bytes),
                Some(Event::Artifact(spec)) => artifacts.push(spec),
                Some(Event::Done(mut done)) => {
                    attendant.log(&done.log_tail);
                    done.usage = most.of_usage(done.usage);
                    self.process.send_little(wire::MESSAGE_BYTES_MAX)?;
                    if let Err(failure) = &mut done.outcome {
                        believed(failure.reason, attendant)?;
                        failure.detail = short(&failure.detail);
                    }
                    if let Ok(tail) = &mut done.outcome {
                        stdout.append(tail);
                        *tail = stdout;
                    }
                    return Ok((done, artifacts));
                }
                None => return Err(io::Error::other("the worker died")),
                Some(
                    odd @ (Event::Ready(_) | Event::Loaded | Event::Compiled(_) | Event::Refused(_) | Event::Fault(_)),
                ) => return Err(io::Error::other(format!("the worker sent {} in a run", odd.name()))),
            }
        }
    }
}

/// Whether a worker that is held to those terms can load a program; inside, why not.
///
/// # Errors
/// When no worker can be had, which says nothing of the program.
pub async fn try_load(nursery: &Nursery, terms: &Terms, cargo: Cargo) -> io::Result<Result<(), String>> {
    Ok(load(nursery, terms, (terms.caps.stack_bytes, cargo), &AtomicU32::new(0)).await?.map(drop))
}

async fn load(
    nursery: &Nursery,
    terms: &Terms,
    (stack_bytes, cargo): (u64, Cargo),
    pid: &AtomicU32,
) -> io::Result<Result<Process, String>> {
    let caps = Limits { stack_bytes: stack_bytes.min(terms.caps.stack_bytes), ..terms.caps };
    let caps = serde_json::to_string(&caps).map_err(io::Error::other)?;
    let kind = serde_json::to_string(&cargo.spec.kind).map_err(io::Error::other)?;
    let process = Process::start(nursery, &["worker", "--caps", &caps, "--kind", &kind]).await?;
    pid.store(process.identity.pid, Ordering::Relaxed);
    if process.walls != terms.walls {
        return Err(io::Error::other(format!("a worker came up with other walls: {:?}", process.walls)));
    }
    loaded(process, cargo, (LOAD_WITHIN, terms.process_memory_bytes())).await
}

/// Has a process load a program, within that time and memory: a program can be made to break whoever loads it.
async fn loaded(
    mut process: Process,
    cargo: Cargo,
    (within, memory_bytes): (Duration, u64),
) -> io::Result<Result<Process, String>> {
    let pid = process.identity.pid;
    let descriptors: Vec<_> = std::iter::once(&cargo.program).chain(&cargo.module).map(AsFd::as_fd).collect();
    let answered = async {
        process.send(&Command::Load(cargo.spec), &descriptors).await?;
        process.receive().await
    };
    let answer = tokio::select! {
        answer = answered => answer?,
        () = tokio::time::sleep(within) => {
            return Ok(Err(format!("loading it takes longer than {} ms", within.as_millis())));
        }
        () = outgrown(pid, memory_bytes) => {
            return Ok(Err(format!("loading it takes more than {memory_bytes} bytes of memory")));
        }
    };
    match answer {
        Some(Event::Loaded) => Ok(Ok(process)),
        Some(Event::Fault(detail)) => Ok(Err(short(&detail))),
        Some(odd) => Err(io::Error::other(format!("the worker loaded no program and sent {}", odd.name()))),
        None => Ok(Err("the worker died over its program".to_owned())),
    }
}

/// Waits until a process has more than that in memory.
async fn outgrown(pid: u32, memory_bytes: u64) {
    while memory_taken(pid).is_none_or(|bytes| bytes <= memory_bytes) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Holds a worker to the reasons that are a guest's own, and to what the server knows of the disk: the others are the
/// server's to give.
fn believed(reason: Reason, attendant: &impl Attendant) -> io::Result<()> {
    let own = match reason.fault() {
        Fault::Module => true,
        Fault::Host => reason == Reason::StorageFull && attendant.is_full(),
        Fault::Day | Fault::Client => false,
    };
    if own { Ok(()) } else { Err(io::Error::other(format!("the worker says `{}`", reason.as_str()))) }
}

/// What a run can come to at most, whatever its worker says that it came to.
#[derive(Debug, Clone, Copy)]
struct Most {
    fuel: u64,
    memory_bytes: u64,
    bytes_read: u64,
}

impl Most {
    fn new(limits: &Limits, sample_bytes: u64) -> Self {
        let fuel = limits.fuel(sample_bytes);
        // All that is read is paid for.
        Self { fuel, memory_bytes: limits.memory_bytes, bytes_read: fuel.saturating_mul(BYTES_PER_FUEL) }
    }

    fn of_progress(self, so_far: SoFar) -> SoFar {
        SoFar {
            bytes_read: so_far.bytes_read.min(self.bytes_read),
            fuel: so_far.fuel.min(self.fuel),
            memory_bytes: so_far.memory_bytes.min(self.memory_bytes),
        }
    }

    fn of_usage(self, usage: Usage) -> Usage {
        Usage {
            fuel: usage.fuel.min(self.fuel),
            memory_bytes_peak: usage.memory_bytes_peak.min(self.memory_bytes),
            bytes_read: usage.bytes_read.min(self.bytes_read),
            ..usage
        }
    }
}

/// What a worker may still send in a run. It keeps to its limits by itself; one that does not is broken, or broken into.
struct Allowed {
    log_bytes: u64,
    stdout_bytes: u64,
    files: u64,
    artifacts: u64,
    path_bytes: u64,
    progress: u64,
}

impl Allowed {
    fn new(limits: &Limits) -> Self {
        Self {
            // The worker adds a line when it cuts.
            log_bytes: limits.stderr_bytes.saturating_add(1024),
            stdout_bytes: limits.stdout_bytes,
            files: limits.files_made_max(),
            artifacts: limits.artifacts_count,
            path_bytes: limits.path_bytes,
            progress: limits.wall_ms / PROGRESS_EVERY_MS + PROGRESS_MORE,
        }
    }

    fn take(&mut self, event: &Event) -> io::Result<()> {
        let bytes = |it: &Vec<u8>| u64::try_from(it.len()).unwrap_or(u64::MAX);
        let (left, wanted) = match event {
            Event::Log(piece) if piece.is_empty() => {
                return Err(io::Error::other("the worker sent an empty piece"));
            }
            Event::Stdout(piece) if piece.len() != CHUNK_BYTES => {
                return Err(io::Error::other("the worker sent a piece of its output that is not whole"));
            }
            Event::Log(log) => (&mut self.log_bytes, bytes(log)),
            Event::Stdout(stdout) => (&mut self.stdout_bytes, bytes(stdout)),
            Event::Progress(_) => (&mut self.progress, 1),
            Event::NeedFile => (&mut self.files, 1),
            Event::Artifact(spec) => {
                left_after(self.path_bytes, u64::try_from(spec.path.len()).unwrap_or(u64::MAX))?;
                (&mut self.artifacts, 1)
            }
            Event::Done(done) => {
                self.log_bytes = left_after(self.log_bytes, bytes(&done.log_tail))?;
                (&mut self.stdout_bytes, done.outcome.as_ref().map_or(0, bytes))
            }
            Event::Ready(_) | Event::Loaded | Event::Compiled(_) | Event::Refused(_) | Event::Fault(_) => return Ok(()),
        };
        *left = left_after(*left, wanted)?;
        Ok(())
    }
}

/// No more of what a worker says than a person reads, and can.
fn short(detail: &str) -> String {
    detail.chars().take(DETAIL_CHARS_MAX).map(|it| if it.is_control() { ' ' } else { it }).collect()
}

fn left_after(left: u64, wanted: u64) -> io::Result<u64> {
    left.checked_sub(wanted).ok_or_else(|| io::Error::other("the worker sent more than its limits allow"))
}

#[cfg(test)]
mod tests;
