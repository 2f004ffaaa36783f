//! `/analyses`: what can be run.

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use serde_json::json;

use super::Api;
use super::error::Problem;
use super::path::Path;
use crate::limits::AskedLimits;
use crate::limits::Limits;
use crate::registry::workshop::Analysis;

/// `GET /analyses`.
pub async fn list(State(api): State<Api>) -> Json<Value> {
    let all: Vec<_> = api.registry.all().iter().map(|it| view(it, api.caps)).collect();
    Json(json!({ "analyses": all }))
}

/// `GET /analyses/<name>`.
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    let found = name.parse().ok().and_then(|name| api.registry.find(&name));
    let found = found.ok_or_else(|| Problem::not_found("no such analysis is installed"))?;
    Ok(Json(view(&found, api.caps)))
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
