//! What is wanted of the next run of a question while one with less is on its way: so that whoever asks for the next one,
//! it has enough for all who could not join.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::id::RunKey;
use crate::limits::Limits;

/// A wish counts so long after it was told last: who was told to come again may come again.
const HEEDED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Wishes(Mutex<HashMap<RunKey, (Limits, Instant)>>);

impl Wishes {
    /// Somebody waits for a run with that much.
    pub(super) fn tell(&self, key: RunKey, limits: Limits) {
        let now = Instant::now();
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.retain(|_, (_, told)| now.duration_since(*told) < HEEDED_FOR);
        let wish = wishes.entry(key).or_insert((limits, now));
        *wish = (wish.0.widest(limits), now);
    }

    /// What a run should have that begins now.
    pub(super) fn heed(&self, key: RunKey) -> Option<Limits> {
        let wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.get(&key).filter(|(_, told)| told.elapsed() < HEEDED_FOR).map(|(limits, _)| *limits)
    }
}
