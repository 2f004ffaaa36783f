//! Letting go of what the rules of retention say, never of a file with a run on its way.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Dispatch;
use crate::id::FileKey;
use crate::store::retention::Free;
use crate::store::retention::Held;
use crate::store::retention::Plan;
use crate::store::retention::Rules;

/// How long a process takes to be gone with all that it held.
const DEAD_WITHIN: Duration = Duration::from_millis(500);

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Because their time was over.
    pub expired: usize,
    /// To make room.
    pub for_room: usize,
}

impl Dispatch {
    /// Lets go of what the rules say.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn sweep(self: &Arc<Self>, rules: Rules) -> io::Result<Swept> {
        let mut free = self.free().await?;
        if free.is_low(&rules) {
            // What is held by who has nothing to do comes before what somebody stored.
            self.warm.at_most(0);
            tokio::time::sleep(DEAD_WITHIN).await;
            free = self.free().await?;
        }
        let (stores, now) = (self.ports.stores.all(), self.ports.clock.now());
        let planning = tokio::task::spawn_blocking(move || Plan::make(&stores, &rules, (now, free)));
        let plan = planning.await.map_err(io::Error::other)??;
        let mut swept = Swept::default();
        for held in plan.expired {
            swept.expired += usize::from(self.let_go(held).await?);
        }
        for held in plan.for_room {
            if self.free().await?.is_high(&rules) {
                break;
            }
            swept.for_room += usize::from(self.let_go(held).await?);
        }
        Ok(swept)
    }

    /// How much room there is, with what runs on their way take for themselves: that is no reason to let anything go.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn free(self: &Arc<Self>) -> io::Result<Free> {
        let this = Arc::clone(self);
        let looking = tokio::task::spawn_blocking(move || {
            let lent = this.lent.bytes();
            let free = this.ports.stores.main().free()?;
            Ok(Free { bytes: free.bytes.saturating_add(lent), ..free })
        });
        looking.await.map_err(io::Error::other)?
    }

    /// Forgets uploads that were deleted so long ago that nobody is told of it any more.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn forget_gone(&self) -> io::Result<()> {
        let (stores, now) = (self.ports.stores.all(), self.ports.clock.now());
        let forget = move || stores.iter().try_for_each(|store| store.forget_gone(now).map(drop));
        tokio::task::spawn_blocking(forget).await.map_err(io::Error::other)?
    }

    /// Removes an upload, unless somebody has use for it by now; whether it went.
    async fn let_go(self: &Arc<Self>, held: Held) -> io::Result<bool> {
        let this = Arc::clone(self);
        let store = self.ports.stores.of(held.tenant)?;
        let file = FileKey { tenant: held.tenant, file_id: held.file_id };
        let going = tokio::spawn(async move {
            if !this.owner.delete_idle(file).await? {
                return Ok(false);
            }
            let now = this.ports.clock.now();
            let gone = tokio::task::spawn_blocking(move || store.delete_unused(&held, now)).await;
            this.warm.without(held.file_id);
            this.owner.deleted(file);
            gone.map_err(io::Error::other)?
        });
        going.await.map_err(io::Error::other)?
    }
}
