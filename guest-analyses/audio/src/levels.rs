//! How loud each channel is by its samples alone: peaks, means, and where it was cut off at full scale.

use schemars::JsonSchema;
use serde::Serialize;

use crate::decibels;

/// So many channels are listed.
const CHANNELS_MAX: usize = 64;
/// So many samples in a row at full scale are no chance.
const CLIPPED_IN_A_ROW: u64 = 3;

/// What the samples say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Levels {
    /// The largest sample of any channel, in dBFS; not there in digital silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_dbfs: Option<f64>,
    /// Root mean square over all channels, in dBFS; a sine at full scale has -3.01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rms_dbfs: Option<f64>,
    pub clipping: Clipping,
    /// Whether there are several channels, and all of them are the same: one would do.
    pub channels_are_identical: bool,
    /// Samples that are no number, or infinite; they count as zero.
    #[serde(skip_serializing_if = "is_zero")]
    pub samples_not_finite: u64,
    /// Each of them, up to 64.
    pub channels: Vec<ChannelLevels>,
}

/// Signs that it was louder than can be kept.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Clipping {
    /// Samples at full scale or above.
    pub samples: u64,
    /// Times that three or more of them follow each other on one side.
    pub runs: u64,
}

/// Of one channel.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChannelLevels {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_dbfs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rms_dbfs: Option<f64>,
    /// The mean of its samples, full scale being 1.
    pub dc_offset: f64,
    pub clipping: Clipping,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Takes samples in.
#[derive(Debug)]
pub struct Meter {
    channels: Vec<Channel>,
    full_scale: f32,
    frames: u64,
    differ: u64,
    pub not_finite: u64,
}

#[derive(Debug, Clone, Default)]
struct Channel {
    peak: f32,
    sum: f64,
    sum_of_squares: f64,
    clipping: Clipping,
    /// How many at full scale there are in a row, and whether above or below zero.
    run: u64,
    run_sign: f32,
}

impl Clone for Clipping {
    fn clone(&self) -> Self {
        Self { samples: self.samples, runs: self.runs }
    }
}

impl Meter {
    pub fn new(channels: usize, full_scale: f32) -> Self {
        Self { channels: vec![Channel::default(); channels], full_scale, frames: 0, differ: 0, not_finite: 0 }
    }

    /// Samples of the channels by turns, whole frames of them, all finite.
    pub fn take(&mut self, samples: &[f32]) {
        let full_scale = self.full_scale;
        for frame in samples.chunks_exact(self.channels.len()) {
            self.frames += 1;
            self.differ += u64::from(frame.iter().any(|it| *it != frame[0]));
            for (channel, sample) in self.channels.iter_mut().zip(frame) {
                channel.take(*sample, full_scale);
            }
        }
    }

    pub fn frames(&self) -> u64 {
        self.frames
    }

    pub fn end(self) -> Levels {
        let frames = self.frames.max(1) as f64;
        let peak = self.channels.iter().map(|it| it.peak).fold(0.0, f32::max);
        let squares: f64 = self.channels.iter().map(|it| it.sum_of_squares).sum();
        let several = self.channels.len() > 1 && self.frames > 0;
        Levels {
            peak_dbfs: decibels::of_amplitude(peak.into()),
            rms_dbfs: decibels::of_amplitude((squares / frames / self.channels.len() as f64).sqrt()),
            clipping: Clipping {
                samples: self.channels.iter().map(|it| it.clipping.samples).sum(),
                runs: self.channels.iter().map(|it| it.clipping.runs).sum(),
            },
            channels_are_identical: several && self.differ == 0,
            samples_not_finite: self.not_finite,
            channels: self.channels.into_iter().take(CHANNELS_MAX).map(|it| it.end(frames)).collect(),
        }
    }
}

impl Channel {
    fn take(&mut self, sample: f32, full_scale: f32) {
        let (value, size) = (f64::from(sample), sample.abs());
        self.peak = self.peak.max(size);
        self.sum += value;
        self.sum_of_squares += value * value;
        if size < full_scale {
            self.run = 0;
            return;
        }
        let sign = sample.signum();
        self.run = if self.run_sign == sign { self.run + 1 } else { 1 };
        self.run_sign = sign;
        self.clipping.samples += 1;
        self.clipping.runs += u64::from(self.run == CLIPPED_IN_A_ROW);
    }

    fn end(self, frames: f64) -> ChannelLevels {
        ChannelLevels {
            peak_dbfs: decibels::of_amplitude(self.peak.into()),
            rms_dbfs: decibels::of_amplitude((self.sum_of_squares / frames).sqrt()),
            dc_offset: decibels::round(self.sum / frames, 6),
            clipping: self.clipping,
        }
    }
}
