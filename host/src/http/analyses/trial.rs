//! `/analyses/<name>/trial`: a module tried before it takes another's place.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::RawQuery;
use axum::extract::Request;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use super::super::keys::Need;
use super::NO_ANALYSIS;
use super::SIGNATURE;
use super::changeable;
use super::received;
use crate::access::Scope;
use crate::assembly::Assembly;
use crate::http::Api;
use crate::http::error::Problem;
use crate::http::openapi::about::About;
use crate::http::openapi::about::Body;
use crate::http::openapi::about::Field;
use crate::http::openapi::about::Form;
use crate::http::openapi::about::bytes;
use crate::http::path::Path;
use crate::http::upload;
use crate::id::ModuleDigest;
use crate::quota::Payer;
use crate::trial;
use crate::trial::Comparison;
use crate::trial::Verdict;

const FILES: usize = 10;
const FILES_MAX: usize = 50;
/// What has not ended by then is left out.
const WITHIN: Duration = Duration::from_secs(60);

/// How a candidate does beside the current module.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Trial {
    current_sha256: ModuleDigest,
    candidate_sha256: ModuleDigest,
    /// Files with each verdict.
    same: usize,
    changed: usize,
    newly_failing: usize,
    newly_successful: usize,
    #[serde(flatten)]
    comparison: Comparison,
}

/// Of `run`.
pub const RUN: About = About::new(
    "tryAnalysis",
    "Asks a module and the one that has the name now the same of stored files, the newest first, and tells them apart; \
     nothing is installed, and what the candidate answers goes again.",
)
.needing(Need::Scope(Scope::Install))
.asked_by(&[Field::new(
    "files",
    Form::Pattern("^([1-9]|[1-4][0-9]|50)$"),
    "How many files, 50 at most; 10 if it is not said.",
)
.sometimes()])
.reading(&[SIGNATURE])
.taking(Body::needed(&[("application/wasm", bytes)]))
.refusing(&[
    (404, NO_ANALYSIS),
    upload::TOO_SLOW,
    upload::TOO_LARGE,
    (422, "The module or its name is refused, with every reason, or it is the one that has the name."),
    (503, "Other modules are being installed, or tried for this client."),
    upload::NO_ROOM,
]);

/// `POST /analyses/<name>/trial?files`: the body is the module, its descriptor inside.
pub async fn run(
    api: Api,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Json<Trial>, Problem> {
    let name = changeable(&api, &name)?;
    let files = wanted(&query.unwrap_or_default())?;
    let no_analysis = || Problem::not_found("no such analysis is installed; there is nothing to try it beside");
    let current = api.parts.registry.current(&name)?.ok_or_else(no_analysis)?;
    let (module, intake) = received(&api, request).await?;
    let (client, payer, trace) = (api.client, api.token.as_deref().map(Payer::from), api.trace);
    let parts = Assembly { store: Arc::clone(&api.store), ..api.parts.clone() };
    // Goes on when the client does not wait for it, so that what it makes goes again.
    let trying = tokio::spawn(async move {
        let _intake = intake;
        let candidate = parts.registry.candidate(&name, module).await?;
        if candidate.module == current.module {
            let detail = format!("this is the very module that `{name}` has now");
            return Err(Problem::invalid(detail, Vec::new()));
        }
        let digests = (current.module, candidate.module);
        let until = Instant::now() + WITHIN;
        let tried = trial::Trial { current, candidate, client, payer, trace, files, until };
        let comparison = tried.run(&parts).await?;
        Ok(Trial::new(digests, comparison))
    });
    trying.await.map_err(io::Error::other)?.map(Json)
}

impl Trial {
    fn new((current_sha256, candidate_sha256): (ModuleDigest, ModuleDigest), comparison: Comparison) -> Self {
        let count = |verdict| comparison.files.iter().filter(|it| it.verdict == verdict).count();
        Self {
            current_sha256,
            candidate_sha256,
            same: count(Verdict::Same),
            changed: count(Verdict::Changed),
            newly_failing: count(Verdict::NewlyFailing),
            newly_successful: count(Verdict::NewlySuccessful),
            comparison,
        }
    }
}

fn wanted(query: &str) -> Result<usize, Problem> {
    let mut files = FILES;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number = value.parse().ok().filter(|it| (1..=FILES_MAX).contains(it));
        match (name.as_ref(), number) {
            ("files", Some(number)) => files = number,
            ("files", None) => {
                return Err(Problem::bad_request(format!("`files` is a number from 1 to {FILES_MAX}")));
            }
            _ => return Err(Problem::bad_request(format!("there is no parameter `{name}` here; `files` there is"))),
        }
    }
    Ok(files)
}
