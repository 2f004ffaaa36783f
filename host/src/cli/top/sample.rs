//! What a server says of itself at one moment.

use std::time::Instant;

use anyhow::Context;
use serde::Deserialize;

/// All that is shown.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) ready: Ready,
    pub(super) counts: Counts,
    pub(super) runs: Vec<Run>,
}

/// Of `GET /readyz`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ready {
    pub(super) ready: bool,
    pub(super) disk: Disk,
    pub(super) queue: Queue,
    pub(super) workers: Workers,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Disk {
    pub(super) free_bytes: u64,
    pub(super) reserve_bytes: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Queue {
    pub(super) in_flight: usize,
    pub(super) max: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Workers {
    pub(super) max: usize,
    pub(super) idle: usize,
}

/// Of `GET /runs`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Run {
    pub(super) tenant: String,
    pub(super) file_id: String,
    pub(super) analysis: String,
    pub(super) accepted: crate::time::Timestamp,
    pub(super) attempt: u32,
    pub(super) progress: Progress,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Progress {
    pub(super) bytes_read: u64,
    pub(super) fuel: u64,
    pub(super) fraction: f64,
}

/// Of `GET /metrics`, since the server started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counts {
    pub(super) successful: f64,
    pub(super) failed: f64,
    pub(super) dismissed: f64,
    /// Of runs that have ended.
    pub(super) fuel: f64,
    pub(super) requests: f64,
}

impl Sample {
    pub(super) fn of(readyz: &str, metrics: &str, runs: &str) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Running {
            runs: Vec<Run>,
        }
        let ready = serde_json::from_str(readyz).context("/readyz says what this version does not know")?;
        let running: Running = serde_json::from_str(runs).context("/runs says what this version does not know")?;
        Ok(Self { at: Instant::now(), ready, counts: Counts::of(metrics), runs: running.runs })
    }

    /// Spent by runs that have ended, and by those that go on.
    pub(super) fn fuel(&self) -> f64 {
        self.counts.fuel + self.runs.iter().map(|it| approximate(it.progress.fuel)).sum::<f64>()
    }
}

impl Counts {
    fn of(metrics: &str) -> Self {
        let outcome = |outcome: &str| sum(metrics, "belljar_runs_total", &format!("outcome=\"{outcome}\""));
        Self {
            successful: outcome("successful"),
            failed: outcome("failed"),
            dismissed: outcome("dismissed"),
            fuel: sum(metrics, "belljar_run_fuel_sum", ""),
            requests: sum(metrics, "belljar_http_requests_total", ""),
        }
    }

    pub(super) fn runs(&self) -> f64 {
        self.successful + self.failed + self.dismissed
    }
}

/// Of all series of that name with that label, in the text format of OpenMetrics.
fn sum(metrics: &str, name: &str, label: &str) -> f64 {
    let value = |line: &str| {
        let rest = line.strip_prefix(name).filter(|it| it.starts_with([' ', '{']) && it.contains(label))?;
        rest.rsplit_once(' ')?.1.parse::<f64>().ok()
    };
    metrics.lines().filter_map(value).fold(0.0, |sum, it| sum + it)
}

/// As a float has it.
pub(super) fn approximate(number: u64) -> f64 {
    number.to_string().parse().unwrap_or(f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_name_are_summed() {
        let metrics = "# TYPE belljar_runs counter\n\
            belljar_runs_total{outcome=\"failed\",reason=\"trap\"} 2\n\
            belljar_runs_total{outcome=\"failed\",reason=\"deadline\"} 3\n\
            belljar_runs_total{outcome=\"successful\",reason=\"\"} 40\n\
            belljar_run_fuel_sum 1.5e9\nbelljar_run_fuel_count 45\n\
            belljar_http_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 7\n";
        let counts = Counts { successful: 40.0, failed: 5.0, dismissed: 0.0, fuel: 1.5e9, requests: 7.0 };
        assert_eq!(Counts::of(metrics), counts);
        assert!((counts.runs() - 45.0).abs() < f64::EPSILON);
    }
}
