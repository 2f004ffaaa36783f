//! What everybody may see of runs in flight. The owner of the scheduler alone puts runs up and takes them down.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::Weak;

use tokio::sync::watch;

use crate::id::RunKey;
use crate::limits::Limits;
use crate::run::Reason;
use crate::run::SoFar;
use crate::run::scheduler::Load;

/// What the outside sees of a run in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its acceptance is not on disk yet.
    Accepting,
    Accepted,
    Running(Progress),
    Ended,
    /// There was an answer already.
    Answered,
    /// It never was, or is no more: whoever waited asks again.
    Withdrawn,
}

/// How far a run has come; never going back, also when it is tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Which attempt this is, from 1.
    pub attempt: u32,
    pub so_far: SoFar,
    /// What the guest says of itself, in thousandths.
    pub permille: Option<u16>,
    /// Of this attempt's log, see [`WatchedLog`].
    pub log_bytes: usize,
}

impl Progress {
    /// How much is done, in thousandths: what the guest says of itself, or else how much it has read or spent, of so many
    /// bytes and so much fuel.
    #[must_use]
    pub fn share(&self, size_bytes: u64, fuel_max: u64) -> u16 {
        let part =
            |of: u64, whole: u64| u16::try_from(u128::from(of) * 1000 / u128::from(whole.max(1))).unwrap_or(1000);
        let counted = part(self.so_far.bytes_read, size_bytes).max(part(self.so_far.fuel, fuel_max));
        self.permille.unwrap_or(counted.min(1000))
    }
}

/// What the attempt on its way has written to stderr.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
pub(super) struct Written {
    attempt: u32,
    pub(super) bytes: Vec<u8>,
}

/// The same for those who watch. It keeps nothing in memory: once the run is over, its log is read from disk.
#[derive(Debug, Clone)]
pub struct WatchedLog(Weak<Mutex<Written>>);

impl Log {
    pub(super) fn begin(&self, attempt: u32) {
        *self.written() = Written { attempt, bytes: Vec::new() };
    }

    pub(super) fn written(&self) -> MutexGuard<'_, Written> {
        written(&self.0)
    }

    pub(super) fn watch(&self) -> WatchedLog {
        WatchedLog(Arc::downgrade(&self.0))
    }
}

impl WatchedLog {
    /// Which attempt it is, and how many bytes it has written; none once the run is over.
    #[must_use]
    pub fn so_far(&self) -> Option<(u32, usize)> {
        let log = self.0.upgrade()?;
        let written = written(&log);
        Some((written.attempt, written.bytes.len()))
    }

    /// At most so many bytes of what that attempt has written, from there on; none when it is not on its way any more.
    #[must_use]
    pub fn piece(&self, attempt: u32, at: usize, bytes_max: usize) -> Option<Vec<u8>> {
        let log = self.0.upgrade()?;
        let written = written(&log);
        let rest = written.bytes.get(at..).unwrap_or_default();
        (written.attempt == attempt).then(|| rest[..rest.len().min(bytes_max)].to_vec())
    }
}

fn written(log: &Mutex<Written>) -> MutexGuard<'_, Written> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Phase {
    /// Whether a run in this phase has come at least as far as `other`; a withdrawn one has come as far as it will.
    pub(super) fn has_reached(self, other: Self) -> bool {
        self.rank() >= other.rank()
    }

    fn rank(self) -> u8 {
        match self {
            Self::Accepting => 0,
            Self::Accepted => 1,
            Self::Running(_) => 2,
            Self::Ended | Self::Answered | Self::Withdrawn => 3,
        }
    }
}

/// What the task of a run is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orders {
    pub(super) step: Step,
    /// The attempt on its way is to end, for that reason.
    pub(super) kill: Option<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    /// The attempt of that number.
    Try(u32),
    /// Store its ending: of the last attempt, unless it was dismissed before that had settled.
    Conclude(Option<Reason>),
}

/// The limits that a run has.
pub(super) type Granted = Arc<OnceLock<Limits>>;

#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) log: Log,
    /// Once it is accepted.
    pub(super) granted: Granted,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) orders: watch::Sender<Orders>,
}

/// The runs in flight.
#[derive(Debug)]
pub(super) struct Board {
    live: Mutex<HashMap<RunKey, Live>>,
    load: watch::Sender<Load>,
}

impl Board {
    pub(super) fn new(load: Load) -> Self {
        Self { live: Mutex::default(), load: watch::Sender::new(load) }
    }

    pub(super) fn find(&self, key: RunKey) -> Option<Live> {
        self.live().get(&key).cloned()
    }

    pub(super) fn running(&self) -> Vec<(RunKey, Progress)> {
        let running = |live: &Live| match *live.phase.borrow() {
            Phase::Running(progress) => Some(progress),
            Phase::Accepting | Phase::Accepted | Phase::Ended | Phase::Answered | Phase::Withdrawn => None,
        };
        self.live().iter().filter_map(|(key, live)| Some((*key, running(live)?))).collect()
    }

    pub(super) fn load(&self) -> Load {
        *self.load.borrow()
    }

    pub(super) fn show_load(&self, load: Load) {
        self.load.send_replace(load);
    }

    pub(super) fn put_up(&self, key: RunKey) -> Live {
        let orders = Orders { step: Step::Wait, kill: None };
        let live = Live {
            log: Log::default(),
            granted: Granted::default(),
            phase: watch::Sender::new(Phase::Accepting),
            orders: watch::Sender::new(orders),
        };
        self.live().insert(key, live.clone());
        live
    }

    /// Whoever looks after `last` is told finds nothing here.
    pub(super) fn take_down(&self, key: RunKey, last: Phase) {
        let taken = self.live().remove(&key);
        if let Some(live) = taken {
            live.phase.send_replace(last);
        }
    }

    pub(super) fn order(&self, key: RunKey, change: impl FnOnce(&mut Orders)) {
        if let Some(live) = self.live().get(&key) {
            live.orders.send_modify(change);
        }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<RunKey, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_seen_piece_by_piece_and_kept_by_nobody_who_watches() {
        let log = Log::default();
        let watched = log.watch();
        log.begin(1);
        log.written().bytes.extend_from_slice(b"abcde");
        assert_eq!(watched.so_far(), Some((1, 5)));
        assert_eq!(watched.piece(1, 1, 3).unwrap(), b"bcd");
        assert_eq!(watched.piece(1, 4, 3).unwrap(), b"e");
        assert_eq!(watched.piece(1, 5, 3).unwrap(), b"");
        assert_eq!(watched.piece(1, 9, 3).unwrap(), b"");
        log.begin(2);
        assert_eq!((watched.piece(1, 0, 3), watched.piece(2, 0, 3)), (None, Some(Vec::new())));
        drop(log);
        assert_eq!((watched.so_far(), watched.piece(2, 0, 3)), (None, None));
    }
}
