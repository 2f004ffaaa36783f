//! `/upload`: bytes in, an id out.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::StreamExt;
use serde_json::Value;
use serde_json::json;
use sha1::Digest;
use tokio::sync::mpsc;

use super::Api;
use super::error::Problem;
use crate::id::FileId;
use crate::id::Sha256;
use crate::store::Store;
use crate::store::uploads::StagedUpload;
use crate::store::uploads::Stored;
use crate::store::uploads::UploadFacts;

/// Blocks between the network and the disk; with hyper's frames of at most some 400 KiB this bounds an upload's memory.
const BLOCKS_IN_FLIGHT: usize = 8;
const FILENAME_BYTES_MAX: usize = 1024;
const SNIFF_BYTES: usize = 4096;

/// `POST /upload`: the file as the body, or as the one file part of a form.
pub async fn create(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > api.upload_bytes_max) {
        return Err(too_large(&api));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("multipart/form-data") {
        let name = match disposition_name(&headers) {
            Some(name) => Some(name),
            None => query_name(query.as_deref())?,
        };
        let frames = body.into_data_stream().map(|frame| frame.map_err(|error| interrupted(&error)));
        return receive(&api, name.as_deref().unwrap_or("upload"), frames).await;
    }
    let bad = |error: multer::Error| Problem::bad_request(format!("the multipart body is broken: {error}"));
    let boundary = multer::parse_boundary(content_type).map_err(bad)?;
    let mut form = multer::Multipart::new(body.into_data_stream(), boundary);
    while let Some(part) = form.next_field().await.map_err(bad)? {
        if let Some(name) = part.file_name().map(str::to_owned) {
            return receive(&api, &name, part.map(|frame| frame.map_err(bad))).await;
        }
    }
    Err(Problem::bad_request("the form has no file part; send one with a filename, as `curl -F file=@NAME` does"))
}

/// `GET /upload/<file_id>`.
pub async fn show(State(api): State<Api>, Path(file_id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(facts_json(&find(&api, &file_id)?)))
}

/// `DELETE /upload/<file_id>`.
pub async fn delete(State(api): State<Api>, Path(file_id): Path<String>) -> Result<StatusCode, Problem> {
    let facts = find(&api, &file_id)?;
    match api.dispatch.delete(facts.sha1).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone()),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(StatusCode::NO_CONTENT),
    }
}

/// The upload of that id, or why there is none.
pub(super) fn find(api: &Api, file_id: &str) -> Result<UploadFacts, Problem> {
    let file_id: FileId = file_id.parse().map_err(|error| Problem::not_found(format!("no such file: {error}")))?;
    match api.store.upload(file_id)? {
        Some(facts) => Ok(facts),
        None if api.store.is_gone(file_id, api.clock.now())? => Err(gone()),
        None => Err(Problem::not_found("no file with this id is stored")),
    }
}

fn gone() -> Problem {
    Problem::gone("this file was deleted")
}

fn too_large(api: &Api) -> Problem {
    Problem::too_large(format!("a file may have {} bytes at most", api.upload_bytes_max))
}

fn interrupted(error: &axum::Error) -> Problem {
    Problem::bad_request(format!("the body ended early: {error}"))
}

async fn receive(
    api: &Api,
    filename: &str,
    frames: impl Stream<Item = Result<Bytes, Problem>>,
) -> Result<Json<Value>, Problem> {
    let filename: String = filename.chars().take(FILENAME_BYTES_MAX / 4).collect();
    let (blocks, received) = mpsc::channel(BLOCKS_IN_FLIGHT);
    let (hashed, to_hash) = mpsc::channel(BLOCKS_IN_FLIGHT);
    let store = Arc::clone(&api.store);
    let name = filename.clone();
    let writing = tokio::task::spawn_blocking(move || write_blocks(&store, &name, received));
    let hashing = tokio::task::spawn_blocking(move || hash_blocks(to_hash));
    let mut size_bytes = 0;
    let mut frames = std::pin::pin!(frames);
    while let Some(frame) = frames.next().await {
        // An early return drops the channels; the writer then drops what it staged.
        let frame = frame?;
        size_bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX);
        if size_bytes > api.upload_bytes_max {
            return Err(too_large(api));
        }
        if blocks.send(Block::Bytes(frame.clone())).await.is_err() || hashed.send(frame).await.is_err() {
            break; // The writer failed, and says why below.
        }
    }
    drop(hashed);
    let (sha1, sha256) = hashing.await.map_err(io::Error::other)?;
    // Without this last word the writer takes the body for cut short.
    drop(blocks.send(Block::End).await);
    let (staged, head) = writing.await.map_err(io::Error::other)??;
    let facts = UploadFacts {
        version: 1,
        media_type: media_type(&head, staged.safe_name().as_str()),
        filename,
        safe_name: staged.safe_name().clone(),
        size_bytes,
        sha1,
        sha256,
        created: api.clock.now(),
    };
    let store = Arc::clone(&api.store);
    let published =
        tokio::task::spawn_blocking(move || store.publish_upload(staged, &facts).map(|stored| (stored, facts)));
    match published.await.map_err(io::Error::other)?? {
        (Stored::New, facts) | (Stored::Already(facts), _) => Ok(Json(facts_json(&facts))),
        (Stored::Collision, _) => Err(Problem::collision()),
    }
}

enum Block {
    Bytes(Bytes),
    End,
}

fn write_blocks(
    store: &Store,
    filename: &str,
    mut received: mpsc::Receiver<Block>,
) -> io::Result<(StagedUpload, Vec<u8>)> {
    let mut staged = store.stage_upload(filename)?;
    let mut head = Vec::new();
    while let Some(block) = received.blocking_recv() {
        match block {
            Block::End => return Ok((staged, head)),
            Block::Bytes(bytes) => {
                head.extend_from_slice(&bytes[..bytes.len().min(SNIFF_BYTES - head.len())]);
                staged.write(&bytes)?;
            }
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn hash_blocks(mut blocks: mpsc::Receiver<Bytes>) -> (FileId, Sha256) {
    let (mut sha1, mut sha256) = (sha1::Sha1::new(), sha2::Sha256::new());
    while let Some(bytes) = blocks.blocking_recv() {
        sha1.update(&bytes);
        sha256.update(&bytes);
    }
    (FileId::new(sha1.finalize().into()), Sha256::new(sha256.finalize().into()))
}

/// By the first bytes, else by the name's extension, else text if it is.
fn media_type(head: &[u8], name: &str) -> String {
    let sniffed = infer::get(head).map(|it| it.mime_type().to_owned());
    let guessed = || mime_guess::from_path(name).first().map(|it| it.essence_str().to_owned());
    let text = || {
        let text =
            !head.is_empty() && !head.contains(&0) && String::from_utf8_lossy(head).matches('\u{fffd}').count() < 4;
        text.then(|| "text/plain".to_owned())
    };
    sniffed.or_else(guessed).or_else(text).unwrap_or_else(|| "application/octet-stream".to_owned())
}

/// `filename*=` (RFC 8187) before `filename=`.
fn disposition_name(headers: &HeaderMap) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(header::CONTENT_DISPOSITION)?.as_bytes()).into_owned();
    let parameter = |wanted: &str| {
        value.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let extended = parameter("filename*").and_then(|value| {
        let (_, encoded) = value.split_once("''")?;
        Some(percent_encoding::percent_decode_str(encoded).decode_utf8_lossy().into_owned())
    });
    extended.or_else(|| parameter("filename"))
}

fn query_name(query: Option<&str>) -> Result<Option<String>, Problem> {
    let mut found = None;
    for pair in query.unwrap_or_default().split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name != "filename" {
            return Err(Problem::bad_request("the only query parameter of /upload is `filename`"));
        }
        let value = value.replace('+', " ");
        found = Some(percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned());
    }
    Ok(found)
}

fn facts_json(facts: &UploadFacts) -> Value {
    json!({
        "file_id": facts.sha1,
        "filename": facts.filename,
        "size_bytes": facts.size_bytes,
        "media_type": facts.media_type,
        "sha1": facts.sha1,
        "sha256": facts.sha256,
        "created": facts.created,
        "download": format!("/download/{}/{}", facts.sha1, facts.safe_name),
    })
}
