//! What is known of runs in flight, in one place under one lock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tokio::sync::watch;

use crate::id::FileId;
use crate::id::RunKey;
use crate::pool::worker::Fit;
use crate::pool::worker::Worker;
use crate::run::Reason;

/// What the outside sees of a run in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its acceptance is not on disk yet.
    Accepting,
    Accepted,
    Running(Progress),
    Ended,
    /// It never was, or is no more: whoever waited asks again.
    Withdrawn,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Of the sample, counting repeats.
    pub bytes_read: u64,
    /// What the guest says of itself, in thousandths; never going back.
    pub permille: Option<u16>,
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
            Self::Ended | Self::Withdrawn => 3,
        }
    }
}

#[derive(Debug)]
pub(super) struct Live {
    pub(super) phase: watch::Sender<Phase>,
    /// Why it is to end, once it is.
    pub(super) wish: watch::Sender<Option<Reason>>,
}

impl Live {
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase: watch::Sender::new(phase), wish: watch::Sender::new(None) }
    }
}

#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) live: HashMap<RunKey, Live>,
    /// Files that are being deleted, and by how many.
    pub(super) deleting: HashMap<FileId, u32>,
    pub(super) idle: Vec<Worker>,
    /// How long a run takes, milliseconds: the mean of the last few.
    pub(super) mean_ms: u64,
}

impl Board {
    /// A warm worker of that program, the latest used first.
    pub(super) fn take_idle(&mut self, fit: Fit) -> Option<Worker> {
        let at = self.idle.iter().rposition(|worker| worker.fit == fit)?;
        Some(self.idle.remove(at))
    }

    /// Lets those go that are idle longest.
    pub(super) fn idle_at_most(&mut self, count: usize) {
        let over = self.idle.len().saturating_sub(count);
        self.idle.drain(..over);
    }

    /// One who was deleting that file is done.
    pub(super) fn deleted(&mut self, file_id: FileId) {
        if let Entry::Occupied(mut count) = self.deleting.entry(file_id) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    pub(super) fn took(&mut self, duration_ms: u64) {
        self.mean_ms = self.mean_ms.saturating_mul(7).saturating_add(duration_ms) / 8;
    }
}
