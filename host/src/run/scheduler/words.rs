//! What the scheduler is told, and what it says.

use crate::id::ClientId;
use crate::id::RunKey;
use crate::run::Priority;
use crate::run::Reason;

/// Of fewer slots none is kept free: it would cost who is alone too much.
const SLOTS_FEW: usize = 4;

/// How much there may be of it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Runs at the same time.
    pub slots: usize,
    /// Runs accepted and not ended.
    pub queue_max: usize,
}

impl Bounds {
    /// Runs of one client at the same time. Where there are a few slots, one is kept from it for the others.
    #[must_use]
    pub fn slots_of_one(self) -> usize {
        if self.slots < SLOTS_FEW { self.slots } else { self.slots - 1 }
    }
}

/// Somebody wants a run.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    pub key: RunKey,
    pub client: ClientId,
    pub priority: Priority,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A place: it is to be accepted, or given back.
    Place,
    /// The same run is on its way.
    InFlight,
    /// The same run is on its way out: it was dismissed.
    Ending,
    Denied(Refusal),
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    QueueFull,
    /// There is room, but not for this client.
    OverShare,
    /// The file is being deleted.
    Deleting,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A run that has a place is on disk.
    Accepted(RunKey),
    /// There was an answer already; the place is given back.
    Answered(RunKey),
    /// It could not be accepted, or nobody wants it to be any more; the place is given back.
    Withdrawn(RunKey),
    /// An attempt is over.
    Attempted(RunKey, Attempt),
    /// Nobody wants it any more, for that reason.
    Dismiss(RunKey, Reason),
    /// Its ending is on disk.
    Concluded(RunKey),
    /// Time has passed.
    Tick,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// In a way that another would not change.
    Settled,
    /// By a fault of the host.
    Interrupted,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Try it, for the time of that number.
    Start(RunKey, u32),
    /// End the attempt on its way, for that reason.
    Kill(RunKey, Reason),
    /// Store its ending: of the last attempt, or why it was dismissed.
    Conclude(RunKey, Option<Reason>),
    /// Nothing is known of it here any more.
    Over(RunKey, Last),
}

/// How a run left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// It has an ending.
    Ended,
    /// There was an answer already.
    Answered,
    /// It never was.
    Withdrawn,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub in_flight: usize,
    /// Of those, runs that have a slot.
    pub running: usize,
    pub queue_max: usize,
    /// When a client that waits does well to ask again: whole seconds, from 1 to a minute.
    pub retry_after_s: u64,
}
