//! `/analyses`: what can be run.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use super::Api;
use super::Modules;
use super::body;
use super::body::BodyError;
use super::error::Problem;
use super::page;
use super::page::Asked;
use super::path::Path;
use crate::id::AnalysisName;
use crate::id::ClientId;
use crate::id::InvalidId;
use crate::limits::AskedLimits;
use crate::limits::Limits;
use crate::registry::Placed;
use crate::registry::workshop::Analysis;

/// `GET /analyses?limit&cursor`, by name.
pub async fn list(State(api): State<Api>, asked: Asked<AnalysisName>) -> Response {
    let all = api.parts.registry.all();
    let (shown, last) = asked.cut(&all, |it| &it.descriptor.name);
    let next = last.map(|it| page::link("/analyses", asked.limit, &it.descriptor.name));
    let analyses: Vec<_> = shown.iter().map(|it| view(it, api.parts.caps)).collect();
    page::answer(json!({ "analyses": analyses }), next)
}

/// `GET /analyses/<name>`.
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    let found = name.parse().ok().and_then(|name| api.parts.registry.find(&name));
    let found = found.ok_or_else(|| Problem::not_found("no such analysis is installed"))?;
    Ok(Json(view(&found, api.parts.caps)))
}

/// How long a module may take to come.
const MODULE_WITHIN: Duration = Duration::from_secs(120);

/// `PUT /analyses/<name>`: the body is the module, its descriptor inside.
pub async fn install(
    State(api): State<Api>,
    Path(name): Path<String>,
    Extension(client): Extension<ClientId>,
    request: Request,
) -> Result<Response, Problem> {
    let name = changeable(&api, &name)?;
    let (headers, body) = (request.headers().clone(), request.into_body());
    let bytes_max = api.parts.compile_limits.module_bytes;
    if body::declared(&headers).is_some_and(|bytes| bytes > bytes_max) {
        return Err(BodyError::TooLarge { bytes_max }.into());
    }
    api.parts.store.check_room(bytes_max)?;
    let intake = api.intakes.take(client).ok_or_else(Problem::installing)?;
    let module = tokio::time::timeout(MODULE_WITHIN, body::whole(body, bytes_max)).await;
    let module = module.unwrap_or(Err(BodyError::TooSlow))?;
    // Goes on when the client does not wait for it: an installation is whole, or is not. So does what it counts for.
    let registry = Arc::clone(&api.parts.registry);
    let placing = tokio::spawn(async move {
        let placed = registry.place(&name, &module).await;
        drop(intake);
        placed
    });
    let (analysis, placed) = placing.await.map_err(io::Error::other)??;
    let location = format!("/analyses/{}", analysis.descriptor.name);
    let status = match placed {
        Placed::New => StatusCode::CREATED,
        Placed::InsteadOf => StatusCode::OK,
    };
    Ok((status, [(header::LOCATION, location)], Json(view(&analysis, api.parts.caps))).into_response())
}

/// `DELETE /analyses/<name>`: results stay, and runs that were accepted go on.
pub async fn remove(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let name = changeable(&api, &name)?;
    let registry = Arc::clone(&api.parts.registry);
    // The name goes from disk and from memory, or stays in both, whether or not the client waits.
    tokio::spawn(async move { registry.displace(&name).await }).await.map_err(io::Error::other)??;
    Ok(StatusCode::NO_CONTENT)
}

fn changeable(api: &Api, name: &str) -> Result<AnalysisName, Problem> {
    match api.modules {
        Modules::Taken => name.parse().map_err(|error: InvalidId| Problem::invalid(error.to_string(), Vec::new())),
        Modules::Refused => Err(Problem::forbidden(
            "this server takes no analyses from clients; its operator may start it with --accept-modules",
        )),
    }
}

fn view(analysis: &Analysis, caps: Limits) -> Value {
    let it = &analysis.descriptor;
    json!({
        "name": it.name, "version": it.version, "title": it.title, "description": it.description,
        "license": it.license, "authors": it.authors, "homepage": it.homepage, "accepts": it.accepts,
        "args": it.args, "result": it.result, "module_sha256": analysis.module,
        "limits": Limits::resolve(caps, &it.limits, &AskedLimits::default()),
        "capabilities": analysis.capabilities, "kind": analysis.kind,
    })
}
