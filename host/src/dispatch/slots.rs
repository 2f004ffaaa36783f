//! Who runs next. First come, first served; of the runs that can wait, one at a time stands in that line.

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::run::Priority;

/// As many as may run at the same time.
#[derive(Debug)]
pub(super) struct Slots {
    places: Semaphore,
    /// Held by the one bulk run that stands in line.
    bulk: Semaphore,
}

/// The right to run.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    _place: SemaphorePermit<'a>,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self { places: Semaphore::new(count), bulk: Semaphore::new(1) }
    }

    /// Waits for a slot; an interactive run never waits behind more than one bulk run.
    pub(super) async fn take(&self, priority: Priority) -> Slot<'_> {
        let closed = "neither line is ever closed";
        let turn = match priority {
            Priority::Interactive => None,
            Priority::Bulk => Some(self.bulk.acquire().await.expect(closed)),
        };
        let place = self.places.acquire().await.expect(closed);
        drop(turn);
        Slot { _place: place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn an_interactive_run_waits_behind_one_bulk_run_at_most() {
        let slots = Slots::new(1);
        let running = slots.take(Priority::Interactive).await;
        let mut bulk: Vec<_> = (0..3).map(|_| Box::pin(slots.take(Priority::Bulk))).collect();
        assert!(bulk.iter_mut().all(|it| it.now_or_never().is_none()));
        let mut interactive = Box::pin(slots.take(Priority::Interactive));
        assert!((&mut interactive).now_or_never().is_none());
        drop(running);
        drop((&mut bulk[0]).now_or_never().expect("the first in line"));
        assert!((&mut bulk[1]).now_or_never().is_none());
        drop((&mut interactive).now_or_never().expect("before the other bulk runs"));
        drop((&mut bulk[1]).now_or_never().expect("then they"));
        drop((&mut bulk[2]).now_or_never().expect("one by one"));
    }
}
