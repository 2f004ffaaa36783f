//! The accept loop, on hyper directly, because the limits on headers, connections and idle time are set there.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_io_timeout::TimeoutStream;

use super::buffers::Buffers;
use crate::id::ClientId;
use crate::places::Place;
use crate::places::Places;

/// Time for a request's head, and for the next request on a kept connection.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How long a client may leave an answer unread.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Pause after a failed accept, most likely out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long running requests may take to end at shutdown.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Serves until `shutdown`, then lets running requests end for a bounded time.
pub async fn serve(listener: TcpListener, router: Router, connections_max: usize, shutdown: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX);
    let buffers = Buffers::default();
    let graceful = GracefulShutdown::new();
    let places = Places::new(connections_max);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, client, place)) = accepted else { continue };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_WITHIN));
        let stream = TokioIo::new(Box::pin(stream));
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(client);
            router.call(request)
        });
        let buffer = buffers.take();
        let connection = http.clone().max_buf_size(buffer.bytes()).serve_connection(stream, service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // How a client's connection ends is the client's business.
            drop(connection.await);
            drop((buffer, place));
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

async fn accept(listener: &TcpListener, places: &Places) -> Option<(tokio::net::TcpStream, ClientId, Place)> {
    let free = places.free().await?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Small answers should not wait for more.
            drop(stream.set_nodelay(true));
            let client = peer.ip().into();
            let place = places.give(free, client)?;
            Some((stream, client, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
