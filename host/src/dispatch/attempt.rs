//! Carrying out one run: a slot, a worker, as many attempts as the host's own faults call for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Dispatch;
use super::Phase;
use super::Question;
use super::Reuse;
use super::attendant::Files;
use crate::analysis::descriptor::Stdin;
use crate::id::RunKey;
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
        let slots = Arc::clone(&self.slots);
        let slot = tokio::select! {
            slot = slots.acquire_owned() => slot.ok(),
            _ = wished(&mut wish) => None,
        };
        let started = self.ports.clock.now();
        let mut attempts = 0;
        let attempted = loop {
            attempts += 1;
            let attempted = match slot {
                Some(_) => self.attempt(&question, &mut wish).await,
                None => Attempted::failed(self.files(key), dismissed(&wish)),
            };
            let ours = matches!(&attempted.outcome, Err(failure) if failure.reason == Reason::HostInterrupted);
            if !ours || attempts == ATTEMPTS_MAX {
                break attempted;
            }
        };
        drop(slot);
        self.board().took(self.ports.clock.now().since(started));
        self.conclude(question, attempted, (started, attempts)).await;
        self.forget(key, Phase::Ended);
    }

    async fn attempt(&self, question: &Question, wish: &mut watch::Receiver<Option<Reason>>) -> Attempted {
        let key = question.key;
        let mut files = self.files(key);
        let spec = match spec(question) {
            Ok(spec) => spec,
            Err(failure) => return Attempted::failed(files, failure),
        };
        let wall = Duration::from_millis(question.config.limits.wall_ms);
        let run = async {
            let mut worker = self.worker(question).await?;
            self.ports.store.mark_running(key, worker.identity())?;
            self.set_phase(key, Phase::Running { bytes_read: 0 });
            let sample = self.ports.store.open_upload(&question.upload)?.into();
            let (done, artifacts) = worker.run(spec, sample, &mut files).await?;
            Ok::<_, io::Error>((worker, done, artifacts))
        };
        let ended = tokio::select! {
            done = run => done.map_err(|error| Failure::new(Reason::HostInterrupted, error.to_string())),
            () = tokio::time::sleep(wall) => Err(Failure::new(Reason::Deadline, format!("longer than {} ms", wall.as_millis()))),
            _ = wished(wish) => Err(dismissed(wish)),
        };
        match ended {
            Ok((worker, Done { outcome, usage, .. }, artifacts)) => {
                self.keep_warm(worker);
                Attempted { outcome, usage, artifacts, attendant: files }
            }
            Err(failure) => {
                let failure = match files.disk_full.take() {
                    Some(detail) if failure.reason == Reason::HostInterrupted => {
                        Failure::new(Reason::StorageFull, detail)
                    }
                    Some(_) | None => failure,
                };
                Attempted::failed(files, failure)
            }
        }
    }

    /// A warm worker of this program, or a fresh one in the place of the one idle longest.
    async fn worker(&self, question: &Question) -> io::Result<Worker> {
        let module = question.analysis.module;
        {
            let mut board = self.board();
            if let Some(at) = board.idle.iter().rposition(|worker| worker.module == module) {
                return Ok(board.idle.remove(at));
            }
            if board.idle.len() >= self.ports.workers_max {
                drop(board.idle.remove(0));
            }
        }
        let program = question.analysis.open_program()?.into();
        let worker = Worker::start(&self.ports.nursery, &self.ports.caps, (module, program)).await?;
        tracing::debug!(analysis.id = %module, pid = worker.identity().pid, walls = ?worker.walls(), "a worker came up");
        Ok(worker)
    }

    fn keep_warm(&self, worker: Worker) {
        match self.ports.reuse {
            Reuse::Never => return,
            Reuse::Warm => (),
        }
        let mut board = self.board();
        if board.idle.len() >= self.ports.workers_max {
            drop(board.idle.remove(0));
        }
        board.idle.push(worker);
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

async fn wished(wish: &mut watch::Receiver<Option<Reason>>) {
    drop(wish.wait_for(Option::is_some).await);
}

fn dismissed(wish: &watch::Receiver<Option<Reason>>) -> Failure {
    Failure::new(wish.borrow().unwrap_or(Reason::Dismissed), "ended before its time, as asked")
}

fn spec(question: &Question) -> Result<RunSpec, Failure> {
    let descriptor = &question.analysis.descriptor;
    let args = &question.config.args;
    let stdin = match descriptor.stdin {
        // Args were canonical when they were accepted, and serialize so again.
        Stdin::Args => StdinSpec::Bytes(serde_json_canonicalizer::to_vec(args).unwrap_or_default()),
        Stdin::Sample => StdinSpec::Sample,
        Stdin::Empty => StdinSpec::Bytes(Vec::new()),
    };
    // It was short enough when the question was taken, but the descriptor may be another by now.
    let argv = descriptor.command_line(&question.config.analysis, question.upload.safe_name.as_str(), args);
    Ok(RunSpec {
        argv: argv.map_err(|detail| Failure::new(Reason::EngineError, detail))?,
        seed: *question.key.analysis_id.bytes(),
        sample_name: question.upload.safe_name.as_str().to_owned(),
        sample_bytes: question.upload.size_bytes,
        stdin,
        limits: question.config.limits,
    })
}
