//! Whether a connection that can carry many requests has any.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Body as HttpBody;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Of one connection.
#[derive(Debug, Clone)]
pub(super) struct Idle(Arc<watch::Sender<usize>>);

/// A request that has not ended.
#[derive(Debug)]
pub(super) struct Ongoing {
    idle: Idle,
    /// Among those of all connections.
    place: Option<OwnedSemaphorePermit>,
}

impl Default for Idle {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Idle {
    /// One more has begun, with a place among those of all connections once there is one.
    pub(super) async fn request(self, all: Arc<Semaphore>) -> Ongoing {
        self.0.send_modify(|it| *it += 1);
        let mut ongoing = Ongoing { idle: self, place: None };
        ongoing.place = all.acquire_owned().await.ok();
        ongoing
    }

    /// Returns when there has been none for so long.
    pub(super) async fn within(self, time: Duration) {
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
    /// Until the last of an answer has gone to the connection, or nobody has asked for more of it for so long: a client that
    /// opens no window holds nothing.
    pub(super) fn keep_with(self, answer: Response, within: Duration) -> Response {
        answer.map(|body| {
            let held = Arc::new(Held { body: Mutex::new(Some((body, self))), asked: AtomicU64::new(0) });
            let looked = Arc::downgrade(&held);
            let watch = tokio::spawn(let_go_of(looked, within)).abort_handle();
            Body::new(Kept { held, watch })
        })
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.idle.0.send_modify(|it| *it -= 1);
    }
}

/// What is still to be sent.
struct Held {
    body: Mutex<Option<(Body, Ongoing)>>,
    /// How often somebody wanted more of it.
    asked: AtomicU64,
}

impl Held {
    fn body(&self) -> MutexGuard<'_, Option<(Body, Ongoing)>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn let_go_of(held: Weak<Held>, within: Duration) {
    let mut before = 0;
    loop {
        tokio::time::sleep(within).await;
        let Some(held) = held.upgrade() else { return };
        let asked = held.asked.load(Ordering::Relaxed);
        if asked == before {
            drop(held.body().take());
            return;
        }
        before = asked;
    }
}

struct Kept {
    held: Arc<Held>,
    watch: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.held.asked.fetch_add(1, Ordering::Relaxed);
        match self.held.body().as_mut() {
            Some((body, _)) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.body().as_ref().is_some_and(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.held.body().as_ref().map_or_else(SizeHint::default, |(body, _)| body.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_while_it_has_no_request_and_none_begins() {
        let idle = Idle::default();
        let minute = Duration::from_secs(60);
        let all = Arc::new(Semaphore::new(1));
        let request = idle.clone().request(Arc::clone(&all)).await;
        assert!(tokio::time::timeout(10 * minute, idle.clone().within(minute)).await.is_err());
        let answer = request.keep_with(Response::new(Body::from("there")), 100 * minute);
        assert_eq!(all.available_permits(), 0);
        assert!(tokio::time::timeout(10 * minute, idle.clone().within(minute)).await.is_err());
        drop(answer);
        assert_eq!(all.available_permits(), 1);
        tokio::time::timeout(2 * minute, idle.clone().within(minute)).await.unwrap();
        let within = tokio::spawn({
            let idle = idle.clone();
            async move { idle.within(minute).await }
        });
        tokio::time::sleep(minute / 2).await;
        drop(idle.clone().request(all).await);
        tokio::time::sleep(minute * 2 / 3).await;
        assert!(!within.is_finished(), "a request begins it anew");
        within.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_let_go_of() {
        let (idle, all) = (Idle::default(), Arc::new(Semaphore::new(1)));
        let minute = Duration::from_secs(60);
        let request = idle.clone().request(Arc::clone(&all)).await;
        let mut answer = request.keep_with(Response::new(Body::from("there")), minute);
        tokio::time::sleep(minute * 3 / 2).await;
        assert_eq!(all.available_permits(), 1);
        tokio::time::timeout(2 * minute, idle.clone().within(minute)).await.unwrap();
        let frame = std::future::poll_fn(|context| Pin::new(answer.body_mut()).poll_frame(context)).await;
        assert!(frame.unwrap().is_err(), "whoever asks too late learns that it is not whole");
    }
}
