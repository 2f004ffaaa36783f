//! Whether a connection that can carry many requests has any.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Body as HttpBody;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::sync::watch;

/// Of one connection.
#[derive(Debug, Clone)]
pub(super) struct Idle(Arc<watch::Sender<usize>>);

/// A request that has not ended.
#[derive(Debug)]
pub(super) struct Ongoing(Idle);

impl Default for Idle {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Idle {
    /// One more has begun.
    pub(super) fn request(&self) -> Ongoing {
        self.0.send_modify(|it| *it += 1);
        Ongoing(self.clone())
    }

    /// Returns when there has been none for so long.
    pub(super) async fn within(&self, time: Duration) {
        let mut ongoing = self.0.subscribe();
        loop {
            // This side is there itself: the channel does not close.
            drop(ongoing.wait_for(|it| *it == 0).await);
            if tokio::time::timeout(time, ongoing.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Ongoing {
    /// Until the last of an answer has gone.
    pub(super) fn keep_with(self, answer: Response) -> Response {
        answer.map(|body| Body::new(Kept { body, _request: self }))
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.0.0.send_modify(|it| *it -= 1);
    }
}

struct Kept {
    body: Body,
    _request: Ongoing,
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_while_it_has_no_request_and_none_begins() {
        let idle = Idle::default();
        let minute = Duration::from_secs(60);
        let request = idle.request();
        assert!(tokio::time::timeout(10 * minute, idle.within(minute)).await.is_err());
        let answer = request.keep_with(Response::new(Body::from("there")));
        assert!(tokio::time::timeout(10 * minute, idle.within(minute)).await.is_err());
        drop(answer);
        tokio::time::timeout(2 * minute, idle.within(minute)).await.unwrap();
        let within = tokio::spawn({
            let idle = idle.clone();
            async move { idle.within(minute).await }
        });
        tokio::time::sleep(minute / 2).await;
        drop(idle.request());
        tokio::time::sleep(minute * 2 / 3).await;
        assert!(!within.is_finished(), "a request begins it anew");
        within.await.unwrap();
    }
}
