//! One call: to an address that was looked at, on a connection of its own, as far as the head of the answer.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use url::Host;
use url::Url;

use super::address::Reach;
use super::address::Scheme;
use super::message::MEDIA_TYPE;
use super::message::Message;
use crate::run::notice::Attempt;
use crate::run::notice::Called;
use crate::run::notice::Hook;
use crate::run::notice::NoticeId;
use crate::run::notice::Secret;
use crate::time::Clock;
use crate::time::Timestamp;

/// For all of a call (Standard Webhooks proposes 15 to 30 s).
const CALL_WITHIN: Duration = Duration::from_secs(15);
/// Of an answer's head, bytes: the least that hyper takes.
const HEAD_BYTES_MAX: usize = 8192;
/// Of one name that are tried, one after the other.
const ADDRESSES_MAX: usize = 8;
const AGENT: &str = concat!("belljar/", env!("CARGO_PKG_VERSION"));

/// Calls receivers.
#[derive(Debug)]
pub(super) struct Courier {
    reach: Reach,
    /// Read when first needed: who never calls does not wait for it.
    tls: OnceCell<Arc<ClientConfig>>,
}

/// Why there is no answer. What this machine's resolver knows is not told to who chose the name.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("its name does not resolve")]
    NoAddress,
    #[error("its name resolves to no address that this server calls")]
    OutOfReach,
    #[error("it cannot be connected to")]
    NoConnection,
    #[error(
        "no secure connection: it speaks no TLS, or its certificate is not one that this machine trusts for its name"
    )]
    Tls,
    #[error("it does not speak HTTP as it should")]
    Http(#[from] hyper::Error),
    #[error("no answer within {} s", CALL_WITHIN.as_secs())]
    TooSlow,
    #[error("there is no secret to sign with any more")]
    NoSecret,
    #[error("{0}")]
    Internal(String),
}

struct Answer {
    status: u16,
    /// As it stands in the head.
    retry_after: Option<String>,
}

impl Courier {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, tls: OnceCell::new() }
    }

    /// One that trusts only these.
    #[cfg(test)]
    pub(super) fn trusting(reach: Reach, roots: RootCertStore) -> Self {
        Self { reach, tls: OnceCell::new_with(config(roots).ok()) }
    }

    /// Calls a receiver; whatever comes of it is put down.
    pub(super) async fn call(&self, url: &str, signed: Option<(&Secret, &Message)>, clock: &dyn Clock) -> Called {
        let (at, began) = (clock.now(), Instant::now());
        let answer = match signed {
            None => Err(Unanswered::NoSecret),
            Some((secret, message)) => {
                let unix_s = at.unix_ms().div_euclid(1000);
                let signature = message.signature(secret, unix_s);
                let headers = [("webhook-id", message.id.as_str()), ("webhook-signature", &signature)];
                let post = self.post(url, (headers, unix_s), message.body.clone());
                tokio::time::timeout(CALL_WITHIN, post).await.unwrap_or(Err(Unanswered::TooSlow))
            }
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, error, retry_after) = match answer {
            Ok(Answer { status, retry_after }) => {
                (Some(status), None, retry_after.and_then(|it| delay(it.trim(), clock.now())))
            }
            Err(error) => (None, Some(error.to_string()), None),
        };
        Called { attempt: Attempt { at, duration_ms, status, error }, retry_after }
    }

    async fn post(
        &self,
        url: &str,
        (headers, unix_s): ([(&str, &str); 2], i64),
        body: Bytes,
    ) -> Result<Answer, Unanswered> {
        let internal = |error: &dyn std::fmt::Display| Unanswered::Internal(error.to_string());
        let url = Url::parse(url).map_err(|error| internal(&error))?;
        let scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let request = headers
            .into_iter()
            .fold(Request::post(&url[url::Position::BeforePath..]), |request, it| request.header(it.0, it.1));
        let request = request
            .header("webhook-timestamp", unix_s)
            .header(header::HOST, authority)
            .header(header::USER_AGENT, AGENT)
            .header(header::CONTENT_TYPE, MEDIA_TYPE)
            .header(header::CONNECTION, "close")
            .body(Full::new(body))
            .map_err(|error| internal(&error))?;
        let stream = TcpStream::connect(&*self.addresses(&url, scheme).await?).await;
        let stream = stream.map_err(|_| Unanswered::NoConnection)?;
        match scheme {
            Scheme::Http => answer(stream, request).await,
            Scheme::Https => {
                let config = self.tls.get_or_try_init(trusted).await?;
                let name = ServerName::try_from(url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned());
                let name = name.map_err(|error| internal(&error))?;
                let secured = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
                answer(secured.map_err(|_| Unanswered::Tls)?, request).await
            }
        }
    }

    /// Those of its addresses that may be called. The connection goes to one of these, however the name resolves next.
    async fn addresses(&self, url: &Url, scheme: Scheme) -> Result<Vec<SocketAddr>, Unanswered> {
        let port = url.port_or_known_default().unwrap_or(443);
        let found: Vec<SocketAddr> = match url.host() {
            None => Vec::new(),
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            Some(Host::Domain(name)) => {
                let found = tokio::net::lookup_host((name, port)).await;
                found.map_err(|_| Unanswered::NoAddress)?.collect()
            }
        };
        if found.is_empty() {
            return Err(Unanswered::NoAddress);
        }
        let reached = found.into_iter().filter(|it| self.reach.covers(it.ip(), scheme));
        let reached: Vec<_> = reached.take(ADDRESSES_MAX).collect();
        if reached.is_empty() { Err(Unanswered::OutOfReach) } else { Ok(reached) }
    }
}

/// Sends a request over a connection, and lets go of it with the head of the answer.
async fn answer<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Unanswered>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut http = http1::Builder::new();
    let (mut sender, connection) = http.max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await?;
    let mut connection = std::pin::pin!(connection);
    let mut sending = std::pin::pin!(sender.send_request(request));
    let response = tokio::select! {
        response = &mut sending => response?,
        ended = &mut connection => {
            ended?;
            // It has ended with the answer.
            sending.await?
        }
    };
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()).map(str::to_owned);
    Ok(Answer { status: response.status().as_u16(), retry_after })
}

/// In seconds or as a date (RFC 9110, section 10.2.3); a date that is past asks for no delay.
fn delay(retry_after: &str, now: Timestamp) -> Option<Duration> {
    let seconds = retry_after.parse().map(Duration::from_secs).ok();
    seconds.or_else(|| Some(Duration::from_millis(Timestamp::from_http_date(retry_after)?.since(now))))
}

/// Whom this machine trusts; tried again by the next call if that cannot be told.
async fn trusted() -> Result<Arc<ClientConfig>, Unanswered> {
    let internal = |error: &dyn std::fmt::Display| Unanswered::Internal(error.to_string());
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let found = found.map_err(|error| internal(&error))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(internal(&"this machine trusts nobody: it has no certificates (SSL_CERT_FILE names some)"));
    }
    config(roots).map_err(|error| internal(&error))
}

fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Whose a URL is, without the rest of it.
#[must_use]
pub fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |it| it.origin().ascii_serialization())
}

/// A number for a call, another one for the next, or for another receiver.
pub(super) fn spread(id: NoticeId, hook: &Hook) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id, &hook.url, hook.attempts.len()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
