//! Group commit: whoever waits while the disk is busy is served by the next sync, all of them by one.
//!
//! One thread calls `syncfs`, which makes durable everything written to this file system before the call: files,
//! renames and directories alike. A sync that failed is told to all who waited for it. What it was to write out may be
//! lost, and the kernel does not say so twice: from then on every sync fails, until a restart has looked at the disk.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::probe::Change;
use super::probe::Probe;

type Reply = oneshot::Sender<Result<(), rustix::io::Errno>>;

/// The thread that syncs. Dropping it waits for the sync under way.
#[derive(Debug)]
pub struct Committer {
    requests: Option<mpsc::Sender<Reply>>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<AtomicBool>,
}

/// A sync that is asked for; what was written before the asking is on disk when it is done.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<(), rustix::io::Errno>>);

impl Committer {
    /// For the file system of that directory.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(directory: File, probe: Option<Arc<dyn Probe>>) -> io::Result<Self> {
        let (requests, received) = mpsc::channel();
        let failed = Arc::<AtomicBool>::default();
        let fails = Arc::clone(&failed);
        let thread = std::thread::Builder::new()
            .name("belljar-commit".to_owned())
            .spawn(move || serve(&received, || probed(probe.as_deref(), &directory), &fails))?;
        Ok(Self { requests: Some(requests), thread: Some(thread), failed })
    }

    /// Whether a sync has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Asks for a sync.
    #[must_use]
    pub fn ask(&self) -> Ticket {
        let (reply, done) = oneshot::channel();
        if let Some(requests) = &self.requests {
            // A thread that is gone drops the reply, which the ticket reports.
            drop(requests.send(reply));
        }
        Ticket(done)
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Ticket {
    /// Waits, and blocks the thread; not for async code.
    ///
    /// # Errors
    /// What was written may not be on disk.
    pub fn wait(self) -> io::Result<()> {
        said(self.0.blocking_recv())
    }

    /// Waits.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub async fn done(self) -> io::Result<()> {
        said(self.0.await)
    }
}

fn said(reply: Result<Result<(), rustix::io::Errno>, oneshot::error::RecvError>) -> io::Result<()> {
    Ok(reply.map_err(|_| io::Error::other("the committing thread is gone"))??)
}

fn serve(requests: &mpsc::Receiver<Reply>, sync: impl Fn() -> Result<(), rustix::io::Errno>, fails: &AtomicBool) {
    let mut failed = None;
    while let Ok(first) = requests.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(requests.try_iter()).collect();
        let synced = failed.map_or_else(&sync, Err);
        if let Err(errno) = synced
            && failed.is_none()
        {
            tracing::error!(%errno, "the disk failed; nothing more is taken until a restart");
            failed = Some(errno);
            fails.store(true, Ordering::Relaxed);
        }
        for reply in batch {
            // Whoever went away meanwhile does not need to know.
            let _ = reply.send(synced);
        }
    }
}

fn probed(probe: Option<&dyn Probe>, directory: &File) -> Result<(), rustix::io::Errno> {
    let Some(probe) = probe else { return sync(directory) };
    probe
        .before(Change::Sync)
        .map_err(|error| rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO))?;
    sync(directory)?;
    probe.after(Change::Sync);
    Ok(())
}

#[cfg(target_os = "linux")]
fn sync(directory: &File) -> Result<(), rustix::io::Errno> {
    rustix::fs::syncfs(directory)
}

#[cfg(not(target_os = "linux"))]
fn sync(_: &File) -> Result<(), rustix::io::Errno> {
    rustix::fs::sync();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_who_asks_is_served_and_dropping_waits() {
        let committer = Committer::start(File::open(std::env::temp_dir()).unwrap(), None).unwrap();
        let tickets: Vec<_> = (0..100).map(|_| committer.ask()).collect();
        drop(committer);
        for ticket in tickets {
            ticket.wait().unwrap();
        }
    }
}
