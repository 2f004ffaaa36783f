//! `GET /upload`: what is stored, newest first; and what is said of one upload.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use super::super::Api;
use super::super::error::Problem;
use super::super::page;
use super::super::page::Asked;
use super::super::path::Path;
use super::super::results::list::runs;
use super::facts_json;
use super::find;
use crate::id::UploadPlace;

/// `GET /upload?limit&cursor`.
pub async fn list(State(api): State<Api>, asked: Asked<UploadPlace>) -> Result<Response, Problem> {
    let page = api.parts.store.uploads(asked.after, asked.limit).await?;
    let uploads: Vec<_> = page.entries.iter().map(facts_json).collect();
    let next = page.next.map(|after| page::link("/upload", asked.limit, after));
    Ok(page::answer(json!({ "uploads": uploads }), next))
}

/// `GET /upload/<file_id>`: with the first of its analyses; `analyses_next` is where the list of them goes on.
pub async fn show(State(api): State<Api>, Path(file_id): Path<String>) -> Result<Json<Value>, Problem> {
    let facts = find(&api, &file_id)?;
    let (analyses, next) = runs(&api, facts.sha1, Asked { limit: page::LIMIT, after: None }).await?;
    let mut body = facts_json(&facts);
    if let Some(held) = api.parts.store.held(facts.sha1)? {
        body["pinned"] = held.pinned.into();
        body["expires"] = json!(api.retention.expires(&held));
    }
    body["analyses"] = analyses.into();
    body["analyses_next"] = next.into();
    Ok(Json(body))
}
