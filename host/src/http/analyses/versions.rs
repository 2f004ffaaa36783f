//! `/analyses/<name>/versions` and `/analyses/<name>/rollback`: what a name stood for before, and how it does again.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use super::super::keys::Need;
use super::NO_ANALYSIS;
use super::changeable;
use super::view::Analysis;
use crate::access::Scope;
use crate::http::Api;
use crate::http::body;
use crate::http::error::Problem;
use crate::http::openapi::about;
use crate::http::openapi::about::About;
use crate::http::path::Path;
use crate::http::upload;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::registry::selector::Wanted;
use crate::time::Timestamp;

const BODY_BYTES_MAX: u64 = 4 << 10;

/// What a name stands and stood for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Versions {
    name: AnalysisName,
    /// Newest first; as many are kept as `GET /limits` says.
    versions: Vec<Version>,
}

/// One of them; it can be asked for as `name@version`, or as `name@sha256:<module_sha256>`.
#[derive(Debug, Serialize, JsonSchema)]
struct Version {
    /// As its author calls it.
    version: String,
    module_sha256: ModuleDigest,
    /// When it was installed first.
    since: Timestamp,
    /// Whether the name alone means it.
    current: bool,
}

/// Of `list`.
pub const LIST: About =
    About::new("listVersions", "The versions that a name has, newest first.").refusing(&[(404, NO_ANALYSIS)]);

/// `GET /analyses/<name>/versions`.
pub async fn list(api: Api, Path(name): Path<String>) -> Result<Json<Versions>, Problem> {
    let found = name.parse().ok().and_then(|name: AnalysisName| Some((api.parts.registry.versions(&name)?, name)));
    let ((versions, current), name) = found.ok_or_else(|| Problem::not_found("no such analysis is installed"))?;
    let versions = versions.into_iter().map(|it| Version {
        version: it.version,
        module_sha256: it.module,
        since: it.since,
        current: it.module == current,
    });
    Ok(Json(Versions { name, versions: versions.collect() }))
}

/// Where to go back to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RollBack {
    /// A version, or `sha256:…`; the one before the current if left out.
    #[serde(default)]
    #[schemars(regex(pattern = "^(sha256:[0-9a-f]{64}|[0-9A-Za-z.+_-]+)$"))]
    to: Option<String>,
}

/// Of `roll_back`.
pub const ROLL_BACK: About =
    About::new("rollBackAnalysis", "Lets a name stand for a version that it stood for before.")
        .needing(Need::Scope(Scope::Install))
        .taking(about::Body::possible(&[("application/json", |schemas| schemas.taken::<RollBack>())]))
        .refusing(&[
            (404, "No such analysis is installed, or it has no such version."),
            upload::TOO_SLOW,
            (409, "Clients cannot change what has this name, or there is nothing to go back to."),
            upload::TOO_LARGE,
            (422, "No analysis can have that name, or the body does not say where to go back to."),
            upload::NO_ROOM,
        ]);

/// `POST /analyses/<name>/rollback`: results stay, and runs that were accepted go on.
pub async fn roll_back(api: Api, Path(name): Path<String>, body: Body) -> Result<Json<Analysis>, Problem> {
    let name = changeable(&api, &name)?;
    let to = wanted(&body::whole(body, BODY_BYTES_MAX).await?)?;
    let registry = Arc::clone(&api.parts.registry);
    // On disk and in memory, or in neither, whether or not the client waits.
    let going = tokio::spawn(async move { registry.roll_back(&name, to.as_ref()).await });
    let analysis = going.await.map_err(io::Error::other)??;
    Ok(Json(Analysis::new(&analysis, api.parts.caps)))
}

fn wanted(bytes: &[u8]) -> Result<Option<Wanted>, Problem> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let invalid = |detail: String| Problem::invalid(detail, Vec::new());
    let RollBack { to } = serde_json::from_value(body::json(bytes)?)
        .map_err(|error| invalid(format!("the body is not {{\"to\": \"VERSION\"}}: {error}")))?;
    to.map(|to| to.parse()).transpose().map_err(|_| invalid("`to` is a version, or `sha256:DIGEST`".to_owned()))
}
