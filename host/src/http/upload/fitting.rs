//! `GET /upload/<file_id>/analyses`: what can be run on this file, each with a question ready to be asked.

use std::io;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use super::super::Api;
use super::super::error::Problem;
use super::super::page;
use super::super::page::Asked;
use super::super::path::Path;
use super::find;
use crate::id::AnalysisName;
use crate::registry::workshop::Analysis;
use crate::store::uploads::UploadFacts;

/// Examples of an author that are looked at for args.
const EXAMPLES_MAX: usize = 8;

/// `GET /upload/<file_id>/analyses?limit&cursor`: those that accept its media type, by name.
pub async fn list(
    State(api): State<Api>,
    Path(file_id): Path<String>,
    asked: Asked<AnalysisName>,
) -> Result<Response, Problem> {
    let facts = find(&api, &file_id)?;
    // With schemas at their bounds finding args takes a while.
    let answering = tokio::task::spawn_blocking(move || answer(&api, &facts, &asked));
    Ok(answering.await.map_err(io::Error::other)?)
}

fn answer(api: &Api, facts: &UploadFacts, asked: &Asked<AnalysisName>) -> Response {
    let fitting = api.parts.registry.accepting(&facts.media_type);
    let (shown, last) = asked.cut(&fitting, |it| &it.descriptor.name);
    let path = format!("/upload/{}/analyses", facts.sha1);
    let next = last.map(|it| page::link(&path, asked.limit, &it.descriptor.name));
    let analyses: Vec<_> = shown.iter().map(|it| view(it, facts)).collect();
    page::answer(json!({ "file_id": facts.sha1, "media_type": facts.media_type, "analyses": analyses }), next)
}

fn view(analysis: &Analysis, facts: &UploadFacts) -> Value {
    let it = &analysis.descriptor;
    json!({
        "name": it.name, "version": it.version, "title": it.title, "description": it.description,
        "about": format!("/analyses/{}", it.name),
        "question": { "file_id": facts.sha1, "analysis": it.name, "args": args(analysis) },
    })
}

/// Args that the analysis takes: its defaults, else those of one of its author's examples; null when neither will do.
fn args(analysis: &Analysis) -> Value {
    let examples = analysis.descriptor.examples.iter().take(EXAMPLES_MAX).filter_map(|it| it.get("args").cloned());
    let mut candidates = std::iter::once(json!({})).chain(examples);
    candidates.find_map(|args| analysis.args.canonical(args).ok()).map_or(Value::Null, |args| args.document())
}
