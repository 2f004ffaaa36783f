//! A confined process and the channel to it. A dropped one is a killed one.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::process::ChildStderr;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::unix::AsyncFd;

use super::nursery::Nursery;
use crate::run::WorkerIdentity;
use crate::wire;
use crate::wire::Event;
use crate::wire::Inbox;
use crate::wire::Walls;

/// What is kept of what a dying process says.
const LAST_WORDS_BYTES_MAX: usize = 2048;
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A confined process and the channel to it.
#[derive(Debug)]
pub struct Process {
    nursery: Nursery,
    child: Option<Child>,
    stderr: Option<ChildStderr>,
    socket: AsyncFd<OwnedFd>,
    inbox: Inbox,
    /// What confines it, by its own word.
    pub walls: Walls,
    /// Tells it from every other process.
    pub identity: WorkerIdentity,
}

impl Process {
    /// Starts this same binary with those arguments and waits until it is confined.
    ///
    /// # Errors
    /// When it cannot be started or dies first.
    pub async fn start(nursery: &Nursery, arguments: &[&str]) -> io::Result<Self> {
        let (ours, theirs) = wire::pair()?;
        #[expect(deprecated, reason = "an OwnedFd never changes its number, which is all that `register` asks for")]
        let socket = AsyncFd::new(ours)?;
        let mut belljar = Command::new("/proc/self/exe");
        // A process group of its own: ctrl-c is for the server, which ends its workers when it is ready to.
        belljar.args(arguments).env_clear().process_group(0);
        belljar.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = nursery.start(belljar).await?;
        let identity = WorkerIdentity { pid: child.id(), start_token: start_token(child.id()).unwrap_or(0) };
        let stderr = child.stderr.take();
        let (inbox, walls) = (Inbox::default(), Walls::MISSING);
        let mut process = Self { nursery: nursery.clone(), child: Some(child), stderr, socket, inbox, walls, identity };
        match tokio::time::timeout(READY_WITHIN, process.receive()).await {
            Ok(Ok(Some(Event::Ready(walls)))) => process.walls = walls,
            Ok(Ok(_)) | Err(_) => {
                let detail = process.last_words().unwrap_or_default();
                return Err(io::Error::other(format!("`{}` did not come up: {detail}", arguments.join(" "))));
            }
            Ok(Err(error)) => return Err(error),
        }
        Ok(process)
    }

    /// Whether it has not ended yet.
    pub(super) fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// What it wrote to stderr, once it is dying: short and escaped, for it may speak for a guest.
    pub(super) fn last_words(&mut self) -> Option<String> {
        let stderr = self.stderr.take()?;
        rustix::io::ioctl_fionbio(&stderr, true).ok()?;
        let mut bytes = [0; LAST_WORDS_BYTES_MAX];
        let count = rustix::io::read(&stderr, &mut bytes).ok().filter(|count| *count > 0)?;
        Some(String::from_utf8_lossy(&bytes[..count]).trim_end().escape_debug().to_string())
    }

    pub(super) async fn send(&self, command: &wire::Command, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        loop {
            let mut ready = self.socket.writable().await?;
            let sent = ready.try_io(|socket| wire::send(socket.as_fd(), command, descriptors));
            if let Ok(sent) = sent {
                return sent;
            }
        }
    }

    pub(super) async fn receive(&mut self) -> io::Result<Option<Event>> {
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

/// `starttime`, field 22 of `/proc/<pid>/stat`; the second field is a name in brackets that may hold anything.
fn start_token(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.nursery.bury(child);
        }
    }
}
