//! `/results`: what came of a question.

pub mod list;
pub mod notification;
pub mod view;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use percent_encoding::AsciiSet;
use percent_encoding::CONTROLS;
use serde_json::json;
use sha2::Digest;

use self::notification::Notification;
use self::view::Artifact;
use self::view::Run;
use super::Api;
use super::analyse::not_ready;
use super::blocks::blocks;
use super::buffers::Buffers;
use super::digest;
use super::error::Problem;
use super::events::Scale;
use super::keys::Need;
use super::log;
use super::log::Tail;
use super::openapi::about::About;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::about::Refusal;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::answer::NoContent;
use super::openapi::answer::Told;
use super::openapi::fields;
use super::openapi::installed;
use super::openapi::schemas::Schemas;
use super::path::Path;
use super::upload;
use super::wait;
use crate::access::Scope;
use crate::dispatch::board::Phase;
use crate::dispatch::board::WatchedLog;
use crate::dispatch::removal::Removed;
use crate::id::FileId;
use crate::id::RunKey;
use crate::id::Sha256;
use crate::run::Failure;
use crate::run::Status;
use crate::run::notice::NoticeId;
use crate::run::notice::Outcome;
use crate::store::runs::RunState;

/// A longer result is sent as it is read, so that slow readers do not fill the memory.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// There is no such run.
pub(super) const NO_RUN: Refusal = (404, "No file with this id is stored, or no such analysis of it was asked for.");

/// Of `show`.
pub const SHOW: About = About::new("showResult", "What came of a question: the analysis' own JSON, once it is there.")
    .reading(&[fields::PREFER])
    .refusing(&[
        NO_RUN,
        (410, "The file was deleted, not long ago, or the run was dismissed: `reason` says which."),
        (422, "The run failed, and `reason` says why."),
        (500, "This server failed, or the run by this server's fault: then `reason` says why."),
    ]);

/// A result, or that it is not ready.
#[derive(Debug)]
pub enum Shown {}

impl Answers for Shown {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        let waited = [fields::RETRY_AFTER, fields::APPLIED];
        let revoked =
            Field::new("Belljar-Revoked", Form::Text, "Why its module is not to be believed, percent-encoded.");
        let told = [fields::NO_SNIFF, fields::REPR_DIGEST, fields::APPLIED, revoked.sometimes()];
        let result =
            Answer::new(200, "What the analysis printed.").holding(RESULT, installed::any_result()).with(&told);
        vec![result, Answer::new(202, "It is not ready.").with(&waited)]
    }
}

/// `GET /results/<f>/<a>`: 202 while it is not ready, then the analysis' own JSON.
pub async fn show(
    api: Api,
    Path((file_id, analysis_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Told<Shown>, Problem> {
    let file_id = upload::parse_id(&file_id)?;
    let Ok(analysis_id) = analysis_id.parse() else { return Err(unknown_of(&api, file_id)?) };
    let key = RunKey { tenant: api.store.tenant(), file_id, analysis_id };
    let waited = wait::preferred(&headers);
    // Whoever waits holds no more than it needs.
    drop(headers);
    if let Some(time) = waited {
        drop(tokio::time::timeout(time, api.parts.dispatch.ended(key)).await);
    }
    let finished = if api.parts.dispatch.in_flight(key) { None } else { api.store.open_result(key)? };
    let mut response = match finished {
        Some(found) => {
            upload::used(&api, file_id);
            result(&api, key, found)?
        }
        None => match state(&api, key)? {
            RunState::Pending => not_ready(&api),
            RunState::Failed(failure) => Problem::from(failure).into_response(),
            RunState::Unknown => return Err(unknown_of(&api, file_id)?),
            // It came between two looks.
            RunState::Successful => match api.store.open_result(key)? {
                Some((file, bytes)) => result(&api, key, (file, bytes))?,
                None => return Err(Problem::gone("the result was removed just now")),
            },
        },
    };
    applied(&mut response, waited);
    Ok(Told::new(response))
}

const RESULT: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

fn result(api: &Api, key: RunKey, (file, bytes): (File, u64)) -> io::Result<Response> {
    let long = usize::try_from(bytes).map_or(true, |bytes| bytes > INLINE_BYTES_MAX);
    let sha256 = if long { api.store.result_sha256(key, &file)? } else { None };
    let mut response = stored((file, bytes), RESULT, &api.sending)?;
    digest::tell(response.headers_mut(), sha256.as_ref());
    warn_of_revoked(api, key, &mut response)?;
    Ok(response)
}

/// Says that the module of a result was revoked.
fn warn_of_revoked(api: &Api, key: RunKey, response: &mut Response) -> io::Result<()> {
    if api.parts.registry.believes_all() {
        return Ok(());
    }
    let revocation = api.store.config(key)?.and_then(|it| api.parts.registry.revocation(it.module));
    let reason = revocation.map(|it| percent_encoding::utf8_percent_encode(&it.reason, REASON).to_string());
    if let Some(value) = reason.and_then(|it| HeaderValue::from_str(&it).ok()) {
        response.headers_mut().insert("belljar-revoked", value);
    }
    Ok(())
}

/// What a reason may not hold as it is in a header field.
const REASON: &AsciiSet = &CONTROLS.add(b'%');

/// What a guest wrote, with its digest unless it is long.
fn stored((file, bytes): (File, u64), media_type: &'static str, sending: &Buffers) -> io::Result<Response> {
    let (body, sha256) = match usize::try_from(bytes) {
        Ok(bytes) if bytes <= INLINE_BYTES_MAX => {
            let mut whole = vec![0; bytes];
            file.read_exact_at(&mut whole, 0)?;
            let sha256 = Sha256::new(sha2::Sha256::digest(&whole).into());
            (Body::from(whole), Some(sha256))
        }
        Ok(_) | Err(_) => (Body::from_stream(blocks(file, 0..bytes, sending)), None),
    };
    let mut response = (guests(media_type, bytes), body).into_response();
    digest::tell(response.headers_mut(), sha256.as_ref());
    Ok(response)
}

/// Of `dismiss`.
pub const DISMISS: About = About::new("dismissRun", "Dismisses a run if it has not ended, else removes its result.")
    .needing(Need::Scope(Scope::Delete))
    .refusing(&[NO_RUN, upload::FILE_GONE, upload::NO_ROOM]);

/// `DELETE /results/<f>/<a>`: ends the run if it is in flight, else removes its result.
pub async fn dismiss(api: Api, Path((file_id, analysis_id)): Path<(String, String)>) -> Result<NoContent, Problem> {
    let key = key(&api, &file_id, &analysis_id)?;
    match api.parts.dispatch.remove(key).await? {
        Removed::Dismissed | Removed::Result => Ok(NoContent),
        Removed::Nothing => Err(unknown()),
    }
}

/// Of `run`.
pub const RUN: About = About::new("showRun", "The record of a run: status, times, limits, usage, digests, artifacts.")
    .refusing(&[NO_RUN, upload::FILE_GONE]);

/// `GET /results/<f>/<a>/run`: the run record.
pub async fn run(api: Api, Path((file_id, analysis_id)): Path<(String, String)>) -> Result<Json<Run>, Problem> {
    let key = key(&api, &file_id, &analysis_id)?;
    let config = api.store.config(key)?.ok_or_else(unknown)?;
    let upload = upload::find(&api, &file_id)?;
    let progress = api.parts.dispatch.watch(key).and_then(|phase| {
        let Phase::Running(progress) = *phase.borrow() else { return None };
        let scale = Scale { size_bytes: upload.size_bytes, fuel: config.limits.fuel(upload.size_bytes) };
        Some(scale.show(&progress))
    });
    let failure = match state(&api, key)? {
        RunState::Failed(failure) => Some(failure),
        RunState::Unknown | RunState::Pending | RunState::Successful => None,
    };
    let record = api.store.record(key)?.filter(|it| it.generation == config.generation);
    let notifications = api.parts.notifier.deliveries(NoticeId { key, accepted: config.accepted })?;
    let artifacts = record.iter().flat_map(|record| &record.artifacts).map(|it| Artifact::new(key, it)).collect();
    let (reason, detail) = failure.map(|it| (it.reason, it.detail)).unzip();
    let current = api.parts.registry.find(&config.analysis);
    Ok(Json(Run {
        file_id: key.file_id,
        analysis_id: key.analysis_id,
        analysis: config.analysis,
        status: status(&api, key)?,
        reason,
        detail,
        progress,
        request_id: config.trace.map(|it| it.trace),
        accepted: config.accepted,
        started: record.as_ref().map(|it| it.started),
        finished: record.as_ref().map(|it| it.finished),
        duration_ms: record.as_ref().map(|it| it.finished.since(it.started)),
        attempts: record.as_ref().map(|it| it.attempts),
        limits: config.limits,
        usage: record.as_ref().map(|it| it.usage),
        module_sha256: config.module,
        superseded: current.is_some_and(|it| it.module != config.module),
        revoked: api.parts.registry.revocation(config.module),
        engine: record.map(|it| it.engine),
        args: config.args,
        artifacts,
        notifications: notifications.into_iter().map(Notification::of).collect(),
    }))
}

/// Of `log`.
pub const LOG: About = About::new("showLog", "What the analysis wrote to stderr, so far while it runs.")
    .refusing(&[NO_RUN, upload::FILE_GONE]);

/// What an analysis wrote to stderr.
#[derive(Debug)]
pub enum Log {}

impl Answers for Log {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        let log = Answer::new(200, "What it wrote; nothing if it has written nothing.");
        vec![log.holding(TEXT, json!({ "type": "string" })).with(&[fields::NO_SNIFF, fields::REPR_DIGEST])]
    }
}

/// `GET /results/<f>/<a>/log`: what the analysis wrote to stderr, so far while it runs.
pub async fn log(api: Api, Path((file_id, analysis_id)): Path<(String, String)>) -> Result<Told<Log>, Problem> {
    let key = key(&api, &file_id, &analysis_id)?;
    let live = api.parts.dispatch.log(key);
    let Some((attempt, bytes)) = live.as_ref().and_then(WatchedLog::so_far) else {
        return Ok(Told::new(match api.store.open_log(key)? {
            Some(found) => stored(found, TEXT, &api.sending)?,
            None => (guests(TEXT, 0), Body::empty()).into_response(),
        }));
    };
    let generation = api.store.config(key)?.map_or(0, |it| it.generation);
    let pieces = log::pieces(api, Tail::new(key, generation, live), (attempt, 0..bytes));
    Ok(Told::new((guests(TEXT, u64::try_from(bytes).unwrap_or(u64::MAX)), Body::from_stream(pieces))))
}

/// The head of what a guest wrote: nobody is to take it for a page.
fn guests(media_type: &'static str, bytes: u64) -> [(HeaderName, String); 3] {
    [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
    ]
}

/// The state of a run in the words of OGC API – Processes.
pub(super) fn status(api: &Api, key: RunKey) -> Result<Status, Problem> {
    Ok(match state(api, key)? {
        RunState::Successful => Status::Successful,
        RunState::Failed(failure) => failed(&failure),
        RunState::Unknown | RunState::Pending => {
            let phase = api.parts.dispatch.watch(key).map(|it| *it.borrow());
            if matches!(phase, Some(Phase::Running(_))) { Status::Running } else { Status::Accepted }
        }
    })
}

/// The state of a run that ended so.
pub(super) fn failed(failure: &Failure) -> Status {
    Outcome::of(Some(failure)).into()
}

/// Says that a wish to wait was heeded.
pub(super) fn applied(response: &mut Response, waited: Option<Duration>) {
    let value = waited.and_then(|time| HeaderValue::from_str(&format!("wait={}", time.as_secs())).ok());
    if let Some(value) = value {
        response.headers_mut().insert("preference-applied", value);
    }
}

/// The run of those ids; the file must be there.
pub(super) fn key(api: &Api, file_id: &str, analysis_id: &str) -> Result<RunKey, Problem> {
    let upload = upload::find(api, file_id)?;
    let analysis_id = analysis_id.parse().map_err(|_| unknown())?;
    Ok(RunKey { tenant: api.store.tenant(), file_id: upload.sha1, analysis_id })
}

/// What the disk says, unless the run is in flight: an old ending does not count while a new one is on its way, and a
/// run that is not queued was never answered for, unless it is just being accepted.
pub(super) fn state(api: &Api, key: RunKey) -> Result<RunState, Problem> {
    let phase = api.parts.dispatch.watch(key).map(|it| *it.borrow());
    if matches!(phase, Some(Phase::Accepted | Phase::Running(_))) {
        return Ok(RunState::Pending);
    }
    Ok(match api.store.state(key)? {
        RunState::Pending if phase == Some(Phase::Accepting) || api.store.is_queued(key) => RunState::Pending,
        RunState::Pending => RunState::Unknown,
        known @ (RunState::Unknown | RunState::Successful | RunState::Failed(_)) => known,
    })
}

/// Why nothing is known of a run of that file.
fn unknown_of(api: &Api, file_id: FileId) -> Result<Problem, Problem> {
    match api.store.upload(file_id)? {
        Some(_) => Ok(unknown()),
        None => upload::missing(api, file_id),
    }
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("no such analysis of this file was asked for")
}
