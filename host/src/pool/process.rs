//! A confined process and the channel to it. A dropped one is a killed one.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::process::ChildStderr;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::process::Pid;
use rustix::process::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::nursery::Nursery;
use crate::run::WorkerIdentity;
use crate::wire;
use crate::wire::Event;
use crate::wire::Inbox;
use crate::wire::Wall;
use crate::wire::Walls;

/// What is kept of what a dying process says.
const LAST_WORDS_BYTES_MAX: usize = 2048;
const READY_WITHIN: Duration = Duration::from_secs(10);
/// From a closed channel to a dead process.
const DEAD_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(1);

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
        let socket = watched(ours, Interest::READABLE)?;
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
            Ok(Ok(Some(Event::Ready(walls)))) => process.walls = Walls { proc: seen(identity.pid), ..walls },
            Ok(Ok(_)) | Err(_) => {
                let detail = process.last_words().await;
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

    /// Stops it until [`Self::resume`]: it does nothing at all meanwhile, whatever it has become.
    pub(super) fn pause(&self) {
        self.signal_it(Signal::STOP);
    }

    pub(super) fn resume(&self) {
        self.signal_it(Signal::CONT);
    }

    fn signal_it(&self, signal: Signal) {
        // Not waited for yet, so that its number is no other's.
        let pid = self.child.as_ref().and_then(|child| Pid::from_raw(i32::try_from(child.id()).ok()?));
        if let Some(pid) = pid {
            // One that is dead shows when it is looked at.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Whether it says nothing unasked.
    pub(super) fn is_silent(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut ready = [PollFd::new(self.socket.get_ref(), PollFlags::IN)];
        matches!(rustix::event::poll(&mut ready, Some(&now)), Ok(0))
    }

    /// Kills it, and waits until it is dead: from then on nothing that it wrote changes.
    ///
    /// # Errors
    /// When it does not die.
    pub(super) async fn end(mut self) -> io::Result<()> {
        if let Some(child) = &mut self.child {
            child.kill()?;
        }
        self.ended().await.map(drop).ok_or_else(|| io::Error::other("a killed worker does not die"))
    }

    /// How it ended, and what it wrote to stderr before; for one that is dead or dying.
    pub(super) async fn last_words(&mut self) -> String {
        let ended = self.ended().await.map_or("it has not ended".to_owned(), |it| describe(&it));
        match self.said() {
            Some(said) => format!("{ended}: {said}"),
            None => ended,
        }
    }

    /// The signal that it was ended by, if it was.
    pub(super) async fn signal(&mut self) -> Option<i32> {
        self.ended().await?.signal()
    }

    /// Its channel closes a moment before it can be seen to be dead.
    async fn ended(&mut self) -> Option<ExitStatus> {
        let child = self.child.as_mut()?;
        let until = Instant::now() + DEAD_WITHIN;
        loop {
            match child.try_wait() {
                Ok(None) if Instant::now() < until => tokio::time::sleep(LOOK_EVERY).await,
                Ok(ended) => return ended,
                Err(_) => return None,
            }
        }
    }

    /// Short and escaped, for it may speak for a guest.
    fn said(&mut self) -> Option<String> {
        let stderr = self.stderr.take()?;
        rustix::io::ioctl_fionbio(&stderr, true).ok()?;
        let mut bytes = [0; LAST_WORDS_BYTES_MAX];
        let count = rustix::io::read(&stderr, &mut bytes).ok().filter(|count| *count > 0)?;
        Some(String::from_utf8_lossy(&bytes[..count]).trim_end().escape_debug().to_string())
    }

    /// Waits for room where there is none.
    pub(super) async fn send(&self, command: &wire::Command, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        match wire::send(self.socket.as_fd(), command, descriptors) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
            sent => return sent,
        }
        let socket = watched(self.socket.get_ref().try_clone()?, Interest::WRITABLE)?;
        loop {
            let mut ready = socket.writable().await?;
            let sent = ready.try_io(|socket| wire::send(socket.as_fd(), command, descriptors));
            if let Ok(sent) = sent {
                return sent;
            }
        }
    }

    /// From now on holds back what is sent, beyond about so much, until the process has received the rest.
    pub(super) fn send_little(&self, bytes: usize) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_send_buffer_size(&self.socket, bytes)?)
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

/// The server's end of a channel. It is told of messages alone until there is no room for one: who waits for room is woken
/// by each message that the process takes, which cost a worker 14 % of its CPU time in short runs.
fn watched(end: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(deprecated, reason = "an OwnedFd never changes its number, which is all that `register` asks for")]
    AsyncFd::with_interest(end, interest)
}

/// In words, for the log.
fn describe(ended: &ExitStatus) -> String {
    const KILL: i32 = 9;
    const SEGV: i32 = 11;
    const XFSZ: i32 = 25;
    const SYS: i32 = 31;
    let meaning = match ended.signal() {
        Some(KILL) => "killed by somebody, or for want of memory",
        Some(SEGV) => "touched memory that is not there",
        Some(XFSZ) => "killed over a file longer than it may write",
        Some(SYS) => "killed by the seccomp filter, for a system call that it has no business making",
        Some(_) | None => return ended.to_string(),
    };
    format!("{meaning} ({ended})")
}

/// CPU time that a process has taken so far, its own and the kernel's for it: `utime` and `stime` of proc(5).
#[must_use]
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = stat(pid)?;
    let ticks = field(&stat, 14)?.checked_add(field(&stat, 15)?)?;
    Some(Duration::from_millis(ticks.checked_mul(1000)?.checked_div(rustix::param::clock_ticks_per_second())?))
}

/// What a process takes of memory: pages that are there or swapped out, and the tables that lead to them; proc(5).
#[must_use]
pub fn memory_taken(pid: u32) -> Option<u64> {
    memory_of(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// One that has no memory of its own any more, since it is dead, has no such lines.
fn memory_of(status: &str) -> Option<u64> {
    let kib = |name| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let parts = ["VmRSS", "VmPTE", "VmSwap"].map(kib);
    parts[0]?.checked_add(parts[1]?)?.checked_add(parts[2].unwrap_or(0))?.checked_mul(1024)
}

/// Whether what a process takes can be seen. Of one that is confined, and so not dumpable, `hidepid` of proc(5) shows
/// nothing to a server that is not root.
fn seen(pid: u32) -> Wall {
    let seen = cpu_time(pid).is_some() && memory_taken(pid).is_some();
    if seen { Wall::Enforced } else { Wall::Missing }
}

fn start_token(pid: u32) -> Option<u64> {
    field(&stat(pid)?, 22)
}

fn stat(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// By its number in proc(5); the second field is a name in brackets that may hold anything.
fn field(stat: &str, number: usize) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.nursery.bury(child);
        }
    }
}

/// Programs of this machine in the place of a confined process.
#[cfg(test)]
pub(super) mod stand_in {
    use super::*;

    /// One that does as it is told on its command line, and speaks by the other end of its channel.
    pub(in crate::pool) async fn start(nursery: &Nursery, words: &[&str]) -> (Process, OwnedFd) {
        let (ours, theirs) = wire::pair().unwrap();
        let socket = watched(ours, Interest::READABLE).unwrap();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null());
        let child = nursery.start(command).await.unwrap();
        let identity = WorkerIdentity { pid: child.id(), start_token: 0 };
        let (inbox, walls) = (Inbox::default(), Walls::MISSING);
        let process =
            Process { nursery: nursery.clone(), child: Some(child), stderr: None, socket, inbox, walls, identity };
        (process, theirs)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn what_finds_no_room_is_sent_once_there_is_some() {
        let nursery = Nursery::open().unwrap();
        let (process, theirs) = stand_in::start(&nursery, &["sleep", "600"]).await;
        process.send_little(0).unwrap();
        let mut sent = 0;
        let soon = Duration::from_millis(200);
        while tokio::time::timeout(soon, process.send(&wire::Command::NoFile, &[])).await.is_ok() {
            sent += 1;
        }
        assert!(sent > 0);
        let mut waiting = pin!(process.send(&wire::Command::NoFile, &[]));
        tokio::time::timeout(soon, &mut waiting).await.expect_err("there is no room");
        let taken = tokio::task::spawn_blocking(move || {
            let mut inbox = Inbox::default();
            (0..=sent).filter(|_| matches!(inbox.receive(theirs.as_fd()), Ok(Some((wire::Command::NoFile, _))))).count()
        });
        waiting.await.unwrap();
        // What was given up was not sent.
        assert_eq!(taken.await.unwrap(), sent + 1);
    }

    #[test]
    fn a_process_of_which_nothing_is_told_is_not_seen() {
        assert_eq!(seen(std::process::id()), Wall::Enforced);
        assert_eq!(seen(0), Wall::Missing);
    }

    #[test]
    fn page_tables_and_what_is_swapped_out_are_memory() {
        let status = "Name:\tVmRSS:\nVmPeak:\t 9 kB\nVmRSS:\t    1000 kB\nVmPTE:\t  20 kB\nVmSwap:\t       3 kB\n";
        assert_eq!(memory_of(status), Some(1023 << 10));
        assert_eq!(memory_of("Name:\tdead\nVmPeak:\t 9 kB\n"), None);
        assert!(memory_taken(std::process::id()) > Some(1 << 20));
    }

    #[test]
    fn a_death_by_the_filter_is_named() {
        let said = |raw| describe(&ExitStatus::from_raw(raw));
        assert!(said(31).starts_with("killed by the seccomp filter") && said(31).contains("signal: 31"));
        assert!(said(9).contains("signal: 9"));
        assert_eq!(said(101 << 8), "exit status: 101");
    }

    #[test]
    fn a_name_with_brackets_moves_no_field() {
        let stat = "7 (a) b) R 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 12345 1000";
        assert_eq!([14, 15, 22].map(|it| field(stat, it)), [Some(250), Some(50), Some(12345)]);
        assert_eq!(field("7 (a", 14), None);
        assert!(cpu_time(std::process::id()).is_some() && cpu_time(0).is_none());
    }
}
