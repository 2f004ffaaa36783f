//! The exporter of OpenTelemetry's own crates, fed with spans that have ended: their API that begins and ends spans, and its
//! state for each task, are not needed.

use std::future::Future;
use std::future::ready;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use opentelemetry::KeyValue;
use opentelemetry::trace;
use opentelemetry::trace::SpanKind;
use opentelemetry::trace::Status;
use opentelemetry::trace::TraceFlags;
use opentelemetry::trace::TraceState;
use opentelemetry_http::HttpClient;
use opentelemetry_http::HttpError;
use opentelemetry_http::Request;
use opentelemetry_http::Response;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_otlp::WithHttpConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::BatchSpanProcessor;
use opentelemetry_sdk::trace::SpanData;
use opentelemetry_sdk::trace::SpanEvents;
use opentelemetry_sdk::trace::SpanLinks;
use opentelemetry_sdk::trace::SpanProcessor;

use super::OtlpError;
use crate::id::SpanId;
use crate::id::TraceContext;
use crate::oci;
use crate::telemetry::spans::Kind;
use crate::telemetry::spans::Span;
use crate::telemetry::spans::Spans;
use crate::telemetry::spans::Value;

/// Where a collector takes traces (OTLP 1, "OTLP/HTTP request").
const PATH: &str = "/v1/traces";
/// How long a collector may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How long an ending server waits for it.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Exporter {
    batches: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Exporter {
    pub(super) fn open(collector: &str) -> Result<Self, OtlpError> {
        let endpoint = format!("{}{PATH}", collector.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { agent: oci::agent(WITHIN), silent: AtomicBool::new(false) })
            .with_endpoint(endpoint)
            .with_timeout(WITHIN)
            .build()
            .map_err(|error| OtlpError::Endpoint(error.to_string()))?;
        let mut batches = BatchSpanProcessor::builder(exporter).build();
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        batches.set_resource(&Resource::builder().with_service_name("belljar").with_attribute(version).build());
        let scope = InstrumentationScope::builder("belljar").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self { batches, scope })
    }
}

impl Spans for Exporter {
    fn ended(&self, span: Span) {
        let TraceContext { trace, span: id, .. } = span.context;
        let id = trace::SpanId::from_bytes(*id.bytes());
        let trace = trace::TraceId::from_bytes(*trace.bytes());
        let ended = SystemTime::UNIX_EPOCH + Duration::from_millis(span.ended.unix_ms().try_into().unwrap_or(0));
        self.batches.on_end(SpanData {
            span_context: trace::SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: span
                .parent
                .map_or(trace::SpanId::INVALID, |it: SpanId| trace::SpanId::from_bytes(*it.bytes())),
            parent_span_is_remote: span.kind == Kind::Server && span.parent.is_some(),
            span_kind: match span.kind {
                Kind::Server => SpanKind::Server,
                Kind::Internal => SpanKind::Internal,
            },
            name: span.name.into(),
            start_time: ended.checked_sub(span.took).unwrap_or(SystemTime::UNIX_EPOCH),
            end_time: ended,
            attributes: span.attributes.into_iter().map(|(name, value)| KeyValue::new(name, told(value))).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: span.fault.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        });
    }

    fn flush(&self) {
        if let Err(error) = self.batches.shutdown_with_timeout(FLUSH_WITHIN) {
            tracing::warn!(%error, "the last spans did not go out");
        }
    }
}

fn told(value: Value) -> opentelemetry::Value {
    match value {
        Value::Text(text) => text.into(),
        Value::Number(number) => i64::try_from(number).unwrap_or(i64::MAX).into(),
    }
}

/// Calls it from the thread of the batches, which may wait.
#[derive(Debug)]
struct Collector {
    agent: ureq::Agent,
    /// Whether it has not taken the last batch: that is said once.
    silent: AtomicBool,
}

impl Collector {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut answer = self.agent.run(request.map(|it| it.to_vec()))?;
        let body = answer.body_mut().read_to_vec()?;
        Ok(answer.map(|_| body.into()))
    }
}

impl HttpClient for Collector {
    fn send_bytes<'client, 'sent>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'client: 'sent,
        Self: 'sent,
    {
        let answer = self.send(request);
        let refused = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let was_silent = self.silent.swap(refused.is_some(), Ordering::Relaxed);
        if let Some(error) = refused.filter(|_| !was_silent) {
            tracing::warn!(%error, "the collector takes no spans; those are dropped until it does");
        }
        Box::pin(ready(answer))
    }
}
