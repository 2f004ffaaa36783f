//! The accept loop, on hyper directly, because the limits on headers, connections and idle time are set there. HTTP/1.1 in
//! the clear; over TLS HTTP/2 too, as the client likes (ALPN).

mod idle;
mod linger;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use futures_util::future::BoxFuture;
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
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

use self::idle::Idle;
use self::linger::Lingering;
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
    let stop = watch::Sender::new(());
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
        let (stopping, requests) = (Stopping(stop.subscribe()), Arc::clone(&requests));
        let guest = Guest { address, router: router.clone(), stopping, requests };
        speakers.speak(stream, guest, place);
    }
    drop(listener);
    stop.send_replace(());
    if tokio::time::timeout(DRAIN_WITHIN, stop.closed()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// Who is at the other end, and what answers it.
struct Guest {
    address: IpAddr,
    router: Router,
    stopping: Stopping,
    /// Of all connections of HTTP/2 together: each may hold a file, as a connection of HTTP/1 may.
    requests: Arc<Semaphore>,
}

/// Held by each connection: the server waits until nobody has one any more.
#[derive(Clone)]
struct Stopping(watch::Receiver<()>);

impl Stopping {
    /// Returns when the server is to stop, or is gone.
    fn begins(mut self) -> BoxFuture<'static, ()> {
        Box::pin(async move { drop(self.0.changed().await) })
    }
}

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
                    if let Some(stream) = shake_hands(acceptor.accept(stream), guest.stopping.clone()).await {
                        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
                            speak_http2(http2, TokioIo::new(stream), guest).await;
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

/// What it leads to; None when it fails, takes too long, or the server is to stop.
async fn shake_hands<S>(handshake: impl Future<Output = io::Result<S>>, stopping: Stopping) -> Option<S> {
    tokio::select! {
        stream = tokio::time::timeout(HEADER_WITHIN, handshake) => stream.ok()?.ok(),
        () = stopping.begins() => None,
    }
}

/// Until its end. Once it is to `leave`, what it has asked for is still answered, within a time.
async fn attend<C: GracefulConnection>(connection: C, leave: BoxFuture<'static, ()>) {
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = leave => connection.as_mut().graceful_shutdown(),
    }
    drop(tokio::time::timeout(DRAIN_WITHIN, connection).await);
}

fn speak_http1<S>(http: &http1::Builder, stream: TokioIo<S>, guest: Guest) -> impl Future<Output = ()> + use<S>
where
    TokioIo<S>: Read + Write + Unpin + Send + 'static,
    S: Send + 'static,
{
    let Guest { address, router, stopping, .. } = guest;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(address);
        router.call(Lingering::of(request))
    });
    let connection = http.serve_connection(stream, service);
    async move {
        attend(connection, stopping.clone().begins()).await;
        drop(stopping);
    }
}

async fn speak_http2<S>(http: http2::Builder<TokioExecutor>, stream: TokioIo<S>, guest: Guest)
where
    TokioIo<S>: Read + Write + Unpin + Send + 'static,
    S: Send + 'static,
{
    let Guest { address, router, stopping, requests } = guest;
    let router = TowerToHyperService::new(router);
    let idle = Idle::default();
    let at_work = idle.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(address);
        let (router, ongoing) = (router.clone(), at_work.clone().request(Arc::clone(&requests)));
        let answering: BoxFuture<'static, Result<Response, Infallible>> = Box::pin(async move {
            let ongoing = ongoing.await;
            let answer = router.call(Lingering::of(request)).await?;
            Ok(ongoing.keep_with(answer, UNASKED_WITHIN))
        });
        answering
    });
    let stops = stopping.clone().begins();
    let leave = Box::pin(async move {
        tokio::select! {
            () = stops => (),
            () = idle.within(IDLE_WITHIN) => (),
        }
    });
    let connection: BoxFuture<'static, ()> = Box::pin(attend(http.serve_connection(stream, service), leave));
    connection.await;
    drop(stopping);
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::io::DuplexStream;
    use tokio::time::Instant;

    use super::*;

    /// Kinds of frames, RFC 9113, section 6.
    const PING: u8 = 6;
    const GOAWAY: u8 = 7;
    const ACKNOWLEDGED: u8 = 1;

    /// What the last `GOAWAY` says is the error, from a client that answers pings and asks for nothing.
    async fn last_word(mut client: DuplexStream) -> Option<u32> {
        client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let mut word = None;
        let mut head = [0; 9];
        while client.read_exact(&mut head).await.is_ok() {
            let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
            client.read_exact(&mut payload).await.unwrap();
            match head[3] {
                PING if head[4] & ACKNOWLEDGED == 0 => {
                    head[4] = ACKNOWLEDGED;
                    // Whoever has said the last word listens no more.
                    drop(client.write_all(&[&head[..], &payload].concat()).await);
                }
                GOAWAY => word = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
                _ => (),
            }
        }
        word
    }

    fn guest(stop: &watch::Sender<()>) -> Guest {
        let requests = Arc::new(Semaphore::new(1));
        let address = IpAddr::from([127, 0, 0, 1]);
        Guest { address, router: Router::new(), stopping: Stopping(stop.subscribe()), requests }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_for_nothing_is_told_before_it_is_left() {
        let (began, stop) = (Instant::now(), watch::Sender::new(()));
        let (here, there) = tokio::io::duplex(4096);
        let speakers = Speakers::new(None);
        let speaking = speak_http2(speakers.http2, TokioIo::new(here), guest(&stop));
        let (word, ()) = tokio::join!(last_word(there), speaking);
        assert_eq!(word, Some(0));
        assert!((IDLE_WITHIN..IDLE_WITHIN + DRAIN_WITHIN).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert_eq!(stop.receiver_count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_no_handshake() {
        let stop = watch::Sender::new(());
        let stopping = Stopping(stop.subscribe());
        let shaking = shake_hands(std::future::pending::<io::Result<()>>(), stopping.clone());
        let (shaken, ()) = tokio::join!(shaking, async { stop.send_modify(|()| ()) });
        assert_eq!(shaken, None);
        let began = Instant::now();
        let goes_on = Stopping(stop.subscribe());
        assert_eq!(shake_hands(std::future::pending::<io::Result<()>>(), goes_on).await, None);
        assert_eq!(began.elapsed(), HEADER_WITHIN, "and a server that goes on waits only so long");
    }
}
