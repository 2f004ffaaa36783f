//! `/download`: uploads and artifacts, whole or in part, never as a page of this origin.

pub mod framed;

use std::fs::File;
use std::io;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;

use super::Api;
use super::blocks::blocks;
use super::buffers::Buffers;
use super::condition;
use super::condition::Decision;
use super::condition::Part;
use super::digest;
use super::error::Problem;
use super::openapi::about::About;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::about::Refusal;
use super::openapi::about::bytes;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::answer::Told;
use super::openapi::fields;
use super::openapi::schemas::Schemas;
use super::path::Path;
use super::upload as uploads;
use crate::id::RunKey;
use crate::id::SafeName;
use crate::id::Sha256;
use crate::store::runs::ArtifactFacts;

/// What an extended parameter holds as it is (RFC 8187, `attr-char`).
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// What both look at.
const READ: &[Field] = &[
    Field::new("Range", Form::Text, "One stretch of the bytes; what is no single range gets the whole.").sometimes(),
    Field::new("If-Range", Form::Text, "The range counts if this is the entity tag.").sometimes(),
    fields::IF_MATCH,
    fields::IF_NONE_MATCH,
];
const MISMATCH: Refusal = (412, "The file is another than `If-Match` says.");
const PAST_THE_END: Refusal = (416, "The range starts past the end of the file.");

/// Of `upload`.
pub const UPLOAD: About = About::new("downloadUpload", "The bytes of an upload, whole or in part.")
    .reading(READ)
    .refusing(&[uploads::NO_FILE, uploads::FILE_GONE, MISMATCH, PAST_THE_END]);

/// Of `artifact`.
pub const ARTIFACT: About =
    About::new("downloadArtifact", "The bytes of a file that an analysis wrote, whole or in part.")
        .reading(READ)
        .refusing(&[
            (404, "There is no such artifact, or no file with this id."),
            (503, "The run is on its way, and has no artifacts before it has ended."),
            uploads::FILE_GONE,
            MISMATCH,
            PAST_THE_END,
        ]);

/// The bytes of a file.
#[derive(Debug)]
pub enum Bytes {}

impl Answers for Bytes {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let head = [
            fields::ETAG,
            fields::CACHE_CONTROL,
            fields::NO_SNIFF,
            fields::REPR_DIGEST,
            Field::new("Accept-Ranges", Form::Pattern("^bytes$"), "Ranges are served."),
            Field::new("Content-Security-Policy", Form::Text, "It never runs as a page of this origin."),
            Field::new("Content-Disposition", Form::Text, "A name to save it under (RFC 6266)."),
        ];
        whole_or_part(&["*/*"], &head, schemas)
    }
}

/// What is answered to who wants such bytes, all of them or some.
fn whole_or_part(media_types: &[&'static str], head: &[Field], schemas: &mut Schemas) -> Vec<Answer> {
    let part = Field::new("Content-Range", Form::Pattern("^bytes [0-9]+-[0-9]+/[0-9]+$"), "Which part it is.");
    let mut holding =
        |answer: Answer| media_types.iter().fold(answer, |it, of| it.holding(of, bytes(schemas))).with(head);
    vec![
        holding(Answer::new(200, "All of it.")),
        holding(Answer::new(206, "The part that was asked for.")).with(&[part]),
        Answer::new(304, "The client has it.").with(head),
    ]
}

/// `GET /download/<f>/<filename>`: the uploaded bytes.
pub async fn upload(
    api: Api,
    Path((file_id, filename)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Told<Bytes>, Problem> {
    let facts = uploads::find(&api, &file_id)?;
    if filename != facts.safe_name.as_str() && filename != "the_file" {
        return Err(Problem::not_found("this file has another name; GET /upload/<file_id> tells it"));
    }
    let file = api.store.open_upload(&facts).map_err(|error| gone(error, "the file was deleted just now"))?;
    let served = Served {
        name: &facts.safe_name,
        title: &facts.filename,
        media_type: &facts.media_type,
        bytes: facts.size_bytes,
        sha256: facts.sha256,
        // The id is that of the bytes.
        caching: "private, max-age=31536000, immutable",
        sending: &api.sending,
    };
    Ok(Told::new(serve(file, &served, &method, &headers)))
}

/// `GET /download/<f>/<a>/<name>`: what an analysis wrote.
pub async fn artifact(
    api: Api,
    Path((file_id, analysis_id, name)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Told<Bytes>, Problem> {
    let (file, facts) = find_artifact(&api, (&file_id, &analysis_id, &name))?;
    Ok(Told::new(serve(file, &Served::of_artifact(&facts, &api.sending), &method, &headers)))
}

fn find_artifact(
    api: &Api,
    (file_id, analysis_id, name): (&str, &str, &str),
) -> Result<(File, ArtifactFacts), Problem> {
    let upload = uploads::find(api, file_id)?;
    let analysis_id = analysis_id.parse().map_err(|_| no_artifact())?;
    of_one_ending(api, RunKey { tenant: api.store.tenant(), file_id: upload.sha1, analysis_id }, name)
}

/// How often it is looked again whether a question was just asked again.
const LOOKS: usize = 3;

/// Opens an artifact, with what is recorded of it: both of one ending, also while the question is asked again.
fn of_one_ending(api: &Api, key: RunKey, name: &str) -> Result<(File, ArtifactFacts), Problem> {
    let store = &api.store;
    for _ in 0..LOOKS {
        let Some(record) = store.record(key)? else { break };
        let Some(facts) = record.artifacts.into_iter().find(|it| it.name.as_str() == name) else { break };
        let opened = store.open_artifact(key, &facts.name);
        if store.record(key)?.is_some_and(|it| it.generation == record.generation) {
            return Ok((opened.map_err(|error| gone(error, "the result was removed just now"))?, facts));
        }
    }
    // A former ending has gone, and the next is not there yet.
    if api.parts.dispatch.in_flight(key) { Err(Problem::running()) } else { Err(no_artifact()) }
}

fn no_artifact() -> Problem {
    Problem::not_found("no such artifact; GET /results/<f>/<a>/run lists those there are")
}

/// What was there a moment ago is gone and no fault of ours.
fn gone(error: io::Error, detail: &str) -> Problem {
    if error.kind() == io::ErrorKind::NotFound { Problem::gone(detail) } else { error.into() }
}

struct Served<'a> {
    name: &'a SafeName,
    /// As its author called it.
    title: &'a str,
    media_type: &'a str,
    bytes: u64,
    sha256: Sha256,
    caching: &'static str,
    sending: &'a Buffers,
}

impl<'a> Served<'a> {
    fn of_artifact(facts: &'a ArtifactFacts, sending: &'a Buffers) -> Self {
        Self {
            name: &facts.name,
            title: facts.name.as_str(),
            media_type: &facts.media_type,
            bytes: facts.size_bytes,
            sha256: facts.sha256,
            // A rerun writes it again: the same bytes, unless the engine has changed.
            caching: "private, no-cache",
            sending,
        }
    }
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn serve(file: File, served: &Served<'_>, method: &Method, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", served.sha256);
    let mut response = match condition::decide(headers, method, (&etag, served.bytes)) {
        Decision::NotModified => StatusCode::NOT_MODIFIED.into_response(),
        Decision::Failed => {
            return Problem::mismatch("the file is another than `If-Match` says").into_response();
        }
        Decision::Serve(Part::Whole) => body(file, 0..served.bytes, (StatusCode::OK, served.sending)),
        Decision::Serve(Part::Range { first, end }) => {
            let mut response = body(file, first..end, (StatusCode::PARTIAL_CONTENT, served.sending));
            put(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{}/{}", end - 1, served.bytes));
            response
        }
        Decision::Serve(Part::Unsatisfiable) => {
            let detail = format!("the file has {} bytes; the range starts past its end", served.bytes);
            let mut response = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail).into_response();
            put(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", served.bytes));
            return response;
        }
    };
    for (name, value) in [
        (header::ETAG, etag.as_str()),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, served.caching),
        (header::CONTENT_TYPE, served.media_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CONTENT_DISPOSITION, &disposition(served)),
    ] {
        put(&mut response, name, value);
    }
    digest::tell(response.headers_mut(), Some(&served.sha256));
    response
}

/// With the name that any client can save under, and the author's own where that is another (RFC 6266).
fn disposition(served: &Served<'_>) -> String {
    let plain = format!("attachment; filename=\"{}\"", served.name);
    if served.title == served.name.as_str() {
        return plain;
    }
    format!("{plain}; filename*=UTF-8''{}", percent_encoding::utf8_percent_encode(served.title, ATTR_CHAR))
}

fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn body(file: File, range: std::ops::Range<u64>, (status, sending): (StatusCode, &Buffers)) -> Response {
    let length = range.end - range.start;
    let mut response = (status, Body::from_stream(blocks(file, range, sending))).into_response();
    put(&mut response, header::CONTENT_LENGTH, &length.to_string());
    response
}
