//! Workers between two runs, warm by program; the one idle longest goes first. None is kept for long: what one was lent may
//! be held by it for as long as it lives, whatever has become of it.

use std::collections::VecDeque;
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
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Of so many files that went it is known which; a worker that was at work while more went is let go.
const GONE_KNOWN_MAX: usize = 1024;

/// Those who are idle.
#[derive(Debug, Default)]
pub(super) struct Warm(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    /// The latest used last.
    idle: Vec<Idle>,
    /// The last files that went, and how many there were in all: who is at work meanwhile may have been lent them before.
    gone: VecDeque<FileId>,
    gone_count: u64,
}

/// How many files had gone by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone(u64);

#[derive(Debug)]
struct Idle {
    worker: Worker,
    since: Instant,
}

impl Warm {
    /// One of that program and client that is still alive, the latest used first.
    pub(super) fn take(&self, fit: Fit) -> Option<Worker> {
        let idle = &mut self.waiting().idle;
        while let Some(at) = idle.iter().rposition(|it| it.worker.fit == fit) {
            let mut worker = idle.remove(at).worker;
            if worker.resume() {
                return Some(worker);
            }
        }
        None
    }

    /// To be asked before a worker is taken, and told when it is kept.
    pub(super) fn gone(&self) -> Gone {
        Gone(self.waiting().gone_count)
    }

    /// Keeps one, stopped, and at most `count` in all; unless a file went since that it was lent.
    pub(super) fn keep(&self, worker: Worker, since: Gone, count: usize) {
        worker.pause();
        let mut waiting = self.waiting();
        if waiting.went(since).is_some_and(|mut gone| !gone.any(|it| worker.lent.contains(it))) {
            waiting.idle.push(Idle { worker, since: Instant::now() });
            waiting.shorten(count);
        }
    }

    /// Lets those go that are idle longest.
    pub(super) fn at_most(&self, count: usize) {
        self.waiting().shorten(count);
    }

    /// A file has gone: lets those go that were lent it, also those that are at work, when they have done it.
    pub(super) fn without(&self, file_id: FileId) {
        let mut waiting = self.waiting();
        waiting.note(file_id);
        waiting.idle.retain(|it| !it.worker.lent.contains(&file_id));
    }

    /// From now on lets those go who have waited too long.
    pub(super) fn let_idle_go(&self) {
        let waiting = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(waiting) = waiting.upgrade() else { return };
                lock(&waiting).idle.retain(|it| it.since.elapsed() < IDLE_FOR);
            }
        });
    }

    pub(super) fn count(&self) -> usize {
        self.waiting().idle.len()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.0)
    }
}

impl Waiting {
    fn note(&mut self, file_id: FileId) {
        self.gone_count += 1;
        self.gone.push_front(file_id);
        self.gone.truncate(GONE_KNOWN_MAX);
    }

    /// The files that went since; None when they are too many to be known.
    fn went(&self, since: Gone) -> Option<impl Iterator<Item = &FileId>> {
        let count = usize::try_from(self.gone_count.saturating_sub(since.0)).ok()?;
        (count <= self.gone.len()).then(|| self.gone.iter().take(count))
    }

    fn shorten(&mut self, count: usize) {
        let over = self.idle.len().saturating_sub(count);
        self.idle.drain(..over);
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_is_known_until_it_is_too_much() {
        let id = |number: u16| {
            let mut bytes = [0; 20];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            FileId::new(bytes)
        };
        let mut waiting = Waiting::default();
        waiting.note(id(1));
        let since = Gone(waiting.gone_count);
        assert_eq!(waiting.went(since).unwrap().count(), 0);
        waiting.note(id(2));
        waiting.note(id(3));
        assert_eq!(waiting.went(since).unwrap().copied().collect::<Vec<_>>(), [id(3), id(2)]);
        for number in 4..=u16::try_from(GONE_KNOWN_MAX).unwrap() + 1 {
            waiting.note(id(number));
        }
        assert_eq!(waiting.went(since).unwrap().count(), GONE_KNOWN_MAX);
        waiting.note(id(0));
        assert!(waiting.went(since).is_none());
    }
}
