//! Time as the guest knows it: it starts at the descriptor's epoch (1970 if it names none), moves by what the guest
//! sleeps, and by a microsecond a look, so that a loop that waits for time to pass ends.

/// How far one look moves it, nanoseconds; also what guests are told as its resolution.
pub(super) const LOOK_NS: u64 = 1_000;

/// A clock that only the guest moves.
#[derive(Debug)]
pub(super) struct GuestClock {
    now_ns: u64,
}

impl GuestClock {
    pub(super) fn new(epoch_s: u64) -> Self {
        Self { now_ns: epoch_s.saturating_mul(1_000_000_000) }
    }

    /// Looks, which takes its time.
    pub(super) fn look(&mut self) -> u64 {
        self.now_ns = self.now_ns.saturating_add(LOOK_NS);
        self.now_ns
    }

    /// What it stands at.
    pub(super) fn now(&self) -> u64 {
        self.now_ns
    }

    /// Never back.
    pub(super) fn move_to(&mut self, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
    }
}
