//! `GET /upload`: what is stored, newest first; and what is said of one upload.

use axum::Json;

use super::super::Api;
use super::super::error::Problem;
use super::super::openapi::about::About;
use super::super::page;
use super::super::page::Asked;
use super::super::page::Page;
use super::super::path::Path;
use super::super::results::list::runs;
use super::FILE_GONE;
use super::NO_FILE;
use super::find;
use super::view::Kept;
use super::view::Shown;
use super::view::Upload;
use super::view::Uploads;
use crate::id::UploadPlace;

/// The list.
pub const LIST: About = About::new("listUploads", "The files that are stored, newest first.");

/// `GET /upload?limit&cursor`.
pub async fn list(api: Api, asked: Asked<UploadPlace>) -> Result<Page<Uploads>, Problem> {
    let page = api.store.uploads(asked.after, asked.limit).await?;
    let uploads = page.entries.iter().map(Upload::from).collect();
    let next = page.next.map(|after| page::link("/upload", asked.limit, after));
    Ok(Page { members: Uploads { uploads }, next })
}

/// One of it.
pub const SHOW: About =
    About::new("showUpload", "What is known of a file, and what was asked of it.").refusing(&[NO_FILE, FILE_GONE]);

/// `GET /upload/<file_id>`: with the first of its analyses; `analyses_next` is where the list of them goes on.
pub async fn show(api: Api, Path(file_id): Path<String>) -> Result<Json<Shown>, Problem> {
    let facts = find(&api, &file_id)?;
    let first = Asked { limit: page::LIMIT, after: None };
    let (analyses, analyses_next) = runs(&api, (facts.sha1, first)).await?;
    let held = api.store.held(facts.sha1)?;
    let kept = held.map(|held| Kept::new(&held, api.retention.expires(&held)));
    Ok(Json(Shown { upload: Upload::from(&facts), kept, analyses, analyses_next }))
}
