//! Runs in flight: one per question, a bounded number of workers, dismissal at any time, host faults tried again.
//!
//! Invariants: a key is in `live` from before its acceptance is on disk until after its ending is, durably; at most one
//! task carries it out; a file that is being deleted gets no new run. Readers see a run through its `watch`.
//!
//! Small files are written where the work is, not on another thread: into the page cache they cost less than the way
//! there. What can take long (hashing artifacts, deleting trees, waiting for the disk) goes elsewhere.

mod attempt;
mod attendant;
pub mod board;
mod ending;
pub mod question;
pub mod removal;
mod slots;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::watch;

use self::board::Board;
use self::board::Live;
use self::board::Phase;
use self::slots::Slots;
use crate::id::RunKey;
use crate::pool::nursery::Nursery;
use crate::pool::worker::Terms;
use crate::registry::Registry;
use crate::registry::workshop::Analysis;
use crate::run::Failure;
use crate::run::Fault;
use crate::run::Reason;
use crate::store::Store;
use crate::store::runs::RunConfig;
use crate::store::runs::RunState;
use crate::store::uploads::UploadFacts;
use crate::time::Clock;

const RETRY_AFTER_S_MAX: u64 = 60;

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
    QueueFull { retry_after_s: u64 },
    #[error("the file is being deleted")]
    Deleting,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How much there is to do.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub in_flight: usize,
    pub queue_max: usize,
    pub workers_idle: usize,
    pub workers_max: usize,
}

/// Takes questions and sees to their answers.
#[derive(Debug)]
pub struct Dispatch {
    ports: Ports,
    slots: Slots,
    board: Mutex<Board>,
}

/// What it works with.
#[derive(Debug)]
pub struct Ports {
    pub store: Arc<Store>,
    pub registry: Arc<Registry>,
    pub nursery: Nursery,
    pub clock: Arc<dyn Clock>,
    /// Runs at the same time.
    pub workers_max: usize,
    /// Runs accepted and not ended.
    pub queue_max: usize,
    pub reuse: Reuse,
    pub terms: Terms,
}

/// What becomes of a worker after its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It stays for the next run of its program.
    Warm,
    /// It ends: every run has a process of its own.
    Never,
}

impl Dispatch {
    /// With nothing in flight.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        let slots = Slots::new(ports.workers_max);
        Self { ports, slots, board: Mutex::default() }
    }

    /// Takes a question: joins the run in flight, keeps a finished answer, or begins a run. Nothing is promised before
    /// [`Self::promised`]; the run does not wait for that.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn submit(self: &Arc<Self>, question: Question) -> Result<(), Denied> {
        loop {
            let (mut phase, until) = match self.enter(&question)? {
                Entered::Place => break,
                Entered::InFlight(phase) => (phase, Phase::Accepted),
                Entered::Ending(phase) => (phase, Phase::Ended),
            };
            let reached = phase.wait_for(|phase| phase.has_reached(until)).await.map(|it| *it);
            if until == Phase::Accepted && reached.is_ok_and(|it| it != Phase::Withdrawn) {
                return Ok(());
            }
        }
        // No await since `enter`: a client that goes away leaves nothing half done.
        self.begin(question)
    }

    /// Waits until a run that was submitted survives whatever happens. An ending is durable before it is one, so a run
    /// that has ended needs no sync of its acceptance.
    ///
    /// # Errors
    /// Of the disk; the run may be lost with the machine.
    pub async fn promised(&self, key: RunKey) -> io::Result<()> {
        if self.in_flight(key) { self.ports.store.disk().settled().await } else { Ok(()) }
    }

    /// A place on the board, or the run in flight that has it.
    fn enter(&self, question: &Question) -> Result<Entered, Denied> {
        let key = question.key;
        let mut board = self.board();
        if board.deleting.contains_key(&key.file_id) {
            return Err(Denied::Deleting);
        }
        if let Some(live) = board.live.get(&key) {
            let dismissed = live.wish.borrow().is_some();
            let phase = live.phase.subscribe();
            return Ok(if dismissed { Entered::Ending(phase) } else { Entered::InFlight(phase) });
        }
        if board.live.len() >= self.ports.queue_max {
            return Err(Denied::QueueFull { retry_after_s: self.retry_after_s_of(&board) });
        }
        board.live.insert(key, Live::new(Phase::Accepting));
        Ok(Entered::Place)
    }

    fn begin(self: &Arc<Self>, question: Question) -> Result<(), Denied> {
        let key = question.key;
        let accepted = accept(&self.ports.store, &question);
        match accepted {
            Ok(Accepted::Anew) => {
                self.set_phase(key, Phase::Accepted);
                tokio::spawn(Arc::clone(self).carry_out(question));
            }
            Ok(Accepted::Already) => self.forget(key, Phase::Ended),
            Err(_) => self.forget(key, Phase::Withdrawn),
        }
        // The upload may have gone between the question and now.
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        accepted.map(drop).map_err(|error| if gone(&error) { Denied::Deleting } else { Denied::Io(error) })
    }

    /// Takes up what a former server left; a run that can no longer be carried out is failed by name.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn recover(self: &Arc<Self>) -> io::Result<usize> {
        let pending = self.ports.store.pending()?;
        let count = pending.len();
        let mut revived = HashMap::new();
        for (key, config) in pending {
            let module = config.module;
            if let Entry::Vacant(first) = revived.entry(module) {
                first.insert(self.ports.registry.revive(module).await);
            }
            let failure = match (self.ports.store.upload(key.file_id), &revived[&module]) {
                (Ok(Some(upload)), Ok(analysis)) => {
                    self.board().live.insert(key, Live::new(Phase::Accepted));
                    let analysis = Arc::clone(analysis);
                    let question = Question { key, analysis, upload, config, again: Again::IfNeeded };
                    tokio::spawn(Arc::clone(self).carry_out(question));
                    continue;
                }
                (Ok(None), _) => Failure::new(Reason::FileDeleted, "the file is not stored any more"),
                (Err(error), _) => Failure::new(Reason::EngineError, format!("the file cannot be read: {error}")),
                (Ok(Some(_)), Err(error)) => {
                    let detail = format!("`{}` cannot be run any more: {error}", config.analysis);
                    Failure::new(Reason::EngineError, detail)
                }
            };
            self.abandon(key, failure).await?;
        }
        Ok(count)
    }

    /// A run in flight, as it changes.
    #[must_use]
    pub fn watch(&self, key: RunKey) -> Option<watch::Receiver<Phase>> {
        self.board().live.get(&key).map(|live| live.phase.subscribe())
    }

    /// Whether a run is on its way.
    #[must_use]
    pub fn in_flight(&self, key: RunKey) -> bool {
        self.board().live.contains_key(&key)
    }

    /// How much there is to do.
    #[must_use]
    pub fn load(&self) -> Load {
        let board = self.board();
        Load {
            in_flight: board.live.len(),
            queue_max: self.ports.queue_max,
            workers_idle: board.idle.len(),
            workers_max: self.ports.workers_max,
        }
    }

    /// When a client that waits does well to ask again: whole seconds, from 1 to a minute.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        self.retry_after_s_of(&self.board())
    }

    fn retry_after_s_of(&self, board: &Board) -> u64 {
        let rounds = board.live.len().div_ceil(self.ports.workers_max);
        let wait_ms = board.mean_ms.saturating_mul(u64::try_from(rounds).unwrap_or(u64::MAX));
        wait_ms.div_ceil(1000).clamp(1, RETRY_AFTER_S_MAX)
    }

    /// Waits until a run is over; at once when it is not in flight.
    pub async fn ended(&self, key: RunKey) {
        if let Some(mut phase) = self.watch(key) {
            drop(phase.wait_for(|phase| matches!(phase, Phase::Ended | Phase::Withdrawn)).await);
        }
    }

    fn set_phase(&self, key: RunKey, phase: Phase) {
        if let Some(live) = self.board().live.get(&key) {
            live.phase.send_replace(phase);
        }
    }

    fn forget(&self, key: RunKey, last: Phase) {
        if let Some(live) = self.board().live.remove(&key) {
            live.phase.send_replace(last);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a question finds on the board.
enum Entered {
    /// Nothing: it has a place there now.
    Place,
    /// The same question on its way.
    InFlight(watch::Receiver<Phase>),
    /// The same question, given up but not over yet.
    Ending(watch::Receiver<Phase>),
}

enum Accepted {
    Anew,
    Already,
}

/// Whether the run that failed had at least the limits that are asked for now: they are no part of the question.
fn had_as_much(store: &Store, question: &Question) -> io::Result<bool> {
    let former = store.config(question.key)?;
    Ok(former.is_some_and(|former| former.limits.covers(question.config.limits)))
}

fn accept(store: &Store, question: &Question) -> io::Result<Accepted> {
    let keep = match store.state(question.key)? {
        RunState::Successful => question.again == Again::IfNeeded,
        RunState::Failed(failure) => {
            question.again == Again::IfNeeded
                && failure.reason.fault() == Fault::Module
                && (!failure.reason.hangs_on_limits() || had_as_much(store, question)?)
        }
        RunState::Unknown | RunState::Pending => false,
    };
    if keep {
        return Ok(Accepted::Already);
    }
    store.accept(question.key, &question.config)?;
    Ok(Accepted::Anew)
}
