//! Is it alive, can it work, what does it allow.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::Api;
use crate::limits::ARGS_BYTES_MAX;
use crate::limits::CompileLimits;
use crate::limits::Limits;

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: which walls stand.
pub async fn ready(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    let walls = &api.walls;
    (
        StatusCode::OK,
        Json(json!({
            "ready": true,
            "walls": { "wasm": true, "process": walls.stand(), "landlock": walls.landlock, "seccomp": walls.seccomp,
                       "no_new_privs": walls.no_new_privs },
            "engine": api.registry.fingerprint(),
            "analyses": api.registry.all().len(),
        })),
    )
}

/// `GET /limits`: every default and every cap.
pub async fn limits(State(api): State<Api>) -> Json<Value> {
    Json(json!({
        "default": Limits::DEFAULT, "cap": api.caps, "compile": CompileLimits::DEFAULT,
        "upload_bytes": api.upload_bytes_max, "args_bytes": ARGS_BYTES_MAX,
    }))
}
