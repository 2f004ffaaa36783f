//! Carrying out one run: a slot, a worker, as many attempts as the host's own faults call for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch;

use super::Dispatch;
use super::Question;
use super::Reuse;
use super::attendant::Files;
use super::board::Live;
use super::board::Orders;
use super::board::Step;
use super::ending;
use super::shares::End;
use super::shares::dismissed;
use super::taking::Most;
use super::taking::Taking;
use super::warm::Gone;
use crate::analysis::descriptor::Stdin;
use crate::analysis::descriptor::Stdout;
use crate::analysis::module::ModuleKind;
use crate::analysis::plain;
use crate::id::ClientId;
use crate::id::RunKey;
use crate::pool::worker::Fit;
use crate::pool::worker::Worker;
use crate::quota::Taken;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::Usage;
use crate::run::scheduler::Attempt;
use crate::run::scheduler::Event;
use crate::wire::ArtifactSpec;
use crate::wire::Done;
use crate::wire::RunSpec;
use crate::wire::StdinSpec;

/// Of std, when a process is refused memory: what it does then to end itself, the filter of calls does first.
const REFUSED_MEMORY: &str = "memory allocation of";

/// Counts a run among those that have a worker.
struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Warm,
    Fresh,
}

/// Tells the owner when a run is over, even by a panic of ours: whatever happens, nobody waits for ever.
struct Carried {
    dispatch: Arc<Dispatch>,
    key: RunKey,
}

impl Drop for Carried {
    fn drop(&mut self) {
        // It has ended in the books as well, unless this is a panic.
        let now = self.dispatch.ports.clock.now();
        self.dispatch.ports.ledger.end(self.key, Taken::AtMostAll, now);
        self.dispatch.owner.tell(Event::Concluded(self.key));
    }
}

/// How one attempt ended.
pub(super) struct Attempted {
    pub(super) outcome: Result<Vec<u8>, Failure>,
    pub(super) usage: Usage,
    pub(super) artifacts: Vec<ArtifactSpec>,
    /// Whether its process had served another run before.
    pub(super) reused: bool,
    pub(super) attendant: Files,
    /// In checking what came of it, for as long as this is there.
    pub(super) _share: Option<OwnedSemaphorePermit>,
}

impl Dispatch {
    /// Does what the owner orders, until the run's ending is on disk.
    pub(super) async fn carry_out(self: Arc<Self>, question: Question, live: Live) {
        let key = question.key;
        let _carried = Carried { dispatch: Arc::clone(&self), key };
        let mut orders = live.orders.subscribe();
        let (mut started, mut attempts) = (None, 0);
        let mut last = None;
        let wish = loop {
            let done = if attempts == 0 { Step::Wait } else { Step::Try(attempts) };
            let Ok(step) = orders.wait_for(|it| it.step != done).await.map(|it| it.step) else { return };
            match step {
                Step::Wait => (),
                Step::Conclude(wish) => break wish,
                Step::Try(number) => {
                    attempts = number;
                    started.get_or_insert_with(|| self.ports.clock.now());
                    // What the former one staged goes before the next begins.
                    drop(last.take());
                    let attempted = self.attempt(&question, (&live, &mut orders), number).await;
                    self.owner.tell(Event::Attempted(key, attempted.kind()));
                    last = Some(attempted);
                }
            }
        };
        let started = started.unwrap_or_else(|| self.ports.clock.now());
        let settled = last.filter(|it| it.kind() == Attempt::Settled || wish.is_none());
        let attempted = settled.unwrap_or_else(|| {
            let reason = wish.unwrap_or(Reason::Dismissed);
            Attempted::failed(self.files(&question, &live, attempts), dismissed(reason))
        });
        self.conclude(question, attempted, (started, attempts)).await;
    }

    async fn attempt(
        &self,
        question: &Question,
        (live, orders): (&Live, &mut watch::Receiver<Orders>),
        number: u32,
    ) -> Attempted {
        let key = question.key;
        // After a failure none of the warm workers is trusted, nor is one with an answer that others may have by now.
        let choice = if number == 1 && question.config.generation == 0 { Choice::Warm } else { Choice::Fresh };
        let mut files = self.files(question, live, number);
        let spec = match spec(question) {
            Ok(spec) => spec,
            Err(failure) => return Attempted::failed(files, failure),
        };
        let _busy = Busy::new(&self.busy);
        let taking = self.taking(question, &files);
        let mut end = End::within(Duration::from_millis(question.config.limits.wall_ms), orders);
        let (mut at_work, mut reused, gone) = (None, false, self.warm.gone());
        let run = async {
            let worker = at_work.insert(self.worker(question, choice, &taking.pid).await?);
            reused = !worker.lent.is_empty();
            worker.lent.insert(key.file_id);
            taking.pid.store(worker.identity().pid, Ordering::Relaxed);
            question.store.mark_running(key, worker.identity())?;
            files.began();
            let sample = question.store.open_upload(&question.upload)?.into();
            match worker.run(spec, sample, &mut files).await {
                Ok(done) => Ok(done),
                Err(error) => Err(io::Error::other(format!("{error}: {}", worker.last_words().await))),
            }
        };
        let ended = tokio::select! {
            done = run => done.map_err(|error| broken(key, number, &error)),
            failure = end.comes() => Err(failure),
            failure = taking.too_much() => Err(failure),
        };
        let ended = match (at_work, ended) {
            // What it was lent is looked at, and its room is there again, when it can no longer be changed.
            (Some(worker), ended) if files.lent.any() => {
                let dead = worker.end().await.map_err(|error| interrupted(key, number, &error));
                ended.and_then(|done| dead.map(|()| done))
            }
            (Some(worker), Ok(done)) => {
                self.keep_warm(worker, gone);
                Ok(done)
            }
            (Some(_) | None, ended) => ended,
        };
        let (Done { outcome, usage, .. }, artifacts) = match ended {
            Ok(done) => done,
            Err(failure) => return Attempted { reused, ..Attempted::failed(files, failure) },
        };
        let outcome = outcome.map_err(|failure| with_reason(failure, &files));
        // Taken while the run has its slot, so that slots bound how many results wait in memory.
        let weight = outcome.as_ref().map_or(0, |it| match ending::form(&question.analysis) {
            Stdout::Json => plain::weight(it),
            Stdout::Lines => plain::weight_of_lines(it),
            Stdout::Text | Stdout::None => it.len(),
        });
        match self.checking.take(weight, &mut end).await {
            Ok(share) => Attempted { outcome, usage, artifacts, reused, attendant: files, _share: share },
            Err(failure) => Attempted { usage, reused, ..Attempted::failed(files, failure) },
        }
    }

    fn taking(&self, question: &Question, files: &Files) -> Taking {
        let limits = question.config.limits;
        let most = Most {
            cpu_ms: limits.cpu_ms,
            lent_bytes: limits.artifacts_bytes,
            memory_bytes: self.ports.terms.process_memory_bytes(),
        };
        Taking { store: Arc::clone(&question.store), lent: Arc::clone(&files.lent), pid: AtomicU32::new(0), most }
    }

    /// A warm worker of this program, or a fresh one in the place of the one idle longest.
    async fn worker(&self, question: &Question, choice: Choice, pid: &AtomicU32) -> io::Result<Worker> {
        let module = question.analysis.module;
        let fit = Fit { module, stack_bytes: question.config.limits.stack_bytes, client: question.config.client };
        if choice == Choice::Warm
            && is_one_clients(fit)
            && let Some(worker) = self.warm.take(fit)
        {
            return Ok(worker);
        }
        self.warm.at_most(self.ports.workers_max.saturating_sub(self.busy.load(Ordering::Relaxed)));
        let worker =
            Worker::start(&self.ports.nursery, &self.ports.terms, (fit, question.analysis.cargo()?), pid).await?;
        tracing::debug!(analysis.id = %module, pid = worker.identity().pid, "a worker came up");
        Ok(worker)
    }

    fn keep_warm(&self, worker: Worker, since: Gone) {
        match self.ports.reuse {
            Reuse::Warm if is_one_clients(worker.fit) && worker.is_small() => {
                self.warm.keep(worker, since, self.ports.workers_max);
            }
            Reuse::Warm | Reuse::Never => (),
        }
    }

    fn files(&self, question: &Question, live: &Live, attempt: u32) -> Files {
        let files = Files::new(Arc::clone(&question.store), live.clone(), attempt);
        self.lent.add(&files.lent);
        files
    }
}

impl Attempted {
    fn kind(&self) -> Attempt {
        match &self.outcome {
            Err(failure) if failure.reason == Reason::HostInterrupted => Attempt::Interrupted,
            Ok(_) | Err(_) => Attempt::Settled,
        }
    }

    fn failed(attendant: Files, failure: Failure) -> Self {
        Self {
            outcome: Err(failure),
            usage: attendant.used(),
            artifacts: Vec::new(),
            reused: false,
            attendant,
            _share: None,
        }
    }
}

/// A guest that exits on purpose has said why on stderr.
fn with_reason(mut failure: Failure, files: &Files) -> Failure {
    if failure.reason == Reason::NonzeroExit
        && let Some(line) = files.last_line()
    {
        failure.detail = format!("{}: {line}", failure.detail);
    }
    failure
}

/// The server asks in the place of whoever asked a former one, which may be many.
fn is_one_clients(fit: Fit) -> bool {
    fit.client != ClientId::Server
}

/// A worker that was refused memory had more to do for its guest than it may take; any other that broke is no word on it.
fn broken(key: RunKey, number: u32, error: &io::Error) -> Failure {
    let said = error.to_string();
    if said.contains(REFUSED_MEMORY) {
        tracing::info!(run.id = %key, attempt = number, "a worker was refused more memory");
        return Failure::new(Reason::MemoryLimit, format!("its process may take no more memory: {said}"));
    }
    interrupted(key, number, error)
}

fn interrupted(key: RunKey, number: u32, error: &io::Error) -> Failure {
    tracing::warn!(run.id = %key, attempt = number, %error, "an attempt was interrupted");
    Failure::new(Reason::HostInterrupted, error.to_string())
}

fn spec(question: &Question) -> Result<RunSpec, Failure> {
    let descriptor = &question.analysis.descriptor;
    let args = &question.config.args;
    let stdin = match (question.analysis.kind, descriptor.stdin) {
        // The typed world is handed them.
        (ModuleKind::Typed, _) | (_, Stdin::Args) => StdinSpec::Bytes(args.as_str().as_bytes().to_vec()),
        (_, Stdin::Sample) => StdinSpec::Sample,
        (_, Stdin::Empty) => StdinSpec::Bytes(Vec::new()),
    };
    // It was short enough when the question was taken, but the descriptor may be another by now.
    let argv = descriptor.command_line(&question.config.analysis, question.upload.safe_name.as_str(), &args.document());
    Ok(RunSpec {
        argv: argv.map_err(|detail| Failure::new(Reason::EngineError, detail))?,
        environment: descriptor.environment(),
        epoch_s: descriptor.epoch_s,
        media_type: question.upload.media_type.clone(),
        sha1: question.key.file_id.to_string(),
        sha256: question.upload.sha256.to_string(),
        seed: *question.key.analysis_id.bytes(),
        sample_name: question.upload.safe_name.as_str().to_owned(),
        sample_bytes: question.upload.size_bytes,
        stdin,
        limits: question.config.limits,
    })
}
