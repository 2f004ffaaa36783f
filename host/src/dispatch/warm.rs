//! Workers between two runs, warm by program; the one idle longest goes first. None is kept for long: what one was lent may
//! be held by it for as long as it lives, whatever has become of it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::id::FileId;
use crate::pool::worker::Fit;
use crate::pool::worker::Worker;

/// How long a worker waits for its next run.
const IDLE_FOR: Duration = Duration::from_secs(60);
/// How often it is looked who has waited so long.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Those who are idle, the latest used last.
#[derive(Debug, Default)]
pub(super) struct Warm(Arc<Mutex<Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    worker: Worker,
    since: Instant,
}

impl Warm {
    /// One of that program and client that is still alive, the latest used first.
    pub(super) fn take(&self, fit: Fit) -> Option<Worker> {
        let mut idle = self.idle();
        while let Some(at) = idle.iter().rposition(|it| it.worker.fit == fit) {
            let mut worker = idle.remove(at).worker;
            if worker.resume() {
                return Some(worker);
            }
        }
        None
    }

    /// Keeps one, stopped, and at most `count` in all.
    pub(super) fn keep(&self, worker: Worker, count: usize) {
        worker.pause();
        let mut idle = self.idle();
        idle.push(Idle { worker, since: Instant::now() });
        shorten(&mut idle, count);
    }

    /// Lets those go that are idle longest.
    pub(super) fn at_most(&self, count: usize) {
        shorten(&mut self.idle(), count);
    }

    /// Lets those go that were lent a file.
    pub(super) fn without(&self, file_id: FileId) {
        self.idle().retain(|it| !it.worker.lent.contains(&file_id));
    }

    /// From now on lets those go who have waited too long.
    pub(super) fn let_idle_go(&self) {
        let idle = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(idle) = idle.upgrade() else { return };
                lock(&idle).retain(|it| it.since.elapsed() < IDLE_FOR);
            }
        });
    }

    pub(super) fn count(&self) -> usize {
        self.idle().len()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        lock(&self.0)
    }
}

fn lock(idle: &Mutex<Vec<Idle>>) -> MutexGuard<'_, Vec<Idle>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shorten(idle: &mut Vec<Idle>, count: usize) {
    let over = idle.len().saturating_sub(count);
    idle.drain(..over);
}
