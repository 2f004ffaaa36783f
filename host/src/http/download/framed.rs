//! `/framed`: what an analysis drew, to be looked at within the page at `/`.
//!
//! A download says that it is to be saved, and no browser shows it in a frame. This says that it may be shown, but as a
//! document of no origin, which runs nothing, loads nothing and leads nowhere; only pages of this origin may frame it, and
//! they do so in a sandbox of their own.

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::header;

use super::super::Api;
use super::super::error::Problem;
use super::super::openapi::about::About;
use super::super::openapi::about::Field;
use super::super::openapi::about::Form;
use super::super::openapi::answer::Answer;
use super::super::openapi::answer::Answers;
use super::super::openapi::answer::Told;
use super::super::openapi::fields;
use super::super::openapi::schemas::Schemas;
use super::super::path::Path;

/// What may stand in it: itself, its own styles, and what it brings along.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/// Media types that only a browser's document shows.
const DRAWN: [&str; 2] = ["text/html", "image/svg+xml"];

/// Of `show`.
pub const SHOW: About =
    About::new("showFramed", "An artifact of HTML or SVG as a document that runs nothing, for a frame of the page.")
        .reading(super::READ)
        .refusing(&[
            (404, "There is no such artifact, no file with this id, or it is neither HTML nor SVG."),
            (503, "The run is on its way, and has no artifacts before it has ended."),
            super::uploads::FILE_GONE,
            super::MISMATCH,
            super::PAST_THE_END,
        ]);

/// Such a document.
#[derive(Debug)]
pub enum Framed {}

impl Answers for Framed {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let head = [
            fields::ETAG,
            fields::CACHE_CONTROL,
            fields::NO_SNIFF,
            fields::REPR_DIGEST,
            Field::new("Content-Security-Policy", Form::Text, "It is of no origin, and runs nothing."),
        ];
        super::whole_or_part(&DRAWN, &head, schemas)
    }
}

/// `GET /framed/<f>/<a>/<name>`.
pub async fn show(
    api: Api,
    Path((file_id, analysis_id, name)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Told<Framed>, Problem> {
    let (file, facts) = super::find_artifact(&api, (&file_id, &analysis_id, &name))?;
    if !DRAWN.contains(&super::essence(&facts.media_type)) {
        return Err(Problem::not_found("this artifact is neither HTML nor SVG; /download has it"));
    }
    let mut response = super::serve(file, &super::Served::of_artifact(&facts, &api.sending), &method, &headers);
    if response.status().is_success() || response.status().is_redirection() {
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_DISPOSITION);
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    Ok(Told::new(response))
}
