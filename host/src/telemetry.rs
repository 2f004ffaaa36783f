//! What is counted, and how it is told to Prometheus; and what ends, for whoever puts traces together.
//!
//! No label ever holds what a client chose, nor an analysis that a client named: routes are those of the route table,
//! methods, outcomes and reasons closed lists. So there is a bounded number of series, whoever asks for what.

pub mod otlp;
pub mod spans;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::histogram::exponential_buckets;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::spans::Run;
use self::spans::Span;
use self::spans::Spans;
use self::spans::Traced;
use crate::id::TraceContext;
use crate::run::Fault;
use crate::run::Reason;
use crate::time::Timestamp;

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = prometheus_text::CONTENT_TYPE;

const PREFIX: &str = "belljar";
/// From a trivial run to a day.
const RUN_SECONDS: [f64; 14] =
    [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_800.0, 10_800.0, 86_400.0];
/// From what the page cache has to the longest wait that a client may wish for.
const REQUEST_SECONDS: [f64; 11] = [0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0];

/// Counts, for as long as the process lives.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    runs: Family<RunLabels, Counter>,
    run_seconds: Histogram,
    run_fuel: Histogram,
    uploads: Counter,
    upload_bytes: Counter,
    calls: Family<CallLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    spans: Option<Arc<dyn Spans>>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Why there is no result, when there is none.
    pub reason: Option<Reason>,
    /// From its start to its end; `None` when it was never started.
    pub duration: Option<Duration>,
    /// 0 when the worker did not live to tell.
    pub fuel: u64,
    /// Whether that is all of it.
    pub fuel_exact: bool,
}

/// A request that has its answer.
#[derive(Debug)]
pub struct Answered {
    /// One of a closed list.
    pub method: &'static str,
    /// As the route table has it; empty where there is none.
    pub route: String,
    pub status: u16,
    pub at: Timestamp,
    /// Until the head of the answer; the body may take longer.
    pub duration: Duration,
    pub traced: Traced,
}

impl Ended {
    /// `successful`, or the reason why there is no result.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        self.reason.map_or("successful", Reason::as_str)
    }

    /// What went wrong that is this server's fault.
    fn fault(&self) -> Option<&'static str> {
        self.reason.filter(|it| it.fault() == Fault::Host).map(Reason::as_str)
    }
}

/// What there is at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Present {
    /// Runs accepted and not ended.
    pub runs_in_flight: u64,
    /// Of those, runs that are being carried out, each by a worker.
    pub runs_running: u64,
    pub queue_max: u64,
    /// Workers between two runs.
    pub workers_warm: u64,
    pub workers_max: u64,
    pub disk_free_bytes: u64,
    pub disk_reserve_bytes: u64,
    /// Receivers of notifications that are still to be told.
    pub notifications_pending: u64,
    /// Uploads stored and their bytes, once they are counted.
    pub stored: Option<(u64, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkerLabels {
    state: &'static str,
}

impl CallLabels {
    const ALL: [&'static str; 3] = ["taken", "refused", "unanswered"];
}

impl RunLabels {
    fn of(reason: Option<Reason>) -> Self {
        let outcome = match reason.map(Reason::fault) {
            None => "successful",
            Some(Fault::Client) => "dismissed",
            Some(Fault::Module | Fault::Day | Fault::Host) => "failed",
        };
        Self { outcome, reason: reason.map_or("", Reason::as_str) }
    }
}

impl Metrics {
    /// Nothing has happened yet; `engine` is the fingerprint of what runs programs. Whoever wants to know of parts of traces
    /// is told of them.
    #[must_use]
    pub fn new(engine: &str, spans: Option<Arc<dyn Spans>>) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let runs = Family::<RunLabels, Counter>::default();
        // So that a rate can be told from the first of each on.
        for reason in Reason::ALL.into_iter().map(Some).chain([None]) {
            drop(runs.get_or_create(&RunLabels::of(reason)));
        }
        let metrics = Self {
            runs,
            run_seconds: Histogram::new(RUN_SECONDS),
            run_fuel: Histogram::new(exponential_buckets(1e4, 10.0, 10)),
            uploads: Counter::default(),
            upload_bytes: Counter::default(),
            calls: Family::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            registry: Registry::default(),
            spans,
        };
        let build = Info::new([("version", env!("CARGO_PKG_VERSION").to_owned()), ("engine", engine.to_owned())]);
        registry.register("build", "What is running", build);
        registry.register("runs", "Runs that have ended, by outcome and reason", metrics.runs.clone());
        let run_seconds = metrics.run_seconds.clone();
        registry.register("run_duration_seconds", "From the start of a run to its end", run_seconds);
        let run_fuel = metrics.run_fuel.clone();
        registry.register("run_fuel", "Fuel spent by a run, about a unit for each wasm instruction", run_fuel);
        registry.register("uploads", "Files that were uploaded and were not here yet", metrics.uploads.clone());
        registry.register("uploads_bytes", "Bytes of those files", metrics.upload_bytes.clone());
        for outcome in CallLabels::ALL {
            drop(metrics.calls.get_or_create(&CallLabels { outcome }));
        }
        registry.register("notification_calls", "Calls to receivers of notifications", metrics.calls.clone());
        registry.register("http_requests", "Requests that were answered", metrics.requests.clone());
        let request_seconds = metrics.request_seconds.clone();
        registry.register(
            "http_request_duration_seconds",
            "Until the head of an answer, waits included",
            request_seconds,
        );
        Self { registry, ..metrics }
    }

    /// A run's ending is on disk.
    pub fn run_ended(&self, ended: Ended) {
        self.runs.get_or_create(&RunLabels::of(ended.reason)).inc();
        if let Some(duration) = ended.duration {
            self.run_seconds.observe(duration.as_secs_f64());
        }
        if ended.fuel > 0 {
            self.run_fuel.observe(approximate(ended.fuel));
        }
    }

    /// Whether anybody wants to know of parts of traces.
    #[must_use]
    pub fn tells_spans(&self) -> bool {
        self.spans.is_some()
    }

    /// The same run as a part of its trace.
    pub fn run_traced(&self, run: Run, ended: &Ended) {
        self.tell(run.asked_by, || Span::of_run(run, ended));
    }

    fn tell(&self, context: TraceContext, span: impl FnOnce() -> Span) {
        if let Some(spans) = self.spans.as_ref().filter(|_| context.sampled) {
            spans.ended(span());
        }
    }

    /// Sees to it that what has ended is told before this server ends.
    pub fn flush(&self) {
        self.spans.iter().for_each(|it| it.flush());
    }

    /// A file of so many bytes has come that was not here before.
    pub fn uploaded(&self, bytes: u64) {
        self.uploads.inc();
        self.upload_bytes.inc_by(bytes);
    }

    /// A receiver of notifications was called, and gave that answer.
    pub fn called(&self, status: Option<u16>) {
        let [taken, refused, unanswered] = CallLabels::ALL;
        let outcome = match status {
            Some(200..300) => taken,
            Some(_) => refused,
            None => unanswered,
        };
        self.calls.get_or_create(&CallLabels { outcome }).inc();
    }

    /// A request has its answer.
    pub fn answered(&self, answered: Answered) {
        self.tell(answered.traced.context, || Span::of_request(&answered));
        let Answered { method, route, status, duration, .. } = answered;
        let seconds = duration.as_secs_f64();
        self.request_seconds.get_or_create(&RouteLabels { route: route.clone() }).observe(seconds);
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    /// All of it in the text format of Prometheus, with what there is at present.
    ///
    /// # Errors
    /// Never for a failure of ours.
    pub fn text(&self, present: &Present) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        prometheus_text::encode(&mut text, &present.registry())?;
        Ok(text)
    }
}

impl Present {
    /// Gauges of one moment: nothing has to be kept up for them while nobody looks.
    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = Gauge::<u64, AtomicU64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        gauge("runs_in_flight", "Runs accepted and not ended", self.runs_in_flight);
        let waiting = self.runs_in_flight.saturating_sub(self.runs_running);
        gauge("queue_depth", "Runs accepted that are not being carried out now", waiting);
        gauge("queue_max", "Runs that may be in flight", self.queue_max);
        gauge("workers_max", "Workers that there may be", self.workers_max);
        gauge("disk_free_bytes", "Room left on the file system of the data", self.disk_free_bytes);
        gauge("disk_reserve_bytes", "Room that is kept free", self.disk_reserve_bytes);
        gauge("notifications_pending", "Receivers of notifications still to be told", self.notifications_pending);
        if let Some((uploads, bytes)) = self.stored {
            gauge("uploads_stored", "Files that are stored", uploads);
            gauge("uploads_stored_bytes", "Bytes of the files that are stored", bytes);
        }
        let workers = Family::<WorkerLabels, Gauge<u64, AtomicU64>>::default();
        workers.get_or_create(&WorkerLabels { state: "busy" }).set(self.runs_running);
        workers.get_or_create(&WorkerLabels { state: "warm" }).set(self.workers_warm);
        registry.register("workers", "Processes that carry out a run, or wait for one", workers);
        registry
    }
}

/// As a float has it: exact below 2⁵³.
fn approximate(number: u64) -> f64 {
    let [high, low] =
        [number >> 32, number & u64::from(u32::MAX)].map(|it| f64::from(u32::try_from(it).unwrap_or(u32::MAX)));
    high * 4_294_967_296.0 + low
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESENT: Present = Present {
        runs_in_flight: 5,
        runs_running: 2,
        queue_max: 10,
        workers_warm: 1,
        workers_max: 4,
        disk_free_bytes: 1 << 40,
        disk_reserve_bytes: 7,
        notifications_pending: 6,
        stored: None,
    };

    fn has(text: &str, line: &str) {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }

    #[test]
    fn what_happens_is_counted_once_under_its_name() {
        let metrics = Metrics::new("e", None);
        let second = Some(Duration::from_secs(1));
        metrics.run_ended(Ended { reason: None, duration: second, fuel: 1_000_000, fuel_exact: true });
        metrics.run_ended(Ended { reason: Some(Reason::Trap), duration: second, fuel: 0, fuel_exact: true });
        metrics.run_ended(Ended { reason: Some(Reason::Dismissed), duration: None, fuel: 0, fuel_exact: true });
        metrics.uploaded(10);
        metrics.uploaded(5);
        let traced = Traced { context: TraceContext::begin(), parent: None };
        let (at, duration) = (Timestamp::from_unix_ms(0), Duration::from_millis(2));
        let answered = || Answered { method: "GET", route: "/a/{b}".to_owned(), status: 404, at, duration, traced };
        metrics.answered(answered());
        metrics.answered(answered());
        for status in [Some(204), Some(302), Some(500), None] {
            metrics.called(status);
        }
        let text = metrics.text(&PRESENT).unwrap();
        for line in [
            "belljar_runs_total{outcome=\"successful\",reason=\"\"} 1",
            "belljar_runs_total{outcome=\"failed\",reason=\"trap\"} 1",
            "belljar_runs_total{outcome=\"dismissed\",reason=\"dismissed\"} 1",
            "belljar_runs_total{outcome=\"failed\",reason=\"out-of-fuel\"} 0",
            "belljar_run_duration_seconds_count 2",
            "belljar_run_duration_seconds_bucket{le=\"0.3\"} 0",
            "belljar_run_duration_seconds_bucket{le=\"1\"} 2",
            "belljar_run_fuel_count 1",
            "belljar_run_fuel_sum 1000000.0",
            "belljar_uploads_total 2",
            "belljar_notification_calls_total{outcome=\"taken\"} 1",
            "belljar_notification_calls_total{outcome=\"refused\"} 2",
            "belljar_notification_calls_total{outcome=\"unanswered\"} 1",
            "belljar_uploads_bytes_total 15",
            "belljar_http_requests_total{method=\"GET\",route=\"/a/{b}\",status=\"404\"} 2",
            "belljar_http_request_duration_seconds_count{route=\"/a/{b}\"} 2",
        ] {
            has(&text, line);
        }
        assert!(text.contains(&format!("version=\"{}\",engine=\"e\"}} 1", env!("CARGO_PKG_VERSION"))), "{text}");
    }

    #[test]
    fn what_there_is_now_is_told_as_far_as_it_is_known() {
        let metrics = Metrics::new("e", None);
        let text = metrics.text(&PRESENT).unwrap();
        for line in [
            "belljar_runs_in_flight 5",
            "belljar_queue_depth 3",
            "belljar_workers{state=\"busy\"} 2",
            "belljar_workers{state=\"warm\"} 1",
            "belljar_disk_free_bytes 1099511627776",
            "belljar_notifications_pending 6",
        ] {
            has(&text, line);
        }
        assert!(!text.contains("uploads_stored"));
        let text = metrics.text(&Present { stored: Some((3, 9)), ..PRESENT }).unwrap();
        has(&text, "belljar_uploads_stored 3");
        has(&text, "belljar_uploads_stored_bytes 9");
    }

    #[test]
    fn fuel_is_a_float_as_near_as_can_be() {
        assert_eq!(approximate(0), 0.0);
        assert_eq!(approximate((1 << 53) - 1), 9_007_199_254_740_991.0);
        assert_eq!(approximate(1_000_000_000_000), 1e12);
    }
}
