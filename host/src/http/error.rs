//! The only place that chooses a status: problem+json (RFC 9457) for everything that is not 2xx.

use std::io;

use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::body::BodyError;
use super::resumable::turns::Full;
use crate::access::Scope;
use crate::analysis::schema::Invalid;
use crate::dispatch::Denied;
use crate::notify;
use crate::quota::Over;
use crate::registry::PlaceError;
use crate::registry::workshop::InstallError;
use crate::run::Failure;
use crate::run::Fault;
use crate::run::Reason;

/// What a client is told when there is no answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// What the status is called.
    title: &'static str,
    /// That of the answer.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    /// Of a run: why it has no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// Each thing that is wrong, where there may be several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Invalid>,
    /// Of several questions, why each was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    analyses: Vec<Refused>,
    #[serde(skip)]
    retry_after_s: Option<u64>,
    /// `WWW-Authenticate`.
    #[serde(skip)]
    challenge: Option<Challenge>,
}

/// What is wanted of a client (RFC 6750, section 3).
#[derive(Debug, Clone, Copy)]
enum Challenge {
    Token,
    Scope(Scope),
}

impl Challenge {
    fn field(self) -> String {
        match self {
            Self::Token => "Bearer realm=\"belljar\"".to_owned(),
            Self::Scope(scope) => {
                format!("Bearer realm=\"belljar\", error=\"insufficient_scope\", scope=\"{scope}\"")
            }
        }
    }
}

/// The refusal of one question among several.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RefusedQuestion")]
pub struct Refused {
    /// The name that was asked for.
    analysis: String,
    problem: RefusedFor,
}

/// What a single question would be refused with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RefusedFor {
    #[serde(flatten)]
    problem: Problem,
    /// When to ask again, milliseconds, where a single question would have `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Problem {
    /// With that status and sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            reason: None,
            errors: Vec::new(),
            analyses: Vec::new(),
            retry_after_s: None,
            challenge: None,
        }
    }

    /// 400: not what this server understands.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 503: as many long questions as may be are on their way in, or this client has its share of them.
    pub fn reading() -> Self {
        Self {
            retry_after_s: Some(1),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many long questions are being sent; try again in a second",
            )
        }
    }

    /// 403: asking again changes nothing.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 401: a token is wanted (RFC 6750, section 3).
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self { challenge: Some(Challenge::Token), ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// 403: the token is not for this (RFC 6750, section 3.1).
    pub fn out_of_scope(scope: Scope) -> Self {
        let detail = format!("this token has not the scope `{scope}`; `belljar token create --scope` gives it");
        Self { challenge: Some(Challenge::Scope(scope)), ..Self::new(StatusCode::FORBIDDEN, detail) }
    }

    /// 503: as many modules as may be are on their way in, or one of this client's.
    pub fn installing() -> Self {
        Self {
            retry_after_s: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "other modules are being installed; try again in a second")
        }
    }

    /// 503: the artifacts of a run are there when it has ended.
    pub fn running() -> Self {
        let detail = "the run is on its way, and has no artifacts before it has ended; try again in a second";
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// 460, of the tus protocol: what came is not what its checksum says.
    pub fn checksum() -> Self {
        let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
        let problem = Self::new(status, "what came is not what `Upload-Checksum` says; nothing of it was kept");
        Self { title: "Checksum Mismatch", ..problem }
    }

    /// 409: pieces of an upload come one after the other.
    pub fn wrong_offset(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 405, of a method that stands for others, but does not say for which.
    pub fn no_override() -> Self {
        let detail = "`X-HTTP-Method-Override` names none of PATCH, DELETE and HEAD";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    /// 412: not a version of the tus protocol that is spoken here.
    pub fn wrong_version(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }

    /// 412: it is another than `If-Match` says.
    pub fn mismatch(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 410.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, detail)
    }

    /// 422 with places.
    pub fn invalid(detail: impl Into<String>, errors: Vec<Invalid>) -> Self {
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// 507: the tenant has as much as its token allows.
    pub fn over_stored(of: u64, left: u64) -> Self {
        let detail = format!(
            "this token's tenant may have {of} bytes stored, and {left} are left: delete what is not needed any more, and \
             say by Content-Length how long an upload is"
        );
        Self::new(StatusCode::INSUFFICIENT_STORAGE, detail)
    }

    /// 409: same SHA-1, other bytes.
    pub fn collision() -> Self {
        Self::new(StatusCode::CONFLICT, "other bytes with this SHA-1 are stored; this file cannot be")
    }

    /// 415: the analysis does not take such a file.
    pub fn not_accepted(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// Of several questions none was taken: the status that all refusals have, else 422.
    pub fn none_taken(refusals: Vec<(String, Self)>) -> Self {
        let mut statuses = refusals.iter().map(|(_, problem)| problem.status);
        let first = statuses.next().and_then(|it| StatusCode::from_u16(it).ok());
        let status = first.filter(|first| statuses.all(|it| it == first.as_u16()));
        Self {
            retry_after_s: refusals.iter().filter_map(|(_, problem)| problem.retry_after_s).max(),
            analyses: refusals.into_iter().map(|(name, problem)| problem.of_one(name)).collect(),
            ..Self::new(status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY), "none of these analyses could be asked")
        }
    }

    /// The refusal of one question among several; when to ask again stands inside, where others have a header.
    pub fn of_one(self, name: String) -> Refused {
        let retry_after_ms = self.retry_after_s.map(|seconds| seconds.saturating_mul(1000));
        Refused { analysis: name, problem: RefusedFor { problem: self, retry_after_ms } }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure.reason.fault() {
            Fault::Module | Fault::Day => StatusCode::UNPROCESSABLE_ENTITY,
            Fault::Host => StatusCode::INTERNAL_SERVER_ERROR,
            Fault::Client => StatusCode::GONE,
        };
        Self { reason: Some(failure.reason), ..Self::new(status, failure.detail) }
    }
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::NoSuch | PlaceError::NoVersion(..) => Self::not_found(error.to_string()),
            PlaceError::Quarantined(..) => Self::forbidden(error.to_string()),
            PlaceError::Taken(..) | PlaceError::Full(_) | PlaceError::NoneBefore(_) => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            PlaceError::Install(InstallError::Io(error)) => error.into(),
            PlaceError::Install(InstallError::Refused(reasons)) => {
                let errors = reasons.into_iter().map(|detail| Invalid { pointer: String::new(), detail }).collect();
                Self::invalid("this module cannot be installed", errors)
            }
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::new(StatusCode::INSUFFICIENT_STORAGE, "the disk is full; free some room and try again");
        }
        tracing::error!(%error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "this server failed; its log tells why")
    }
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let status = match full {
            Full::Everybody => StatusCode::SERVICE_UNAVAILABLE,
            Full::Client => StatusCode::TOO_MANY_REQUESTS,
        };
        Self { retry_after_s: Some(60), ..Self::new(status, full.to_string()) }
    }
}

impl From<Over> for Problem {
    fn from(over: Over) -> Self {
        let retry_after_s = match over {
            Over::Requests { retry_after_s, .. } | Over::Fuel { retry_after_s, .. } => retry_after_s,
            Over::Runs { .. } => 1,
        };
        Self { retry_after_s: Some(retry_after_s.max(1)), ..Self::new(StatusCode::TOO_MANY_REQUESTS, over.to_string()) }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::QueueFull { retry_after_s } => Self {
                retry_after_s: Some(retry_after_s),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "the queue is full; try again later")
            },
            Denied::HasLess { retry_after_s } => Self {
                retry_after_s: Some(retry_after_s),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, denied.to_string())
            },
            Denied::OverShare { retry_after_s } => Self {
                retry_after_s: Some(retry_after_s),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "this client has more in the queue than its share; wait until some of its runs have ended",
                )
            },
            Denied::OverQuota(over) => over.into(),
            Denied::Deleting => Self::gone("the file is being deleted"),
            Denied::Io(error) => error.into(),
        }
    }
}

impl From<notify::Denied> for Problem {
    fn from(denied: notify::Denied) -> Self {
        let detail = denied.to_string();
        match denied {
            notify::Denied::Full => {
                Self { retry_after_s: Some(60), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
            }
            notify::Denied::Crowded => Self::new(StatusCode::CONFLICT, detail),
            notify::Denied::Gone => Self::gone(detail),
            notify::Denied::Io(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge.and_then(|it| HeaderValue::try_from(it.field()).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Answers for a path that is no route.
pub async fn no_such_route(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is served at `{}`", uri.path()))
}

/// Answers for a route that does not take this method.
pub async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("`{}` does not take {method}", uri.path()))
}
