//! Workers between two runs, warm by program; the one idle longest goes first.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::pool::worker::Fit;
use crate::pool::worker::Worker;

/// Those who are idle, the latest used last.
#[derive(Debug, Default)]
pub(super) struct Warm(Mutex<Vec<Worker>>);

impl Warm {
    /// One of that program and client that is still alive, the latest used first.
    pub(super) fn take(&self, fit: Fit) -> Option<Worker> {
        let mut idle = self.idle();
        while let Some(at) = idle.iter().rposition(|worker| worker.fit == fit) {
            let mut worker = idle.remove(at);
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
        idle.push(worker);
        shorten(&mut idle, count);
    }

    /// Lets those go that are idle longest.
    pub(super) fn at_most(&self, count: usize) {
        shorten(&mut self.idle(), count);
    }

    pub(super) fn count(&self) -> usize {
        self.idle().len()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shorten(idle: &mut Vec<Worker>, count: usize) {
    let over = idle.len().saturating_sub(count);
    idle.drain(..over);
}
