//! Lines over time, in buckets that widen as the log turns out to be longer.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::times;

/// More buckets than that are merged by twos.
const BUCKETS_MAX: usize = 4096;

/// A part of the time.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bucket {
    pub start: String,
    pub lines: u64,
    /// Of them those at level error or critical.
    pub errors: u64,
}

/// Counts by bucket.
#[derive(Debug)]
pub struct Histogram {
    width: i64,
    counts: BTreeMap<i64, (u64, u64)>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { width: 1, counts: BTreeMap::new() }
    }
}

impl Histogram {
    pub fn take(&mut self, seconds: i64, is_bad: bool) {
        let (lines, errors) = self.counts.entry(seconds.div_euclid(self.width)).or_default();
        *lines += 1;
        *errors += u64::from(is_bad);
        while self.counts.len() > BUCKETS_MAX {
            self.widen(2);
        }
    }

    fn widen(&mut self, times: i64) {
        self.width = self.width.saturating_mul(times);
        for (number, (lines, errors)) in std::mem::take(&mut self.counts) {
            let bucket = self.counts.entry(number.div_euclid(times)).or_default();
            bucket.0 += lines;
            bucket.1 += errors;
        }
    }

    /// The seconds of a bucket, and all of them from the first to the last, empty ones included.
    pub fn end(mut self, buckets_max: usize) -> (u64, Vec<Bucket>) {
        let span = |it: &Self| {
            it.counts.keys().next_back().zip(it.counts.keys().next()).map_or(0, |(last, first)| last - first + 1)
        };
        while span(&self) > buckets_max as i64 {
            self.widen(2);
        }
        let numbers = self.counts.keys().next().copied().zip(self.counts.keys().next_back().copied());
        let buckets = numbers.into_iter().flat_map(|(first, last)| first..=last).map(|number| {
            let (lines, errors) = self.counts.get(&number).copied().unwrap_or_default();
            let start = Timestamp::from_second(number.saturating_mul(self.width)).map(times::text).unwrap_or_default();
            Bucket { start, lines, errors }
        });
        (self.width.unsigned_abs(), buckets.collect())
    }
}

/// Bars, errors in another colour.
pub fn svg(buckets: &[Bucket]) -> String {
    const WIDTH: f64 = 800.0;
    const HEIGHT: f64 = 200.0;
    const MARGIN: f64 = 30.0;
    let most = buckets.iter().map(|it| it.lines).max().unwrap_or(0).max(1) as f64;
    let step = (WIDTH - 2.0 * MARGIN) / buckets.len().max(1) as f64;
    let mut bars = String::new();
    for (number, bucket) in buckets.iter().enumerate() {
        let x = MARGIN + step * number as f64;
        for (count, colour) in [(bucket.lines, "#06c"), (bucket.errors, "#c33")] {
            let height = (HEIGHT - 2.0 * MARGIN) * count as f64 / most;
            let y = HEIGHT - MARGIN - height;
            let _ = write!(
                bars,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>",
                step * 0.9
            );
        }
    }
    let edge = |it: Option<&Bucket>| it.map(|it| it.start.clone()).unwrap_or_default();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{bars}<text x=\"{MARGIN}\" y=\"18\">lines (errors in red), {most} at most</text>\
         <text x=\"{MARGIN}\" y=\"{}\">{}</text><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text></svg>\n",
        HEIGHT - 10.0,
        edge(buckets.first()),
        WIDTH - MARGIN,
        HEIGHT - 10.0,
        edge(buckets.last())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_widen_and_lose_nothing() {
        let mut histogram = Histogram::default();
        for second in 0..100_000_i64 {
            histogram.take(second * 60, second % 10 == 0);
        }
        histogram.take(i64::from(u32::MAX), false);
        let (width, buckets) = histogram.end(60);
        assert!(buckets.len() <= 60 && width.is_power_of_two(), "{width}");
        assert_eq!(buckets.iter().map(|it| it.lines).sum::<u64>(), 100_001);
        assert_eq!(buckets.iter().map(|it| it.errors).sum::<u64>(), 10_000);
        assert_eq!(Histogram::default().end(60), (1, vec![]));
    }
}
