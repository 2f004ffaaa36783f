//! A worker in the hands of the test, which plays the server: it starts it, loads a program, runs it, buries it.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use host::analysis::module::Manner;
use host::analysis::module::ModuleKind;
use host::limits::CompileLimits;
use host::limits::Limits;
use host::run::Failure;
use host::wire;
use host::wire::Event;
use host::wire::Inbox;
use host::wire::LoadSpec;
use host::wire::RunSpec;
use host::wire::Walls;
use rustix::net::sockopt::Timeout;

use crate::scene::Scene;

/// What probes are held to.
pub(crate) const CAPS: Limits = Limits { memory_bytes: 64 << 20, artifact_bytes: 1 << 20, ..Limits::CAP };

/// How a worker ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The run came to an end that the worker could tell of.
    Ran(Result<Vec<u8>, Failure>),
    Signal(i32),
    Exited(i32),
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    pub(crate) stderr: Vec<u8>,
}

impl Outcome {
    /// What the calls of a script gave.
    pub(crate) fn answers(&self) -> Vec<i64> {
        self.stderr.chunks_exact(8).map(|it| i64::from_le_bytes(it.try_into().unwrap())).collect()
    }
}

/// A worker that is confined and waits for a program.
pub(crate) struct Held {
    child: Child,
    socket: OwnedFd,
    inbox: Inbox,
    pub(crate) walls: Walls,
}

/// One run of a probe.
pub(crate) fn spec() -> RunSpec {
    RunSpec {
        argv: vec!["probe".to_owned()],
        sample_name: "sample".to_owned(),
        sample_bytes: 6,
        limits: CAPS,
        ..RunSpec::default()
    }
}

impl Held {
    /// `None` when it died before it was ready.
    pub(crate) fn start(without: Option<&str>) -> Result<Self, Outcome> {
        Self::start_as("worker", without)
    }

    /// Which walls a worker comes up behind.
    pub(crate) fn walls() -> Walls {
        let held = Self::start(None).unwrap();
        let walls = held.walls;
        held.bury();
        walls
    }

    /// As what the command says.
    pub(crate) fn start_as(command_name: &str, without: Option<&str>) -> Result<Self, Outcome> {
        let (ours, theirs) = wire::pair().unwrap();
        rustix::io::ioctl_fionbio(&ours, false).unwrap();
        rustix::net::sockopt::set_socket_timeout(&ours, Timeout::Recv, Some(Duration::from_secs(30))).unwrap();
        let mut command = Command::new("/proc/self/exe");
        command.args([command_name, "--caps", &serde_json::to_string(&CAPS).unwrap()]).env_clear();
        if let Some(without) = without {
            command.args(["--without", without]);
        }
        command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        drop(command);
        let mut held = Self { child, socket: ours, inbox: Inbox::default(), walls: Walls::MISSING };
        match held.receive() {
            Some(Event::Ready(walls)) => held.walls = walls,
            None => return Err(held.bury()),
            odd => panic!("{odd:?}"),
        }
        Ok(held)
    }

    /// Loads a program, runs it once, and sees to the end.
    pub(crate) fn run(mut self, program: &File, scene: &Scene) -> Outcome {
        let done = self.load(program).and_then(|()| self.once(scene, |_| ()));
        let mut outcome = self.bury();
        if let (Some(done), Ending::Exited(0)) = (done, &outcome.ending) {
            outcome.ending = Ending::Ran(done);
        }
        outcome
    }

    /// Has it compile a module into an empty file.
    pub(crate) fn compile(&mut self, module: &File, program: &File) -> Option<()> {
        let command = wire::Command::Compile(CompileLimits::DEFAULT, Manner::DEFAULT);
        self.say(&command, &[module.as_fd(), program.as_fd()]);
        let event = self.receive()?;
        assert!(matches!(event, Event::Compiled { .. }), "{event:?}");
        Some(())
    }

    /// `None` when it died over it.
    pub(crate) fn load(&mut self, program: &File) -> Option<()> {
        self.say(&wire::Command::Load(LoadSpec { kind: ModuleKind::Command, files: None }), &[program.as_fd()]);
        let event = self.receive()?;
        assert!(matches!(event, Event::Loaded), "{event:?}");
        Some(())
    }

    /// Runs the program once, for what it prints; `logged` is called with the pid when the guest has written a log and
    /// is about to sleep. `None` when the worker died over it.
    pub(crate) fn once(&mut self, scene: &Scene, mut logged: impl FnMut(u32)) -> Option<Result<Vec<u8>, Failure>> {
        let sample = File::open(scene.sample()).unwrap();
        self.say(&wire::Command::Run(Box::new(spec())), &[sample.as_fd()]);
        let mut stdout = Vec::new();
        loop {
            match self.receive()? {
                Event::NeedFile => self.say(&wire::Command::File, &[scene.new_artifact().as_fd()]),
                Event::Stdout(bytes) => stdout.extend(bytes),
                Event::Log(_) => logged(self.child.id()),
                Event::Done(done) => return Some(done.outcome.map(|tail| [stdout, tail].concat())),
                Event::Progress(_) | Event::Artifact(_) => (),
                odd @ (Event::Ready(_)
                | Event::Loaded
                | Event::Compiled { .. }
                | Event::Refused(_)
                | Event::Fault(_)) => {
                    panic!("{odd:?}");
                }
            }
        }
    }

    /// One that is dead shows at the next message from it.
    fn say(&self, command: &wire::Command, descriptors: &[BorrowedFd<'_>]) {
        drop(wire::send(self.socket.as_fd(), command, descriptors));
    }

    fn receive(&mut self) -> Option<Event> {
        match self.inbox.receive(self.socket.as_fd()) {
            Ok(received) => received.map(|it| it.0),
            // What a broken worker says ends it, as with the server.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => None,
            // It died with words of ours unread.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sees to its end.
    pub(crate) fn bury(mut self) -> Outcome {
        // It ends when its channel does.
        drop(self.socket);
        let mut stderr = Vec::new();
        self.child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        let status = self.child.wait().unwrap();
        let ending = match (status.signal(), status.code()) {
            (Some(signal), _) => Ending::Signal(signal),
            (None, code) => Ending::Exited(code.unwrap()),
        };
        Outcome { ending, stderr }
    }
}
