//! A confined process that has one program loaded, and how one run goes with it.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use super::nursery::Nursery;
use super::process::Process;
use crate::id::ModuleDigest;
use crate::limits::Limits;
use crate::run::WorkerIdentity;
use crate::wire::ArtifactSpec;
use crate::wire::Command;
use crate::wire::Done;
use crate::wire::Event;
use crate::wire::RunSpec;
use crate::wire::Walls;

/// A process that has one program loaded.
#[derive(Debug)]
pub struct Worker {
    process: Process,
    /// Which module its program was made of.
    pub module: ModuleDigest,
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
    /// The guest has read that many bytes.
    fn progress(&mut self, bytes_read: u64);
}

impl Worker {
    /// Starts a worker and has it load a program.
    ///
    /// # Errors
    /// When the process or the program does not come up.
    pub async fn start(
        nursery: &Nursery,
        caps: &Limits,
        (module, program): (ModuleDigest, OwnedFd),
    ) -> io::Result<Self> {
        let caps = serde_json::to_string(caps).map_err(io::Error::other)?;
        let mut process = Process::start(nursery, &["worker", "--caps", &caps]).await?;
        process.send(&Command::Load, &[program.as_fd()]).await?;
        match process.receive().await? {
            Some(Event::Loaded) => Ok(Self { process, module }),
            Some(Event::Fault(detail)) => Err(io::Error::other(detail)),
            other => Err(io::Error::other(format!("the worker did not load its program: {other:?}"))),
        }
    }

    /// Tells its process from every other.
    #[must_use]
    pub fn identity(&self) -> WorkerIdentity {
        self.process.identity
    }

    /// What confines it.
    #[must_use]
    pub fn walls(&self) -> &Walls {
        &self.process.walls
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
        let stdout_max = usize::try_from(spec.limits.stdout_bytes).unwrap_or(usize::MAX);
        let artifacts_max = usize::try_from(spec.limits.artifacts_count).unwrap_or(usize::MAX);
        self.process.send(&Command::Run(spec), &[sample.as_fd()]).await?;
        let mut stdout = Vec::new();
        let mut artifacts = Vec::new();
        loop {
            match self.process.receive().await? {
                Some(Event::Log(bytes)) => attendant.log(&bytes),
                Some(Event::Progress(bytes_read)) => attendant.progress(bytes_read),
                Some(Event::NeedFile) => match attendant.create_file() {
                    Ok(file) => self.process.send(&Command::File, &[file.as_fd()]).await?,
                    Err(_) => self.process.send(&Command::NoFile, &[]).await?,
                },
                // The worker keeps to its limits; one that does not is broken.
                Some(Event::Stdout(bytes)) if stdout.len() + bytes.len() <= stdout_max => stdout.extend(bytes),
                Some(Event::Artifact(spec)) if artifacts.len() < artifacts_max => artifacts.push(spec),
                Some(Event::Done(mut done)) => {
                    attendant.log(&done.log_tail);
                    if let Ok(tail) = &mut done.outcome {
                        stdout.append(tail);
                        *tail = stdout;
                    }
                    return Ok((done, artifacts));
                }
                None => return Err(io::Error::other("the worker died")),
                Some(
                    odd @ (Event::Stdout(_)
                    | Event::Artifact(_)
                    | Event::Ready(_)
                    | Event::Loaded
                    | Event::Compiled { .. }
                    | Event::Refused(_)
                    | Event::Fault(_)),
                ) => return Err(io::Error::other(format!("the worker sent {odd:?}"))),
            }
        }
    }
}
