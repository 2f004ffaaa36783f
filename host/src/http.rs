//! The REST API: a route table, a file per resource, and the server that speaks it.

pub mod analyse;
pub mod analyses;
mod blocks;
mod body;
pub mod buffers;
mod condition;
pub mod cors;
mod digest;
pub mod download;
pub mod error;
pub mod events;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
pub mod health;
pub mod keys;
mod log;
pub mod metrics;
pub mod modules;
pub mod openapi;
pub mod origin;
pub mod page;
pub mod path;
pub mod results;
pub mod resumable;
pub mod rota;
pub mod runs;
pub mod serve;
pub mod tls;
pub mod upload;
mod visit;
mod wait;
pub mod web;

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::http::request::Parts;

use self::buffers::Buffers;
use self::cors::Cors;
use self::gate::Gate;
use self::keys::Principal;
use self::openapi::Openapi;
use self::openapi::routes::Routes;
use self::openapi::routes::get;
use self::openapi::routes::post;
use self::openapi::routes::put;
use self::origin::Names;
use self::resumable::Resumable;
use self::rota::Rota;
use self::visit::SeeThrough;
use crate::access::Token;
use crate::assembly::Assembly;
use crate::id::ClientId;
use crate::id::TraceContext;
use crate::keys::Keys;
use crate::places::Places;
use crate::store::Store;
use crate::store::retention::Rules;

/// What a request is answered with: what all share, and what is its client's. Little, as every client that waits holds some.
#[derive(Debug, Clone)]
pub struct Api {
    shared: Arc<Shared>,
    /// Of the tenant whose request it is: a handler reaches nothing of another's.
    pub store: Arc<Store>,
    /// Who takes turns with others.
    pub client: ClientId,
    /// By which it was let in, where one is wanted.
    pub token: Option<Arc<Token>>,
    /// What this request is a part of.
    pub trace: Option<TraceContext>,
}

impl From<Shared> for Api {
    /// For whoever is no client.
    fn from(shared: Shared) -> Self {
        Self {
            store: Arc::clone(shared.parts.stores.main()),
            client: ClientId::Server,
            token: None,
            trace: None,
            shared: Arc::new(shared),
        }
    }
}

impl FromRequestParts<Self> for Api {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Self) -> Result<Self, Infallible> {
        let trace = parts.extensions.get().copied();
        Ok(match parts.extensions.get() {
            Some(Principal::Holder(holder)) => Self {
                trace,
                store: Arc::clone(&holder.store),
                client: ClientId::Tenant(holder.store.tenant()),
                token: Some(Arc::clone(&holder.token)),
                shared: Arc::clone(&api.shared),
            },
            Some(Principal::Anybody(client)) => Self { trace, client: *client, ..api.clone() },
            // By its address, until it is known who it is; such a one reaches nothing of anybody's.
            Some(Principal::Nobody(_)) | None => Self { trace, client: keys::client(&parts.extensions), ..api.clone() },
        })
    }
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// The parts of a server that requests are answered with.
#[derive(Debug)]
pub struct Shared {
    pub parts: Assembly,
    /// Longest upload, bytes.
    pub upload_bytes_max: u64,
    pub modules: Modules,
    /// Modules of clients held in memory at the same time.
    pub intakes: Places,
    /// Looking at what a tenant has stored, where its token bounds that.
    pub room: Rota,
    pub questions: analyse::Bounds,
    pub names: Names,
    pub cors: Cors,
    pub clear: Clear,
    pub retention: Rules,
    pub keys: Arc<Keys>,
    pub resumable: Resumable,
    pub openapi: Openapi,
    /// Of bodies on their way to clients.
    pub sending: Buffers,
}

/// Whether what is sent can be read on its way: then a cookie cannot be kept to where it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    Yes,
    No,
}

/// What becomes of modules that clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modules {
    Refused,
    Taken,
}

/// Every route, with what is said of it beside its handler.
#[must_use]
pub fn routes() -> Routes {
    let plain = Routes::default()
        .at("/upload/{file_id}", get(upload::list::SHOW, upload::list::show).delete(upload::DELETE, upload::delete))
        .at("/upload/{file_id}/pin", put(upload::PIN, upload::pin).delete(upload::UNPIN, upload::unpin))
        .at("/analyse", post(analyse::CREATE, analyse::create))
        .at(
            "/analyses/{name}",
            get(analyses::SHOW, analyses::show)
                .put(analyses::INSTALL, analyses::install)
                .delete(analyses::REMOVE, analyses::remove),
        )
        .at("/analyses/{name}/versions", get(analyses::versions::LIST, analyses::versions::list))
        .at("/analyses/{name}/rollback", post(analyses::versions::ROLL_BACK, analyses::versions::roll_back))
        .at(
            "/results/{file_id}/{analysis_id}",
            get(results::SHOW, results::show).delete(results::DISMISS, results::dismiss),
        )
        .at("/modules/{module}", get(modules::SHOW, modules::show))
        .at(
            "/modules/{module}/revocation",
            put(modules::REVOKE, modules::revoke).delete(modules::REINSTATE, modules::reinstate),
        )
        .at("/results/{file_id}/{analysis_id}/run", get(results::RUN, results::run))
        .at("/results/{file_id}/{analysis_id}/log", get(results::LOG, results::log))
        .at("/results/{file_id}/{analysis_id}/events", get(events::STREAM, events::stream))
        .at("/download/{file_id}/{filename}", get(download::UPLOAD, download::upload))
        .at("/download/{file_id}/{analysis_id}/{name}", get(download::ARTIFACT, download::artifact))
        .at("/framed/{file_id}/{analysis_id}/{name}", get(download::framed::SHOW, download::framed::show))
        .at("/", get(web::SHOW, web::show))
        .at("/web/{file}", get(web::PART, web::part))
        .at("/web/known/{file_id}", get(web::KNOWN, web::known))
        .at("/healthz", get(health::ALIVE, health::alive))
        .at("/readyz", get(health::READY, health::ready))
        .at("/me", get(keys::ME, keys::me))
        .at(
            "/session",
            get(keys::SESSION, keys::session).put(keys::SIGN_IN, keys::sign_in).delete(keys::SIGN_OUT, keys::sign_out),
        )
        .at("/limits", get(health::LIMITS, health::limits))
        .at("/runs", get(runs::LIST, runs::list))
        .at("/metrics", get(metrics::SHOW, metrics::show))
        .at("/openapi.json", get(openapi::SHOW, openapi::show))
        .behind(|it| it.layer(Gate(path::without_query)));
    Routes::default()
        .at("/upload", get(upload::list::LIST, upload::list::list).post(upload::CREATE, upload::create))
        .at("/upload/{file_id}/analyses", get(upload::fitting::LIST, upload::fitting::list))
        .at("/results/{file_id}", get(results::list::LIST, results::list::list))
        .at("/analyses", get(analyses::LIST, analyses::list))
        .at("/analyses/{name}/trial", post(analyses::trial::RUN, analyses::trial::run))
        .at("/modules", get(modules::LIST, modules::list))
        .merge(plain)
        .merge(resumable::routes())
}

/// All that is answered.
pub fn router(api: Api) -> Router {
    let asked = api.clone();
    routes()
        .router()
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::wrong_method)
        .layer((
            api.cors.layer(),
            SeeThrough(api.clone()),
            Gate(move |request: &mut Request| origin::same_site(&asked, request)),
        ))
        .with_state(api)
}
