//! Loudness as people hear it: EBU R 128, by ITU-R BS.1770.

use belljar_sdk::Failure;
use ebur128::EbuR128;
use ebur128::Mode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::decibels;
use crate::sound::Facts;

/// The filters are made for 48 kHz; far from it they say nothing.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=384_000;
/// Samples a second of all channels together: three seconds of them are kept, 8 bytes each.
const SAMPLES_PER_SECOND_MAX: u64 = 3_200_000;
const CHANNELS_MAX: usize = 64;
/// Of what is longer, the last day counts: of each tenth of a second a number is kept.
const HISTORY_MS: u32 = 24 * 3_600_000;
/// What a range of loudness is measured over.
const RANGE_SECONDS: u64 = 3;

/// By EBU R 128.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Loudness {
    /// Programme loudness in LUFS, gated at -70 and 10 below; broadcasts have -23, streams -14 to -16. Not there where
    /// everything is below the gate, or shorter than 0.4 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU (EBU Tech 3342); not there in less than three seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_lu: Option<f64>,
    /// What a converter would reach between the samples, in dBTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub true_peak_dbtp: Option<f64>,
}

/// Takes samples in.
pub struct Meter {
    ebu: EbuR128,
    frames: u64,
}

impl Meter {
    /// The error is why there can be no loudness.
    pub fn new(facts: &Facts) -> Result<Self, String> {
        let (rate, channels) = (facts.sample_rate_hz, facts.channels());
        if !RATES_HZ.contains(&rate) {
            return Err(format!("loudness is defined from 8 to 384 kHz; this has {rate} Hz"));
        }
        if channels > CHANNELS_MAX || u64::from(rate) * channels as u64 > SAMPLES_PER_SECOND_MAX {
            return Err(format!("{channels} channels at {rate} Hz are more than loudness is measured of here"));
        }
        let told = |error: ebur128::Error| error.to_string();
        let modes = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        let mut ebu = EbuR128::new(channels as u32, rate, modes).map_err(told)?;
        ebu.set_channel_map(&facts.speakers).map_err(told)?;
        ebu.set_max_history(HISTORY_MS).map_err(told)?;
        Ok(Self { ebu, frames: 0 })
    }

    pub fn take(&mut self, samples: &[f32]) -> Result<(), Failure> {
        self.frames += (samples.len() / self.ebu.channels() as usize) as u64;
        Ok(self.ebu.add_frames_f32(samples)?)
    }

    pub fn end(self) -> Result<Loudness, Failure> {
        let mut true_peak = 0.0_f64;
        for channel in 0..self.ebu.channels() {
            true_peak = true_peak.max(self.ebu.true_peak(channel)?);
        }
        let has_range = self.frames >= RANGE_SECONDS * u64::from(self.ebu.rate());
        let range = if has_range { self.ebu.loudness_range()? } else { f64::NAN };
        Ok(Loudness {
            integrated_lufs: decibels::told(self.ebu.loudness_global()?),
            range_lu: decibels::told(range),
            true_peak_dbtp: decibels::of_amplitude(true_peak),
        })
    }
}
