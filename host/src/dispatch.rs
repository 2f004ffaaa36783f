//! Runs in flight: what `run::scheduler` decides is carried out here.
//!
//! One task owns the scheduler (`owner`); a task for each run does as it is ordered (`attempt`) and tells what came of
//! it; readers see a run on the `board`, through its `watch`. Invariants: a key is on the board from before its
//! acceptance is on disk until after its ending is, durably; at most one task carries it out.
//!
//! Small files are written where the work is, not on another thread: into the page cache they cost less than the way
//! there. What can take long (hashing artifacts, deleting trees, waiting for the disk) goes elsewhere.

mod attempt;
mod attendant;
pub mod board;
mod ending;
mod former;
mod owner;
pub mod question;
mod recovery;
pub mod removal;
pub mod retention;
mod shares;
mod taking;
mod warm;
mod wishes;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::watch;
use tracing::Instrument;

use self::board::Board;
use self::board::Phase;
use self::board::Progress;
use self::board::WatchedLog;
use self::former::Former;
use self::former::former;
use self::owner::Answer;
use self::owner::Owner;
use self::owner::Place;
pub use self::recovery::Recovered;
use self::shares::Shares;
use self::taking::AllLent;
use self::warm::Warm;
use self::wishes::Wishes;
use crate::id::RunKey;
use crate::notify::Notifier;
use crate::pool::nursery::Nursery;
use crate::pool::worker::Terms;
use crate::quota::Ledger;
use crate::quota::Over;
use crate::quota::Payer;
use crate::quota::Taken;
use crate::registry::Registry;
use crate::registry::workshop::Analysis;
use crate::run::scheduler::Ask;
use crate::run::scheduler::Bounds;
use crate::run::scheduler::Load;
use crate::run::scheduler::Refusal;
use crate::store::Store;
use crate::store::audit::AuditLog;
use crate::store::runs::RunConfig;
use crate::store::runs::RunState;
use crate::store::tenants::Stores;
use crate::store::uploads::UploadFacts;
use crate::telemetry::Metrics;
use crate::time::Clock;

/// One question, ready to be asked.
#[derive(Debug, Clone)]
pub struct Question {
    pub key: RunKey,
    /// Of the tenant whose it is.
    pub store: Arc<Store>,
    pub analysis: Arc<Analysis>,
    pub upload: UploadFacts,
    pub config: RunConfig,
    /// Who is charged for it, if it is not answered already.
    pub payer: Option<Payer>,
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
    #[error("the same question is being answered with less than is asked for; ask again when that is over")]
    HasLess { retry_after_s: u64 },
    #[error("this client has more in the queue than its share")]
    OverShare { retry_after_s: u64 },
    #[error("the file is being deleted")]
    Deleting,
    #[error(transparent)]
    OverQuota(#[from] Over),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Takes questions and sees to their answers.
#[derive(Debug)]
pub struct Dispatch {
    ports: Ports,
    owner: Owner,
    board: Arc<Board>,
    warm: Warm,
    checking: Shares,
    wishes: Wishes,
    lent: AllLent,
    /// Runs that have a worker, or are about to.
    busy: AtomicUsize,
}

/// What it works with.
#[derive(Debug)]
pub struct Ports {
    pub stores: Arc<Stores>,
    pub registry: Arc<Registry>,
    pub nursery: Nursery,
    pub clock: Arc<dyn Clock>,
    /// Runs at the same time.
    pub workers_max: usize,
    /// Runs accepted and not ended.
    pub queue_max: usize,
    /// Servers that may die while a run has a worker, before it is given up.
    pub crashes_max: u32,
    pub reuse: Reuse,
    pub terms: Terms,
    pub metrics: Arc<Metrics>,
    pub notifier: Arc<Notifier>,
    pub ledger: Arc<Ledger>,
    pub audit: Option<Arc<AuditLog>>,
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
    /// With nothing in flight. Needs the runtime, for the task that owns the scheduler.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        let (owner, board) = Owner::start(Bounds { slots: ports.workers_max, queue_max: ports.queue_max });
        let warm = Warm::default();
        warm.let_idle_go();
        Self {
            ports,
            owner,
            board,
            warm,
            checking: Shares::new(),
            wishes: Wishes::default(),
            lent: AllLent::default(),
            busy: AtomicUsize::new(0),
        }
    }

    /// Takes a question: joins the run in flight, keeps a finished answer, or begins a run. One with less than is asked for
    /// neither is joined nor stands: who asked first does not choose for everybody. It is waited for so long that such a run is
    /// over. Nothing is promised before [`Self::promised`]; the run does not wait for that.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn submit(self: &Arc<Self>, question: Question, patience: Duration) -> Result<(), Denied> {
        let until = tokio::time::Instant::now() + patience;
        let RunConfig { client, priority, limits, .. } = question.config;
        let ask = Ask { key: question.key, client, priority };
        loop {
            // An answer that stands needs no place, and is not refused for want of one.
            if !self.in_flight(ask.key) && matches!(former(&question)?, Former::Stands) {
                return Ok(());
            }
            match self.owner.ask(ask).await? {
                // No await from here on: a client that goes away leaves nothing half done.
                Answer::Place(place) => return self.begin(question, place),
                Answer::InFlight(mut phase, granted) => {
                    let reached = phase.wait_for(|phase| phase.has_reached(Phase::Accepted)).await.map(|it| *it);
                    let joined = reached.is_ok_and(|it| !matches!(it, Phase::Answered | Phase::Withdrawn));
                    if joined && granted.get().is_some_and(|granted| granted.covers(limits)) {
                        return Ok(());
                    }
                    self.wishes.tell(ask.key, limits);
                    if tokio::time::timeout_at(until, over(phase)).await.is_err() {
                        return Err(Denied::HasLess { retry_after_s: self.retry_after_s() });
                    }
                }
                Answer::Ending(phase) => over(phase).await,
                Answer::Denied(refusal) => return Err(self.denied(refusal)),
            }
        }
    }

    fn denied(&self, refusal: Refusal) -> Denied {
        let retry_after_s = self.retry_after_s();
        match refusal {
            Refusal::QueueFull => Denied::QueueFull { retry_after_s },
            Refusal::OverShare => Denied::OverShare { retry_after_s },
            Refusal::Deleting => Denied::Deleting,
        }
    }

    /// Waits until a run that was submitted survives whatever happens. An ending is durable before it is one, so a run
    /// that has ended needs no sync of its acceptance.
    ///
    /// # Errors
    /// Of the disk; the run may be lost with the machine.
    pub async fn promised(&self, key: RunKey) -> io::Result<()> {
        if self.in_flight(key) { self.ports.stores.main().disk().settled().await } else { Ok(()) }
    }

    fn begin(self: &Arc<Self>, mut question: Question, place: Place) -> Result<(), Denied> {
        let store = Arc::clone(&question.store);
        match former(&question)? {
            Former::Stands => {
                place.answered();
                return Ok(());
            }
            // With all that either has, so that two who ask for less of different things do not undo each other's answer
            // again and again.
            Former::HadLess(limits) => {
                question.config.limits = limits.widest(question.config.limits).tightest(self.ports.terms.caps);
            }
            Former::None => (),
        }
        if let Some(wanted) = self.wishes.heed(question.key) {
            question.config.limits = wanted.widest(question.config.limits).tightest(self.ports.terms.caps);
        }
        store.check_room(0)?;
        // The upload may have gone between the question and now, or come back by another name. From here on it stays.
        question.upload = store.upload(question.key.file_id)?.ok_or(Denied::Deleting)?;
        let former = !matches!(store.state(question.key)?, RunState::Unknown);
        let (key, fuel) = (question.key, question.config.limits.fuel(question.upload.size_bytes));
        if let Some(payer) = question.payer {
            self.ports.ledger.begin(key, payer, (fuel, self.ports.clock.now()))?;
        }
        let mut accept = || store.accept(key, &mut question.config);
        // Over a former ending it waits for the disk: others go on elsewhere meanwhile.
        let accepted = if former { tokio::task::block_in_place(accept) } else { accept() };
        accepted.inspect_err(|_| self.ports.ledger.end(key, Taken::Exactly(0), self.ports.clock.now()))?;
        self.entrust(question, place);
        Ok(())
    }

    /// Gives a run that is on disk a task of its own.
    fn entrust(self: &Arc<Self>, question: Question, place: Place) {
        let limits = question.config.limits;
        let (key, trace) = (question.key, question.config.trace.map(|it| it.trace));
        let span = tracing::info_span!(parent: None, "run", id = %key, trace = trace.map(tracing::field::display));
        tokio::spawn(Arc::clone(self).carry_out(question, place.live()).instrument(span));
        place.accepted(limits);
    }

    /// A run in flight, as it changes.
    #[must_use]
    pub fn watch(&self, key: RunKey) -> Option<watch::Receiver<Phase>> {
        self.board.find(key).map(|live| live.phase.subscribe())
    }

    /// The runs that have a worker, and how far each has come.
    #[must_use]
    pub fn running(&self) -> Vec<(RunKey, Progress)> {
        self.board.running()
    }

    /// What the attempt on its way writes to stderr.
    #[must_use]
    pub fn log(&self, key: RunKey) -> Option<WatchedLog> {
        self.board.find(key).map(|live| live.log.watch())
    }

    /// Whether a run is on its way that was accepted. One that is not may have a place all the same, for as long as it
    /// takes to find that its answer is there: what is on disk counts until it is accepted.
    #[must_use]
    pub fn in_flight(&self, key: RunKey) -> bool {
        self.board.find(key).is_some_and(|live| matches!(*live.phase.borrow(), Phase::Accepted | Phase::Running(_)))
    }

    /// How much there is to do.
    #[must_use]
    pub fn load(&self) -> Load {
        self.board.load()
    }

    /// Workers between two runs, and how many there may be in all.
    #[must_use]
    pub fn workers(&self) -> (usize, usize) {
        (self.warm.count(), self.ports.workers_max)
    }

    /// When a client that waits does well to ask again: whole seconds, from 1 to a minute.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        self.board.load().retry_after_s
    }

    /// Waits until a run is over; at once when it is not in flight.
    pub async fn ended(&self, key: RunKey) {
        if let Some(phase) = self.watch(key) {
            over(phase).await;
        }
    }
}

async fn over(mut phase: watch::Receiver<Phase>) {
    drop(phase.wait_for(|phase| phase.has_reached(Phase::Ended)).await);
}
