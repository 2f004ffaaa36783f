//! Where nothing is to be heard.

use schemars::JsonSchema;
use serde::Serialize;

use crate::decibels;

/// Parts of a second that are silent or not as a whole.
const PARTS_PER_SECOND: u32 = 100;

/// Hundredths of a second in which no sample of any channel reaches the threshold.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Silence {
    pub threshold_dbfs: f64,
    /// Of the whole length, 0 to 1.
    pub share: f64,
    /// At the beginning.
    pub leading_s: f64,
    /// At the end.
    pub trailing_s: f64,
    pub longest_s: f64,
}

/// Takes samples in.
#[derive(Debug)]
pub struct Meter {
    channels: usize,
    sample_rate_hz: u32,
    threshold_dbfs: f64,
    threshold: f32,
    part_frames: u64,
    filled: u64,
    peak: f32,
    frames: u64,
    silent: u64,
    /// Frames of the silence that goes on, of the longest, and of the one at the beginning once it is over.
    run: u64,
    longest: u64,
    leading: Option<u64>,
}

impl Meter {
    pub fn new(channels: usize, sample_rate_hz: u32, threshold_dbfs: f64) -> Self {
        Self {
            channels,
            sample_rate_hz,
            threshold_dbfs,
            threshold: 10_f64.powf(threshold_dbfs / 20.0) as f32,
            part_frames: u64::from((sample_rate_hz / PARTS_PER_SECOND).max(1)),
            filled: 0,
            peak: 0.0,
            frames: 0,
            silent: 0,
            run: 0,
            longest: 0,
            leading: None,
        }
    }

    pub fn take(&mut self, samples: &[f32]) {
        for frame in samples.chunks_exact(self.channels) {
            self.peak = frame.iter().fold(self.peak, |peak, it| peak.max(it.abs()));
            self.filled += 1;
            if self.filled == self.part_frames {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.frames += self.filled;
        if self.peak < self.threshold {
            self.silent += self.filled;
            self.run += self.filled;
            self.longest = self.longest.max(self.run);
        } else {
            self.leading.get_or_insert(self.run);
            self.run = 0;
        }
        (self.filled, self.peak) = (0, 0.0);
    }

    pub fn end(mut self) -> Silence {
        if self.filled > 0 {
            self.close();
        }
        let seconds = |frames: u64| decibels::round(frames as f64 / f64::from(self.sample_rate_hz), 3);
        Silence {
            threshold_dbfs: self.threshold_dbfs,
            share: decibels::round(self.silent as f64 / self.frames.max(1) as f64, 4),
            leading_s: seconds(self.leading.unwrap_or(self.run)),
            trailing_s: seconds(self.run),
            longest_s: seconds(self.longest),
        }
    }
}
