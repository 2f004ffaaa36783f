//! Doors to two parsers that nobody but this module's neighbours should call: for `host/fuzz` and its replay.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::header;
use bytes::Bytes;

use super::condition;
use super::condition::Decision;
use super::condition::Part;
use super::digest::Promise;
use super::upload::form;
use crate::store::Store;

/// The part of a file that a `Range` header asks for, as first byte and end; `None` for the whole, or nothing.
#[must_use]
pub fn range(range: &[u8], bytes: u64) -> Option<(u64, u64)> {
    let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_bytes(range).ok()?)]);
    match condition::decide(&headers, &Method::GET, ("\"etag\"", bytes)) {
        Decision::Serve(Part::Range { first, end }) => Some((first, end)),
        Decision::Serve(Part::Whole | Part::Unsatisfiable) | Decision::NotModified | Decision::Failed => None,
    }
}

/// The name and size of the one file in a form that comes in those frames; `None` when it is refused.
pub async fn form(store: &Arc<Store>, content_type: &[u8], frames: Vec<Bytes>) -> Option<(String, u64)> {
    const FORM_BYTES_MAX: u64 = 1 << 20;
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_bytes(content_type).ok()?)]);
    let boundary = form::boundary(&headers).ok()??;
    let frames = frames.into_iter().map(Ok::<_, std::convert::Infallible>);
    let body = Body::from_stream(futures_util::stream::iter(frames));
    let (name, received) =
        form::receive(store, (body, boundary), FORM_BYTES_MAX, &mut Promise::default()).await.ok()?;
    Some((name, received.size_bytes))
}
