//! `GET /openapi.json`: what this server answers, as OpenAPI 3.1.
//!
//! The document is made of the route table itself: a route is entered with what is said of it (`about`), and what its
//! handler takes and answers is told by the types of both (`endpoint`, `answer`), whose schemas are those that they are read
//! and written by (`schemas`). So far it is the same everywhere (`document`); the schemas of the analyses that are installed
//! are put in (`installed`), each with its references led to where it stands (`embedded`). It is written once, and again
//! after an analysis came or went.

pub mod about;
pub mod answer;
mod document;
mod embedded;
pub mod endpoint;
pub mod fields;
pub mod installed;
pub mod routes;
pub mod schemas;

use std::io;
use std::sync::Arc;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use bytes::Bytes;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use tokio::sync::Mutex;

use self::about::About;
use self::answer::Answer;
use self::answer::Answers;
use self::answer::Told;
use self::schemas::Schemas;
use super::Api;
use super::condition;
use super::condition::Decision;
use super::error::Problem;
use crate::id::Sha256;
use crate::registry::workshop::Analysis;

/// The same at every server.
static BASE: LazyLock<Value> = LazyLock::new(|| super::routes().document());

/// The document as it was written last.
#[derive(Debug, Clone, Default)]
pub struct Openapi {
    /// One writes, and those who ask meanwhile wait for it.
    written: Arc<Mutex<Option<Written>>>,
}

#[derive(Debug, Clone)]
struct Written {
    /// For those it was written.
    analyses: Vec<Arc<Analysis>>,
    bytes: Bytes,
    etag: String,
}

/// Of `show`.
pub const SHOW: About =
    About::new("showOpenapi", "This document, with the schemas of the analyses that are installed.")
        .reading(&[fields::IF_NONE_MATCH, fields::IF_MATCH])
        .refusing(&[(412, "The document is another than `If-Match` says.")]);

/// The document.
#[derive(Debug)]
pub enum Document {}

impl Answers for Document {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        let head = [fields::ETAG, fields::CACHE_CONTROL, fields::NO_SNIFF];
        let document = json!({ "type": "object", "required": ["openapi", "paths", "components"] });
        vec![
            Answer::new(200, "An OpenAPI document, of version 3.1.").holding("application/json", document).with(&head),
            Answer::new(304, "The client has it.").with(&head),
        ]
    }
}

/// `GET /openapi.json`.
pub async fn show(api: Api, method: Method, headers: HeaderMap) -> Result<Told<Document>, Problem> {
    let Written { bytes, etag, .. } = api.openapi.current(api.parts.registry.all()).await?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let (status, body) = match condition::decide(&headers, &method, (&etag, length)) {
        Decision::NotModified => (StatusCode::NOT_MODIFIED, Bytes::new()),
        Decision::Failed => return Err(Problem::mismatch("the document is another than `If-Match` says")),
        // A server may pass over ranges.
        Decision::Serve(_) => (StatusCode::OK, bytes),
    };
    let head = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ETAG, &etag),
        (header::CACHE_CONTROL, "no-cache"),
        // Strangers wrote the schemas.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok(Told::new((status, head, body)))
}

impl Openapi {
    async fn current(&self, analyses: Vec<Arc<Analysis>>) -> io::Result<Written> {
        let mut written = self.written.lock().await;
        if let Some(written) = written.as_ref().filter(|it| it.is_of(&analyses)) {
            return Ok(written.clone());
        }
        let writing = tokio::task::spawn_blocking(move || Written::new(analyses));
        let new = writing.await.map_err(io::Error::other)??;
        Ok(written.insert(new).clone())
    }
}

impl Written {
    fn new(analyses: Vec<Arc<Analysis>>) -> io::Result<Self> {
        let mut document = BASE.clone();
        installed::splice(&mut document, &analyses);
        let bytes = Bytes::from(serde_json::to_vec(&document)?);
        let etag = format!("\"{}\"", Sha256::new(sha2::Sha256::digest(&bytes).into()));
        Ok(Self { analyses, bytes, etag })
    }

    fn is_of(&self, analyses: &[Arc<Analysis>]) -> bool {
        self.analyses.len() == analyses.len() && self.analyses.iter().zip(analyses).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}
