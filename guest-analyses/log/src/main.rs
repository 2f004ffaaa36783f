//! What a log says, line by line in one pass: when, how bad, in which patterns; and who asked for what, in logs of a web
//! server.
//!
//! `times` finds the time of a line, `levels` how bad it is, `patterns` what it says but for its numbers, `access` requests;
//! `histogram` counts lines over time.

mod access;
mod counter;
mod histogram;
mod levels;
mod patterns;
mod times;

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

use belljar_sdk::BLOCK_BYTES;
use belljar_sdk::Failure;
use belljar_sdk::Progress;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use belljar_sdk::write_artifact;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::access::Requests;
use crate::access::Traffic;
use crate::counter::Counted;
use crate::histogram::Bucket;
use crate::histogram::Histogram;
use crate::levels::Level;
use crate::patterns::Pattern;
use crate::patterns::Patterns;
use crate::times::Times;

/// What follows in a line is skipped.
const LINE_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// So many patterns are listed, the most frequent and the rarest.
    #[serde(default = "patterns_max")]
    #[schemars(range(max = 500))]
    patterns_max: usize,
    /// Into how many parts the time is cut at most.
    #[serde(default = "buckets_max")]
    #[schemars(range(min = 2, max = 1000))]
    buckets_max: usize,
    /// The year of lines that name none, as those of syslog.
    #[serde(default = "year")]
    #[schemars(range(min = 1970, max = 2100))]
    year: i16,
}

fn patterns_max() -> usize {
    20
}

fn buckets_max() -> usize {
    60
}

fn year() -> i16 {
    1970
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    lines: u64,
    blank_lines: u64,
    /// Lines with a time of their own; the others, as those of stack traces, belong to the one before.
    timed_lines: u64,
    /// How times are written: iso, slashed, clf, syslog or epoch; empty if there are none.
    time_formats: Vec<Counted>,
    /// ISO 8601, in UTC where lines name no zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    /// Lines whose time is before that of the line above.
    out_of_order: u64,
    /// How bad lines say they are.
    levels: Vec<Counted>,
    bucket_seconds: u64,
    histogram: Vec<Bucket>,
    /// The histogram as an SVG; not there if there are no times.
    #[serde(skip_serializing_if = "Option::is_none")]
    plot: Option<String>,
    /// What lines say, with numbers, addresses and the like left out.
    patterns: Vec<Pattern>,
    /// Those that came least: where a log is long, what happened once is often what is looked for.
    rare_patterns: Vec<Pattern>,
    pattern_count: usize,
    /// Lines whose pattern was not taken in, as there were too many already.
    unpatterned_lines: u64,
    /// In the log of a web server alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic: Option<Traffic>,
}

/// What a log says: its span and lines over time, with a plot; how many lines warn or fail; patterns, the frequent and the
/// rare, each with an example; and for logs of a web server status codes, paths and clients. One pass, in constant memory.
#[analysis(
    title = "Log",
    accepts = ["text/*", "application/json", "application/octet-stream"],
    limits = { "memory_bytes": 134217728, "fuel_per_byte": 10000 },
    examples = [
        { "input_text": "2026-01-02T03:04:05Z INFO took 12 ms\n2026-01-02T03:05:05Z INFO took 99 ms\n2026-01-02T03:06:05Z ERROR gone\n", "args": {},
          "result": { "lines": 3, "timed_lines": 3, "first": "2026-01-02T03:04:05Z", "last": "2026-01-02T03:06:05Z",
            "levels": [{ "name": "info", "count": 2 }, { "name": "error", "count": 1 }], "plot": "/out/histogram.svg" } }
    ]
)]
fn read(sample: Sample, args: Args) -> Result<Report, Failure> {
    let mut progress = Progress::new(sample.size_bytes(), "reading lines");
    let mut lines = BufReader::with_capacity(BLOCK_BYTES, sample);
    let (mut log, mut buffer, mut read_bytes) = (Log::new(args), Vec::new(), 0);
    while next(&mut lines, &mut buffer, &mut read_bytes)? {
        if buffer.contains(&0) {
            return Err(Failure::new("this is no log: there are zero bytes in it; UTF-16 has to be converted first"));
        }
        log.line(&String::from_utf8_lossy(&buffer));
        progress.at(read_bytes);
    }
    log.end(args)
}

/// The next line without its end; false if there is none.
fn next(lines: &mut impl BufRead, buffer: &mut Vec<u8>, read_bytes: &mut u64) -> io::Result<bool> {
    buffer.clear();
    let mut count = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', buffer)?;
    if count == 0 {
        return Ok(false);
    }
    if buffer.last() != Some(&b'\n') {
        count += lines.skip_until(b'\n')?;
    }
    *read_bytes += count as u64;
    while buffer.last().is_some_and(|it| matches!(it, b'\n' | b'\r')) {
        buffer.pop();
    }
    Ok(true)
}

/// What has been read so far.
struct Log {
    lines: u64,
    blank_lines: u64,
    times: Times,
    levels: [u64; Level::ALL.len()],
    histogram: Histogram,
    patterns: Patterns,
    requests: Requests,
    before: i64,
    out_of_order: u64,
}

impl Log {
    fn new(args: Args) -> Self {
        Self {
            lines: 0,
            blank_lines: 0,
            times: Times::new(args.year),
            levels: [0; Level::ALL.len()],
            histogram: Histogram::default(),
            patterns: Patterns::default(),
            requests: Requests::default(),
            before: i64::MIN,
            out_of_order: 0,
        }
    }

    fn line(&mut self, line: &str) {
        self.lines += 1;
        if line.trim().is_empty() {
            self.blank_lines += 1;
            return;
        }
        let level = levels::of(line);
        if let Some(level) = level {
            self.levels[level.number()] += 1;
        }
        let (time, rest) = match self.times.of(line) {
            Some((seconds, rest)) => (Some(seconds), rest),
            None => (None, line),
        };
        if let Some(seconds) = time {
            self.out_of_order += u64::from(seconds < self.before);
            self.before = seconds;
            self.histogram.take(seconds, level.is_some_and(Level::is_bad));
        }
        self.requests.take(line);
        self.patterns.take(rest, line, self.lines);
    }

    fn end(self, args: Args) -> Result<Report, Failure> {
        let (bucket_seconds, histogram) = self.histogram.end(args.buckets_max);
        let plot = match histogram.as_slice() {
            [] => None,
            buckets => Some(write_artifact("histogram.svg", histogram::svg(buckets).as_bytes())?),
        };
        let levels = Level::ALL.into_iter().zip(self.levels).filter(|it| it.1 > 0);
        let (pattern_count, unpatterned_lines) = (self.patterns.len(), self.patterns.left_off());
        let (patterns, rare_patterns) = self.patterns.end(args.patterns_max);
        Ok(Report {
            lines: self.lines,
            blank_lines: self.blank_lines,
            timed_lines: self.times.found(),
            time_formats: self.times.formats(),
            first: self.times.first(),
            last: self.times.last(),
            out_of_order: self.out_of_order,
            levels: levels.map(|(level, count)| Counted { name: level.name().to_owned(), count }).collect(),
            bucket_seconds,
            histogram,
            plot,
            patterns,
            rare_patterns,
            pattern_count,
            unpatterned_lines,
            traffic: self.requests.end(self.lines),
        })
    }
}

#[cfg(test)]
mod tests;
