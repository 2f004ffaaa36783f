//! Parts of traces that have ended, for whoever puts them together: a request that was answered, a run.

use std::fmt;
use std::time::Duration;

use super::Answered;
use super::Ended;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::id::SpanId;
use crate::id::TraceContext;
use crate::time::Timestamp;

/// Takes them.
pub trait Spans: fmt::Debug + Send + Sync {
    /// One has ended. Returns at once; what cannot be kept is dropped.
    fn ended(&self, span: Span);

    /// Sees to it that all so far have gone where they are to go, as far as that can be done soon.
    fn flush(&self);
}

/// One of them; names are those of the semantic conventions of OpenTelemetry where they have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub context: TraceContext,
    /// The part that asked for it.
    pub parent: Option<SpanId>,
    pub name: String,
    pub kind: Kind,
    pub ended: Timestamp,
    pub took: Duration,
    pub attributes: Vec<(&'static str, Value)>,
    /// What went wrong, if that is what this server exists to avoid.
    pub fault: Option<String>,
}

/// Which side of it this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody else asked and waited.
    Server,
    Internal,
}

/// What is said of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(u64),
}

/// Where a request belongs.
#[derive(Debug, Clone, Copy)]
pub struct Traced {
    pub context: TraceContext,
    pub parent: Option<SpanId>,
}

/// A run that has ended, by what was asked.
#[derive(Debug, Clone)]
pub struct Run {
    /// The request that began it.
    pub asked_by: TraceContext,
    /// Of its result.
    pub path: String,
    pub analysis: AnalysisName,
    pub module: ModuleDigest,
    pub accepted: Timestamp,
    pub ended: Timestamp,
}

impl Span {
    pub(super) fn of_request(answered: &Answered) -> Self {
        let Answered { method, route, status, at, duration, traced } = answered;
        Self {
            context: traced.context,
            parent: traced.parent,
            name: format!("{method} {route}").trim_end().to_owned(),
            kind: Kind::Server,
            ended: *at,
            took: *duration,
            attributes: vec![
                ("http.request.method", Value::Text((*method).to_owned())),
                ("http.route", Value::Text(route.clone())),
                ("http.response.status_code", Value::Number(u64::from(*status))),
            ],
            fault: (*status >= 500).then(|| format!("answered by {status}")),
        }
    }

    /// A run may outlive its request: it is a part of its own.
    pub(super) fn of_run(run: Run, ended_as: &Ended) -> Self {
        let took = Duration::from_millis(run.ended.since(run.accepted));
        let waited = took.saturating_sub(ended_as.duration.unwrap_or(took));
        Self {
            context: run.asked_by.child(),
            parent: Some(run.asked_by.span),
            name: format!("run {}", run.analysis),
            kind: Kind::Internal,
            ended: run.ended,
            took,
            attributes: vec![
                ("belljar.run", Value::Text(run.path)),
                ("belljar.module", Value::Text(run.module.to_string())),
                ("belljar.outcome", Value::Text(ended_as.outcome().to_owned())),
                ("belljar.fuel", Value::Number(ended_as.fuel)),
                ("belljar.waited_ms", Value::Number(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX))),
            ],
            fault: ended_as.fault().map(str::to_owned),
        }
    }
}
