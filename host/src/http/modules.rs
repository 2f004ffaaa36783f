//! `/modules/<sha256>`: a module, whatever names stand for it.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use super::Api;
use super::Modules;
use super::analyses::view::Analysis;
use super::body;
use super::error::Problem;
use super::keys::Need;
use super::openapi::about;
use super::openapi::about::About;
use super::openapi::answer::NoContent;
use super::page;
use super::page::Asked;
use super::page::Page;
use super::path::Path;
use super::upload;
use crate::access::Scope;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::store::marks::Revocation;

const BODY_BYTES_MAX: u64 = 16 << 10;
const REASON_CHARS_MAX: usize = 2000;

/// What is known of a module.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Module {
    module_sha256: ModuleDigest,
    /// The names that stand for it, or stood for it before.
    names: Vec<AnalysisName>,
    /// Whether it waits for the operator's approval: then it has what is under `analysis`, and nobody can ask it.
    quarantined: bool,
    /// Why it is not to be believed, if somebody has said so.
    revoked: Option<Revocation>,
    /// What it is and takes, where a name stands for it now or it is in quarantine.
    analysis: Option<Analysis>,
}

impl Module {
    fn new(api: &Api, module: ModuleDigest) -> Self {
        let registry = &api.parts.registry;
        let current = registry.all().into_iter().find(|it| it.module == module);
        let held = registry.quarantined().into_iter().find(|it| it.module == module);
        let quarantined = current.is_none() && held.is_some();
        let analysis = current.or(held).map(|it| Analysis::new(&it, api.parts.caps));
        let (names, revoked) = (registry.names_of(module), registry.revocation(module));
        Self { module_sha256: module, names, quarantined, revoked, analysis }
    }
}

/// Of `list`.
pub const LIST: About =
    About::new("listModules", "The modules that names stand for now, and those in quarantine, by digest.");

/// Modules, a page at a time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModuleList {
    modules: Vec<Module>,
}

/// `GET /modules?limit&cursor`, by digest.
pub async fn list(api: Api, asked: Asked<ModuleDigest>) -> Page<ModuleList> {
    let registry = &api.parts.registry;
    let mut all: Vec<_> = registry.all().iter().chain(&registry.quarantined()).map(|it| it.module).collect();
    all.sort_unstable();
    all.dedup();
    let (shown, last) = asked.cut(&all, |it| it);
    let next = last.map(|it| page::link("/modules", asked.limit, it));
    Page { members: ModuleList { modules: shown.iter().map(|it| Module::new(&api, *it)).collect() }, next }
}

/// Of `show`.
pub const SHOW: About =
    About::new("showModule", "A module by its digest: its names, whether it is in quarantine, whether it is revoked.")
        .refusing(&[(404, "Nothing is known of such a module.")]);

/// `GET /modules/<sha256>`.
pub async fn show(api: Api, Path(module): Path<String>) -> Result<Json<Module>, Problem> {
    let unknown = || Problem::not_found("nothing is known of such a module");
    let found = Module::new(&api, module.parse().map_err(|_| unknown())?);
    let known = !found.names.is_empty() || found.revoked.is_some() || found.analysis.is_some();
    known.then_some(Json(found)).ok_or_else(unknown)
}

/// Why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Revoking {
    /// For whoever has a result of it.
    #[schemars(length(min = 1, max = 2000))]
    reason: String,
}

/// Of `revoke`.
pub const REVOKE: About =
    About::new("revokeModule", "Marks a module as bad: nobody can ask it, and all its results say so from now on.")
        .needing(Need::Scope(Scope::Admin))
        .taking(about::Body::needed(&[("application/json", |schemas| schemas.taken::<Revoking>())]))
        .refusing(&[
            (404, "No module has such a digest."),
            upload::TOO_SLOW,
            upload::TOO_LARGE,
            (422, "The body does not say why."),
            upload::NO_ROOM,
        ]);

/// `PUT /modules/<sha256>/revocation`, also of a module that is not here yet.
pub async fn revoke(api: Api, Path(module): Path<String>, body: Body) -> Result<Json<Revocation>, Problem> {
    let module = changeable(&api, &module)?;
    let document = body::json(&body::whole(body, BODY_BYTES_MAX).await?)?;
    let wanted = "the body is {\"reason\": …}, a sentence for whoever has a result of it";
    let invalid = || Problem::invalid(wanted, Vec::new());
    let Revoking { reason } = serde_json::from_value(document).map_err(|_| invalid())?;
    if reason.trim().is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(invalid());
    }
    let registry = Arc::clone(&api.parts.registry);
    let revoking = tokio::spawn(async move { registry.revoke(module, reason).await });
    Ok(Json(revoking.await.map_err(io::Error::other)??))
}

/// Of `reinstate`.
pub const REINSTATE: About = About::new("reinstateModule", "Takes the mark away from a module.")
    .needing(Need::Scope(Scope::Admin))
    .refusing(&[(404, "No such module is revoked."), upload::NO_ROOM]);

/// `DELETE /modules/<sha256>/revocation`.
pub async fn reinstate(api: Api, Path(module): Path<String>) -> Result<NoContent, Problem> {
    let module = changeable(&api, &module)?;
    if api.parts.registry.revocation(module).is_none() {
        return Err(Problem::not_found("no such module is revoked"));
    }
    let registry = Arc::clone(&api.parts.registry);
    tokio::spawn(async move { registry.reinstate(module).await }).await.map_err(io::Error::other)??;
    Ok(NoContent)
}

fn changeable(api: &Api, module: &str) -> Result<ModuleDigest, Problem> {
    match api.modules {
        Modules::Taken => module.parse().map_err(|_| Problem::not_found("no module has such a digest")),
        Modules::Refused => Err(Problem::forbidden(
            "this server takes no word on modules from clients; its operator may say `belljar revoke`, or start it with \
             --accept-modules",
        )),
    }
}
