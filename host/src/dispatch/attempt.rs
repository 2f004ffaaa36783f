//! Carrying out one run: a slot, a worker, the run, its ending on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sha2::Digest;
use tokio::sync::watch;

use super::Dispatch;
use super::Phase;
use super::Question;
use crate::analysis::descriptor::Stdin;
use crate::analysis::result::result_json;
use crate::id::RunKey;
use crate::id::SafeName;
use crate::id::Sha256;
use crate::pool::Attendant;
use crate::pool::Worker;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::Usage;
use crate::store::Store;
use crate::store::runs::ArtifactFacts;
use crate::store::runs::Ending;
use crate::store::runs::Finished;
use crate::store::runs::RunRecord;
use crate::time::Timestamp;
use crate::wire::ArtifactSpec;
use crate::wire::Done;
use crate::wire::RunSpec;
use crate::wire::StdinSpec;

/// How often a run is tried whose worker died or never came up.
const ATTEMPTS_MAX: u32 = 3;

/// How one attempt ended.
struct Attempted {
    outcome: Result<Vec<u8>, Failure>,
    usage: Usage,
    artifacts: Vec<ArtifactSpec>,
    attendant: Files,
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
        let started = self.clock.now();
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
        let this = Arc::clone(&self);
        let finished =
            tokio::task::spawn_blocking(move || this.finish(&question, attempted, (started, attempts))).await;
        if let Err(error) = finished.map_err(io::Error::other).and_then(|it| it) {
            // The run is still pending on disk, and is taken up at the next start.
            tracing::error!(run.id = %key, %error, "a run's ending could not be stored");
        }
        self.forget(key);
    }

    async fn attempt(&self, question: &Question, wish: &mut watch::Receiver<Option<Reason>>) -> Attempted {
        let key = question.key;
        let mut files = self.files(key);
        let wall = Duration::from_millis(question.config.limits.wall_ms);
        let run = async {
            let mut worker = self.worker(question).await?;
            self.store.mark_running(key, worker.pid())?;
            self.set_phase(key, Phase::Running { bytes_read: 0 });
            let sample = self.store.open_upload(&question.upload)?.into();
            let done = worker.run(spec(question), sample, &mut files).await?;
            Ok::<_, io::Error>((worker, done))
        };
        let ended = tokio::select! {
            done = run => done.map_err(|error| Failure::new(Reason::HostInterrupted, error.to_string())),
            () = tokio::time::sleep(wall) => Err(Failure::new(Reason::Deadline, format!("longer than {} ms", wall.as_millis()))),
            _ = wished(wish) => Err(dismissed(wish)),
        };
        match ended {
            Ok((worker, Done { outcome, usage, artifacts, .. })) => {
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
            if board.idle.len() >= self.workers_max {
                drop(board.idle.remove(0));
            }
        }
        let worker = Worker::start(module, question.analysis.open_program()?.into()).await?;
        tracing::debug!(analysis.id = %module, pid = worker.pid(), walls = ?worker.walls(), "a worker came up");
        Ok(worker)
    }

    fn keep_warm(&self, worker: Worker) {
        let mut board = self.board();
        if board.idle.len() >= self.workers_max {
            drop(board.idle.remove(0));
        }
        board.idle.push(worker);
    }

    fn files(&self, key: RunKey) -> Files {
        let phase = self.board().live.get(&key).map(|live| live.phase.clone());
        Files { store: Arc::clone(&self.store), staged: Vec::new(), log: Vec::new(), disk_full: None, phase }
    }

    fn finish(
        &self,
        question: &Question,
        attempted: Attempted,
        (started, attempts): (Timestamp, u32),
    ) -> io::Result<()> {
        let Attempted { outcome, usage, artifacts, attendant } = attempted;
        let (facts, staged) = match outcome {
            Ok(_) => describe(&artifacts, &attendant.staged)?,
            Err(_) => (Vec::new(), Vec::new()),
        };
        let ending = match outcome.and_then(|stdout| result(question, stdout, &facts)) {
            Ok(json) => Ending::Result(json),
            Err(failure) => Ending::Failure(failure),
        };
        let (facts, staged) = match ending {
            Ending::Result(_) => (facts, staged),
            Ending::Failure(_) => (Vec::new(), Vec::new()),
        };
        let record = RunRecord {
            started,
            finished: self.clock.now(),
            attempts,
            usage,
            engine: self.registry.fingerprint().to_owned(),
            artifacts: facts,
        };
        let finished = Finished { ending: &ending, record: &record, log: &attendant.log, staged: &staged };
        self.store.finish(question.key, &finished)
    }
}

impl Attempted {
    fn failed(attendant: Files, failure: Failure) -> Self {
        Self { outcome: Err(failure), usage: Usage::default(), artifacts: Vec::new(), attendant }
    }
}

/// The server's part in a run: files for the guest, its log, its progress.
struct Files {
    store: Arc<Store>,
    staged: Vec<PathBuf>,
    log: Vec<u8>,
    disk_full: Option<String>,
    phase: Option<watch::Sender<Phase>>,
}

impl Attendant for Files {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        let path = self.store.staging_path();
        let made = File::options().read(true).write(true).create_new(true).open(&path);
        self.staged.push(path);
        made.map(OwnedFd::from).inspect_err(|error| self.disk_full = Some(error.to_string()))
    }

    fn log(&mut self, bytes: &[u8]) {
        self.log.extend_from_slice(bytes);
    }

    fn progress(&mut self, bytes_read: u64) {
        if let Some(phase) = &self.phase {
            phase.send_replace(Phase::Running { bytes_read });
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.staged {
            // Artifacts have been renamed away; the rest was scratch.
            drop(std::fs::remove_file(path));
        }
    }
}

async fn wished(wish: &mut watch::Receiver<Option<Reason>>) {
    drop(wish.wait_for(Option::is_some).await);
}

fn dismissed(wish: &watch::Receiver<Option<Reason>>) -> Failure {
    Failure::new(wish.borrow().unwrap_or(Reason::Dismissed), "ended before its time, as asked")
}

fn spec(question: &Question) -> RunSpec {
    let descriptor = &question.analysis.descriptor;
    let args = &question.config.args;
    let stdin = match descriptor.stdin {
        // Args were canonical when they were accepted, and serialize so again.
        Stdin::Args => StdinSpec::Bytes(serde_json_canonicalizer::to_vec(args).unwrap_or_default()),
        Stdin::Sample => StdinSpec::Sample,
        Stdin::Empty => StdinSpec::Bytes(Vec::new()),
    };
    RunSpec {
        argv: descriptor.command_line(&question.config.analysis, question.upload.safe_name.as_str(), args),
        seed: *question.key.analysis_id.bytes(),
        sample_name: question.upload.safe_name.as_str().to_owned(),
        sample_bytes: question.upload.size_bytes,
        stdin,
        limits: question.config.limits,
    }
}

/// Names, types and digests of what the guest left, and where each lies.
fn describe(artifacts: &[ArtifactSpec], staged: &[PathBuf]) -> io::Result<(Vec<ArtifactFacts>, Vec<PathBuf>)> {
    let mut facts: Vec<ArtifactFacts> = Vec::new();
    let mut paths = Vec::new();
    for artifact in artifacts {
        let number = usize::try_from(artifact.file_number).unwrap_or(usize::MAX);
        let path = staged.get(number).ok_or_else(|| io::Error::other("the worker names a file it never got"))?;
        let mut digest = sha2::Sha256::new();
        let size_bytes = io::copy(&mut File::open(path)?, &mut DigestWriter(&mut digest))?;
        let wanted = SafeName::from_untrusted(&artifact.path);
        let taken = |name: &SafeName| facts.iter().any(|it| it.name == *name);
        let name = std::iter::once(wanted.clone())
            .chain((2..).map(|number| wanted.numbered(number)))
            .find(|name| !taken(name))
            .unwrap_or(wanted);
        facts.push(ArtifactFacts {
            media_type: mime_guess::from_path(name.as_str()).first_or_octet_stream().essence_str().to_owned(),
            name,
            path: format!("/out/{}", artifact.path),
            size_bytes,
            sha256: Sha256::new(digest.finalize().into()),
        });
        paths.push(path.clone());
    }
    Ok((facts, paths))
}

fn result(question: &Question, stdout: Vec<u8>, artifacts: &[ArtifactFacts]) -> Result<Vec<u8>, Failure> {
    let RunKey { file_id, analysis_id } = question.key;
    let links: BTreeMap<_, _> = artifacts
        .iter()
        .map(|it| (it.path.clone(), format!("/download/{file_id}/{analysis_id}/{}", it.name)))
        .collect();
    let bad = |detail: String| Failure::new(Reason::BadOutput, detail);
    let json = result_json(stdout, question.analysis.descriptor.stdout, &links).map_err(bad)?;
    if let Some(schema) = &question.analysis.result {
        let value = serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
        if let Some(invalid) = schema.check(&value).first() {
            return Err(bad(format!("the result breaks its own schema at `{}`: {}", invalid.pointer, invalid.detail)));
        }
    }
    Ok(json)
}

struct DigestWriter<'a>(&'a mut sha2::Sha256);

impl io::Write for DigestWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
