//! `multipart/form-data` (RFC 7578) with one file part; other fields are passed over.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header;
use bytes::Bytes;
use futures_util::TryStreamExt;
use serde_json::Value;
use serde_json::json;

use super::super::body;
use super::super::body::BodyError;
use super::super::digest::Promise;
use super::super::error::Problem;
use super::super::openapi::schemas::Schemas;
use super::intake;
use super::intake::Received;
use super::name;
use crate::store::Store;

/// What a form may hold besides its file, bytes.
const EXTRA_BYTES_MAX: u64 = 64 << 10;

/// What a form holds.
pub(super) fn schema(_: &mut Schemas) -> Value {
    json!({
        "type": "object", "required": ["file"],
        "properties": { "file": { "type": "string", "format": "binary", "description": "The one part with a filename." } },
    })
}

/// The boundary, when the body is a form.
pub(in super::super) fn boundary(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let is_form = content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data");
    is_form.then(|| multer::parse_boundary(content_type).map_err(broken)).transpose()
}

/// Stages the one file of a form, and gives it with its name; what is promised of the body is of the whole form.
pub(in super::super) async fn receive(
    store: &Arc<Store>,
    (body, boundary): (Body, String),
    bytes_max: u64,
    promise: &mut Promise,
) -> Result<(String, Received), Problem> {
    let extra = Arc::new(Extra::default());
    let counted = Arc::clone(&extra);
    let frames = body::frames(body, bytes_max.saturating_add(EXTRA_BYTES_MAX));
    let frames = frames.inspect_ok(|frame| promise.update(frame));
    let mut frames = pin!(frames.and_then(move |frame| std::future::ready(counted.count(frame))));
    let limit = multer::SizeLimit::new().per_field(bytes_max);
    let constraints = multer::Constraints::new().size_limit(limit);
    let mut form = multer::Multipart::with_constraints(frames.as_mut(), boundary, constraints);
    let mut found = None;
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let Some(filename) = part.file_name().map(name::cut) else { continue };
        if found.is_some() {
            return Err(Problem::bad_request("the form has several files; upload them one by one"));
        }
        let filename = if filename.is_empty() { "upload".to_owned() } else { filename };
        extra.in_file(InFile::Yes);
        let received = intake::receive(store, &filename, part.map_err(broken)).await?;
        extra.in_file(InFile::No);
        found = Some((filename, received));
    }
    drop(form);
    // The parser stops at the last boundary, but the body may go on.
    while frames.try_next().await?.is_some() {}
    found.ok_or_else(|| {
        Problem::bad_request("the form has no file part; send one with a filename, as `curl -F file=@NAME` does")
    })
}

/// Counts what comes outside of the file part: the parser keeps all of it until it finds a boundary.
#[derive(Debug, Default)]
struct Extra {
    bytes: AtomicU64,
    in_file: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InFile {
    No,
    Yes,
}

impl Extra {
    fn in_file(&self, place: InFile) {
        self.in_file.store(place == InFile::Yes, Ordering::Relaxed);
    }

    fn count(&self, frame: Bytes) -> Result<Bytes, BodyError> {
        if self.in_file.load(Ordering::Relaxed) {
            return Ok(frame);
        }
        let bytes = u64::try_from(frame.len()).unwrap_or(u64::MAX);
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        // The frame in which the file begins may hold much of it already.
        if before > EXTRA_BYTES_MAX { Err(BodyError::TooLarge { bytes_max: EXTRA_BYTES_MAX }) } else { Ok(frame) }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "multer's errors are not our enum, and it grows")]
fn broken(error: multer::Error) -> Problem {
    match error {
        multer::Error::FieldSizeExceeded { limit, .. } => BodyError::TooLarge { bytes_max: limit }.into(),
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<BodyError>() {
            Ok(error) => (*error).into(),
            Err(cause) => Problem::bad_request(format!("the body ended early: {cause}")),
        },
        other => Problem::bad_request(format!("the multipart body is broken: {other}")),
    }
}
