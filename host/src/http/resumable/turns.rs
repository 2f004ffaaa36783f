//! Whose turn it is at each upload that comes in pieces: one request at a time works on it, and makes room for the next.
//!
//! A client that lost its connection asks again before this server has noticed; the request it lost would else hold the
//! upload until the silence has lasted too long. How many uploads are open is bounded in all, and for each client by what
//! is free, as with places elsewhere.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use crate::id::ClientId;
use crate::id::PartialId;
use crate::places;

/// Every upload that is open.
#[derive(Debug, Clone)]
pub struct Turns {
    seats: Arc<Mutex<HashMap<PartialId, Arc<Seat>>>>,
    count_max: usize,
}

#[derive(Debug)]
struct Seat {
    client: ClientId,
    turn: Arc<Semaphore>,
    waiting: watch::Sender<usize>,
}

/// The right to work on one, until this goes.
#[derive(Debug)]
pub(super) struct Turn {
    seat: Arc<Seat>,
    _permit: OwnedSemaphorePermit,
}

/// Why no more can be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("as many resumable uploads as may be are on their way; try again later")]
    Everybody,
    #[error("this client has more resumable uploads on their way than its share; end some of them first")]
    Client,
}

struct Waiting<'a>(&'a watch::Sender<usize>);

impl Turns {
    /// So many may be open.
    #[must_use]
    pub fn new(count_max: usize) -> Self {
        Self { seats: Arc::default(), count_max }
    }

    /// How many may be open.
    pub(super) fn count_max(&self) -> usize {
        self.count_max
    }

    /// One more is open, for that client.
    pub(super) fn open(&self, id: PartialId, client: ClientId) -> Result<(), Full> {
        let mut seats = self.seats();
        let free = self.count_max.saturating_sub(seats.len());
        if free == 0 {
            return Err(Full::Everybody);
        }
        if places::is_over_share(seats.values().filter(|it| it.client == client).count(), free - 1) {
            return Err(Full::Client);
        }
        seats.insert(id, Arc::new(Seat::of(client)));
        Ok(())
    }

    /// One that a former server left is open for that client, whatever the bound says.
    pub(super) fn reopen(&self, id: PartialId, client: ClientId) {
        self.seats().insert(id, Arc::new(Seat::of(client)));
    }

    /// It is no longer open.
    pub(super) fn close(&self, id: PartialId) {
        self.seats().remove(&id);
    }

    /// Waits for the turn at one, and bids whoever has it make room; `None` when it is not open.
    pub(super) async fn take(&self, id: PartialId) -> Option<Turn> {
        let seat = self.seats().get(&id).map(Arc::clone)?;
        let waiting = Waiting::begin(&seat.waiting);
        let permit = Arc::clone(&seat.turn).acquire_owned().await.ok()?;
        drop(waiting);
        Some(Turn { seat, _permit: permit })
    }

    /// The turn at one that is open, if nobody has it.
    pub(super) fn take_idle(&self, id: PartialId) -> Option<Turn> {
        let seat = self.seats().get(&id).map(Arc::clone)?;
        let permit = Arc::clone(&seat.turn).try_acquire_owned().ok()?;
        Some(Turn { seat, _permit: permit })
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<PartialId, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    fn of(client: ClientId) -> Self {
        Self { client, turn: Arc::new(Semaphore::new(1)), waiting: watch::Sender::new(0) }
    }
}

impl Turn {
    /// Returns once another waits for it.
    pub(super) async fn is_wanted(&self) {
        let mut waiting = self.seat.waiting.subscribe();
        // The sender lives in the seat, which this holds.
        drop(waiting.wait_for(|count| *count > 0).await);
    }
}

impl<'a> Waiting<'a> {
    fn begin(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|it| *it += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|it| *it -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> PartialId {
        PartialId::new([number; 16])
    }

    #[test]
    fn one_client_never_has_all() {
        let turns = Turns::new(4);
        let me = ClientId::Network(1);
        let mine: Vec<_> = (0..4).map(|number| turns.open(id(number), me)).collect();
        assert_eq!(mine, [Ok(()), Ok(()), Ok(()), Err(Full::Client)]);
        assert_eq!(turns.open(id(5), ClientId::Network(2)), Ok(()));
        assert_eq!(turns.open(id(6), ClientId::Network(3)), Err(Full::Everybody));
        turns.close(id(0));
        assert_eq!(turns.open(id(6), ClientId::Network(3)), Ok(()));
    }

    #[tokio::test]
    async fn whoever_waits_is_noticed_and_whoever_gives_up_is_forgotten() {
        let turns = Turns::new(1);
        turns.reopen(id(1), ClientId::Network(1));
        let turn = turns.take(id(1)).await.unwrap();
        assert!(turns.take_idle(id(1)).is_none() && turns.take_idle(id(2)).is_none());
        let mut next = Box::pin(turns.take(id(1)));
        assert!(futures_util::FutureExt::now_or_never(&mut next).is_none());
        turn.is_wanted().await;
        drop(next);
        assert!(futures_util::FutureExt::now_or_never(turn.is_wanted()).is_none());
        drop(turn);
        assert!(turns.take_idle(id(1)).is_some());
    }
}
