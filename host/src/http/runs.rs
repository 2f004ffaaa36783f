//! What workers are at, whoever asked for it: for those who look after a server.

use axum::Json;
use schemars::JsonSchema;
use serde::Serialize;

use super::Api;
use super::error::Problem;
use super::events::Scale;
use super::keys::Need;
use super::openapi::about::About;
use super::results::view::Progress;
use crate::access::Scope;
use crate::dispatch::board;
use crate::id::AnalysisId;
use crate::id::AnalysisName;
use crate::id::FileId;
use crate::id::RunKey;
use crate::id::Tenant;
use crate::id::TraceId;
use crate::time::Timestamp;

/// The runs that have a worker now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Running {
    /// Those asked for first come first; no more than there are workers.
    runs: Vec<Run>,
    /// Accepted, and waiting for a worker.
    waiting: usize,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RunningRun")]
struct Run {
    /// Whose it is.
    #[schemars(with = "String")]
    tenant: Tenant,
    file_id: FileId,
    analysis_id: AnalysisId,
    /// As it was asked for.
    analysis: AnalysisName,
    /// What the request that began it was answered with as `X-Request-Id`.
    request_id: Option<TraceId>,
    /// When it was asked.
    accepted: Timestamp,
    /// Which one this is, from 1.
    attempt: u32,
    progress: Progress,
}

/// Of `list`.
pub const LIST: About =
    About::new("listRunning", "The runs that have a worker now, of all tenants.").needing(Need::Scope(Scope::Admin));

/// `GET /runs`: what workers are at.
pub async fn list(api: Api) -> Result<Json<Running>, Problem> {
    let running = api.parts.dispatch.running();
    let mut runs = Vec::with_capacity(running.len());
    for (key, progress) in running {
        // What has gone since is not told of.
        runs.extend(shown(&api, key, &progress)?);
    }
    runs.sort_by_key(|it| it.accepted);
    let load = api.parts.dispatch.load();
    Ok(Json(Running { runs, waiting: load.in_flight.saturating_sub(load.running) }))
}

fn shown(api: &Api, key: RunKey, progress: &board::Progress) -> Result<Option<Run>, Problem> {
    let Some(store) = api.parts.stores.known(key.tenant) else { return Ok(None) };
    let Some((config, upload)) = store.config(key)?.zip(store.upload(key.file_id)?) else { return Ok(None) };
    let scale = Scale { size_bytes: upload.size_bytes, fuel: config.limits.fuel(upload.size_bytes) };
    Ok(Some(Run {
        tenant: key.tenant,
        file_id: key.file_id,
        analysis_id: key.analysis_id,
        analysis: config.analysis,
        request_id: config.trace.map(|it| it.trace),
        accepted: config.accepted,
        attempt: progress.attempt,
        progress: scale.show(progress),
    }))
}
