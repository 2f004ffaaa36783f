//! All that is measured, side by side.

use belljar_sdk::Failure;

use crate::Args;
use crate::levels;
use crate::levels::Levels;
use crate::loudness;
use crate::loudness::Loudness;
use crate::silence;
use crate::silence::Silence;
use crate::sound::Facts;
use crate::spectrogram::Spectrogram;
use crate::waveform::Waveform;

pub struct Meters {
    levels: levels::Meter,
    silence: silence::Meter,
    loudness: Result<loudness::Meter, String>,
    pictures: Option<(Waveform, Spectrogram)>,
}

pub struct Measured {
    pub levels: Levels,
    pub silence: Silence,
    pub loudness: Option<Loudness>,
    pub loudness_missing: Option<String>,
    pub waveform: Option<String>,
    pub spectrogram: Option<String>,
}

impl Meters {
    pub fn new(facts: &Facts, args: Args) -> Self {
        let (channels, full_scale, width_px) = (facts.channels(), facts.full_scale(), args.width_px);
        let pictures = || (Waveform::new(channels, full_scale, width_px), Spectrogram::new(channels, width_px));
        Self {
            levels: levels::Meter::new(channels, full_scale),
            silence: silence::Meter::new(channels, facts.sample_rate_hz, args.silence_dbfs),
            loudness: loudness::Meter::new(facts),
            pictures: (width_px > 0).then(pictures),
        }
    }

    /// Samples of the channels by turns, whole frames of them.
    pub fn take(&mut self, samples: &mut [f32]) -> Result<(), Failure> {
        for sample in samples.iter_mut().filter(|it| !it.is_finite()) {
            *sample = 0.0;
            self.levels.not_finite += 1;
        }
        self.levels.take(samples);
        self.silence.take(samples);
        if let Ok(loudness) = &mut self.loudness {
            loudness.take(samples)?;
        }
        if let Some((waveform, spectrogram)) = &mut self.pictures {
            waveform.take(samples);
            spectrogram.take(samples);
        }
        Ok(())
    }

    /// Samples of each channel so far.
    pub fn frames(&self) -> u64 {
        self.levels.frames()
    }

    pub fn end(self, args: Args) -> Result<Measured, Failure> {
        let (mut waveform, mut spectrogram) = (None, None);
        if let Some((course, frequencies)) = self.pictures.filter(|_| self.levels.frames() > 0) {
            waveform = Some(course.draw(args.width_px)?);
            spectrogram = Some(frequencies.draw(args.width_px)?);
        }
        let (loudness, loudness_missing) = match self.loudness {
            Ok(meter) => (Some(meter.end()?), None),
            Err(reason) => (None, Some(reason)),
        };
        let (levels, silence) = (self.levels.end(), self.silence.end());
        Ok(Measured { levels, silence, loudness, loudness_missing, waveform, spectrogram })
    }
}
