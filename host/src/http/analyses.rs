//! `/analyses`: what can be run.

pub mod trial;
pub mod versions;
pub mod view;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;

use self::view::Analyses;
use self::view::Analysis;
use super::Api;
use super::Modules;
use super::body;
use super::body::BodyError;
use super::error::Problem;
use super::keys::Need;
use super::openapi::about::About;
use super::openapi::about::Body;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::about::bytes;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::answer::NoContent;
use super::openapi::answer::Told;
use super::openapi::fields;
use super::openapi::schemas::Schemas;
use super::page;
use super::page::Asked;
use super::page::Page;
use super::path::Path;
use super::upload;
use crate::access::Scope;
use crate::id::AnalysisName;
use crate::id::InvalidId;
use crate::places::Place;
use crate::registry::Placed;
use crate::registry::package::Parcel;

/// The list.
pub const LIST: About = About::new("listAnalyses", "What can be run, by name.");

/// `GET /analyses?limit&cursor`, by name.
pub async fn list(api: Api, asked: Asked<AnalysisName>) -> Page<Analyses> {
    let all = api.parts.registry.all();
    let (shown, last) = asked.cut(&all, |it| &it.descriptor.name);
    let next = last.map(|it| page::link("/analyses", asked.limit, &it.descriptor.name));
    let analyses = shown.iter().map(|it| Analysis::new(it, api.parts.caps)).collect();
    Page { members: Analyses { analyses }, next }
}

/// There is no such analysis.
pub(super) const NO_ANALYSIS: &str = "No such analysis is installed.";
/// One of it.
pub const SHOW: About = About::new("showAnalysis", "An analysis: what it is, what it takes and what it gives.")
    .refusing(&[(404, NO_ANALYSIS)]);

/// `GET /analyses/<name>`.
pub async fn show(api: Api, Path(name): Path<String>) -> Result<Json<Analysis>, Problem> {
    let found = name.parse().ok().and_then(|name| api.parts.registry.find(&name));
    let found = found.ok_or_else(|| Problem::not_found("no such analysis is installed"))?;
    Ok(Json(Analysis::new(&found, api.parts.caps)))
}

/// With the signature that the module came with.
const SIGNATURE_FIELD: &str = "Belljar-Signature";
const BASE64: &str = "^([A-Za-z0-9+/]{4}){0,1364}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";
/// As that pattern has it: some programs leave bits behind the last byte.
const DECODER: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
const SIGNATURE: Field =
    Field::new(SIGNATURE_FIELD, Form::Pattern(BASE64), "What `minisign -S` wrote of the module, in Base64.")
        .sometimes();
/// `minisign` writes some 350 bytes.
const SIGNATURE_BYTES_MAX: usize = 4096;
/// How long a module may take to come.
const MODULE_WITHIN: Duration = Duration::from_secs(120);

/// A module that is installed.
pub const INSTALL: About =
    About::new("installAnalysis", "Installs a module with its descriptor inside, or puts it in place of another.")
        .needing(Need::Scope(Scope::Install))
        .taking(Body::needed(&[("application/wasm", bytes)]))
        .reading(&[SIGNATURE])
        .refusing(&[
            upload::TOO_SLOW,
            (409, "Clients cannot change what has this name, or have as many analyses installed as they may."),
            upload::TOO_LARGE,
            (422, "The module or its name is refused, with every reason."),
            (503, "Other modules are being installed."),
            upload::NO_ROOM,
        ]);

/// What installing answers.
#[derive(Debug)]
pub enum Installed {}

impl Answers for Installed {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let statuses = [(201, "It is installed."), (200, "It is installed in place of another.")];
        let answers = statuses.map(|(status, says)| {
            let answer = Answer::new(status, says).with(&[fields::LOCATION]);
            let answer = answer.leading_to("showAnalysis", &[("name", "$response.body#/name")]);
            let answer = answer.leading_to("removeAnalysis", &[("name", "$response.body#/name")]);
            answer.holding("application/json", schemas.answered::<Analysis>())
        });
        let says = "It is sound, and in quarantine until the operator approves it; the name means what it did.";
        let held = Answer::new(202, says).with(&[fields::LOCATION]);
        let held = held.leading_to("showModule", &[("module", "$response.body#/module_sha256")]);
        let held = held.holding("application/json", schemas.answered::<Analysis>());
        answers.into_iter().chain([held]).collect()
    }
}

/// `PUT /analyses/<name>`: the body is the module, its descriptor inside.
pub async fn install(api: Api, Path(name): Path<String>, request: Request) -> Result<Told<Installed>, Problem> {
    let name = changeable(&api, &name)?;
    let (module, intake) = received(&api, request).await?;
    // Goes on when the client does not wait for it: an installation is whole, or is not. So does what it counts for.
    let registry = Arc::clone(&api.parts.registry);
    let placing = tokio::spawn(async move {
        let placed = registry.place(&name, module).await;
        drop(intake);
        placed
    });
    let (analysis, placed) = placing.await.map_err(io::Error::other)??;
    let location = format!("/analyses/{}", analysis.descriptor.name);
    let (status, location) = match placed {
        Placed::New => (StatusCode::CREATED, location),
        Placed::InsteadOf => (StatusCode::OK, location),
        Placed::Quarantined => (StatusCode::ACCEPTED, format!("/modules/{}", analysis.module)),
    };
    let shown = Json(Analysis::new(&analysis, api.parts.caps));
    Ok(Told::new((status, [(header::LOCATION, location)], shown)))
}

/// The module that is sent, and the place that is taken meanwhile.
async fn received(api: &Api, request: Request) -> Result<(Parcel, Place), Problem> {
    let (headers, body) = (request.headers().clone(), request.into_body());
    let signature = signature(&headers)?;
    let bytes_max = api.parts.compile_limits.module_bytes;
    if body::declared(&headers).is_some_and(|bytes| bytes > bytes_max) {
        return Err(BodyError::TooLarge { bytes_max }.into());
    }
    api.store.check_room(bytes_max)?;
    let intake = api.intakes.take(api.client).ok_or_else(Problem::installing)?;
    let module = tokio::time::timeout(MODULE_WITHIN, body::whole(body, bytes_max)).await;
    Ok((Parcel { module: module.unwrap_or(Err(BodyError::TooSlow))?, signature }, intake))
}

fn signature(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Problem> {
    let Some(field) = headers.get(SIGNATURE_FIELD) else { return Ok(None) };
    let signature = DECODER.decode(field.as_bytes()).ok().filter(|it| it.len() <= SIGNATURE_BYTES_MAX);
    let wanted = "`Belljar-Signature` is what `minisign -S` wrote, in Base64: $(base64 -w0 x.wasm.minisig)";
    signature.map(Some).ok_or_else(|| Problem::bad_request(wanted))
}

/// An analysis that goes.
pub const REMOVE: About = About::new(
    "removeAnalysis",
    "Takes an analysis off the list; its results stay, and runs that were accepted go on.",
)
.needing(Need::Scope(Scope::Install))
.refusing(&[
    (404, NO_ANALYSIS),
    (409, "The name is that of an analysis that clients cannot change."),
    (422, "No analysis can have that name."),
    upload::NO_ROOM,
]);

/// `DELETE /analyses/<name>`: results stay, and runs that were accepted go on.
pub async fn remove(api: Api, Path(name): Path<String>) -> Result<NoContent, Problem> {
    let name = changeable(&api, &name)?;
    let registry = Arc::clone(&api.parts.registry);
    // The name goes from disk and from memory, or stays in both, whether or not the client waits.
    tokio::spawn(async move { registry.displace(&name).await }).await.map_err(io::Error::other)??;
    Ok(NoContent)
}

fn changeable(api: &Api, name: &str) -> Result<AnalysisName, Problem> {
    match api.modules {
        Modules::Taken => name.parse().map_err(|error: InvalidId| Problem::invalid(error.to_string(), Vec::new())),
        Modules::Refused => Err(Problem::forbidden(
            "this server takes no analyses from clients; its operator may start it with --accept-modules",
        )),
    }
}
