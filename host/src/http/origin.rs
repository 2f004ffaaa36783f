//! Pages of other sites, which may send a browser's requests here unasked.
//!
//! `Sec-Fetch-Site` (Fetch Metadata) tells whose page it is, but only to servers that are reached over TLS or on the same
//! machine; `Origin` (RFC 6454) comes with every request of a page that changes something. A page whose own name was made to
//! lead here is of this origin by both: a server that listens on this machine alone answers to no names but its own.

use std::net::IpAddr;
use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::Version;
use axum::http::header;
use axum::http::uri::Authority;

use super::Api;
use super::error::Problem;

/// The names that a server answers to, besides those of this machine and addresses.
#[derive(Debug, Clone)]
pub enum Names {
    Any,
    These(Vec<String>),
}

impl Names {
    /// Those that were listed; where none are, any, unless the server listens on this machine alone.
    #[must_use]
    pub fn new(listen: SocketAddr, listed: Vec<String>) -> Self {
        if listed.is_empty() && !listen.ip().is_loopback() { Self::Any } else { Self::These(listed) }
    }

    fn has(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        match self {
            Self::Any => true,
            Self::These(listed) => {
                address
                    || host.eq_ignore_ascii_case("localhost")
                    || listed.iter().any(|name| host.eq_ignore_ascii_case(name))
            }
        }
    }
}

/// Lets through what no page of another site can send, unless its site is one that may.
///
/// # Errors
/// What to answer in its place.
pub(super) fn same_site(api: &Api, request: &Request) -> Result<(), Problem> {
    let host = host(request);
    let hosts = request.headers().get_all(header::HOST).iter().count();
    // RFC 9112, section 3.2. Who speaks an older version may do without.
    if hosts > 1 || (host.is_none() && request.version() >= Version::HTTP_11) {
        return Err(Problem::bad_request("exactly one `Host` with a name or an address is wanted"));
    }
    if let Some(host) = host.as_ref().map(Authority::host).filter(|host| !api.names.has(host)) {
        let detail = format!("this server is not known as `{host}`; its operator may say --name {host}");
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads && is_from_elsewhere(request.headers(), host.as_ref()) && !api.cors.lets_in(request.headers()) {
        return Err(Problem::forbidden("pages of other sites may not change anything here"));
    }
    Ok(())
}

/// Whether a page of another site sends it.
pub(super) fn is_of_another(request: &Request) -> bool {
    is_from_elsewhere(request.headers(), host(request).as_ref())
}

fn host(request: &Request) -> Option<Authority> {
    let named = request.headers().get(header::HOST).map(|it| it.to_str().ok()?.parse().ok());
    // HTTP/2 has `:authority` in its place (RFC 9113, section 8.3.1).
    named.unwrap_or_else(|| request.uri().authority().cloned())
}

fn is_from_elsewhere(headers: &HeaderMap, host: Option<&Authority>) -> bool {
    let site = text(headers, "sec-fetch-site");
    if matches!(site, Some("cross-site" | "same-site")) {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|it| it.parse::<Uri>().ok());
    // `null`, and what is no origin, are of no site at all.
    origin.as_ref().and_then(Uri::authority).is_none_or(|origin| Some(origin) != host)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
