//! Places that clients hold, bounded in all, and for each by what is free: one that takes what it can leaves some.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::id::ClientId;

/// A client may hold as many times what is free for everybody, as in the queue.
const SHARE: usize = 8;

/// All of them.
#[derive(Debug, Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    held: Arc<Mutex<HashMap<ClientId, usize>>>,
}

/// One, given back when this goes.
#[derive(Debug)]
pub struct Place {
    _free: OwnedSemaphorePermit,
    client: ClientId,
    places: Places,
}

impl Places {
    /// So many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), held: Arc::default() }
    }

    /// Waits for one that is free, for whoever will come. None when there will never be one.
    pub async fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Gives a free one to a client, unless that has its share.
    pub fn give(&self, free: OwnedSemaphorePermit, client: ClientId) -> Option<Place> {
        let mut all = self.held();
        let held = all.get(&client).copied().unwrap_or(0);
        if is_over_share(held, self.free.available_permits()) {
            return None;
        }
        all.insert(client, held + 1);
        drop(all);
        Some(Place { _free: free, client, places: self.clone() })
    }

    /// Takes one, if there is one that the client may have.
    pub fn take(&self, client: ClientId) -> Option<Place> {
        let free = Arc::clone(&self.free).try_acquire_owned().ok()?;
        self.give(free, client)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ClientId, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a client that holds so many may have no more, when so many are left for others.
pub fn is_over_share(held: usize, free: usize) -> bool {
    held > 0 && held >= free.saturating_mul(SHARE)
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.held();
        match all.get_mut(&self.client) {
            Some(held) if *held > 1 => *held -= 1,
            Some(_) | None => drop(all.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_never_has_all_and_what_it_gives_back_is_free() {
        for (count, share) in [(1, 1), (2, 1), (4, 3), (18, 16)] {
            let places = Places::new(count);
            let mine: Vec<_> = std::iter::from_fn(|| places.take(ClientId::Network(1))).collect();
            assert_eq!(mine.len(), share, "of {count}");
            assert_eq!(places.take(ClientId::Network(2)).is_some(), count > share);
            drop(mine);
            assert!(places.held().is_empty());
        }
    }
}
