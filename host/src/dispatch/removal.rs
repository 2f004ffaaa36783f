//! Ending what nobody wants any more: a run, a result, a file with all that belongs to it.

use std::io;
use std::sync::Arc;

use super::Dispatch;
use super::board::Live;
use super::board::Phase;
use crate::id::FileId;
use crate::id::RunKey;
use crate::run::Fault;
use crate::run::Reason;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dismissed {
    Ended,
    NotInFlight,
}

impl Dispatch {
    /// Ends a run that nobody wants any more; returns when it has ended, and whether it was in flight.
    async fn dismiss(&self, key: RunKey, reason: Reason) -> Dismissed {
        let wished = self.board().live.get(&key).map(|live| live.wish.send_replace(Some(reason)));
        if wished.is_none() {
            return Dismissed::NotInFlight;
        }
        self.ended(key).await;
        Dismissed::Ended
    }

    /// Ends a run if it is in flight, else removes its result.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn remove(self: &Arc<Self>, key: RunKey) -> io::Result<Removed> {
        loop {
            match self.dismiss(key, Reason::Dismissed).await {
                Dismissed::NotInFlight if self.take_place(key) => break,
                Dismissed::NotInFlight => (),
                Dismissed::Ended => match self.ports.store.state(key)? {
                    // It ended by itself before the wish was heard: its result goes.
                    RunState::Successful => (),
                    RunState::Failed(failure) if failure.reason.fault() != Fault::Client => (),
                    RunState::Failed(_) | RunState::Unknown | RunState::Pending => {
                        return Ok(Removed::Dismissed);
                    }
                },
            }
        }
        // While it has a place nobody begins the same run; a client that goes away does not stop the task.
        let this = Arc::clone(self);
        let removing = tokio::spawn(async move {
            let store = Arc::clone(&this.ports.store);
            let removed = tokio::task::spawn_blocking(move || store.remove_run(key)).await;
            this.forget(key, Phase::Withdrawn);
            removed
        });
        match removing.await.map_err(io::Error::other)?.map_err(io::Error::other)? {
            Ok(()) => Ok(Removed::Result),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Removed::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Takes the place of a run that is not in flight.
    fn take_place(&self, key: RunKey) -> bool {
        let mut board = self.board();
        let free = !board.live.contains_key(&key);
        if free {
            board.live.insert(key, Live::new(Phase::Accepting));
        }
        free
    }

    /// Ends every run of a file, then removes the file.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn delete(self: &Arc<Self>, file_id: FileId) -> io::Result<()> {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let keys: Vec<_> = {
                let mut board = this.board();
                *board.deleting.entry(file_id).or_default() += 1;
                board.live.keys().filter(|key| key.file_id == file_id).copied().collect()
            };
            for key in keys {
                this.dismiss(key, Reason::FileDeleted).await;
            }
            let (store, now) = (Arc::clone(&this.ports.store), this.ports.clock.now());
            let deleted = tokio::task::spawn_blocking(move || store.delete_upload(file_id, now)).await;
            this.board().deleted(file_id);
            deleted.map_err(io::Error::other)?
        })
        .await
        .map_err(io::Error::other)?
    }
}
