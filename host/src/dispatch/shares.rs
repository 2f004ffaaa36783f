//! What ends an attempt before its time, and the shares in checking results that it may have to wait for.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::Sleep;

use super::board::Orders;
use super::ending::CHECKED_SHARE_BYTES;
use super::ending::CHECKED_SHARES;
use super::ending::INLINE_BYTES_MAX;
use crate::run::Failure;
use crate::run::Reason;

/// What ends an attempt whatever it is at: its deadline, and a wish.
pub(super) struct End<'a> {
    deadline: Pin<Box<Sleep>>,
    wall: Duration,
    orders: &'a mut watch::Receiver<Orders>,
}

impl<'a> End<'a> {
    /// So long from now, unless it is wished before.
    pub(super) fn within(wall: Duration, orders: &'a mut watch::Receiver<Orders>) -> Self {
        Self { deadline: Box::pin(tokio::time::sleep(wall)), wall, orders }
    }

    /// Waits until the attempt is to end before its time.
    pub(super) async fn comes(&mut self) -> Failure {
        let wish = async {
            match self.orders.wait_for(|it| it.kill.is_some()).await.map(|it| it.kill) {
                Ok(Some(reason)) => dismissed(reason),
                Ok(None) | Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            failure = wish => failure,
            () = &mut self.deadline => {
                Failure::new(Reason::Deadline, format!("longer than {} ms", self.wall.as_millis()))
            }
        }
    }
}

pub(super) fn dismissed(reason: Reason) -> Failure {
    Failure::new(reason, "ended before its time, as asked")
}

/// Shares in checking long results.
#[derive(Debug, Clone)]
pub(super) struct Shares(Arc<Semaphore>);

impl Shares {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(CHECKED_SHARES)))
    }

    /// A share for a result of that weight; none for a light one, which waits for nobody.
    ///
    /// # Errors
    /// What ended the wait.
    pub(super) async fn take(&self, weight: usize, end: &mut End<'_>) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        if weight <= INLINE_BYTES_MAX {
            return Ok(None);
        }
        let count = weight.div_ceil(CHECKED_SHARE_BYTES).min(CHECKED_SHARES);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        tokio::select! {
            share = Arc::clone(&self.0).acquire_many_owned(count) => Ok(share.ok()),
            failure = end.comes() => Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::board::Step;
    use super::*;

    const HEAVY: usize = INLINE_BYTES_MAX + 1;
    const WALL: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_share_is_ended_like_any_other_and_what_is_light_waits_for_nobody() {
        let orders = watch::Sender::new(Orders { step: Step::Try(1), kill: None });
        let mut received = orders.subscribe();
        let mut end = End::within(WALL, &mut received);
        let shares = Shares::new();
        let held = shares.take(usize::MAX, &mut end).await.unwrap();
        assert!(held.is_some());
        assert!(shares.take(INLINE_BYTES_MAX, &mut end).await.unwrap().is_none());
        let waited = tokio::time::timeout(2 * WALL, shares.take(HEAVY, &mut end)).await.expect("its deadline comes");
        assert_eq!(waited.unwrap_err(), Failure::new(Reason::Deadline, "longer than 5000 ms"));

        let mut end = End::within(WALL, &mut received);
        orders.send_replace(Orders { step: Step::Try(1), kill: Some(Reason::Dismissed) });
        let waited =
            tokio::time::timeout(WALL / 2, shares.take(HEAVY, &mut end)).await.expect("it is dismissed at once");
        assert_eq!(waited.unwrap_err().reason, Reason::Dismissed);

        drop(held);
        orders.send_replace(Orders { step: Step::Try(1), kill: None });
        let mut end = End::within(WALL, &mut received);
        assert!(shares.take(HEAVY, &mut end).await.unwrap().is_some());
    }
}
