//! The accept loop, on hyper directly, because the limits on headers, connections and idle time are set there. HTTP/1.1 in
//! the clear; over TLS HTTP/2 too, as the client likes (ALPN).

mod idle;

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::Read;
use hyper::rt::Write;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use self::idle::Idle;
use super::buffers::Buffers;
use super::tls::HTTP_2;
use super::tls::Tls;
use crate::id::ClientId;
use crate::places::Place;
use crate::places::Places;

/// Time for a request's head, for the next request on a kept connection, and for the handshake of TLS.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: u32 = 16 * 1024;
/// How long a client may leave an answer unread.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Pause after a failed accept, most likely out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long running requests may take to end at shutdown.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Requests at the same time on one connection of HTTP/2: the least that RFC 9113, section 6.5.2, recommends, which clients count on before they are told.
const STREAMS_MAX: u32 = 100;
/// Streams that a client broke off, or that we did, before it is sent away: the rapid reset of CVE-2023-44487.
const RESETS_MAX: usize = 32;
/// What may be on its way of one body, and of all on a connection, bytes.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Of one answer that its client does not take yet, bytes.
const SEND_BYTES_MAX: usize = 64 << 10;
/// How often a silent client of HTTP/2 is asked whether it is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long an answer over HTTP/2 may lie there without its client wanting more of it.
const UNASKED_WITHIN: Duration = Duration::from_secs(60);
/// How long a connection of HTTP/2 may have no request.
const IDLE_WITHIN: Duration = Duration::from_secs(60);

/// Serves until `shutdown`, then lets running requests end for a bounded time.
pub async fn serve(
    (listener, tls): (TcpListener, Option<Arc<Tls>>),
    router: Router,
    connections_max: usize,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let speakers = Speakers::new(tls);
    let places = Places::new(connections_max);
    let requests = Arc::new(Semaphore::new(connections_max));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, address, place)) = accepted else { continue };
        let (watcher, requests) = (graceful.watcher(), Arc::clone(&requests));
        let guest = Guest { address, router: router.clone(), watcher, requests };
        speakers.speak(stream, guest, place);
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// Who is at the other end, and what answers it.
struct Guest {
    address: IpAddr,
    router: Router,
    watcher: Watcher,
    /// Of all connections of HTTP/2 together: each may hold a file, as a connection of HTTP/1 may.
    requests: Arc<Semaphore>,
}

type Answering =
    std::pin::Pin<Box<dyn Future<Output = Result<axum::response::Response, std::convert::Infallible>> + Send>>;

/// The protocols that are spoken here, set up.
struct Speakers {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    tls: Option<Arc<Tls>>,
    buffers: Buffers,
}

impl Speakers {
    fn new(tls: Option<Arc<Tls>>) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WITHIN)
            .max_headers(HEADERS_MAX)
            .max_header_size(usize::try_from(HEAD_BYTES_MAX).unwrap_or(usize::MAX));
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(HEAD_BYTES_MAX)
            .max_concurrent_streams(STREAMS_MAX)
            .max_pending_accept_reset_streams(RESETS_MAX)
            .max_local_error_reset_streams(RESETS_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BYTES_MAX)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY);
        Self { http1, http2, tls, buffers: Buffers::default() }
    }

    /// Until the connection ends; how it does is the client's business.
    fn speak(&self, stream: TcpStream, guest: Guest, place: Place) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_WITHIN));
        let stream = Box::pin(stream);
        let buffer = self.buffers.take();
        let mut http1 = self.http1.clone();
        http1.max_buf_size(buffer.bytes());
        match &self.tls {
            None => {
                let connection = speak_http1(&http1, TokioIo::new(stream), guest);
                tokio::spawn(async move {
                    connection.await;
                    drop((buffer, place));
                });
            }
            Some(tls) => {
                let (acceptor, http2) = (tls.acceptor(), self.http2.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HEADER_WITHIN, acceptor.accept(stream)).await {
                        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
                            speak_http2(&http2, TokioIo::new(stream), guest).await;
                        } else {
                            speak_http1(&http1, TokioIo::new(stream), guest).await;
                        }
                    }
                    drop((buffer, place));
                });
            }
        }
    }
}

fn speak_http1<S>(http: &http1::Builder, stream: TokioIo<S>, guest: Guest) -> impl Future<Output = ()> + use<S>
where
    TokioIo<S>: Read + Write + Unpin + Send + 'static,
    S: Send + 'static,
{
    let Guest { address, router, watcher, .. } = guest;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(address);
        router.call(request)
    });
    let connection = watcher.watch(http.serve_connection(stream, service));
    async move { drop(connection.await) }
}

async fn speak_http2<S>(http: &http2::Builder<TokioExecutor>, stream: TokioIo<S>, guest: Guest)
where
    TokioIo<S>: Read + Write + Unpin + Send + 'static,
    S: Send + 'static,
{
    let Guest { address, router, watcher, requests } = guest;
    let router = TowerToHyperService::new(router);
    let idle = Idle::default();
    let at_work = idle.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(address);
        let (router, ongoing) = (router.clone(), at_work.clone().request(Arc::clone(&requests)));
        let answering: Answering = Box::pin(async move {
            let ongoing = ongoing.await;
            let answer = router.call(request).await?;
            Ok(ongoing.keep_with(answer, UNASKED_WITHIN))
        });
        answering
    });
    let connection = watcher.watch(http.serve_connection(stream, service));
    tokio::select! {
        _ = connection => (),
        // It has said nothing that asks for anything: nothing is lost with it.
        () = idle.within(IDLE_WITHIN) => (),
    }
}

async fn accept(listener: &TcpListener, places: &Places) -> Option<(TcpStream, IpAddr, Place)> {
    let free = places.free().await?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Small answers should not wait for more.
            drop(stream.set_nodelay(true));
            let place = places.give(free, ClientId::from(peer.ip()))?;
            Some((stream, peer.ip(), place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
