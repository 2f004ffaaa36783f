//! One picture of a server, as lines.

use indicatif::BinaryBytes;
use indicatif::HumanDuration;
use url::Url;

use super::sample::Run;
use super::sample::Sample;
use super::sample::approximate;
use crate::time::Clock;
use crate::time::SystemClock;
use crate::time::Timestamp;

/// Characters of a bar.
const BAR: u32 = 10;
/// Characters of a file's id.
const ID: usize = 10;

/// What there is now, and what happened since the sample before.
pub(super) fn lines(now: &Sample, before: &Sample, url: &Url) -> Vec<String> {
    let seconds = now.at.duration_since(before.at).as_secs_f64().max(0.001);
    let rate = |now: f64, before: f64| (now - before).max(0.0) / seconds;
    let (ready, counts) = (&now.ready, &now.counts);
    let waiting = ready.queue.in_flight.saturating_sub(now.runs.len());
    let mut lines = vec![
        format!("{url}    {}", if ready.ready { "ready" } else { "takes no work: the disk or the queue is full" }),
        format!(
            "workers  {} of {} at work, {} warm    queue  {waiting} waiting, {} at most    disk  {} free, {} kept",
            now.runs.len(),
            ready.workers.max,
            ready.workers.idle,
            ready.queue.max,
            BinaryBytes(ready.disk.free_bytes),
            BinaryBytes(ready.disk.reserve_bytes),
        ),
        format!(
            "runs     {} successful, {} failed, {} dismissed    {:.1} runs/s    {} fuel/s    {:.1} requests/s",
            counts.successful,
            counts.failed,
            counts.dismissed,
            rate(counts.runs(), before.counts.runs()),
            si(rate(now.fuel(), before.fuel())),
            rate(counts.requests, before.counts.requests),
        ),
        String::new(),
        format!(
            "{:<20} {:<ID$} {:<14} {:>10} {:>3} {:<17} {:>8} {:>10}",
            "ANALYSIS", "FILE", "TENANT", "ASKED", "TRY", "DONE", "FUEL", "READ"
        ),
    ];
    let clock = SystemClock.now();
    lines.extend(now.runs.iter().map(|run| line(run, clock)));
    lines
}

fn line(run: &Run, now: Timestamp) -> String {
    let age = std::time::Duration::from_millis(now.since(run.accepted));
    let full = (1..=BAR).filter(|it| f64::from(*it) <= run.progress.fraction * f64::from(BAR)).count();
    let bar: String = (0..usize::try_from(BAR).unwrap_or(0)).map(|it| if it < full { '█' } else { '░' }).collect();
    format!(
        "{:<20.20} {:<ID$.ID$} {:<14.14} {:>10} {:>3} {bar} {:>5.1}% {:>8} {:>10}",
        run.analysis,
        run.file_id,
        run.tenant,
        format!("{:#} ago", HumanDuration(age)),
        run.attempt,
        run.progress.fraction * 100.0,
        si(approximate(run.progress.fuel)),
        BinaryBytes(run.progress.bytes_read).to_string(),
    )
}

/// With a prefix of the SI.
fn si(number: f64) -> String {
    let prefixes = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let fitting = prefixes.into_iter().find(|(unit, _)| number >= *unit);
    fitting.map_or_else(|| format!("{number:.0}"), |(unit, prefix)| format!("{:.1} {prefix}", number / unit))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const READY: &str = r#"{"ready": true, "disk": {"room": true, "writes": true, "free_bytes": 3221225472,
        "reserve_bytes": 67108864}, "queue": {"in_flight": 5, "max": 100}, "workers": {"max": 4, "idle": 1}, "more": 1}"#;
    const RUNS: &str = r#"{"runs": [{"tenant": "main", "file_id": "0a4d55a8d778e5022fab701977c5d840bbc486d0",
        "analysis_id": "0", "analysis": "video", "accepted": "2026-01-01T00:00:00.000Z", "attempt": 2,
        "progress": {"bytes_read": 1048576, "size_bytes": 2, "fuel": 2500000000, "fuel_max": 4, "fraction": 0.42}}],
        "waiting": 4}"#;

    #[test]
    fn a_picture_has_what_there_is_and_what_happened() {
        let before = Sample::of(READY, "belljar_runs_total{outcome=\"failed\"} 1", r#"{"runs": []}"#).unwrap();
        let mut now = Sample::of(READY, "belljar_runs_total{outcome=\"failed\"} 5", RUNS).unwrap();
        now.at = before.at + Duration::from_secs(2);
        let lines = lines(&now, &before, &"http://localhost/".parse().unwrap());
        for (number, has) in [
            (0, "http://localhost/    ready"),
            (1, "1 of 4 at work, 1 warm    queue  4 waiting, 100 at most    disk  3.00 GiB free, 64.00 MiB kept"),
            (2, "0 successful, 5 failed, 0 dismissed    2.0 runs/s    1.2 G fuel/s    0.0 requests/s"),
            (5, "video                0a4d55a8d7 main "),
            (5, "  2 ████░░░░░░  42.0%    2.5 G   1.00 MiB"),
        ] {
            assert!(lines[number].contains(has), "{has}\n{}", lines.join("\n"));
        }
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn what_it_does_not_know_is_said() {
        let error = Sample::of("{}", "", r#"{"runs": []}"#).unwrap_err();
        assert!(error.to_string().contains("/readyz"));
    }
}
