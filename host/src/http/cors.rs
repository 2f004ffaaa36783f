//! Pages of other sites that may use this server (CORS, Fetch standard): none unless the operator lists them. They come
//! with a token of their own in `Authorization`; cookies of this server are not for them.

use std::str::FromStr;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::Uri;
use axum::http::header;
use axum::response::Response;
use futures_util::future::Either;
use tower::Layer;
use tower::Service;
use tower_http::cors::AllowOrigin;
use tower_http::cors::CorsLayer;

/// For how long a browser need not ask again.
const MAX_AGE: Duration = Duration::from_secs(600);

/// What pages may send besides what every page may.
const READ: [HeaderName; 17] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::CONTENT_DISPOSITION,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::RANGE,
    HeaderName::from_static("prefer"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("tus-resumable"),
    HeaderName::from_static("upload-length"),
    HeaderName::from_static("upload-offset"),
    HeaderName::from_static("upload-metadata"),
    HeaderName::from_static("upload-checksum"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-request-id"),
];

/// What they may see besides what every page may.
const SHOWN: [HeaderName; 21] = [
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    header::CONTENT_RANGE,
    header::CONTENT_DISPOSITION,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("tus-resumable"),
    HeaderName::from_static("tus-version"),
    HeaderName::from_static("tus-extension"),
    HeaderName::from_static("tus-max-size"),
    HeaderName::from_static("upload-length"),
    HeaderName::from_static("upload-metadata"),
    HeaderName::from_static("upload-offset"),
    HeaderName::from_static("upload-expires"),
    HeaderName::from_static("belljar-file-id"),
    HeaderName::from_static("belljar-revoked"),
    HeaderName::from_static("preference-applied"),
    HeaderName::from_static("x-request-id"),
];

/// An origin as browsers send it: scheme, name, and port where it is not the usual one (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no origin; write it as https://name or https://name:port");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let scheme = uri.scheme_str().filter(|it| matches!(*it, "http" | "https")).ok_or_else(wrong)?;
        let authority = uri.authority().filter(|it| !it.as_str().contains('@')).ok_or_else(wrong)?;
        // As they compare it: to the byte.
        let origin = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
        let usual = (scheme == "http" && authority.port_u16() == Some(80))
            || (scheme == "https" && authority.port_u16() == Some(443));
        if text != origin || usual {
            return Err(wrong());
        }
        HeaderValue::try_from(origin).map(Self).map_err(|_| wrong())
    }
}

/// The sites that may.
#[derive(Debug, Clone, Default)]
pub struct Cors(Vec<HeaderValue>);

impl Cors {
    /// Those.
    #[must_use]
    pub fn new(origins: Vec<Origin>) -> Self {
        Self(origins.into_iter().map(|it| it.0).collect())
    }

    /// Whether a request comes from a page of one of them.
    pub(super) fn lets_in(&self, headers: &HeaderMap) -> bool {
        headers.get(header::ORIGIN).is_some_and(|it| self.0.contains(it))
    }

    /// What tells browsers so.
    pub(super) fn layer(&self) -> Sorting {
        let layer = (!self.0.is_empty()).then(|| {
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(self.0.clone()))
                .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
                .allow_headers(READ)
                .expose_headers(SHOWN)
                .max_age(MAX_AGE)
        });
        Sorting(layer)
    }
}

/// The layer would answer every `OPTIONS`; those that no browser sends beforehand are the routes' affair.
#[derive(Debug, Clone)]
pub(super) struct Sorting(Option<CorsLayer>);

/// What stands behind, with it and without.
#[derive(Debug, Clone)]
pub(super) struct Sorted<S> {
    plain: S,
    shared: Option<tower_http::cors::Cors<S>>,
}

impl<S: Clone> Layer<S> for Sorting {
    type Service = Sorted<S>;

    fn layer(&self, inner: S) -> Sorted<S> {
        Sorted { shared: self.0.as_ref().map(|it| it.layer(inner.clone())), plain: inner }
    }
}

impl<S> Service<Request> for Sorted<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<tower_http::cors::ResponseFuture<S::Future>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        ready!(self.plain.poll_ready(context))?;
        self.shared.as_mut().map_or(Poll::Ready(Ok(())), |it| it.poll_ready(context))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let asks_first = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        match &mut self.shared {
            Some(shared) if request.method() != Method::OPTIONS || asks_first => Either::Left(shared.call(request)),
            Some(_) | None => Either::Right(self.plain.call(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send() {
        for origin in ["https://lab.example", "http://localhost:3000", "https://[::1]:8443"] {
            assert!(origin.parse::<Origin>().is_ok(), "{origin}");
        }
        for other in [
            "*",
            "lab.example",
            "https://lab.example/",
            "ftp://lab.example",
            "https://Lab.example",
            "https://a@b",
            "https://a:443",
        ] {
            assert!(other.parse::<Origin>().is_err(), "{other}");
        }
    }
}
