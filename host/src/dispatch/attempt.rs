//! Carrying out one run: a slot, a worker, as many attempts as the host's own faults call for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Dispatch;
use super::Question;
use super::Reuse;
use super::attendant::Files;
use super::board::Phase;
use super::board::Progress;
use crate::analysis::descriptor::Stdin;
use crate::analysis::module::ModuleKind;
use crate::id::RunKey;
use crate::pool::worker::Fit;
use crate::pool::worker::Worker;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::Usage;
use crate::wire::ArtifactSpec;
use crate::wire::Done;
use crate::wire::RunSpec;
use crate::wire::StdinSpec;

/// How often a run is tried whose worker died or never came up.
const ATTEMPTS_MAX: u32 = 3;

/// Longer by itself after each attempt.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Warm,
    Fresh,
}

/// A run's place on the board, given up when it is over, even by a panic of ours.
struct Place {
    dispatch: Arc<Dispatch>,
    key: RunKey,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.dispatch.forget(self.key, Phase::Ended);
    }
}

/// How one attempt ended.
pub(super) struct Attempted {
    pub(super) outcome: Result<Vec<u8>, Failure>,
    pub(super) usage: Usage,
    pub(super) artifacts: Vec<ArtifactSpec>,
    pub(super) attendant: Files,
}

impl Dispatch {
    pub(super) async fn carry_out(self: Arc<Self>, question: Question) {
        let key = question.key;
        let Some(mut wish) = self.board().live.get(&key).map(|live| live.wish.subscribe()) else { return };
        // Whatever happens below, nobody waits for ever.
        let _place = Place { dispatch: Arc::clone(&self), key };
        let slot = tokio::select! {
            slot = self.slots.take(question.config.priority) => Some(slot),
            () = wished(&mut wish) => None,
        };
        let started = self.ports.clock.now();
        let (attempted, attempts) = match &slot {
            Some(_) => self.attempts(&question, &mut wish).await,
            None => (Attempted::failed(self.files(key), dismissed(&wish)), 0),
        };
        drop(slot);
        self.board().took(self.ports.clock.now().since(started));
        self.conclude(question, attempted, (started, attempts)).await;
    }

    /// Tries until it is not the host's fault, a bounded number of times.
    async fn attempts(&self, question: &Question, wish: &mut watch::Receiver<Option<Reason>>) -> (Attempted, u32) {
        let mut attempts = 1;
        loop {
            // After a failure none of the warm workers is trusted.
            let choice = if attempts == 1 { Choice::Warm } else { Choice::Fresh };
            let attempted = self.attempt(question, wish, choice).await;
            let Err(failure) = &attempted.outcome else { return (attempted, attempts) };
            if failure.reason != Reason::HostInterrupted {
                return (attempted, attempts);
            }
            tracing::warn!(run.id = %question.key, attempts, detail = failure.detail, "an attempt was interrupted");
            if attempts == ATTEMPTS_MAX {
                return (attempted, attempts);
            }
            drop(attempted);
            tokio::select! {
                () = tokio::time::sleep(AGAIN_AFTER * attempts) => (),
                () = wished(wish) => (),
            }
            attempts += 1;
        }
    }

    async fn attempt(
        &self,
        question: &Question,
        wish: &mut watch::Receiver<Option<Reason>>,
        choice: Choice,
    ) -> Attempted {
        let key = question.key;
        let mut files = self.files(key);
        let spec = match spec(question) {
            Ok(spec) => spec,
            Err(failure) => return Attempted::failed(files, failure),
        };
        let wall = Duration::from_millis(question.config.limits.wall_ms);
        let run = async {
            let mut worker = self.worker(question, choice).await?;
            self.ports.store.mark_running(key, worker.identity())?;
            self.set_phase(key, Phase::Running(Progress::default()));
            let sample = self.ports.store.open_upload(&question.upload)?.into();
            match worker.run(spec, sample, &mut files).await {
                Ok((done, artifacts)) => Ok((worker, done, artifacts)),
                Err(error) => Err(io::Error::other(format!("{error}: {}", worker.last_words().await))),
            }
        };
        let ended = tokio::select! {
            done = run => done.map_err(|error| Failure::new(Reason::HostInterrupted, error.to_string())),
            () = tokio::time::sleep(wall) => Err(Failure::new(Reason::Deadline, format!("longer than {} ms", wall.as_millis()))),
            () = wished(wish) => Err(dismissed(wish)),
        };
        match ended {
            Ok((worker, Done { outcome, usage, .. }, artifacts)) => {
                self.keep_warm(worker);
                let outcome = outcome.map_err(|failure| with_reason(failure, &files));
                Attempted { outcome, usage, artifacts, attendant: files }
            }
            Err(failure) => Attempted::failed(files, failure),
        }
    }

    /// A warm worker of this program, or a fresh one in the place of the one idle longest.
    async fn worker(&self, question: &Question, choice: Choice) -> io::Result<Worker> {
        let module = question.analysis.module;
        let fit = Fit { module, stack_bytes: question.config.limits.stack_bytes };
        if choice == Choice::Warm {
            while let Some(mut worker) = self.board().take_idle(fit) {
                if worker.is_alive() {
                    return Ok(worker);
                }
            }
        }
        self.board().idle_at_most(self.ports.workers_max.saturating_sub(1));
        let worker = Worker::start(&self.ports.nursery, &self.ports.terms, (fit, question.analysis.cargo()?)).await?;
        tracing::debug!(analysis.id = %module, pid = worker.identity().pid, "a worker came up");
        Ok(worker)
    }

    fn keep_warm(&self, worker: Worker) {
        match self.ports.reuse {
            Reuse::Never => (),
            Reuse::Warm => {
                let mut board = self.board();
                board.idle_at_most(self.ports.workers_max.saturating_sub(1));
                board.idle.push(worker);
            }
        }
    }

    fn files(&self, key: RunKey) -> Files {
        let phase = self.board().live.get(&key).map(|live| live.phase.clone());
        Files::new(Arc::clone(&self.ports.store), phase)
    }
}

impl Attempted {
    fn failed(attendant: Files, failure: Failure) -> Self {
        Self { outcome: Err(failure), usage: Usage::default(), artifacts: Vec::new(), attendant }
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

async fn wished(wish: &mut watch::Receiver<Option<Reason>>) {
    drop(wish.wait_for(Option::is_some).await);
}

fn dismissed(wish: &watch::Receiver<Option<Reason>>) -> Failure {
    Failure::new(wish.borrow().unwrap_or(Reason::Dismissed), "ended before its time, as asked")
}

fn spec(question: &Question) -> Result<RunSpec, Failure> {
    let descriptor = &question.analysis.descriptor;
    let args = &question.config.args;
    let stdin = match (question.analysis.kind, descriptor.stdin) {
        // Args were canonical when they were accepted, and serialize so again. The typed world is handed them.
        (ModuleKind::Typed, _) | (_, Stdin::Args) => {
            StdinSpec::Bytes(serde_json_canonicalizer::to_vec(args).unwrap_or_default())
        }
        (_, Stdin::Sample) => StdinSpec::Sample,
        (_, Stdin::Empty) => StdinSpec::Bytes(Vec::new()),
    };
    // It was short enough when the question was taken, but the descriptor may be another by now.
    let argv = descriptor.command_line(&question.config.analysis, question.upload.safe_name.as_str(), args);
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
