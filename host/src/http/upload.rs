//! `/upload`: bytes in, an id out.

pub mod fitting;
pub(super) mod form;
pub(super) mod intake;
pub mod list;
pub(super) mod name;
pub(super) mod room;
pub mod view;

use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::Response;
use futures_util::TryStreamExt;

use self::intake::Received;
use self::view::Upload;
use super::Api;
use super::body;
use super::body::BodyError;
use super::digest::Promise;
use super::error::Problem;
use super::keys::Need;
use super::openapi::about;
use super::openapi::about::About;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::about::Refusal;
use super::openapi::about::bytes;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::answer::NoContent;
use super::openapi::fields;
use super::openapi::schemas::Schemas;
use super::path::Path;
use super::visit::Subject;
use crate::access::Scope;
use crate::id::FileId;
use crate::id::FileKey;
use crate::store::Store;
use crate::store::media_type;
use crate::store::uploads::Stored;
use crate::store::uploads::UploadFacts;

/// There is no such file.
pub(super) const NO_FILE: Refusal =
    (404, "No file with this id is stored, or there is nothing of it under this address.");
/// There was such a file.
pub(super) const FILE_GONE: Refusal = (410, "The file was deleted, not long ago.");
/// A body does not come.
pub(super) const TOO_SLOW: Refusal = (408, "The body came too slowly.");
/// A body is long.
pub(super) const TOO_LARGE: Refusal = (413, "The body is longer than what is taken here.");
/// There is no room.
pub(super) const NO_ROOM: Refusal =
    (507, "There is no room on the disk, or the token has a quota of bytes and they do not fit.");
/// A file that is stored.
#[derive(Debug)]
pub struct Taken(Upload);

impl Answers for Taken {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        Json::<Upload>::answers(schemas)
    }
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        let subject = Subject(format!("/upload/{}", self.0.file_id));
        (Extension(subject), Json(self.0)).into_response()
    }
}

/// A body that is a file or a form with one.
pub const CREATE: About = About::new("createUpload", "Stores a file: the body, or the one file part of a form.")
    .needing(Need::Scope(Scope::Upload))
    .reading(&[
        Field::new("Content-Disposition", Form::Text, "Names the file that is the body (RFC 6266).").sometimes(),
        fields::CONTENT_DIGEST,
        fields::REPR_DIGEST,
    ])
    .asked_by(&[
        Field::new("filename", Form::Text, "Names the file that is the body, where no header does.").sometimes()
    ])
    .taking(about::Body::possible(&[("application/octet-stream", bytes), ("multipart/form-data", form::schema)]))
    .refusing(&[TOO_SLOW, (409, "Other bytes with this SHA-1 are stored."), TOO_LARGE, NO_ROOM]);

/// `POST /upload`: the file as the body, or as the one file part of a form.
pub async fn create(api: Api, RawQuery(query): RawQuery, headers: HeaderMap, body: Body) -> Result<Taken, Problem> {
    // All that the head alone can tell is told before the body is asked for.
    let declared = body::declared(&headers);
    let boundary = form::boundary(&headers)?;
    let filename = name::of_request(&headers, query.as_deref())?;
    let mut promise = Promise::of_head(&headers)?;
    if boundary.is_none() && declared.is_some_and(|bytes| bytes > api.upload_bytes_max) {
        return Err(BodyError::TooLarge { bytes_max: api.upload_bytes_max }.into());
    }
    api.store.check_room(declared.unwrap_or(0))?;
    let room = room::take(&api, declared).await?;
    let (filename, received) = match boundary {
        Some(boundary) => form::receive(&api.store, (body, boundary), room.bytes_max, &mut promise).await?,
        None => {
            let frames = body::frames(body, room.bytes_max).map_err(Problem::from);
            let frames = frames.inspect_ok(|frame| promise.update(frame));
            let received = intake::receive(&api.store, &filename, frames).await?;
            (filename, received)
        }
    };
    promise.kept()?;
    let facts = publish(&api, filename, received).await?.ok_or_else(Problem::collision)?;
    Ok(Taken(Upload::from(&facts)))
}

/// Puts what came into place; None when other bytes are there.
pub(super) async fn publish(api: &Api, filename: String, received: Received) -> Result<Option<UploadFacts>, Problem> {
    let Received { staged, digests, head, size_bytes } = received;
    let (sha1, sha256) = digests.finish();
    let facts = UploadFacts {
        version: 1,
        media_type: media_type::of(&head, staged.safe_name().as_str()),
        filename,
        safe_name: staged.safe_name().clone(),
        size_bytes,
        sha1,
        sha256,
        created: api.parts.clock.now(),
    };
    match api.store.publish_upload(staged, &facts).await? {
        Stored::New => {
            api.parts.metrics.uploaded(facts.size_bytes);
            Ok(Some(facts))
        }
        Stored::Already(there) => Ok(Some(there)),
        Stored::Collision => Ok(None),
    }
}

/// Keeps a file.
pub const PIN: About = About::new("pinUpload", "Keeps a file whatever the rules of retention say.")
    .needing(Need::Scope(Scope::Upload))
    .refusing(&[NO_FILE, FILE_GONE, NO_ROOM]);

/// `PUT /upload/<file_id>/pin`: it stays until it is deleted.
pub async fn pin(api: Api, Path(file_id): Path<String>) -> Result<NoContent, Problem> {
    let file_id = find(&api, &file_id)?.sha1;
    on_disk(&api, move |store| store.pin(file_id)).await
}

/// Lets a file go.
pub const UNPIN: About = About::new("unpinUpload", "Leaves a file to the rules of retention.")
    .needing(Need::Scope(Scope::Upload))
    .refusing(&[NO_FILE, FILE_GONE, NO_ROOM]);

/// `DELETE /upload/<file_id>/pin`: the rules of retention say when it goes.
pub async fn unpin(api: Api, Path(file_id): Path<String>) -> Result<NoContent, Problem> {
    let file_id = find(&api, &file_id)?.sha1;
    on_disk(&api, move |store| store.unpin(file_id)).await
}

async fn on_disk(
    api: &Api,
    change: impl FnOnce(&Store) -> io::Result<()> + Send + 'static,
) -> Result<NoContent, Problem> {
    let store = Arc::clone(&api.store);
    match tokio::task::spawn_blocking(move || change(&store)).await.map_err(io::Error::other)? {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone()),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(NoContent),
    }
}

/// Removes a file.
pub const DELETE: About = About::new("deleteUpload", "Removes a file with all its results; runs of it are dismissed.")
    .needing(Need::Scope(Scope::Delete))
    .refusing(&[NO_FILE, FILE_GONE, NO_ROOM]);

/// `DELETE /upload/<file_id>`.
pub async fn delete(api: Api, Path(file_id): Path<String>) -> Result<NoContent, Problem> {
    let facts = find(&api, &file_id)?;
    match api.parts.dispatch.delete(FileKey { tenant: api.store.tenant(), file_id: facts.sha1 }).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone()),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(NoContent),
    }
}

/// The upload of that id, or why there is none.
pub(super) fn find(api: &Api, file_id: &str) -> Result<UploadFacts, Problem> {
    let file_id = parse_id(file_id)?;
    match api.store.upload(file_id)? {
        Some(facts) => {
            used(api, file_id);
            Ok(facts)
        }
        None => Err(missing(api, file_id)?),
    }
}

/// Whoever asks for a file, or for what belongs to it, uses it.
pub(super) fn used(api: &Api, file_id: FileId) {
    if let Err(error) = api.store.note_use(file_id, api.parts.clock.now()) {
        tracing::debug!(%file_id, %error, "a use could not be noted");
    }
}

/// A file id out of a path.
pub(super) fn parse_id(file_id: &str) -> Result<FileId, Problem> {
    file_id.parse().map_err(|error| Problem::not_found(format!("no such file: {error}")))
}

/// Why there is no upload of that id.
pub(super) fn missing(api: &Api, file_id: FileId) -> Result<Problem, Problem> {
    let gone_before = api.store.is_gone(file_id, api.parts.clock.now())?;
    Ok(if gone_before { gone() } else { Problem::not_found("no file with this id is stored") })
}

fn gone() -> Problem {
    Problem::gone("this file was deleted")
}
