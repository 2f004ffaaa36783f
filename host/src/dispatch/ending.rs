//! From how a run ended to what stands on disk: result checked, artifacts named and digested, record written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Dispatch;
use super::Question;
use super::attempt::Attempted;
use crate::analysis::descriptor::Stdout;
use crate::analysis::module::ModuleKind;
use crate::analysis::plain;
use crate::analysis::result::NoResult;
use crate::analysis::result::Shape;
use crate::analysis::result::result_json;
use crate::id::RunKey;
use crate::id::SafeName;
use crate::limits::Limits;
use crate::quota::Taken;
use crate::registry::workshop::Analysis;
use crate::run::Failure;
use crate::run::Fault;
use crate::run::Reason;
use crate::run::Usage;
use crate::store::Store;
use crate::store::audit::Entry;
use crate::store::audit::Ran;
use crate::store::digest::Sha256Writer;
use crate::store::digest::sha256;
use crate::store::runs::ArtifactFacts;
use crate::store::runs::Ending;
use crate::store::runs::Finished;
use crate::store::runs::RunConfig;
use crate::store::runs::RunRecord;
use crate::telemetry::Ended;
use crate::telemetry::spans::Run;
use crate::time::Timestamp;
use crate::wire::ArtifactSpec;

/// A result longer than this is checked on another thread, bytes.
pub(super) const INLINE_BYTES_MAX: usize = 16 * 1024;

/// Results are checked at the same time up to so much weight of them in all, see [`plain::weight`]; one that weighs more
/// is not held against a schema.
pub(super) const CHECKED_SHARE_BYTES: usize = 64 * 1024;
pub(super) const CHECKED_SHARES: usize = 1024;

/// Between two attempts to store an ending.
const STORE_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Dispatch {
    /// Stores how a run ended, durably, and takes it out of the queue. A disk that takes no result must at least take
    /// the failure; until it does, the run counts as running, and as interrupted if the server ends first.
    pub(super) async fn conclude(
        &self,
        question: Question,
        attempted: Attempted,
        (started, attempts): (Timestamp, u32),
    ) {
        let (key, store) = (question.key, Arc::clone(&question.store));
        let Err(error) = self.store_ending(question, attempted, (started, attempts)).await else { return };
        tracing::error!(run.id = %key, %error, "a run's ending could not be stored");
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let reason = if full { Reason::StorageFull } else { Reason::EngineError };
        let failure = Failure::new(reason, "the result could not be stored");
        while let Err(error) = self.abandon((&store, key), failure.clone()).await {
            tracing::error!(run.id = %key, %error, "a run's failure could not be stored; trying again");
            tokio::time::sleep(STORE_AGAIN_AFTER).await;
        }
    }

    async fn store_ending(
        &self,
        question: Question,
        attempted: Attempted,
        (started, attempts): (Timestamp, u32),
    ) -> io::Result<()> {
        let key = question.key;
        let bytes = attempted.outcome.as_ref().map_or(0, Vec::len);
        let generation = question.config.generation;
        // What there is to check is no more than so many values.
        let quick = question.analysis.result.as_ref().is_none_or(|it| it.is_quick_for(bytes));
        let small = attempted.attendant.staged.is_empty() && bytes <= INLINE_BYTES_MAX && quick && generation == 0;
        if generation > 0 {
            // A former ending goes only when the disk knows that this run was asked for.
            question.store.disk().settled().await?;
        }
        let (store, finished) = (Arc::clone(&question.store), self.ports.clock.now());
        let engine = question.analysis.engine.clone();
        let store_it = move || {
            let (usage, reused) = (attempted.usage, attempted.reused);
            let mut attempted = attempted;
            let (ending, artifacts, staged) = settle(&question, &attempted)?;
            // Scratch makes room before anything more is written.
            attempted.attendant.keep(&staged);
            if generation > 0 {
                question.store.clear_ending(key)?;
            }
            let ending_sha256 = ending.sha256()?;
            let log = attempted.attendant.log_of();
            let record = RunRecord {
                version: 1,
                generation,
                ending_sha256,
                started,
                finished,
                attempts,
                usage,
                engine,
                artifacts,
                reused,
                log_sha256: Some(sha256(&log.bytes)),
            };
            let finished = Finished { ending: &ending, record: &record, log: &log.bytes, staged: &staged };
            question.store.finish(key, &finished)?;
            Ok::<_, io::Error>(ended(&ending, &record))
        };
        let ended = if small { store_it()? } else { tokio::task::spawn_blocking(store_it).await?? };
        store.disk().settled().await?;
        self.retire((&store, key), ended);
        Ok(())
    }

    /// Its ending is there for good: if it cannot be taken out of the queue now, the next start does so.
    fn retire(&self, (store, key): (&Store, RunKey), ended: Ended) {
        self.ports.ledger.end(key, taken(&ended), self.ports.clock.now());
        self.note((store, key), &ended);
        self.ports.metrics.run_ended(ended);
        if let Err(error) = store.retire(key) {
            tracing::warn!(run.id = %key, %error, "a run that has ended stays queued");
        }
        self.ports.notifier.ended(key);
    }

    fn note(&self, (store, key): (&Store, RunKey), ended: &Ended) {
        if self.ports.audit.is_none() && !self.ports.metrics.tells_spans() {
            return;
        }
        match store.config(key) {
            Ok(Some(config)) => self.tell(key, config, ended),
            // Its file was deleted under it, which is noted.
            Ok(None) => (),
            Err(error) => tracing::error!(run.id = %key, %error, "the end of a run cannot be noted"),
        }
    }

    fn tell(&self, key: RunKey, config: RunConfig, ended: &Ended) {
        let now = self.ports.clock.now();
        if let Some(asked_by) = config.trace {
            let run = Run {
                asked_by,
                path: Ran::subject(key),
                analysis: config.analysis.clone(),
                module: config.module,
                accepted: config.accepted,
                ended: now,
            };
            self.ports.metrics.run_traced(run, ended);
        }
        if let Some(audit) = &self.ports.audit {
            audit.note(&Entry::Run(Ran {
                time: now,
                request: config.trace.map(|it| it.trace),
                token: config.token,
                tenant: key.tenant,
                subject: Ran::subject(key),
                analysis: config.analysis,
                module: config.module,
                outcome: ended.outcome(),
                fuel: ended.fuel,
            }));
        }
    }

    /// Ends a run that has nothing to show.
    pub(super) async fn abandon(&self, (store, key): (&Store, RunKey), failure: Failure) -> io::Result<()> {
        let now = self.ports.clock.now();
        let ending = Ending::Failure(failure);
        let record = RunRecord {
            version: 1,
            generation: store.config(key)?.map_or(0, |config| config.generation),
            ending_sha256: ending.sha256()?,
            started: now,
            finished: now,
            attempts: 0,
            usage: Usage::default(),
            engine: self.ports.registry.fingerprint().to_owned(),
            artifacts: Vec::new(),
            reused: false,
            log_sha256: Some(sha256(b"")),
        };
        store.disk().settled().await?;
        store.clear_ending(key)?;
        store.finish(key, &Finished { ending: &ending, record: &record, log: b"", staged: &[] })?;
        store.disk().settled().await?;
        self.retire((store, key), ended(&ending, &record));
        Ok(())
    }
}

/// What a run is charged: nothing that nobody ordered, and no more than is known of where we are at fault.
fn taken(ended: &Ended) -> Taken {
    // A guest that writes until the disk is full is at fault itself.
    let ours = ended.reason.is_some_and(|it| it.fault() == Fault::Host && it != Reason::StorageFull);
    if ended.fuel_exact || ended.duration.is_none() || ours { Taken::Exactly(ended.fuel) } else { Taken::AtMostAll }
}

/// What is counted of a run.
fn ended(ending: &Ending, record: &RunRecord) -> Ended {
    let reason = match ending {
        Ending::Result(_) => None,
        Ending::Failure(failure) => Some(failure.reason),
    };
    let duration = Duration::from_millis(record.finished.since(record.started));
    Ended {
        reason,
        duration: (record.attempts > 0).then_some(duration),
        fuel: record.usage.fuel,
        fuel_exact: record.usage.fuel_exact,
    }
}

/// The ending, and the artifacts that go with it: a failure has none.
fn settle(question: &Question, attempted: &Attempted) -> io::Result<(Ending, Vec<ArtifactFacts>, Vec<PathBuf>)> {
    let stdout = match &attempted.outcome {
        Ok(stdout) => stdout.clone(),
        Err(failure) => return Ok((Ending::Failure(failure.clone()), Vec::new(), Vec::new())),
    };
    let (facts, staged) = describe(&attempted.artifacts, &attempted.attendant.staged, question.config.limits)?;
    Ok(match result(question, stdout, &facts) {
        Ok(json) => (Ending::Result(json), facts, staged),
        Err(failure) => (Ending::Failure(failure), Vec::new(), Vec::new()),
    })
}

/// Names, types and digests of what the guest left, and where each lies.
fn describe(
    artifacts: &[ArtifactSpec],
    staged: &[PathBuf],
    limits: Limits,
) -> io::Result<(Vec<ArtifactFacts>, Vec<PathBuf>)> {
    let mut facts: Vec<ArtifactFacts> = Vec::new();
    let mut left = limits.artifacts_bytes;
    let mut paths = Vec::new();
    for artifact in artifacts {
        let number = usize::try_from(artifact.file_number).unwrap_or(usize::MAX);
        let path = staged.get(number).filter(|path| !paths.contains(*path));
        let path = path.ok_or_else(|| io::Error::other("the worker names a file it never got, or names it twice"))?;
        let mut file = File::open(path)?;
        // A worker keeps to its limits by itself; what one left that does not is not read.
        let bytes = file.metadata()?.len();
        let within = bytes <= limits.artifact_bytes;
        left =
            left.checked_sub(bytes).filter(|_| within).ok_or_else(|| io::Error::other("the worker left too much"))?;
        let mut digest = Sha256Writer::default();
        let size_bytes = io::copy(&mut file, &mut digest)?;
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
            sha256: digest.finish(),
        });
        paths.push(path.clone());
    }
    Ok((facts, paths))
}

/// What is made of what an analysis prints.
pub(super) fn form(analysis: &Analysis) -> Stdout {
    match analysis.kind {
        // It returns its result, and what it returns is JSON.
        ModuleKind::Typed => Stdout::Json,
        ModuleKind::Command | ModuleKind::CommandComponent | ModuleKind::AsyncCommandComponent => {
            analysis.descriptor.stdout
        }
    }
}

fn result(question: &Question, stdout: Vec<u8>, artifacts: &[ArtifactFacts]) -> Result<Vec<u8>, Failure> {
    let RunKey { file_id, analysis_id, .. } = question.key;
    let links: BTreeMap<_, _> = artifacts
        .iter()
        .map(|it| (it.path.clone(), format!("/download/{file_id}/{analysis_id}/{}", it.name)))
        .collect();
    let bad = |detail: String| Failure::new(Reason::BadOutput, detail);
    let form = form(&question.analysis);
    let limits = question.config.limits;
    let depth_max = usize::try_from(limits.result_depth).unwrap_or(usize::MAX);
    let bytes_max = usize::try_from(limits.stdout_bytes).unwrap_or(usize::MAX);
    let json = result_json(stdout, Shape { form, depth_max, bytes_max }, &links).map_err(|why| match why {
        NoResult::Bad(detail) => bad(detail),
        NoResult::TooLong => Failure::new(Reason::OutputLimit, "the result is longer than `stdout_bytes` allows"),
    })?;
    if let Some(schema) = &question.analysis.result {
        if plain::weight(&json) > CHECKED_SHARES * CHECKED_SHARE_BYTES {
            return Err(bad("the result has more values than are held against a schema".to_owned()));
        }
        let value = serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
        if let Some(invalid) = schema.check(&value).first() {
            return Err(bad(format!("the result breaks its own schema at `{}`: {}", invalid.pointer, invalid.detail)));
        }
    }
    Ok(json)
}
