//! The REST API: a route table, a file per resource, and the server that speaks it.

pub mod analyse;
pub mod analyses;
mod blocks;
mod body;
mod condition;
mod digest;
pub mod download;
pub mod error;
pub mod events;
#[doc(hidden)]
pub mod fuzzing;
pub mod health;
pub mod metrics;
pub mod origin;
pub mod page;
pub mod path;
pub mod results;
pub mod resumable;
pub mod serve;
pub mod upload;
mod wait;

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::routing::post;
use axum::routing::put;
use tokio::sync::Semaphore;

use self::origin::Names;
use self::resumable::Resumable;
use crate::assembly::Assembly;
use crate::places::Places;
use crate::store::retention::Rules;

/// What handlers share: one pointer, as every client that waits holds some.
#[derive(Debug, Clone)]
pub struct Api(Arc<Shared>);

impl From<Shared> for Api {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
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
    /// Long questions looked at at the same time: as documents they take a hundred times their room.
    pub questions: Arc<Semaphore>,
    pub names: Names,
    pub retention: Rules,
    pub resumable: Resumable,
}

/// What becomes of modules that clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modules {
    Refused,
    Taken,
}

/// Every route.
pub fn router(api: Api) -> Router {
    let plain = Router::new()
        .route("/upload/{file_id}", get(upload::list::show).delete(upload::delete))
        .route("/upload/{file_id}/pin", put(upload::pin).delete(upload::unpin))
        .route("/analyse", post(analyse::create))
        .route("/analyses/{name}", get(analyses::show).put(analyses::install).delete(analyses::remove))
        .route("/results/{file_id}/{analysis_id}", get(results::show).delete(results::dismiss))
        .route("/results/{file_id}/{analysis_id}/run", get(results::run))
        .route("/results/{file_id}/{analysis_id}/log", get(results::log))
        .route("/results/{file_id}/{analysis_id}/events", get(events::stream))
        .route("/download/{file_id}/{filename}", get(download::upload))
        .route("/download/{file_id}/{analysis_id}/{name}", get(download::artifact))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/limits", get(health::limits))
        .route("/metrics", get(metrics::show))
        .layer(from_fn(path::without_query));
    Router::new()
        .route("/upload", get(upload::list::list).post(upload::create))
        .route("/upload/{file_id}/analyses", get(upload::fitting::list))
        .route("/results/{file_id}", get(results::list::list))
        .route("/analyses", get(analyses::list))
        .merge(plain)
        .merge(resumable::routes())
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(from_fn_with_state(api.clone(), origin::same_site))
        .layer(from_fn_with_state(Arc::clone(&api.parts.metrics), metrics::count))
        .with_state(api)
}
