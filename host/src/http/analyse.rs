//! `POST /analyse`: a question asked of a file.

pub(super) mod several;
pub mod view;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::Instant;

use self::several::Questions;
use self::view::Taken;
use self::view::Waited;
use super::Api;
use super::body;
use super::error::Problem;
use super::keys::Need;
use super::openapi::about;
use super::openapi::about::About;
use super::openapi::fields;
use super::openapi::installed;
use super::results;
use super::rota::Rota;
use super::upload;
use super::wait;
use crate::access::Scope;
use crate::dispatch::Again;
use crate::dispatch::Question;
use crate::dispatch::question::Asked as Checked;
use crate::id::FileId;
use crate::id::RunKey;
use crate::limits::AskedLimits;
use crate::limits::Limits;
use crate::notify;
use crate::notify::AskedHook;
use crate::places::Places;
use crate::quota::Payer;
use crate::registry::selector::Selector;
use crate::run::Priority;
use crate::run::notice::Hook;
use crate::store::uploads::UploadFacts;

const BODY_BYTES_MAX: u64 = 256 << 10;
/// Longer bodies, and those of unknown length, are read a bounded number at a time: what has come of each is in memory.
const SHORT_BYTES_MAX: u64 = 4 << 10;
/// Of those, hence 32 MiB in all.
const READ_AT_ONCE: usize = 128;
/// Args in a longer body are checked on another thread, and so are those whose schema may take a while.
const INLINE_BYTES_MAX: usize = 2048;

/// An analysis that is asked of a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Question")]
pub(super) struct Asked {
    /// The upload.
    #[schemars(with = "FileId")]
    file_id: String,
    /// The name of the analysis, of its current version or of another: `name@1.2.0`, `name@sha256:…`.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_-]{0,63}(@.+)?$"))]
    analysis: String,
    /// By the schema of the analysis; what it has defaults for may be left out.
    #[serde(default = "no_args")]
    args: Value,
    /// Less than the analysis would get.
    #[serde(default)]
    limits: AskedLimits,
    /// Runs it again, whatever is known.
    #[serde(default)]
    rerun: bool,
    #[serde(default)]
    priority: Priority,
    /// Who is told how the run ends.
    #[serde(default)]
    #[schemars(length(max = notify::HOOKS_MAX))]
    notify: Vec<AskedHook>,
}

/// Of `create`.
pub const CREATE: About =
    About::new("ask", "Asks an analysis, or several, of a file; joins the run in flight, or finds the answer.").needing(Need::Scope(Scope::Run))
        .reading(&[fields::PREFER])
        .taking(about::Body::needed(&[("application/json", installed::any_question)]))
        .refusing(&[
            (403, "The module was revoked or is in quarantine, or a page of another site asks."),
            (404, "No such file is stored, or no such analysis installed: `detail` says which."),
            upload::TOO_SLOW,
            (409, "As many as may be are waiting for this run already."),
            upload::FILE_GONE,
            upload::TOO_LARGE,
            (415, "The analysis does not take such a file."),
            (422, "The question or its args are not valid, with every place."),
            (429, "This client has more in the queue than its share, or the token has a quota and nothing is left of it."),
            (503, "The queue is full, or the same is being answered with less than is asked for, or this client sends too many long questions at once, or as many as may be wait to be told of runs."),
            upload::NO_ROOM,
        ]);

/// What bounds the work that questions make before they are any.
#[derive(Debug)]
pub struct Bounds {
    /// Long bodies of which the last byte has not been looked at.
    reading: Places,
    /// Looking at long questions, or several: as documents they take a hundred times their room.
    turns: Rota,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { reading: Places::new(READ_AT_ONCE), turns: Rota::of_cores() }
    }
}

/// How long one who does not wait is held up by a run of the same question that has less.
const PATIENCE: Duration = Duration::from_secs(1);

fn no_args() -> Value {
    json!({})
}

/// Takes the question, joins the run in flight, or finds the answer there. Several questions at once: see `several`.
pub async fn create(api: Api, headers: HeaderMap, body: Body) -> Result<Waited, Problem> {
    let short = body::declared(&headers).is_some_and(|bytes| bytes <= SHORT_BYTES_MAX);
    // Until the question is looked at: what is read of it is in memory.
    let place = if short { None } else { Some(api.questions.reading.take(api.client).ok_or_else(Problem::reading)?) };
    let bytes = body::whole(body, BODY_BYTES_MAX).await?;
    let waited = wait::preferred(&headers);
    let short = (bytes.len() <= INLINE_BYTES_MAX).then(|| body::json(&bytes)).transpose()?;
    let asking = match short {
        Some(body) if is_quick(&api, &body) => asking(&api, body)?,
        Some(body) => on_a_thread(&api, move |api| asking(api, body)).await??,
        None => on_a_thread(&api, move |api| asking(api, body::json(&bytes)?)).await??,
    };
    drop(place);
    let asked = match asking {
        Asking::One(question, hooks) => view::Asked::One(submit(&api, (*question, hooks), waited).await?),
        Asking::Several(questions) => view::Asked::Several(several::submit(&api, questions, waited).await?),
    };
    Ok(Waited { asked, waited })
}

async fn submit(
    api: &Api,
    (question, hooks): (Question, Vec<Hook>),
    waited: Option<Duration>,
) -> Result<Taken, Problem> {
    let until = waited.map(|time| Instant::now() + time);
    let key = begin(api, (question, waited), &hooks).await?;
    if let Some(until) = until {
        // Time over is no error: the client asks again.
        drop(tokio::time::timeout_at(until, api.parts.dispatch.ended(key)).await);
    }
    promised(api, key, &hooks).await?;
    taken(api, key)
}

/// Asks, and notes who wants to know.
async fn begin(api: &Api, (question, waited): (Question, Option<Duration>), hooks: &[Hook]) -> Result<RunKey, Problem> {
    let (key, client) = (question.key, question.config.client);
    api.parts.dispatch.submit(question, waited.unwrap_or(PATIENCE)).await?;
    if !hooks.is_empty() {
        api.parts.notifier.add(key, client, hooks)?;
    }
    Ok(key)
}

/// Waits until what was asked for survives whatever happens.
async fn promised(api: &Api, key: RunKey, hooks: &[Hook]) -> Result<(), Problem> {
    if !hooks.is_empty() {
        api.store.disk().settled().await?;
    }
    Ok(api.parts.dispatch.promised(key).await?)
}

/// Whether a short body is looked at in no time.
fn is_quick(api: &Api, body: &Value) -> bool {
    let text = body["analysis"].as_str().unwrap_or_default();
    let analysis = text.parse().ok().and_then(|it| api.parts.registry.find(&it));
    // One of another version may have to be loaded first.
    !several::is_meant(body) && !text.contains('@') && analysis.is_none_or(|it| it.args.is_quick_for(INLINE_BYTES_MAX))
}

/// What is said of a question that was taken.
fn taken(api: &Api, key: RunKey) -> Result<Taken, Problem> {
    let status = results::status(api, key)?;
    let RunKey { file_id, analysis_id, .. } = key;
    Ok(Taken { file_id, analysis_id, status, results: results::view::path(key) })
}

enum Asking {
    One(Box<Question>, Vec<Hook>),
    Several(Questions),
}

fn asking(api: &Api, body: Value) -> Result<Asking, Problem> {
    if several::is_meant(&body) {
        return several::questions(api, body).map(Asking::Several);
    }
    let mut asked = parse(body)?;
    let hooks = hooks(api, &mut asked)?;
    Ok(Asking::One(Box::new(question(api, asked)?), hooks))
}

/// A few at a time, and one of each client.
pub(super) async fn on_a_thread<T: Send + 'static>(
    api: &Api,
    look: impl FnOnce(&Api) -> T + Send + 'static,
) -> io::Result<T> {
    let turn = api.questions.turns.take(api.client).await?;
    let api = api.clone();
    let looking = tokio::task::spawn_blocking(move || {
        let found = look(&api);
        // Also when nobody waits for it any more.
        drop(turn);
        found
    });
    looking.await.map_err(io::Error::other)
}

fn parse(mut body: Value) -> Result<Asked, Problem> {
    if let Some(limits) = body.get_mut("limits").and_then(Value::as_object_mut) {
        limits.values_mut().for_each(whole);
    }
    serde_json::from_value(body).map_err(|error| {
        let detail =
            format!("the body is not a question: {error}; send {{\"file_id\": …, \"analysis\": …, \"args\": …}}");
        Problem::invalid(detail, Vec::new())
    })
}

fn hooks(api: &Api, asked: &mut Asked) -> Result<Vec<Hook>, Problem> {
    let hooks = api.parts.notifier.check(std::mem::take(&mut asked.notify));
    hooks.map_err(|errors| Problem::invalid("nobody can be notified like that", errors))
}

/// To JSON Schema `5.0` is an integer (2020-12, section 4.2.3); to the parser it is not.
fn whole(number: &mut Value) {
    let float = number.as_f64().filter(|it| number.is_f64() && it.fract() == 0.0);
    if let Some(integer) = float.and_then(|it| format!("{it:.0}").parse::<u64>().ok()) {
        *number = integer.into();
    }
}

fn question(api: &Api, asked: Asked) -> Result<Question, Problem> {
    let upload = upload::find(api, &asked.file_id)?;
    question_of(api, (upload, asked))
}

fn question_of(api: &Api, (upload, asked): (UploadFacts, Asked)) -> Result<Question, Problem> {
    let unknown = || Problem::not_found("no such analysis is installed; GET /analyses lists those that are");
    let selector: Selector = asked.analysis.parse().map_err(|_| unknown())?;
    let analysis = match selector.version {
        None => api.parts.registry.current(&selector.name)?,
        // Such a question is looked at on a thread of its own.
        Some(_) => Handle::current().block_on(api.parts.registry.select(&selector))?,
    };
    let (analysis, name) = (analysis.ok_or_else(unknown)?, selector.name);
    if let Some(revocation) = api.parts.registry.revocation(analysis.module) {
        return Err(Problem::forbidden(format!("the module of `{name}` was revoked: {}", revocation.reason)));
    }
    if !analysis.descriptor.accepts(&upload.media_type) {
        let accepts = analysis.descriptor.accepts.join(", ");
        return Err(Problem::not_accepted(format!("`{name}` takes {accepts}; this file is {}", upload.media_type)));
    }
    let args = analysis
        .args
        .canonical(asked.args)
        .map_err(|errors| Problem::invalid(format!("the args are not those of `{name}`"), errors))?;
    let words = analysis.descriptor.command_line(&name, upload.safe_name.as_str(), &args.document());
    words.map_err(|detail| Problem::invalid(detail, Vec::new()))?;
    let limits = Limits::resolve(api.parts.caps, &analysis.descriptor.limits, &asked.limits);
    let again = if asked.rerun { Again::Always } else { Again::IfNeeded };
    let accepted = api.parts.clock.now();
    let payer = api.token.as_deref().map(Payer::from);
    let (client, trace) = (api.client, api.trace);
    let checked = Checked { name, args, limits, priority: asked.priority, again, client, payer, trace, accepted };
    Ok(Question::new(analysis, (Arc::clone(&api.store), upload), checked))
}

/// The answer that is not there yet, with the queue's own estimate of when it will be.
pub(super) fn not_ready(api: &Api) -> Response {
    (StatusCode::ACCEPTED, [(header::RETRY_AFTER, api.parts.dispatch.retry_after_s().to_string())]).into_response()
}
