//! Is it alive, can it work, what does it allow.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::Api;
use super::error::Problem;
use crate::limits::ARGS_BYTES_MAX;
use crate::limits::Limits;

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: whether work can be taken, and which walls stand, what the last self-test
/// said; 503 when it cannot.
pub async fn ready(State(api): State<Api>) -> Result<(StatusCode, Json<Value>), Problem> {
    let walls = &api.parts.walls;
    let load = api.parts.dispatch.load();
    let (workers_idle, workers_max) = api.parts.dispatch.workers();
    let room = api.parts.store.check_room(0).is_ok();
    let writes = !api.parts.store.disk().has_failed();
    let ready = room && writes && load.in_flight < load.queue_max;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({
        "ready": ready,
        "disk": { "room": room, "writes": writes, "free_bytes": api.parts.store.free()?.bytes, "reserve_bytes": api.parts.store.reserve_bytes() },
        "queue": { "in_flight": load.in_flight, "max": load.queue_max },
        "workers": { "max": workers_max, "idle": workers_idle },
        "walls": { "wasm": true, "process": walls.stand(), "landlock": walls.landlock, "seccomp": walls.seccomp,
                   "no_new_privs": walls.no_new_privs, "proc": walls.proc, "lacking": walls.lacking() },
        "engine": api.parts.registry.fingerprint(),
        "analyses": api.parts.registry.all().len(),
    });
    if let Some(verdict) = api.parts.store.selftest()? {
        body["selftest"] = verdict;
    }
    Ok((status, Json(body)))
}

/// `GET /limits`: every default and every cap.
pub async fn limits(State(api): State<Api>) -> Json<Value> {
    Json(json!({
        "default": Limits::DEFAULT.tightest(api.parts.caps), "cap": api.parts.caps, "compile": api.parts.compile_limits,
        "upload_bytes": api.upload_bytes_max, "args_bytes": ARGS_BYTES_MAX, "queue": api.parts.dispatch.load().queue_max,
        "disk_reserve_bytes": api.parts.store.reserve_bytes(), "retention": api.retention,
    }))
}
