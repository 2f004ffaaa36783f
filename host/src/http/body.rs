//! Request bodies, held to a size and a pace: a slow client costs a socket, never a thread and not for long.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header;
use bytes::Bytes;
use bytes::BytesMut;
use futures_util::FutureExt;
use futures_util::Stream;
use futures_util::StreamExt;
use futures_util::TryStreamExt;
use futures_util::stream;
use serde_json::Value;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::error::Problem;
use crate::analysis::plain;

/// Longest silence inside a body.
const STALL_MAX: Duration = Duration::from_secs(30);
/// A body may take this long, and a second more for every [`RATE_MIN`] bytes of it.
const GRACE: Duration = Duration::from_secs(20);
/// Slowest body on average, bytes per second.
const RATE_MIN: u64 = 1024;

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("at most {bytes_max} bytes may be sent here")]
    TooLarge { bytes_max: u64 },
    #[error("the body came too slowly; at least {RATE_MIN} bytes a second are expected")]
    TooSlow,
    #[error("the body ended early: {0}")]
    Broken(#[from] axum::Error),
}

struct Paced {
    frames: axum::body::BodyDataStream,
    bytes_max: u64,
    received: u64,
    started: Instant,
}

/// How long a body is going to be, bytes, where its client says so.
pub(super) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Small frames that are there at once are joined up to so many bytes: whoever looks through what it has at every frame
/// would do so for every byte of a body that came in chunks of one.
const JOINED_BYTES_MAX: usize = 64 << 10;
const SMALL_BYTES_MAX: usize = 4 << 10;

/// A body's bytes as they come.
pub(super) fn frames(body: Body, bytes_max: u64) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    let paced = Paced { frames: body.into_data_stream(), bytes_max, received: 0, started: Instant::now() };
    stream::try_unfold(paced, |mut paced| async {
        let fair = paced.started + GRACE + Duration::from_secs(paced.received / RATE_MIN);
        let due = fair.min(Instant::now() + STALL_MAX);
        let frame = timeout_at(due, paced.frames.next()).await.map_err(|_| BodyError::TooSlow)?;
        let Some(first) = frame.transpose()? else { return Ok(None) };
        let frame = join(first, &mut paced.frames)?;
        paced.received += u64::try_from(frame.len()).unwrap_or(u64::MAX);
        if paced.received > paced.bytes_max {
            return Err(BodyError::TooLarge { bytes_max: paced.bytes_max });
        }
        Ok(Some((frame, paced)))
    })
}

fn join(first: Bytes, frames: &mut axum::body::BodyDataStream) -> Result<Bytes, axum::Error> {
    let mut joined = None;
    let (mut len, mut last) = (first.len(), first.len());
    while last < SMALL_BYTES_MAX
        && len < JOINED_BYTES_MAX
        && let Some(Some(next)) = frames.next().now_or_never()
    {
        let next = next?;
        last = next.len();
        len += last;
        joined.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&next);
    }
    Ok(joined.map_or(first, BytesMut::freeze))
}

/// The document that a body is.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Problem> {
    plain::parse(bytes).map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))
}

/// A small body, whole.
pub(super) async fn whole(body: Body, bytes_max: u64) -> Result<Bytes, BodyError> {
    let mut frames = std::pin::pin!(frames(body, bytes_max));
    let Some(first) = frames.try_next().await? else { return Ok(Bytes::new()) };
    let mut whole = None;
    while let Some(frame) = frames.try_next().await? {
        whole.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&frame);
    }
    Ok(whole.map_or(first, BytesMut::freeze))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(frames: &[&'static [u8]]) -> Body {
        let frames: Vec<Result<Bytes, std::io::Error>> = frames.iter().map(|it| Ok(Bytes::from_static(it))).collect();
        Body::from_stream(stream::iter(frames))
    }

    #[tokio::test]
    async fn frames_that_are_there_are_joined() {
        let bytes = Body::from_stream(stream::iter((0..100_000).map(|_| Ok::<_, std::io::Error>("x"))));
        let frames: Vec<_> = frames(bytes, 1 << 20).try_collect().await.unwrap();
        assert_eq!(frames.iter().map(Bytes::len).sum::<usize>(), 100_000);
        assert!(frames.len() <= 2, "{}", frames.len());
    }

    #[tokio::test]
    async fn a_body_has_a_size() {
        assert_eq!(whole(body(&[b"ab", b"cd", b"e"]), 5).await.unwrap(), "abcde");
        assert_eq!(whole(body(&[]), 5).await.unwrap(), "");
        assert!(matches!(whole(body(&[b"ab", b"cdef"]), 5).await, Err(BodyError::TooLarge { bytes_max: 5 })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_given_up() {
        let stops = Body::from_stream(stream::iter([Ok::<_, std::io::Error>("a")]).chain(stream::pending()));
        let started = Instant::now();
        assert!(matches!(whole(stops, 5).await, Err(BodyError::TooSlow)));
        assert!(started.elapsed() <= STALL_MAX, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up() {
        let drips = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Some((Ok::<_, std::io::Error>("drip"), ()))
        });
        let started = Instant::now();
        assert!(matches!(whole(Body::from_stream(drips), 1 << 20).await, Err(BodyError::TooSlow)));
        assert!(started.elapsed() <= GRACE + Duration::from_secs(5), "{:?}", started.elapsed());
    }
}
