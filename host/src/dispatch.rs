//! Runs in flight: one per question, a bounded number of workers, dismissal at any time, host faults tried again.
//!
//! Invariants: a key is in `live` from before its acceptance is durable until after its ending is; at most one task
//! carries it out; a file that is being deleted gets no new run. Readers see a run through its `watch`.

mod attempt;

use std::collections::HashMap;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Semaphore;
use tokio::sync::watch;

use crate::id::FileId;
use crate::id::RunKey;
use crate::pool::Worker;
use crate::registry::Analysis;
use crate::registry::Registry;
use crate::run::Fault;
use crate::run::Reason;
use crate::store::Store;
use crate::store::runs::Ending;
use crate::store::runs::RunConfig;
use crate::store::runs::RunState;
use crate::store::uploads::UploadFacts;
use crate::time::Clock;

/// Most runs accepted and not ended.
pub const QUEUE_MAX: usize = 10_000;

/// What the outside sees of a run in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its acceptance is not durable yet.
    Accepting,
    Accepted,
    Running {
        bytes_read: u64,
    },
    Ended,
}

/// One question, ready to be asked.
#[derive(Debug, Clone)]
pub struct Question {
    pub key: RunKey,
    pub analysis: Arc<Analysis>,
    pub upload: UploadFacts,
    pub config: RunConfig,
    pub again: Again,
}

/// Whether a finished answer will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    IfNeeded,
    Always,
}

/// Why a question was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    #[error("the queue is full")]
    QueueFull,
    #[error("the file is being deleted")]
    Deleting,
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[derive(Debug)]
struct Live {
    phase: watch::Sender<Phase>,
    /// Why it is to end, once it is.
    wish: watch::Sender<Option<Reason>>,
}

#[derive(Debug, Default)]
struct Board {
    live: HashMap<RunKey, Live>,
    deleting: HashSet<FileId>,
    idle: Vec<Worker>,
}

/// Takes questions and sees to their answers.
#[derive(Debug)]
pub struct Dispatch {
    store: Arc<Store>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    workers_max: usize,
    slots: Arc<Semaphore>,
    board: Mutex<Board>,
}

impl Dispatch {
    /// With at most that many workers.
    #[must_use]
    pub fn new(store: Arc<Store>, registry: Arc<Registry>, clock: Arc<dyn Clock>, workers_max: usize) -> Self {
        let slots = Arc::new(Semaphore::new(workers_max));
        Self { store, registry, clock, workers_max, slots, board: Mutex::default() }
    }

    /// Takes a question: joins the run in flight, keeps a finished answer, or begins a run. Durable when it returns.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn submit(self: &Arc<Self>, question: Question) -> Result<(), Denied> {
        let key = question.key;
        let joined = {
            let mut board = self.board();
            if board.deleting.contains(&key.file_id) {
                return Err(Denied::Deleting);
            }
            match board.live.get(&key) {
                Some(live) => Some(live.phase.subscribe()),
                None if board.live.len() >= QUEUE_MAX => return Err(Denied::QueueFull),
                None => {
                    let live = Live { phase: watch::Sender::new(Phase::Accepting), wish: watch::Sender::new(None) };
                    board.live.insert(key, live);
                    None
                }
            }
        };
        if let Some(mut phase) = joined {
            // An error means that it ended, or could not be accepted: either way there is nothing to wait for.
            drop(phase.wait_for(|phase| *phase != Phase::Accepting).await);
            return Ok(());
        }
        // From here on the work belongs to a task: a client that goes away leaves nothing half done.
        let this = Arc::clone(self);
        tokio::spawn(async move { this.begin(question).await }).await.map_err(io::Error::other)?
    }

    /// Takes up what a former server left, and ends what can no longer be run.
    ///
    /// # Errors
    /// Of the disk.
    pub fn recover(self: &Arc<Self>) -> io::Result<usize> {
        let pending = self.store.pending()?;
        let count = pending.len();
        for (key, config) in pending {
            let (Some(upload), Some(analysis)) =
                (self.store.upload(key.file_id)?, self.registry.find(&config.analysis))
            else {
                continue;
            };
            if analysis.module != config.module {
                continue;
            }
            let live = Live { phase: watch::Sender::new(Phase::Accepted), wish: watch::Sender::new(None) };
            self.board().live.insert(key, live);
            let this = Arc::clone(self);
            let question = Question { key, analysis, upload, config, again: Again::IfNeeded };
            tokio::spawn(async move { this.carry_out(question).await });
        }
        Ok(count)
    }

    /// A run in flight, as it changes.
    #[must_use]
    pub fn watch(&self, key: RunKey) -> Option<watch::Receiver<Phase>> {
        self.board().live.get(&key).map(|live| live.phase.subscribe())
    }

    /// Waits until a run is over; at once when it is not in flight.
    pub async fn ended(&self, key: RunKey) {
        if let Some(mut phase) = self.watch(key) {
            drop(phase.wait_for(|phase| *phase == Phase::Ended).await);
        }
    }

    /// Ends a run that nobody wants any more; returns when it has ended.
    pub async fn dismiss(&self, key: RunKey, reason: Reason) {
        let wished = self.board().live.get(&key).map(|live| live.wish.send_replace(Some(reason)));
        if wished.is_some() {
            self.ended(key).await;
        }
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
                board.deleting.insert(file_id);
                board.live.keys().filter(|key| key.file_id == file_id).copied().collect()
            };
            for key in keys {
                this.dismiss(key, Reason::FileDeleted).await;
            }
            let (store, now) = (Arc::clone(&this.store), this.clock.now());
            let deleted = tokio::task::spawn_blocking(move || store.delete_upload(file_id, now)).await;
            this.board().deleting.remove(&file_id);
            deleted.map_err(io::Error::other)?
        })
        .await
        .map_err(io::Error::other)?
    }

    async fn begin(self: Arc<Self>, question: Question) -> Result<(), Denied> {
        let (store, asked) = (Arc::clone(&self.store), question.clone());
        let accepted = tokio::task::spawn_blocking(move || accept(&store, &asked)).await.map_err(io::Error::other);
        match accepted.and_then(|it| it) {
            Ok(Accepted::Already) => {
                self.forget(question.key);
                Ok(())
            }
            Ok(Accepted::Anew) => {
                self.set_phase(question.key, Phase::Accepted);
                tokio::spawn(self.carry_out(question));
                Ok(())
            }
            Err(error) => {
                self.forget(question.key);
                Err(error.into())
            }
        }
    }

    fn set_phase(&self, key: RunKey, phase: Phase) {
        if let Some(live) = self.board().live.get(&key) {
            live.phase.send_replace(phase);
        }
    }

    fn forget(&self, key: RunKey) {
        if let Some(live) = self.board().live.remove(&key) {
            live.phase.send_replace(Phase::Ended);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Accepted {
    Anew,
    Already,
}

fn accept(store: &Store, question: &Question) -> io::Result<Accepted> {
    let keep = match store.state(question.key)? {
        RunState::Ended(Ending::Result(_)) => question.again == Again::IfNeeded,
        RunState::Ended(Ending::Failure(failure)) => {
            question.again == Again::IfNeeded && failure.reason.fault() == Fault::Module
        }
        RunState::Unknown | RunState::Pending => false,
    };
    if keep {
        return Ok(Accepted::Already);
    }
    store.accept(question.key, &question.config)?;
    Ok(Accepted::Anew)
}
