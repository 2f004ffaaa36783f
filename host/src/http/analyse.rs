//! `POST /analyse`: a question asked of a file.

mod several;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use self::several::Questions;
use super::Api;
use super::body;
use super::error::Problem;
use super::results;
use super::upload;
use super::wait;
use crate::analysis::plain;
use crate::dispatch::Again;
use crate::dispatch::Question;
use crate::dispatch::question::Asked as Checked;
use crate::id::AnalysisName;
use crate::id::ClientId;
use crate::id::RunKey;
use crate::limits::AskedLimits;
use crate::limits::Limits;
use crate::notify::AskedHook;
use crate::run::Priority;
use crate::run::notice::Hook;
use crate::store::uploads::UploadFacts;

const BODY_BYTES_MAX: u64 = 256 << 10;
/// Args in a longer body are checked on another thread, and so are those whose schema may take a while.
const INLINE_BYTES_MAX: usize = 2048;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    file_id: String,
    analysis: String,
    #[serde(default = "no_args")]
    args: Value,
    #[serde(default)]
    limits: AskedLimits,
    #[serde(default)]
    rerun: bool,
    #[serde(default)]
    priority: Priority,
    #[serde(default)]
    notify: Vec<AskedHook>,
}

fn no_args() -> Value {
    json!({})
}

/// Takes the question, joins the run in flight, or finds the answer there. Several questions at once: see `several`.
pub async fn create(
    State(api): State<Api>,
    Extension(client): Extension<ClientId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = body::whole(body, BODY_BYTES_MAX).await?;
    let waited = wait::preferred(&headers);
    let short = (bytes.len() <= INLINE_BYTES_MAX).then(|| json(&bytes)).transpose()?;
    let asking = match short {
        Some(body) if is_quick(&api, &body) => asking(&api, client, body)?,
        Some(body) => on_a_thread(&api, move |api| asking(api, client, body)).await?,
        None => on_a_thread(&api, move |api| asking(api, client, json(&bytes)?)).await?,
    };
    let mut response = match asking {
        Asking::One(question, hooks) => submit(&api, (*question, hooks), waited).await?,
        Asking::Several(questions) => several::submit(&api, questions, waited).await?,
    };
    results::applied(&mut response, waited);
    Ok(response)
}

async fn submit(
    api: &Api,
    (question, hooks): (Question, Vec<Hook>),
    waited: Option<Duration>,
) -> Result<Response, Problem> {
    let key = begin(api, question, &hooks).await?;
    if let Some(time) = waited {
        // Time over is no error: the client asks again.
        drop(tokio::time::timeout(time, api.parts.dispatch.ended(key)).await);
    }
    promised(api, key, &hooks).await?;
    Ok(Json(taken(api, key)?).into_response())
}

/// Asks, and notes who wants to know.
async fn begin(api: &Api, question: Question, hooks: &[Hook]) -> Result<RunKey, Problem> {
    let (key, client) = (question.key, question.client);
    api.parts.dispatch.submit(question).await?;
    if !hooks.is_empty() {
        api.parts.notifier.add(key, client, hooks)?;
    }
    Ok(key)
}

/// Waits until what was asked for survives whatever happens.
async fn promised(api: &Api, key: RunKey, hooks: &[Hook]) -> Result<(), Problem> {
    if !hooks.is_empty() {
        api.parts.store.disk().settled().await?;
    }
    Ok(api.parts.dispatch.promised(key).await?)
}

/// Whether a short body is looked at in no time.
fn is_quick(api: &Api, body: &Value) -> bool {
    let name = body["analysis"].as_str().and_then(|it| it.parse().ok());
    let analysis = name.and_then(|it| api.parts.registry.find(&it));
    !several::is_meant(body) && analysis.is_none_or(|it| it.args.is_quick_for(INLINE_BYTES_MAX))
}

/// What is said of a question that was taken.
fn taken(api: &Api, key: RunKey) -> Result<Value, Problem> {
    let status = results::status(api, key)?;
    Ok(json!({
        "file_id": key.file_id,
        "analysis_id": key.analysis_id,
        "status": status,
        "results": format!("/results/{}/{}", key.file_id, key.analysis_id),
    }))
}

enum Asking {
    One(Box<Question>, Vec<Hook>),
    Several(Questions),
}

fn asking(api: &Api, client: ClientId, body: Value) -> Result<Asking, Problem> {
    if several::is_meant(&body) {
        return several::questions(api, client, body).map(Asking::Several);
    }
    let mut asked = parse(body)?;
    let hooks = hooks(api, &mut asked)?;
    Ok(Asking::One(Box::new(question(api, client, asked)?), hooks))
}

/// A few at a time.
async fn on_a_thread(
    api: &Api,
    look: impl FnOnce(&Api) -> Result<Asking, Problem> + Send + 'static,
) -> Result<Asking, Problem> {
    let turn = Arc::clone(&api.questions).acquire_owned().await.map_err(io::Error::other)?;
    let api = api.clone();
    let looking = tokio::task::spawn_blocking(move || {
        let asking = look(&api);
        // Also when nobody waits for it any more.
        drop(turn);
        asking
    });
    looking.await.map_err(io::Error::other)?
}

fn json(bytes: &[u8]) -> Result<Value, Problem> {
    plain::parse(bytes).map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))
}

fn parse(body: Value) -> Result<Asked, Problem> {
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

fn question(api: &Api, client: ClientId, asked: Asked) -> Result<Question, Problem> {
    let upload = upload::find(api, &asked.file_id)?;
    question_of(api, client, (upload, asked))
}

fn question_of(api: &Api, client: ClientId, (upload, asked): (UploadFacts, Asked)) -> Result<Question, Problem> {
    let unknown = || Problem::not_found("no such analysis is installed; GET /analyses lists those that are");
    let name: AnalysisName = asked.analysis.parse().map_err(|_| unknown())?;
    let analysis = api.parts.registry.find(&name).ok_or_else(unknown)?;
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
    let checked = Checked { name, args, limits, priority: asked.priority, again, client, accepted };
    Ok(Question::new(analysis, upload, checked))
}

/// The answer that is not there yet, with the queue's own estimate of when it will be.
pub(super) fn not_ready(api: &Api) -> Response {
    (StatusCode::ACCEPTED, [(header::RETRY_AFTER, api.parts.dispatch.retry_after_s().to_string())]).into_response()
}
