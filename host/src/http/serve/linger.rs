//! Bodies that are answered before they have come: what is still on its way is taken and thrown away, so much of it and for so
//! long. A client that sends all before it reads, as most do, would else find its connection broken, or its stream reset, in the
//! place of the answer that says why (RFC 9112, section 9.6).

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use hyper::header;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Thrown away of one body, bytes. Who sends more does well to ask beforehand (`Expect: 100-continue`).
const DISCARDED_BYTES_MAX: u64 = 8 << 20;
const DISCARDED_WITHIN: Duration = Duration::from_secs(2);
/// Bodies of which that is done at the same time: each holds its connection, and what that has in memory.
static ROOM: Semaphore = Semaphore::const_new(64);

/// A request's body.
#[derive(Debug)]
pub(super) struct Lingering {
    body: Option<Incoming>,
    end: End,
}

/// What becomes of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Discard,
    /// Its client waits to be told that it may send: to read would be to tell.
    Drop,
}

impl Lingering {
    /// That of a request, which is otherwise as it was.
    pub(super) fn of(request: Request<Incoming>) -> Request<Self> {
        let end = if request.headers().contains_key(header::EXPECT) { End::Drop } else { End::Discard };
        request.map(|body| Self { body: Some(body), end })
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|it| self.end == End::Discard && !it.is_end_stream());
        // There is none when the server ends.
        if let (Some(rest), Ok(runtime), Ok(place)) = (rest, Handle::try_current(), ROOM.try_acquire()) {
            runtime.spawn(async move {
                drop(tokio::time::timeout(DISCARDED_WITHIN, discard(rest)).await);
                drop(place);
            });
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut left = DISCARDED_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(u64::try_from(bytes).unwrap_or(u64::MAX)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
