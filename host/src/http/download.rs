//! `/download`: uploads and artifacts, whole or in part (RFC 9110, sections 13 and 14), never as a page of this origin.

use std::fs::File;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;

use super::Api;
use super::blocks::blocks;
use super::error::Problem;
use super::upload as uploads;
use crate::id::RunKey;
use crate::id::SafeName;
use crate::id::Sha256;

const RANGE_HEADER_BYTES_MAX: usize = 256;

/// `GET /download/<f>/<filename>`: the uploaded bytes.
pub async fn upload(
    State(api): State<Api>,
    Path((file_id, filename)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let facts = uploads::find(&api, &file_id)?;
    if filename != facts.safe_name.as_str() && filename != "the_file" {
        return Err(Problem::not_found("this file has another name; GET /upload/<file_id> tells it"));
    }
    let file = api.store.open_upload(&facts)?;
    let served =
        Served { name: &facts.safe_name, media_type: &facts.media_type, bytes: facts.size_bytes, sha256: facts.sha256 };
    serve(file, &served, &headers)
}

/// `GET /download/<f>/<a>/<name>`: what an analysis wrote.
pub async fn artifact(
    State(api): State<Api>,
    Path((file_id, analysis_id, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("no such artifact; GET /results/<f>/<a>/run lists those there are");
    let upload = uploads::find(&api, &file_id)?;
    let key = RunKey { file_id: upload.sha1, analysis_id: analysis_id.parse().map_err(|_| unknown())? };
    let record = api.store.record(key)?.ok_or_else(unknown)?;
    let facts = record.artifacts.iter().find(|it| it.name.as_str() == name).ok_or_else(unknown)?;
    let file = api.store.open_artifact(key, &facts.name)?;
    let served =
        Served { name: &facts.name, media_type: &facts.media_type, bytes: facts.size_bytes, sha256: facts.sha256 };
    serve(file, &served, &headers)
}

struct Served<'a> {
    name: &'a SafeName,
    media_type: &'a str,
    bytes: u64,
    sha256: Sha256,
}

fn serve(file: File, served: &Served<'_>, headers: &HeaderMap) -> Result<Response, Problem> {
    let etag = format!("\"{}\"", served.sha256);
    let text = |name: header::HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    let same = |list: &str| list.trim() == "*" || list.split(',').any(|it| it.trim().trim_start_matches("W/") == etag);
    let mut response = if text(header::IF_NONE_MATCH).is_some_and(same) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let asked = text(header::RANGE).filter(|_| text(header::IF_RANGE).is_none_or(|it| it == etag));
        match asked.map_or(Part::Whole, |range| part(range, served.bytes)) {
            Part::Whole => body(file, 0..served.bytes, StatusCode::OK),
            Part::Range { first, end } => {
                let mut response = body(file, first..end, StatusCode::PARTIAL_CONTENT);
                put(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{}/{}", end - 1, served.bytes));
                response
            }
            Part::Unsatisfiable => {
                let detail = format!("the file has {} bytes; the range starts past its end", served.bytes);
                let mut response = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail).into_response();
                put(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", served.bytes));
                return Ok(response);
            }
        }
    };
    for (name, value) in [
        (header::ETAG, etag.as_str()),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
        (header::CONTENT_TYPE, served.media_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{}\"", served.name)),
    ] {
        put(&mut response, name, value);
    }
    Ok(response)
}

fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Range { first: u64, end: u64 },
    Unsatisfiable,
}

/// One range is served; several, or what is no range, are answered with the whole, as RFC 9110 section 14.2 allows.
fn part(range: &str, bytes: u64) -> Part {
    let spec = range.strip_prefix("bytes=").filter(|it| it.len() <= RANGE_HEADER_BYTES_MAX && !it.contains(','));
    let Some((first, last)) = spec.and_then(|it| it.trim().split_once('-')) else { return Part::Whole };
    let number = |text: &str| {
        // `parse` alone would take a sign.
        text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if last < first => Part::Whole,
        (Some(first), _) if first >= bytes && (last.is_empty() || number(last).is_some()) => Part::Unsatisfiable,
        (Some(first), Some(last)) => Part::Range { first, end: last.saturating_add(1).min(bytes) },
        (Some(first), None) if last.is_empty() => Part::Range { first, end: bytes },
        (None, Some(0)) if first.is_empty() => Part::Unsatisfiable,
        (None, Some(_)) if first.is_empty() && bytes == 0 => Part::Unsatisfiable,
        (None, Some(tail)) if first.is_empty() => Part::Range { first: bytes.saturating_sub(tail), end: bytes },
        (None | Some(_), _) => Part::Whole,
    }
}

fn body(file: File, range: std::ops::Range<u64>, status: StatusCode) -> Response {
    let length = range.end - range.start;
    let mut response = (status, Body::from_stream(blocks(file, range))).into_response();
    put(&mut response, header::CONTENT_LENGTH, &length.to_string());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_file() {
        let cut = |range| part(range, 10);
        assert_eq!(cut("bytes=0-3"), Part::Range { first: 0, end: 4 });
        assert_eq!(cut("bytes=9-"), Part::Range { first: 9, end: 10 });
        assert_eq!(cut("bytes=-3"), Part::Range { first: 7, end: 10 });
        assert_eq!(cut("bytes=-30"), Part::Range { first: 0, end: 10 });
        assert_eq!(cut("bytes=5-99999999999999999999"), Part::Whole);
        assert_eq!(cut("bytes=0-18446744073709551615"), Part::Range { first: 0, end: 10 });
    }

    #[test]
    fn what_starts_past_the_end_cannot_be_served() {
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            assert_eq!(part(range, 10), Part::Unsatisfiable, "{range}");
        }
        assert_eq!(part("bytes=-5", 0), Part::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_gets_the_whole() {
        for range in
            ["bytes=3-1", "bytes=0-1,4-5", "lines=1-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=+1-2", "bytes=1-x"]
        {
            assert_eq!(part(range, 10), Part::Whole, "{range}");
        }
    }
}
