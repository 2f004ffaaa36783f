//! Turns at what only a few can do at once: a client has one at a time, and whoever waits is next after those who waited
//! before it, one of each client. However many requests one sends, another waits for one of them at most.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::id::ClientId;

/// Who is at it, and who waits.
#[derive(Debug, Clone)]
pub struct Rota {
    /// First come, first served: of each client one at most waits here or is at it.
    turns: Arc<Semaphore>,
    clients: Arc<Mutex<HashMap<ClientId, Line>>>,
}

/// The requests of one client.
#[derive(Debug)]
struct Line {
    first: Arc<Semaphore>,
    /// How many there are; the line goes with the last.
    count: usize,
}

/// A request that waits or has its turn.
#[derive(Debug)]
struct Entry {
    rota: Rota,
    client: ClientId,
}

/// A turn, until this goes.
#[derive(Debug)]
pub(super) struct Turn {
    // In this order: the next of this client comes when the turn is free again.
    _turn: OwnedSemaphorePermit,
    _first: OwnedSemaphorePermit,
    _entry: Entry,
}

impl Rota {
    /// So many at once.
    pub(super) fn new(at_once: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once)), clients: Arc::default() }
    }

    /// As many at once as there are cores.
    #[must_use]
    pub fn of_cores() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// Never, as long as nobody closes it.
    pub(super) async fn take(&self, client: ClientId) -> io::Result<Turn> {
        let (entry, first) = self.enter(client);
        let first = first.acquire_owned().await.map_err(io::Error::other)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(io::Error::other)?;
        Ok(Turn { _turn: turn, _first: first, _entry: entry })
    }

    fn enter(&self, client: ClientId) -> (Entry, Arc<Semaphore>) {
        let mut clients = self.clients();
        let line = clients.entry(client).or_insert_with(|| Line { first: Arc::new(Semaphore::new(1)), count: 0 });
        line.count += 1;
        let first = Arc::clone(&line.first);
        drop(clients);
        (Entry { rota: self.clone(), client }, first)
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<ClientId, Line>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut clients = self.rota.clients();
        match clients.get_mut(&self.client) {
            Some(line) if line.count > 1 => line.count -= 1,
            Some(_) | None => drop(clients.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn one_that_asks_a_hundred_times_is_followed_by_another() {
        let rota = Rota::new(1);
        let take = |client| Box::pin(rota.take(ClientId::Network(client)));
        let turn = take(1).now_or_never().unwrap();
        let mut flood: Vec<_> = (0..100).map(|_| take(1)).collect();
        assert!(flood.iter_mut().all(|it| it.now_or_never().is_none()));
        let mut other = take(2);
        assert!((&mut other).now_or_never().is_none());
        drop(turn);
        assert!(flood.iter_mut().all(|it| it.now_or_never().is_none()));
        let turn = (&mut other).now_or_never().unwrap();
        drop(turn);
        assert!(flood.iter_mut().any(|it| it.now_or_never().is_some()));
    }

    #[test]
    fn a_client_has_one_turn_at_a_time_and_who_gives_up_leaves_nothing() {
        let rota = Rota::new(2);
        let take = |client| Box::pin(rota.take(ClientId::Network(client)));
        let first = take(1).now_or_never().unwrap();
        let mut second = take(1);
        assert!((&mut second).now_or_never().is_none());
        let other = take(2).now_or_never().unwrap();
        drop(second);
        drop((first, other));
        assert!(rota.clients().is_empty());
        assert_eq!(rota.turns.available_permits(), 2);
    }
}
