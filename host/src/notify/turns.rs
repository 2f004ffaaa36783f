//! Turns by name: so many at the same time for each, the others wait in line.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// For whoever a `K` names.
#[derive(Debug)]
pub(super) struct Turns<K> {
    each: usize,
    lines: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// So many for each.
    pub(super) fn new(each: usize) -> Self {
        Self { each, lines: Mutex::default() }
    }

    /// Waits for one; it lasts until it is dropped.
    pub(super) async fn turn(&self, of: K) -> Option<OwnedSemaphorePermit> {
        let line = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody has a turn in a line that only this map knows.
            lines.retain(|_, line| Arc::strong_count(line) > 1);
            Arc::clone(lines.entry(of).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
        };
        line.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_has_its_own_and_what_is_over_is_forgotten() {
        let turns = Turns::new(2);
        let first = turns.turn("a").await;
        let second = turns.turn("a").await;
        let waits = async |of| tokio::time::timeout(Duration::from_secs(1), turns.turn(of)).await.is_err();
        assert!(waits("a").await && !waits("b").await);
        drop(first);
        assert!(!waits("a").await);
        drop(second);
        assert!(!waits("c").await);
        assert!(turns.lines.lock().unwrap().len() <= 1);
    }
}
