//! `/resumable`: uploads that go on where they stopped, by the tus protocol 1.0.0 with its extensions creation,
//! creation-with-upload, expiration, checksum and termination.
//!
//! `POST /resumable` begins one, `PATCH` adds bytes to it, `HEAD` asks how many have come, `DELETE` gives it up. With the
//! last byte the file is stored as by `POST /upload`, and from then on every answer has its id in `Belljar-File-Id`; `GET`,
//! which is none of the protocol, tells the same in JSON. An offset that is answered is on disk. While a piece without a
//! checksum comes, what has come is made to count every few megabytes, and at its end however that comes about; one with a
//! checksum counts whole or not at all. Whoever asks for an upload on which another request still works bids that one stop: it
//! is most likely the same client's, over a connection that it has lost. Work goes on when its request is dropped.

mod asked;
mod ended;
mod intake;
pub mod turns;
pub mod view;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::response::Response;

use self::asked::Creation;
use self::asked::Piece;
use self::ended::Ended;
use self::ended::Entry;
use self::turns::Turns;
use self::view::PartialUpload;
use super::Api;
use super::body::BodyError;
use super::error::Problem;
use super::gate::Gate;
use super::health::view::ResumableBounds;
use super::openapi::answer::Told;
use super::openapi::routes::Routes;
use super::openapi::routes::options;
use super::path;
use super::path::Path;
use super::rota::Rota;
use super::upload;
use crate::id::ClientId;
use crate::id::PartialId;
use crate::id::SafeName;
use crate::store::Store;
use crate::store::partial::Partial;
use crate::store::partial::State as Stage;
use crate::time::Timestamp;

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: &str = "creation,creation-with-upload,expiration,checksum,termination";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const FILE_ID: HeaderName = HeaderName::from_static("belljar-file-id");

/// What the uploads that come in pieces share.
#[derive(Debug, Clone)]
pub struct Resumable {
    turns: Turns,
    ended: Ended,
    /// Reading again what has come, to store it: as long as the file is.
    finishing: Rota,
    within: Duration,
}

impl Resumable {
    /// So many at the same time, each kept so long without a further piece.
    #[must_use]
    pub fn new(count_max: usize, within: Duration) -> Self {
        Self { turns: Turns::new(count_max), ended: Ended::default(), finishing: Rota::of_cores(), within }
    }

    /// What `GET /limits` says of them.
    pub(super) fn bounds(&self) -> ResumableBounds {
        let expire_ms = u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX);
        ResumableBounds { uploads: self.turns.count_max(), expire_ms }
    }

    fn expires(&self, partial: &Partial) -> Timestamp {
        partial.expires(self.within)
    }
}

/// Its routes.
#[must_use]
pub fn routes() -> Routes {
    let one = options(view::TELL_OF_ONE, tell_of_one)
        .head(view::ASK, offset)
        .get(view::SHOW, show)
        .patch(view::APPEND, append)
        .delete(view::END, end)
        .post(view::IN_PLACE_OF, in_place_of);
    let all = options(view::TELL, tell).post(view::CREATE, create);
    let routes = Routes::default().at("/resumable", all).at("/resumable/{id}", one);
    routes.behind(|it| it.layer(Gate(path::without_query)).layer(from_fn(spoken)))
}

/// Takes up what a former server left.
///
/// # Errors
/// Of the disk.
pub async fn recover(api: &Api) -> io::Result<()> {
    for store in api.parts.stores.all() {
        recover_of(&Api { store, ..api.clone() }).await?;
    }
    Ok(())
}

async fn recover_of(api: &Api) -> io::Result<()> {
    let of = api.clone();
    on_disk(api, move |store| {
        let mut ended = Vec::new();
        for id in store.partial_ids()? {
            // What cannot be read is for `belljar fsck`; it keeps no other from going on.
            match store.partial(id) {
                Ok(Some(partial)) if partial.state.is_open() => of.resumable.turns.reopen(id, partial.client),
                Ok(Some(partial)) => ended.push((partial.used, id, partial)),
                Ok(None) => (),
                Err(error) => tracing::error!(%id, %error, "an upload that comes in pieces cannot be read"),
            }
        }
        ended.sort_by_key(|it| it.0);
        for (_, id, partial) in ended {
            if partial.state == Stage::Gone {
                store.drop_partial_bytes(id)?;
            }
            has_ended(&of, (id, partial.client))?;
        }
        Ok(())
    })
    .await
}

/// Gives up what nobody goes on with, and forgets what ended as long ago; gives how many were given up.
///
/// # Errors
/// Of the disk.
pub async fn sweep(api: &Api) -> io::Result<usize> {
    let mut given_up = 0;
    for store in api.parts.stores.all() {
        given_up += sweep_of(&Api { store, ..api.clone() }).await?;
    }
    Ok(given_up)
}

async fn sweep_of(api: &Api) -> io::Result<usize> {
    let of = api.clone();
    on_disk(api, move |store| {
        let mut given_up = 0;
        for id in store.partial_ids()? {
            let turn = of.resumable.turns.take_idle(id);
            let Ok(Some(partial)) = store.partial(id) else { continue };
            let now = of.parts.clock.now();
            let (open, client) = (partial.state.is_open(), partial.client);
            // While it is open somebody may go on with it just now.
            if of.resumable.expires(&partial) > now || (open && turn.is_none()) {
                continue;
            }
            store.expire_partial(id, partial, now)?;
            if open {
                has_ended(&of, (id, client))?;
                given_up += 1;
            } else {
                of.resumable.ended.remove(id);
            }
        }
        Ok(given_up)
    })
    .await
}

/// Speaks the version that is spoken here, and no other.
async fn spoken(request: Request, next: Next) -> Response {
    let free = matches!(*request.method(), Method::OPTIONS | Method::GET);
    let mut response = if free || request.headers().get(TUS_RESUMABLE) == Some(&VERSION) {
        next.run(request).await
    } else {
        let mut response = Problem::wrong_version("say `Tus-Resumable: 1.0.0`").into_response();
        response.headers_mut().insert(TUS_VERSION, VERSION);
        response
    };
    response.headers_mut().insert(TUS_RESUMABLE, VERSION);
    response
}

/// `OPTIONS /resumable`: what is spoken.
async fn tell(api: Api) -> Told<view::Spoken> {
    let headers = [
        ("tus-version", "1.0.0".to_owned()),
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-max-size", api.upload_bytes_max.to_string()),
        ("tus-checksum-algorithm", asked::ALGORITHMS.to_owned()),
    ];
    Told::new((StatusCode::NO_CONTENT, axum::response::AppendHeaders(headers)))
}

/// `OPTIONS /resumable/<id>`: the same, if there is one.
async fn tell_of_one(api: Api, Path(id): Path<String>) -> Result<Told<view::Spoken>, Problem> {
    intake::look(&api, parse_id(&id)?)?;
    Ok(tell(api).await)
}

/// `POST /resumable`: begins one, with its first bytes if they are sent along.
async fn create(api: Api, headers: HeaderMap, body: Body) -> Result<Told<view::Begun>, Problem> {
    let creation = Creation::of_head(&headers)?;
    let first = Piece::first(&headers)?;
    if creation.length_bytes > api.upload_bytes_max {
        return Err(BodyError::TooLarge { bytes_max: api.upload_bytes_max }.into());
    }
    api.store.check_room(creation.length_bytes)?;
    // From when it is begun it counts by itself.
    let room = upload::room::take(&api, Some(creation.length_bytes)).await?;
    to_its_end(async move {
        let id = begin(&api, creation).await?;
        drop(room);
        let begun = match first {
            None => intake::finish(&api, id).await,
            Some(piece) => match intake::append(&api, id, (piece, body)).await {
                Ok(partial) => Ok(partial),
                // Nobody was told where to go on.
                Err(problem) => {
                    intake::end(&api, id).await?;
                    Err(problem)
                }
            },
        };
        let answer = answer(&api, StatusCode::CREATED, &begun?)?;
        Ok(Told::new(([(header::LOCATION, format!("/resumable/{id}"))], answer)))
    })
    .await
}

async fn begin(api: &Api, creation: Creation) -> Result<PartialId, Problem> {
    let now = api.parts.clock.now();
    let partial = Partial {
        version: 1,
        safe_name: SafeName::from_untrusted(&creation.filename),
        filename: creation.filename,
        metadata: creation.metadata,
        length_bytes: creation.length_bytes,
        offset_bytes: 0,
        state: Stage::Receiving,
        client: api.client,
        created: now,
        used: now,
    };
    let id = api.store.draw_partial_id()?;
    api.resumable.turns.open(id, api.client)?;

    let begun = on_disk(api, move |store| store.begin_partial(id, &partial)).await;
    begun.inspect_err(|_| api.resumable.turns.close(id))?;
    Ok(id)
}

/// `PATCH /resumable/<id>`: adds bytes.
async fn append(
    api: Api,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Told<view::Continued>, Problem> {
    let (id, piece) = (parse_id(&id)?, Piece::of_head(&headers)?);
    to_its_end(async move {
        let partial = intake::append(&api, id, (piece, body)).await?;
        answer(&api, StatusCode::NO_CONTENT, &partial).map(Told::new)
    })
    .await
}

/// `HEAD /resumable/<id>`: how many bytes have come.
async fn offset(api: Api, Path(id): Path<String>) -> Result<Told<view::Come>, Problem> {
    let id = parse_id(&id)?;
    to_its_end(async move {
        let partial = intake::finish(&api, id).await?;
        let mut response = answer(&api, StatusCode::OK, &partial)?;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(UPLOAD_LENGTH, HeaderValue::from(partial.length_bytes));
        headers.insert(UPLOAD_OFFSET, HeaderValue::from(partial.offset_bytes));
        if !partial.metadata.is_empty() {
            headers.insert(UPLOAD_METADATA, HeaderValue::from_str(&partial.metadata).map_err(io::Error::other)?);
        }
        Ok(Told::new(response))
    })
    .await
}

/// `GET /resumable/<id>`: the same in words, for whoever does not speak the protocol; disturbs nobody.
async fn show(api: Api, Path(id): Path<String>) -> Result<Told<view::Shown>, Problem> {
    let partial = intake::look(&api, parse_id(&id)?)?;
    let expires = api.resumable.expires(&partial);
    let Partial { filename, length_bytes: size_bytes, offset_bytes, created, state, .. } = partial;
    let file_id = if let Stage::Stored(file_id) = state { Some(file_id) } else { None };
    let shown = PartialUpload { filename, size_bytes, offset_bytes, created, expires, file_id };
    Ok(Told::new(([(header::CACHE_CONTROL, "no-store")], Json(shown))))
}

/// `DELETE /resumable/<id>`: gives it up. A file that was stored stays; `DELETE /upload/<file_id>` is for that.
async fn end(api: Api, Path(id): Path<String>) -> Result<Told<view::Ended>, Problem> {
    let id = parse_id(&id)?;
    to_its_end(async move {
        intake::end(&api, id).await?;
        Ok(Told::new(StatusCode::NO_CONTENT))
    })
    .await
}

/// `POST /resumable/<id>`: for clients that cannot send what they mean, which the protocol wants to be understood.
async fn in_place_of(api: Api, id: Path<String>, request: Request) -> Result<Told<view::Any>, Problem> {
    let (head, body) = request.into_parts();
    match head.headers.get("x-http-method-override").map(HeaderValue::as_bytes) {
        Some(b"PATCH") => append(api, id, head.headers, body).await.map(Told::new),
        Some(b"DELETE") => end(api, id).await.map(Told::new),
        Some(b"HEAD") => offset(api, id).await.map(Told::new),
        Some(_) | None => Ok(Told::new(([(header::ALLOW, "OPTIONS,HEAD,GET,PATCH,DELETE")], Problem::no_override()))),
    }
}

/// What is told of one after a change: how many bytes have come, when it goes, or what it has become.
fn answer(api: &Api, status: StatusCode, partial: &Partial) -> Result<Response, Problem> {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(partial.offset_bytes));
    if let Stage::Stored(file_id) = partial.state {
        headers.insert(FILE_ID, HeaderValue::try_from(file_id.to_string()).map_err(io::Error::other)?);
        let location = HeaderValue::try_from(format!("/upload/{file_id}")).map_err(io::Error::other)?;
        headers.insert(header::CONTENT_LOCATION, location);
    } else {
        let expires = api.resumable.expires(partial).http_date();
        headers.insert(UPLOAD_EXPIRES, HeaderValue::try_from(expires).map_err(io::Error::other)?);
    }
    Ok(response)
}

fn parse_id(id: &str) -> Result<PartialId, Problem> {
    id.parse().map_err(|error| Problem::not_found(format!("no such upload: {error}")))
}

/// It is open no longer, and told of for a while; the oldest of many are not. Blocks.
fn has_ended(api: &Api, (id, client): (PartialId, ClientId)) -> io::Result<()> {
    api.resumable.turns.close(id);
    let Some(oldest) = api.resumable.ended.add(Entry { id, client, tenant: api.store.tenant() }) else { return Ok(()) };
    match api.parts.stores.of(oldest.tenant)?.forget_partial(oldest.id) {
        // Its room was wanted, or it has expired.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How long all uploads of a tenant will be that are not whole yet, bytes.
pub(super) async fn bytes_begun(api: &Api) -> io::Result<u64> {
    on_disk(api, |store| {
        // One that cannot be read keeps no other out; `belljar fsck` tells of it.
        let begun = store.partial_ids()?.into_iter().filter_map(|id| store.partial(id).ok().flatten());
        Ok(begun.filter(|it| it.state.is_open()).fold(0, |sum: u64, it| sum.saturating_add(it.length_bytes)))
    })
    .await
}

/// Does it whether or not the client stays to hear of it.
async fn to_its_end<D: 'static>(
    work: impl Future<Output = Result<Told<D>, Problem>> + Send + 'static,
) -> Result<Told<D>, Problem> {
    tokio::spawn(work).await.map_err(io::Error::other)?
}

async fn on_disk<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&Store) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let store = Arc::clone(&api.store);
    tokio::task::spawn_blocking(move || work(&store)).await.map_err(io::Error::other)?
}
