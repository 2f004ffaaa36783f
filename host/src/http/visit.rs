//! One request from its head to that of its answer: who asks, whether it may ask now, and what is counted, noted and traced
//! of it. Its trace is the one that it names by `traceparent`, or by an `X-Request-Id` of that form, as something in front of
//! this server may give each; or one of its own. Each answer tells it as `X-Request-Id`.

use std::convert::Infallible;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::response::IntoResponse;
use axum::response::Response;
use futures_util::future::BoxFuture;
use sfv::KeyRef;
use sfv::ListSerializer;
use sfv::StringRef;
use tokio::time::Instant;
use tower::Layer;
use tower::Service;
use tracing::Instrument;

use super::Api;
use super::error::Problem;
use super::keys;
use super::keys::Holder;
use super::keys::Principal;
use super::resumable::FILE_ID;
use crate::id::TraceContext;
use crate::id::TraceId;
use crate::quota::Left;
use crate::quota::Payer;
use crate::store::audit::Asked;
use crate::store::audit::Entry;
use crate::telemetry::Answered;
use crate::telemetry::spans::Traced;

/// Routes that tell nothing of anybody's: nobody wants to know who looked at them, but for those who were not let in.
const UNNOTED: [&str; 8] =
    ["/", "/web/{file}", "/healthz", "/readyz", "/metrics", "/limits", "/openapi.json", "/analyses"];

/// Of a path that is noted, bytes: strangers choose it.
const NOTED_PATH_BYTES: usize = 256;
/// What is noted of a request whose client left before its answer, as nginx has it. What it began may go on.
const CLIENT_LEFT: u16 = 499;

/// Of which trace, for people who ask why.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context, section 3.2.
const TRACEPARENT: &str = "traceparent";

/// What an answer is about that its request could not name.
#[derive(Debug, Clone)]
pub(super) struct Subject(pub(super) String);

/// What is known of it at its beginning. Little: a client that waits holds it.
struct Visit {
    api: Api,
    /// None once it has ended.
    began: Option<Instant>,
    method: &'static str,
    route: Option<MatchedPath>,
    holder: Option<Arc<Holder>>,
    traced: Traced,
    /// Only where it is noted.
    noted: Option<Box<Noted>>,
}

struct Noted {
    from: Option<IpAddr>,
    path: String,
}

/// Sees every request through that comes to what stands behind. No `axum::middleware::from_fn`: that would hold the room of
/// a request for whoever waits.
#[derive(Debug, Clone)]
pub(super) struct SeeThrough(pub(super) Api);

/// What stands behind.
#[derive(Debug, Clone)]
pub(super) struct Seen<S> {
    api: Api,
    inner: S,
}

impl<S> Layer<S> for SeeThrough {
    type Service = Seen<S>;

    fn layer(&self, inner: S) -> Seen<S> {
        Seen { api: self.0.clone(), inner }
    }
}

impl<S> Service<Request> for Seen<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let mut visit = Visit::of(self.api.clone(), &request);
        let span = visit.span();
        let _entered = span.enter();
        match visit.begin(&mut request) {
            Ok(()) => {
                let answering = self.inner.call(request);
                let answering = async move { Ok(visit.end(answering.await?)) };
                Box::pin(answering.instrument(span.clone()))
            }
            Err(problem) => Box::pin(ready(Ok(visit.end(problem.into_response())))),
        }
    }
}

impl Visit {
    fn of(api: Api, request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        // Nor whoever asks for what there is not.
        let noted = (api.parts.audit.is_some() && route.is_some()).then(|| {
            let mut path = request.uri().path().to_owned();
            // The path of a request is ASCII.
            path.truncate(NOTED_PATH_BYTES);
            Box::new(Noted { from: request.extensions().get().copied(), path })
        });
        let method = known(request.method());
        let traced = traced(request.headers());
        Self { api, began: Some(Instant::now()), method, route, holder: None, traced, noted }
    }

    /// What is logged of it is marked by.
    fn span(&self) -> tracing::Span {
        let (trace, route) = (self.traced.context.trace, self.route());
        tracing::info_span!(parent: None, "request", %trace, method = self.method, route)
    }

    /// As the route table has it; empty where there is none.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("", MatchedPath::as_str)
    }

    /// Lets the handler know who asks; or why nobody is to hear it.
    fn begin(&mut self, request: &mut Request) -> Result<(), Problem> {
        let principal = keys::principal(&self.api, request)?;
        if let Principal::Holder(holder) = &principal {
            self.holder = Some(Arc::clone(holder));
            self.api.parts.ledger.request(Payer::from(&*holder.token))?;
        }
        request.extensions_mut().insert(principal);
        request.extensions_mut().insert(self.traced.context);
        Ok(())
    }

    fn end(mut self, mut response: Response) -> Response {
        if let Some(holder) = &self.holder {
            let left = self.api.parts.ledger.left(Payer::from(&*holder.token), self.api.parts.clock.now());
            tell(&left, response.headers_mut());
        }
        if let Ok(id) = HeaderValue::try_from(self.traced.context.trace.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let (status, subject) = (response.status().as_u16(), subject(&mut response));
        self.note(status, subject);
        response
    }

    fn note(&mut self, status: u16, subject: Option<String>) {
        let Some(began) = self.began.take() else { return };
        let route = self.route().to_owned();
        let unnoted = UNNOTED.contains(&self.route()) && !matches!(status, 401 | 403);
        if let (Some(audit), Some(noted)) = (&self.api.parts.audit, self.noted.take().filter(|_| !unnoted)) {
            audit.note(&Entry::Request(Asked {
                time: self.api.parts.clock.now(),
                request: self.traced.context.trace,
                from: noted.from.map(|it| it.to_string()),
                token: self.holder.as_ref().map(|it| it.token.id),
                name: self.holder.as_ref().map(|it| it.token.name.clone()),
                tenant: self.holder.as_ref().map(|it| it.token.tenant),
                method: self.method,
                path: noted.path,
                subject,
                status,
            }));
        }
        let duration = began.elapsed();
        tracing::debug!(status, duration_us = duration.as_micros(), "answered");
        let (method, at, traced) = (self.method, self.api.parts.clock.now(), self.traced);
        self.api.parts.metrics.answered(Answered { method, route, status, at, duration, traced });
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.note(CLIENT_LEFT, None);
    }
}

fn traced(headers: &HeaderMap) -> Traced {
    // Of several, nobody knows which is meant.
    let only = |name: &str| {
        let mut fields = headers.get_all(name).iter();
        fields.next().filter(|_| fields.next().is_none())?.to_str().ok()
    };
    if let Some(parent) = only(TRACEPARENT).and_then(|it| it.parse::<TraceContext>().ok()) {
        return Traced { context: parent.child(), parent: Some(parent.span) };
    }
    let named = only(REQUEST_ID.as_str()).and_then(|it| it.parse::<TraceId>().ok());
    Traced { context: named.map_or_else(TraceContext::begin, TraceContext::within), parent: None }
}

/// The last piece of an upload names it in a field.
fn subject(response: &mut Response) -> Option<String> {
    let named = response.extensions_mut().remove::<Subject>().map(|it| it.0);
    named.or_else(|| Some(format!("/upload/{}", response.headers().get(FILE_ID)?.to_str().ok()?)))
}

/// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers), where there are quotas.
fn tell(all: &[Left], headers: &mut HeaderMap) {
    let (mut policy, mut limit) = (ListSerializer::new(), ListSerializer::new());
    for left in all {
        let Ok(name) = StringRef::from_str(left.quota.as_str()) else { continue };
        let whole = |number: u64| sfv::Integer::try_from(number).unwrap_or(sfv::Integer::MAX);
        let ends = left.whole_in_s.map(|it| (KeyRef::constant("t"), whole(it)));
        let window = left.window_s.map(|it| (KeyRef::constant("w"), whole(it)));
        let _ = policy.bare_item(name).parameters([(KeyRef::constant("q"), whole(left.of))].into_iter().chain(window));
        let _ = limit.bare_item(name).parameters([(KeyRef::constant("r"), whole(left.left))].into_iter().chain(ends));
    }
    for (name, list) in [("ratelimit-policy", policy.finish()), ("ratelimit", limit.finish())] {
        if let Some(value) = list.and_then(|it| HeaderValue::try_from(it).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn known(method: &Method) -> &'static str {
    let listed = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    listed.into_iter().find(|it| method == it).unwrap_or("other")
}
