//! The confined processes from the inside: `belljar worker`, which runs one program's runs one at a time, and
//! `belljar compile`, which makes one program and ends. Their channel to the server is descriptor 0.
//!
//! Confinement comes first; the first message is read after it. Neither enforces the deadline: the server kills.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

use crate::analysis::module::ModuleKind;
use crate::confine;
use crate::confine::Allowance;
use crate::confine::LeftOut;
use crate::confine::Role;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::run::SoFar;
use crate::sandbox::compile;
use crate::sandbox::engine;
use crate::sandbox::engine::Engine;
use crate::sandbox::execute;
use crate::sandbox::execute::Ended;
use crate::sandbox::execute::Request;
use crate::sandbox::execute::SampleFacts;
use crate::sandbox::port::Host;
use crate::sandbox::port::read_all;
use crate::sandbox::program::Imports;
use crate::sandbox::program::NoMore;
use crate::sandbox::program::Program;
use crate::sandbox::resources::Resources;
use crate::sandbox::vfs::Mounts;
use crate::sandbox::vfs::Stdin;
use crate::wire;
use crate::wire::ArtifactSpec;
use crate::wire::Command;
use crate::wire::Done;
use crate::wire::Event;
use crate::wire::Inbox;
use crate::wire::LoadSpec;
use crate::wire::OWN_MEMORY_BYTES_MAX;
use crate::wire::RunSpec;
use crate::wire::StdinSpec;
use crate::wire::Wall;

const PROGRESS_EVERY: Duration = Duration::from_millis(wire::PROGRESS_EVERY_MS);
const LOG_BUFFER_BYTES: usize = 16 * 1024;

/// The channel to the server: descriptor 0. Whatever else the process was started with is closed, so this comes first.
///
/// # Errors
/// When there is none.
pub fn channel() -> io::Result<OwnedFd> {
    confine::close_inherited()?;
    io::stdin().as_fd().try_clone_to_owned()
}

/// Serves runs of one program until the server closes the channel.
///
/// # Errors
/// When the server is gone or says what makes no sense.
pub fn serve(socket: OwnedFd, caps: Limits, kind: ModuleKind) -> io::Result<()> {
    serve_linked(socket, (caps, kind), &NoMore, LeftOut::Nothing)
}

/// [`serve`] for a guest that can import more, in a process that may have part of its wall left out: how a test gets
/// inside of the second wall, by the very path that a worker takes.
///
/// `back_door` is set by `build.rs` in Cargo's dev profile and there alone, and does not compile in a build without
/// debug assertions. No feature turns it on, so that no dependent and no command line can; and since it is no feature
/// and no profile of its own, tests need no second build of everything below. The door itself, the import that makes
/// system calls, is in `tests/walls`; the library holds the hinge only.
///
/// # Errors
/// As [`serve`].
#[cfg(back_door)]
#[doc(hidden)]
pub fn serve_with(socket: OwnedFd, caps: Limits, more: &impl Imports, left_out: LeftOut) -> io::Result<()> {
    serve_linked(socket, (caps, ModuleKind::Command), more, left_out)
}

fn serve_linked(
    socket: OwnedFd,
    (caps, kind): (Limits, ModuleKind),
    more: &impl Imports,
    left_out: LeftOut,
) -> io::Result<()> {
    die_with_parent()?;
    confine::go_first();
    // Before anything is opened: the kernel shows some files differently to who has rights.
    confine::drop_rights()?;
    // The engine opens what it needs of /proc now, while it can.
    let engine = engine::running(&held_to(caps, left_out), kind).map_err(io::Error::other)?;
    let own_bytes = OWN_MEMORY_BYTES_MAX.saturating_add(engine::stacks_bytes(&caps, kind));
    let data_bytes = caps.memory_bytes.saturating_add(own_bytes);
    let allowance = Allowance {
        file_bytes: caps.artifact_bytes,
        descriptors: 5 * caps.artifacts_count + 32,
        data_bytes,
        cpu_s: None,
        address_space_bytes: data_bytes.saturating_add(engine::reserved_bytes(kind)),
    };
    let walls = confine::enter(allowance, Role::Worker, left_out)?;
    let mut remote = Remote::new(socket);
    remote.send(&Event::Ready(walls))?;
    let (spec, descriptors) = match remote.receive()? {
        Some((Command::Load(spec), descriptors)) => (spec, descriptors),
        Some(_) => return Err(odd("expected a program")),
        // Started for its walls alone.
        None => return Ok(()),
    };
    let program = match load(&engine, (spec, descriptors), more) {
        Ok(program) => program,
        Err(error) => return remote.send(&Event::Fault(format!("{error:#}"))),
    };
    if walls.seccomp != Wall::Missing {
        confine::forbid_new_code()?;
    }
    remote.send(&Event::Loaded)?;
    while let Some((command, mut sample)) = remote.receive()? {
        let Command::Run(mut spec) = command else { return Err(odd("expected a run")) };
        spec.limits = held_to(spec.limits, left_out);
        let sample = sample.pop().ok_or_else(|| odd("no sample came with the run"))?;
        match execute::execute(&program, request(*spec, sample), remote) {
            Ok(ended) => remote = finish(ended)?,
            Err(error) => return Err(io::Error::other(format!("{error:#}"))),
        }
    }
    Ok(())
}

/// What the first wall holds a guest to: all of it, unless a test wants to see the second stand alone.
fn held_to(limits: Limits, left_out: LeftOut) -> Limits {
    match left_out {
        LeftOut::Nothing => limits,
        #[cfg(back_door)]
        LeftOut::Calls | LeftOut::Call(_) => limits,
        #[cfg(back_door)]
        LeftOut::Limits => Limits {
            fuel_base: u64::MAX,
            // All that a memory of 32 bits can have.
            memory_bytes: 4 << 30,
            stdout_bytes: u64::MAX,
            stderr_bytes: u64::MAX,
            artifact_bytes: u64::MAX,
            artifacts_bytes: u64::MAX,
            artifacts_count: 1 << 20,
            descriptors: 1 << 20,
            ..limits
        },
    }
}

fn load(
    engine: &Engine,
    (spec, descriptors): (LoadSpec, Vec<OwnedFd>),
    more: &impl Imports,
) -> engine::Result<Program<Remote>> {
    let mut descriptors = descriptors.into_iter();
    let program = descriptors.next().ok_or_else(|| odd("no program came with the message"))?;
    let resources = match (spec.files, descriptors.next()) {
        (Some((span, mount)), Some(module)) => Some(Resources::open(module, span, &mount)?),
        (Some(_), None) => return Err(odd("no module came with the message").into()),
        (None, _) => None,
    };
    Program::load(engine, (spec.kind, program), resources, more)
}

/// Makes one program out of one module.
///
/// # Errors
/// When the server is gone or says what makes no sense.
pub fn compile(socket: OwnedFd, limits: CompileLimits) -> io::Result<()> {
    compile_behind(socket, limits, LeftOut::Nothing)
}

/// [`compile`] behind a wall that may have a part left out; as with [`serve_with`].
///
/// # Errors
/// As [`compile`].
#[cfg(back_door)]
#[doc(hidden)]
pub fn compile_with(socket: OwnedFd, limits: CompileLimits, left_out: LeftOut) -> io::Result<()> {
    compile_behind(socket, limits, left_out)
}

fn compile_behind(socket: OwnedFd, limits: CompileLimits, left_out: LeftOut) -> io::Result<()> {
    die_with_parent()?;
    let allowance = Allowance {
        file_bytes: limits.program_bytes,
        descriptors: 16,
        data_bytes: limits.memory_bytes,
        cpu_s: Some(limits.cpu_s),
        address_space_bytes: limits.memory_bytes,
    };
    let walls = confine::enter(allowance, Role::Compiler, left_out)?;
    let mut remote = Remote::new(socket);
    remote.send(&Event::Ready(walls))?;
    let Some((Command::Compile(limits, manner), descriptors)) = remote.receive()? else {
        return Err(odd("expected a module"));
    };
    let [module, program] = <[OwnedFd; 2]>::try_from(descriptors).map_err(|_| odd("expected two descriptors"))?;
    let size = u64::try_from(rustix::fs::fstat(&module)?.st_size).map_err(io::Error::other)?;
    let bytes = read_all(&module, size)?;
    match compile::compile((&bytes, module), &limits, manner) {
        Ok(compiled) => {
            let bytes = u64::try_from(compiled.program.len()).unwrap_or(u64::MAX);
            if bytes > limits.program_bytes {
                let most = limits.program_bytes;
                let reason = format!("its program has {bytes} bytes; `program_bytes` allows {most}");
                return remote.send(&Event::Refused(vec![reason]));
            }
            write_all(&program, &compiled.program)?;
            remote.send(&Event::Compiled(compiled.facts))
        }
        Err(reasons) => remote.send(&Event::Refused(reasons)),
    }
}

/// The server, as the sandbox sees it.
#[derive(Debug)]
struct Remote {
    socket: OwnedFd,
    inbox: Inbox,
    log: Vec<u8>,
    told: Instant,
}

impl Remote {
    fn new(socket: OwnedFd) -> Self {
        Self { socket, inbox: Inbox::default(), log: Vec::new(), told: Instant::now() }
    }

    fn send(&self, event: &Event) -> io::Result<()> {
        wire::send(self.socket.as_fd(), event, &[])
    }

    fn receive(&mut self) -> io::Result<Option<(Command, Vec<OwnedFd>)>> {
        self.inbox.receive(self.socket.as_fd())
    }

    fn flush_log(&mut self) -> io::Result<()> {
        let log = std::mem::take(&mut self.log);
        log.chunks(wire::CHUNK_BYTES).try_for_each(|chunk| self.send(&Event::Log(chunk.to_vec())))
    }
}

impl Host for Remote {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        self.send(&Event::NeedFile)?;
        match self.receive()? {
            Some((Command::File, mut file)) => file.pop().ok_or_else(|| odd("no file came with the message")),
            Some((Command::NoFile, _)) => Err(io::ErrorKind::StorageFull.into()),
            Some((Command::Load(_) | Command::Run(_) | Command::Compile(..), _)) => Err(odd("expected a file")),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn log(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.extend_from_slice(bytes);
        let due = bytes.ends_with(b"\n") && self.told.elapsed() >= PROGRESS_EVERY;
        if due {
            self.told = Instant::now();
        }
        if due || self.log.len() > LOG_BUFFER_BYTES { self.flush_log() } else { Ok(()) }
    }

    fn progress(&mut self, so_far: SoFar) {
        if self.told.elapsed() >= PROGRESS_EVERY {
            self.told = Instant::now();
            // A server that is gone shows at the next message that matters.
            drop(self.send(&Event::Progress(so_far)));
        }
    }

    fn sleep(&mut self, duration: Duration) {
        drop(self.flush_log());
        let end = Instant::now().checked_add(duration);
        // A sleep past the end of time is ended by the deadline.
        while let Some(left) =
            end.map_or(Some(Duration::from_secs(3600)), |end| end.checked_duration_since(Instant::now()))
        {
            let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
            let request = rustix::time::Timespec { tv_sec: seconds, tv_nsec: i64::from(left.subsec_nanos()) };
            if matches!(rustix::thread::nanosleep(&request), rustix::thread::NanosleepRelativeResult::Ok)
                && end.is_some()
            {
                return;
            }
        }
    }
}

fn request(spec: RunSpec, sample: OwnedFd) -> Request {
    let stdin = match spec.stdin {
        StdinSpec::Bytes(bytes) => Stdin::Bytes(bytes),
        StdinSpec::Sample => Stdin::Sample,
    };
    let mounts =
        Mounts { sample, sample_name: spec.sample_name, sample_bytes: spec.sample_bytes, stdin, limits: spec.limits };
    Request {
        argv: spec.argv,
        environment: spec.environment,
        seed: spec.seed,
        epoch_s: spec.epoch_s,
        facts: SampleFacts { media_type: spec.media_type, sha1: spec.sha1, sha256: spec.sha256 },
        mounts,
    }
}

/// Sends what came of a run: large output in pieces, the end with the last of them.
fn finish(ended: Ended<Remote>) -> io::Result<Remote> {
    let mut remote = ended.host;
    let outcome = match ended.outcome {
        Ok(stdout) => {
            let whole = stdout.len() - stdout.len() % wire::CHUNK_BYTES;
            for chunk in stdout[..whole].chunks(wire::CHUNK_BYTES) {
                remote.send(&Event::Stdout(chunk.to_vec()))?;
            }
            Ok(stdout[whole..].to_vec())
        }
        Err(failure) => Err(failure),
    };
    let artifact = |it: crate::sandbox::tree::Artifact| ArtifactSpec {
        path: it.path,
        size_bytes: it.size,
        file_number: it.file_number,
    };
    let log_tail = std::mem::take(&mut remote.log);
    for spec in ended.artifacts.into_iter().map(artifact) {
        remote.send(&Event::Artifact(spec))?;
    }
    remote.send(&Event::Done(Done { outcome, log_tail, usage: ended.usage }))?;
    Ok(remote)
}

/// The server's death must not leave a guest running.
fn die_with_parent() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = rustix::io::write(file, bytes)?;
        bytes = &bytes[count..];
    }
    Ok(())
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
