//! The page at `/`, for people who would rather look than read: a file of HTML, and under `/web` what it loads. All of it is
//! in the binary, and nothing of it is written at run time: what the page shows it asks of the other routes, as any client.
//!
//! Its policy lets no code run that is not one of these files, and no string become markup.

use std::sync::LazyLock;

use axum::Json;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::Digest;

use super::Api;
use super::condition;
use super::condition::Decision;
use super::error::Problem;
use super::keys::Need;
use super::openapi::about::About;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::about::bytes;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::answer::Told;
use super::openapi::fields;
use super::openapi::schemas::Schemas;
use super::path::Path;
use crate::id::FileId;
use crate::id::Sha256;

/// What the page may do: load its own files, ask this server, frame what `/framed` answers, and no more.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
                          connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                          require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const MODULE: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const DRAWING: &str = "image/svg+xml";

/// A file of the page.
#[derive(Debug)]
struct Part {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    etag: LazyLock<String>,
}

/// Embeds files of `host/web`.
macro_rules! parts {
    ($($name:literal: $media_type:ident),+ $(,)?) => {
        [$(Part {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../../web/", $name)),
            etag: LazyLock::new(|| etag(include_bytes!(concat!("../../web/", $name)))),
        }),+]
    };
}

static PAGE: [Part; 1] = parts!["index.html": HTML];
static PARTS: [Part; 22] = parts![
    "style.css": STYLE,
    "icon.svg": DRAWING,
    "app.js": MODULE,
    "analyses.js": MODULE,
    "api.js": MODULE,
    "artifacts.js": MODULE,
    "chart.js": MODULE,
    "dom.js": MODULE,
    "drop.js": MODULE,
    "file.js": MODULE,
    "files.js": MODULE,
    "form.js": MODULE,
    "record.js": MODULE,
    "result.js": MODULE,
    "run.js": MODULE,
    "signin.js": MODULE,
    "status.js": MODULE,
    "table.js": MODULE,
    "tree.js": MODULE,
    "upload.js": MODULE,
    "watch.js": MODULE,
    "words.js": MODULE,
];

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", Sha256::new(sha2::Sha256::digest(bytes).into()))
}

/// The page.
#[derive(Debug)]
pub enum Page {}

impl Answers for Page {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let policy = Field::new("Content-Security-Policy", Form::Text, "What the page may do.");
        let vary = Field::new("Vary", Form::Pattern("^accept$"), "Only who takes HTML gets it.");
        let head = [fields::ETAG, fields::CACHE_CONTROL, fields::NO_SNIFF, policy, vary];
        vec![
            Answer::new(200, "The page.").holding("text/html", bytes(schemas)).with(&head),
            Answer::new(304, "The client has it.").with(&head),
        ]
    }
}

/// What both look at.
const READ: &[Field] = &[fields::IF_NONE_MATCH, fields::IF_MATCH];
const MISMATCH: (u16, &str) = (412, "It is another than `If-Match` says.");

/// Of `show`.
pub const SHOW: About = About::new("showPage", "A page in which all of this can be done by hand.")
    .needing(Need::Nothing)
    .reading(&[
        Field::new("Accept", Form::Text, "The page is for who takes HTML.").sometimes(),
        fields::IF_NONE_MATCH,
        fields::IF_MATCH,
    ])
    .refusing(&[(404, "The client takes no HTML."), MISMATCH]);

/// `GET /`: the page.
pub async fn show(method: Method, headers: HeaderMap) -> Result<Told<Page>, Problem> {
    if !takes_html(&headers) {
        return Err(Problem::not_found(
            "at `/` there is a page, as text/html; GET /openapi.json tells what else there is",
        ));
    }
    let [page] = &PAGE;
    let mut response = serve(page, &method, &headers)?;
    let head = [
        (header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer")),
        (header::VARY, header::HeaderValue::from_static("accept")),
    ];
    response.headers_mut().extend(head);
    Ok(Told::new(response))
}

/// A file that the page loads.
#[derive(Debug)]
pub enum Loaded {}

impl Answers for Loaded {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let head = [fields::ETAG, fields::CACHE_CONTROL, fields::NO_SNIFF];
        let content = ["text/javascript", "text/css", "image/svg+xml"];
        let whole = content.into_iter().fold(Answer::new(200, "The file."), |it, of| it.holding(of, bytes(schemas)));
        vec![whole.with(&head), Answer::new(304, "The client has it.").with(&head)]
    }
}

/// Of `part`.
pub const PART: About = About::new("showPartOfPage", "A file that the page at `/` loads.")
    .needing(Need::Nothing)
    .reading(READ)
    .refusing(&[(404, "The page has no such file."), MISMATCH]);

/// `GET /web/<file>`: a module, the styles or the icon.
pub async fn part(Path(file): Path<String>, method: Method, headers: HeaderMap) -> Result<Told<Loaded>, Problem> {
    let part = PARTS.iter().find(|it| it.name == file);
    let part = part.ok_or_else(|| Problem::not_found("the page has no such file"))?;
    serve(part, &method, &headers).map(Told::new)
}

fn serve(part: &Part, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
    let length = u64::try_from(part.bytes.len()).unwrap_or(u64::MAX);
    let (status, body) = match condition::decide(headers, method, (&part.etag, length)) {
        Decision::NotModified => (StatusCode::NOT_MODIFIED, &[][..]),
        Decision::Failed => return Err(Problem::mismatch("it is another than `If-Match` says")),
        // A server may pass over ranges.
        Decision::Serve(_) => (StatusCode::OK, part.bytes),
    };
    let head = [
        (header::CONTENT_TYPE, part.media_type),
        (header::ETAG, part.etag.as_str()),
        // Another server may have another page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((status, head, body).into_response())
}

/// Whether HTML is among what the client takes (RFC 9110, section 12.5.1): it is where nothing is said.
fn takes_html(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok()).peekable();
    if said.peek().is_none() {
        return true;
    }
    let mut weights: Vec<_> = said.flat_map(|it| it.split(',')).filter_map(weight_of_html).collect();
    // The most specific range counts.
    weights.sort_by_key(|(specific, _)| *specific);
    weights.last().is_some_and(|(_, weight)| *weight > 0.0)
}

/// How specific a range is that HTML is in, and its weight.
fn weight_of_html(range: &str) -> Option<(u8, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let specific = match parts.next()?.to_ascii_lowercase().as_str() {
        "text/html" => 2,
        "text/*" => 1,
        "*/*" => 0,
        _ => return None,
    };
    let weight = parts.find_map(|it| it.strip_prefix("q=").or_else(|| it.strip_prefix("Q=")));
    Some((specific, weight.map_or(1.0, |it| it.parse().unwrap_or(1.0))))
}

/// Whether a file is stored.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KnownFile")]
pub struct Known {
    file_id: FileId,
    stored: bool,
}

/// Of `known`.
pub const KNOWN: About = About::new(
    "isKnown",
    "Whether a file is stored, without the 404 of `GET /upload/<file_id>`: browsers report that to whoever looks at the page.",
)
.refusing(&[(404, "It is no SHA-1.")]);

/// `GET /web/known/<file_id>`: so that what is there already need not be sent. Does not count as a use of the file.
pub async fn known(api: Api, Path(file_id): Path<String>) -> Result<Json<Known>, Problem> {
    let file_id = super::upload::parse_id(&file_id)?;
    let stored = api.store.upload(file_id)?.is_some();
    Ok(Json(Known { file_id, stored }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_html_is_told_by_accept() {
        let takes = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            takes_html(&headers)
        };
        assert!(takes_html(&HeaderMap::new()));
        for accept in
            ["*/*", "text/html", "TEXT/HTML;q=0.1", "text/*", "application/xhtml+xml,text/html;level=1, */*;q=0"]
        {
            assert!(takes(accept), "{accept}");
        }
        for accept in
            ["application/json", "text/plain", "text/html;q=0", "*/*, text/html; q=0.0", "text/*;q=0, */*", ""]
        {
            assert!(!takes(accept), "{accept}");
        }
    }
}
