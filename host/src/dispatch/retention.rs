//! Letting go of what the rules of retention say, never of a file with a run on its way.

use std::io;
use std::sync::Arc;

use super::Dispatch;
use crate::store::retention::Held;
use crate::store::retention::Plan;
use crate::store::retention::Rules;

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
        let (store, now) = (Arc::clone(&self.ports.store), self.ports.clock.now());
        let planning = tokio::task::spawn_blocking(move || Plan::make(&store, &rules, now));
        let plan = planning.await.map_err(io::Error::other)??;
        let mut swept = Swept::default();
        for held in plan.expired {
            swept.expired += usize::from(self.let_go(held).await?);
        }
        for held in plan.for_room {
            if self.ports.store.free()?.is_high(&rules) {
                break;
            }
            swept.for_room += usize::from(self.let_go(held).await?);
        }
        Ok(swept)
    }

    /// Forgets uploads that were deleted so long ago that nobody is told of it any more.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn forget_gone(&self) -> io::Result<()> {
        let (store, now) = (Arc::clone(&self.ports.store), self.ports.clock.now());
        tokio::task::spawn_blocking(move || store.forget_gone(now).map(drop)).await.map_err(io::Error::other)?
    }

    /// Removes an upload, unless somebody has use for it by now; whether it went.
    async fn let_go(self: &Arc<Self>, held: Held) -> io::Result<bool> {
        let this = Arc::clone(self);
        let going = tokio::spawn(async move {
            if !this.owner.delete_idle(held.file_id).await? {
                return Ok(false);
            }
            let (store, now) = (Arc::clone(&this.ports.store), this.ports.clock.now());
            let gone = tokio::task::spawn_blocking(move || store.delete_unused(&held, now)).await;
            this.owner.deleted(held.file_id);
            gone.map_err(io::Error::other)?
        });
        going.await.map_err(io::Error::other)?
    }
}
