//! Ending what nobody wants any more: a run, a result, a file with all that belongs to it.

use std::io;
use std::sync::Arc;

use super::Dispatch;
use super::board::Phase;
use super::over;
use crate::id::ClientId;
use crate::id::FileKey;
use crate::id::RunKey;
use crate::run::Fault;
use crate::run::Priority;
use crate::run::Reason;
use crate::run::scheduler::Ask;
use crate::run::scheduler::Event;
use crate::store::runs::RunState;

/// What a wish to remove a run came upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// A run in flight, which has ended now.
    Dismissed,
    /// A run that had ended, which is no more.
    Result,
    Nothing,
}

impl Dispatch {
    /// Ends a run if it is in flight, else removes its result.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn remove(self: &Arc<Self>, key: RunKey) -> io::Result<Removed> {
        let ask = Ask { key, client: ClientId::Server, priority: Priority::Interactive };
        let place = loop {
            if let Some(mut phase) = self.watch(key) {
                // Who has a place and no run yet has either soon.
                let reached = phase.wait_for(|phase| phase.has_reached(Phase::Accepted)).await.map(|it| *it);
                if !reached.is_ok_and(|it| matches!(it, Phase::Accepted | Phase::Running(_))) {
                    continue;
                }
                self.owner.tell(Event::Dismiss(key, Reason::Dismissed));
                over(phase).await;
                match self.ports.stores.of(key.tenant)?.state(key)? {
                    // It ended by itself before the wish was heard: its result goes.
                    RunState::Successful => (),
                    RunState::Failed(failure) if failure.reason.fault() != Fault::Client => (),
                    RunState::Failed(_) | RunState::Unknown | RunState::Pending => return Ok(Removed::Dismissed),
                }
            }
            if let Some(place) = self.owner.hold(ask).await? {
                break place;
            }
        };
        // While it has a place nobody begins the same run; a client that goes away does not stop the task.
        let store = self.ports.stores.of(key.tenant)?;
        let removing = tokio::task::spawn_blocking(move || {
            let removed = store.remove_run(key);
            drop(place);
            removed
        });
        match removing.await.map_err(io::Error::other)? {
            Ok(()) => Ok(Removed::Result),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Removed::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Ends every run of a file, then removes the file.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn delete(self: &Arc<Self>, file: FileKey) -> io::Result<()> {
        let this = Arc::clone(self);
        let store = self.ports.stores.of(file.tenant)?;
        tokio::spawn(async move {
            for phase in this.owner.delete(file).await? {
                over(phase).await;
            }
            let now = this.ports.clock.now();
            let deleted = tokio::task::spawn_blocking(move || store.delete_upload(file.file_id, now)).await;
            this.warm.without(file.file_id);
            this.owner.deleted(file);
            deleted.map_err(io::Error::other)?
        })
        .await
        .map_err(io::Error::other)?
    }
}
