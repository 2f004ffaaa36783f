//! How far an analysis is. The host also watches how much of the sample was read, so none of this is a duty.

use std::fmt::Display;

/// Steps that are told at most.
const STEPS: u64 = 100;
/// A step is worth telling only when it took some time.
const STEP_BYTES_MIN: u64 = 1 << 20;

/// Progress by bytes, told seldom enough to cost nothing.
#[derive(Debug)]
pub struct Progress {
    total_bytes: u64,
    message: &'static str,
    next_bytes: u64,
}

impl Progress {
    /// Of work on so many bytes.
    #[must_use]
    pub fn new(total_bytes: u64, message: &'static str) -> Self {
        let mut progress = Self { total_bytes, message, next_bytes: 0 };
        progress.next_bytes = progress.step_bytes();
        progress
    }

    /// So many bytes are done by now.
    pub fn at(&mut self, done_bytes: u64) {
        if let Some(fraction) = self.due(done_bytes) {
            progress(fraction, self.message);
        }
    }

    /// What is to be told, if it is time.
    fn due(&mut self, done_bytes: u64) -> Option<f64> {
        if done_bytes < self.next_bytes {
            return None;
        }
        self.next_bytes = done_bytes.saturating_add(self.step_bytes());
        Some(done_bytes as f64 / self.total_bytes.max(1) as f64)
    }

    fn step_bytes(&self) -> u64 {
        self.total_bytes.div_ceil(STEPS).max(STEP_BYTES_MIN)
    }
}

/// Tells how far the analysis is, from 0 to 1.
pub fn progress(fraction: f64, message: impl Display) {
    crate::face::tell(fraction.clamp(0.0, 1.0), &message.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(total_bytes: u64, step_bytes: u64) -> Vec<f64> {
        let mut progress = Progress::new(total_bytes, "");
        let stops = (1..=total_bytes / step_bytes).map(|number| number * step_bytes);
        stops.filter_map(|done_bytes| progress.due(done_bytes)).collect()
    }

    #[test]
    fn a_hundred_steps_are_told_at_most_and_the_last_is_the_end() {
        let steps = told(1 << 30, 1 << 18);
        assert!(steps.len() <= 100 && steps.is_sorted(), "{steps:?}");
        assert!(steps.last().is_some_and(|last| *last > 0.98), "{steps:?}");
        assert_eq!(told(1 << 22, 1 << 20), [0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn small_samples_tell_nothing() {
        assert!(told(1_000_000, 1000).is_empty());
        assert!(Progress::new(0, "").due(0).is_none());
    }
}
