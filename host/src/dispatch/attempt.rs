//! Carrying out one run: a slot, a worker, as many attempts as the host's own faults call for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
use super::ending::CHECKED_SHARE_BYTES;
use super::ending::CHECKED_SHARES;
use crate::analysis::descriptor::Stdin;
use crate::analysis::module::ModuleKind;
use crate::analysis::plain;
use crate::id::RunKey;
use crate::pool::process::cpu_time;
use crate::pool::worker::Fit;
use crate::pool::worker::Worker;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::Usage;
use crate::run::scheduler::Attempt;
use crate::run::scheduler::Event;
use crate::wire::ArtifactSpec;
use crate::wire::Done;
use crate::wire::OWN_MEMORY_BYTES_MAX;
use crate::wire::RunSpec;
use crate::wire::StdinSpec;

/// How often it is looked what a worker takes.
const LOOK_EVERY: Duration = Duration::from_millis(100);

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

/// What a process has in memory; `statm` of proc(5).
fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
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
        self.dispatch.owner.tell(Event::Concluded(self.key));
    }
}

/// How one attempt ended.
pub(super) struct Attempted {
    pub(super) outcome: Result<Vec<u8>, Failure>,
    pub(super) usage: Usage,
    pub(super) artifacts: Vec<ArtifactSpec>,
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
            Attempted::failed(self.files(&live, attempts), dismissed(reason))
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
        // After a failure none of the warm workers is trusted.
        let choice = if number == 1 { Choice::Warm } else { Choice::Fresh };
        let mut files = self.files(live, number);
        let spec = match spec(question) {
            Ok(spec) => spec,
            Err(failure) => return Attempted::failed(files, failure),
        };
        let wall = Duration::from_millis(question.config.limits.wall_ms);
        let (lent, pid) = (Arc::clone(&files.lent), AtomicU32::new(0));
        let _busy = Busy::new(&self.busy);
        let run = async {
            let mut worker = self.worker(question, choice, &pid).await?;
            pid.store(worker.identity().pid, Ordering::Relaxed);
            self.ports.store.mark_running(key, worker.identity())?;
            files.began();
            let sample = self.ports.store.open_upload(&question.upload)?.into();
            match worker.run(spec, sample, &mut files).await {
                Ok((done, artifacts)) => Ok((worker, done, artifacts)),
                Err(error) => Err(io::Error::other(format!("{error}: {}", worker.last_words().await))),
            }
        };
        let ended = tokio::select! {
            done = run => done.map_err(|error| interrupted(key, number, &error)),
            () = tokio::time::sleep(wall) => Err(Failure::new(Reason::Deadline, format!("longer than {} ms", wall.as_millis()))),
            reason = killed(orders) => Err(dismissed(reason)),
            failure = self.takes_too_much((&lent, &pid), question.config.limits.cpu_ms) => Err(failure),
        };
        let ended = match ended {
            // What it was lent is looked at when it can no longer be changed.
            Ok((worker, done, artifacts)) if lent.load(Ordering::Relaxed) => {
                worker.end().await.map(|()| (done, artifacts)).map_err(|error| interrupted(key, number, &error))
            }
            Ok((worker, done, artifacts)) => {
                self.keep_warm(worker);
                Ok((done, artifacts))
            }
            Err(failure) => Err(failure),
        };
        match ended {
            Ok((Done { outcome, usage, .. }, artifacts)) => {
                let outcome = outcome.map_err(|failure| with_reason(failure, &files));
                // Taken while the run has its slot, so that slots bound how many results wait in memory.
                let share = self.share_in_checking(outcome.as_ref().map_or(0, |it| plain::weight(it))).await;
                Attempted { outcome, usage, artifacts, attendant: files, _share: share }
            }
            Err(failure) => Attempted::failed(files, failure),
        }
    }

    /// Waits until a worker takes more than it may of what only the server sees whole: room on the disk, by the files that
    /// it writes by itself, memory, whose limit can be got round from within, and CPU time, which fuel counts in part.
    async fn takes_too_much(&self, (lent, pid): (&AtomicBool, &AtomicU32), cpu_ms_max: u64) -> Failure {
        let most = self.ports.terms.caps.memory_bytes.saturating_add(OWN_MEMORY_BYTES_MAX);
        // What a warm worker took before: as of the first look, so that a run that is over by then costs nothing.
        let mut before = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(now) = cpu_time(pid.load(Ordering::Relaxed)) {
                let spent = now.saturating_sub(*before.get_or_insert(now));
                if spent > Duration::from_millis(cpu_ms_max) {
                    return Failure::new(Reason::Deadline, format!("more CPU time than `cpu_ms` allows, {cpu_ms_max}"));
                }
            }
            if lent.load(Ordering::Relaxed) && self.ports.store.check_room(0).is_err() {
                return Failure::new(Reason::StorageFull, "the disk is full");
            }
            if resident_bytes(pid.load(Ordering::Relaxed)).is_some_and(|bytes| bytes > most) {
                return Failure::new(
                    Reason::MemoryLimit,
                    format!("its process takes more than {most} bytes of memory"),
                );
            }
        }
    }

    /// A share for a result of that weight; none where it takes none.
    async fn share_in_checking(&self, weight: usize) -> Option<OwnedSemaphorePermit> {
        let shares = u32::try_from(weight.div_ceil(CHECKED_SHARE_BYTES).min(CHECKED_SHARES)).ok()?;
        Arc::clone(&self.checking).acquire_many_owned(shares).await.ok()
    }

    /// A warm worker of this program, or a fresh one in the place of the one idle longest.
    async fn worker(&self, question: &Question, choice: Choice, pid: &AtomicU32) -> io::Result<Worker> {
        let module = question.analysis.module;
        let fit = Fit { module, stack_bytes: question.config.limits.stack_bytes, client: question.client };
        if choice == Choice::Warm
            && let Some(worker) = self.warm.take(fit)
        {
            return Ok(worker);
        }
        self.warm.at_most(self.ports.workers_max.saturating_sub(self.busy.load(Ordering::Relaxed)));
        let cargo = question.analysis.cargo()?;
        let worker = Worker::start(&self.ports.nursery, &self.ports.terms, (fit, cargo), pid).await?;
        tracing::debug!(analysis.id = %module, pid = worker.identity().pid, "a worker came up");
        Ok(worker)
    }

    fn keep_warm(&self, worker: Worker) {
        match self.ports.reuse {
            Reuse::Never => (),
            Reuse::Warm => self.warm.keep(worker, self.ports.workers_max),
        }
    }

    fn files(&self, live: &Live, attempt: u32) -> Files {
        Files::new(Arc::clone(&self.ports.store), live.clone(), attempt)
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
        Self { outcome: Err(failure), usage: Usage::default(), artifacts: Vec::new(), attendant, _share: None }
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

/// Waits until the attempt is to end before its time.
async fn killed(orders: &mut watch::Receiver<Orders>) -> Reason {
    match orders.wait_for(|it| it.kill.is_some()).await.map(|it| it.kill) {
        Ok(Some(reason)) => reason,
        Ok(None) | Err(_) => std::future::pending().await,
    }
}

fn dismissed(reason: Reason) -> Failure {
    Failure::new(reason, "ended before its time, as asked")
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
