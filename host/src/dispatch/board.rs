//! What everybody may see of runs in flight. The owner of the scheduler alone puts runs up and takes them down.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::id::RunKey;
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
    /// Of this attempt's log, see [`Log`].
    pub log_bytes: usize,
}

/// What the attempt on its way has written to stderr, for those who watch.
pub type Log = Arc<Mutex<Vec<u8>>>;

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

#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) log: Log,
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
