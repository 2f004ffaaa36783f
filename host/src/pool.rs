//! The server's side of the confined processes: start, talk, kill. A dropped [`Process`] is a killed one.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::unix::AsyncFd;

use crate::id::ModuleDigest;
use crate::limits::CompileLimits;
use crate::wire;
use crate::wire::Command;
use crate::wire::Done;
use crate::wire::Effort;
use crate::wire::Event;
use crate::wire::Inbox;
use crate::wire::RunSpec;
use crate::wire::Walls;

const READY_WITHIN: Duration = Duration::from_secs(10);

/// A confined process and the channel to it.
#[derive(Debug)]
pub struct Process {
    child: tokio::process::Child,
    socket: AsyncFd<OwnedFd>,
    inbox: Inbox,
    /// What confines it, by its own word.
    pub walls: Walls,
}

impl Process {
    /// Starts this same binary with that command and waits until it is confined.
    ///
    /// # Errors
    /// When it cannot be started or dies first.
    pub async fn start(command: &str) -> io::Result<Self> {
        let (ours, theirs) = wire::pair()?;
        let child = tokio::process::Command::new("/proc/self/exe")
            .arg(command)
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let walls = Walls { landlock: String::new(), seccomp: false, no_new_privs: false };
        #[expect(deprecated, reason = "an OwnedFd never changes its number, which is all that `register` asks for")]
        let socket = AsyncFd::new(ours)?;
        let mut process = Self { child, socket, inbox: Inbox::default(), walls };
        match tokio::time::timeout(READY_WITHIN, process.receive()).await {
            Ok(Ok(Some(Event::Ready(walls)))) => process.walls = walls,
            Ok(Ok(_)) | Err(_) => return Err(io::Error::other(format!("`{command}` did not come up"))),
            Ok(Err(error)) => return Err(error),
        }
        Ok(process)
    }

    /// Its process id, while it lives.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    async fn send(&self, command: &Command, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        loop {
            let mut ready = self.socket.writable().await?;
            let sent = ready.try_io(|socket| wire::send(socket.as_fd(), command, descriptors));
            if let Ok(sent) = sent {
                return sent;
            }
        }
    }

    async fn receive(&mut self) -> io::Result<Option<Event>> {
        loop {
            let mut ready = self.socket.readable().await?;
            let inbox = &mut self.inbox;
            // A confined process sends no descriptors; any that come are closed here.
            if let Ok(received) = ready.try_io(|socket| inbox.receive(socket.as_fd())) {
                return received.map(|it| it.map(|(event, _)| event));
            }
        }
    }
}

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
    pub async fn start(module: ModuleDigest, program: OwnedFd) -> io::Result<Self> {
        let mut process = Process::start("worker").await?;
        process.send(&Command::Load, &[program.as_fd()]).await?;
        match process.receive().await? {
            Some(Event::Loaded) => Ok(Self { process, module }),
            Some(Event::Fault(detail)) => Err(io::Error::other(detail)),
            other => Err(io::Error::other(format!("the worker did not load its program: {other:?}"))),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
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
    pub async fn run(&mut self, spec: RunSpec, sample: OwnedFd, attendant: &mut impl Attendant) -> io::Result<Done> {
        let stdout_max = usize::try_from(spec.limits.stdout_bytes).unwrap_or(usize::MAX);
        self.process.send(&Command::Run(spec), &[sample.as_fd()]).await?;
        let mut stdout = Vec::new();
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
                Some(Event::Done(mut done)) => {
                    attendant.log(&done.log_tail);
                    if let Ok(tail) = &mut done.outcome {
                        stdout.append(tail);
                        *tail = stdout;
                    }
                    return Ok(done);
                }
                None => return Err(io::Error::other("the worker died")),
                Some(
                    odd @ (Event::Stdout(_)
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

/// What a compiling process made.
#[derive(Debug)]
pub struct Compiled {
    pub descriptor: Option<String>,
    pub imports: Vec<String>,
}

/// Compiles a module into the empty file `program`; a module that is too dear is tried once more with least effort.
///
/// # Errors
/// Every reason to refuse it; a process that died is one of them.
pub async fn compile(module: &OwnedFd, program: &OwnedFd, limits: CompileLimits) -> Result<Compiled, Vec<String>> {
    for effort in [Effort::Full, Effort::Least] {
        match tokio::time::timeout(Duration::from_millis(limits.wall_ms), attempt(module, program, limits, effort))
            .await
        {
            Ok(Ok(compiled)) => return compiled,
            // Dead or too slow: the cheaper way may do.
            Ok(Err(_)) | Err(_) => drop(rustix::fs::ftruncate(program, 0)),
        }
    }
    Err(vec![format!("compiling it costs more than {} CPU-seconds or {} bytes", limits.cpu_s, limits.memory_bytes)])
}

async fn attempt(
    module: &OwnedFd,
    program: &OwnedFd,
    limits: CompileLimits,
    effort: Effort,
) -> io::Result<Result<Compiled, Vec<String>>> {
    let mut process = Process::start("compile").await?;
    process.send(&Command::Compile(limits, effort), &[module.as_fd(), program.as_fd()]).await?;
    match process.receive().await? {
        Some(Event::Compiled { descriptor, imports }) => Ok(Ok(Compiled { descriptor, imports })),
        Some(Event::Refused(reasons)) => Ok(Err(reasons)),
        other => Err(io::Error::other(format!("compiling ended with {other:?}"))),
    }
}
