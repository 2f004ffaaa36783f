//! What a sound is, how loud it is, and how it looks, in one pass over its samples, with memory that does not grow with it.
//!
//! `sound` opens files, by `wav` (with `pcm`), `flac`, `vorbis` (with `codebooks`) and
//! `mp3` (with `id3`); `tags` are what they say besides.
//! `levels`, `silence`, `loudness`, `waveform` and `spectrogram` take in samples as they come; `columns` keeps pictures
//! from growing, `fourier` finds frequencies.

mod codebooks;
mod columns;
mod decibels;
mod flac;
mod fourier;
mod id3;
mod levels;
mod loudness;
mod meters;
mod mp3;
mod pcm;
mod picture;
mod silence;
mod sound;
mod spectrogram;
mod tags;
mod vorbis;
mod wav;
mod waveform;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::levels::Levels;
use crate::loudness::Loudness;
use crate::meters::Meters;
use crate::silence::Silence;
use crate::sound::Facts;
use crate::sound::Source;
use crate::tags::Picture;
use crate::tags::Tag;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// How wide waveform and spectrogram are, in pixels; 0 makes none.
    #[serde(default = "width_px")]
    #[schemars(range(max = 4096))]
    width_px: usize,
    /// What is below this level everywhere is silence, in dBFS.
    #[serde(default = "silence_dbfs")]
    #[schemars(range(min = -120, max = -6))]
    silence_dbfs: f64,
    /// What comes after so many minutes is not decoded.
    #[serde(default = "minutes_max")]
    #[schemars(range(min = 1, max = 1440))]
    minutes_max: u32,
}

fn width_px() -> usize {
    1024
}

fn silence_dbfs() -> f64 {
    -60.0
}

fn minutes_max() -> u32 {
    60
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    /// wav, flac, ogg or mp3.
    format: &'static str,
    /// pcm, float, a-law, mu-law, flac, vorbis or mp3.
    codec: &'static str,
    sample_rate_hz: u32,
    channels: usize,
    /// Not there where the codec keeps no samples: vorbis, mp3.
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_per_sample: Option<u32>,
    /// Samples of each channel that were decoded.
    frames: u64,
    duration_s: f64,
    /// The size of the file over its duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_per_second: Option<u64>,
    /// Why not all of it was decoded; all that is said is then of what comes before.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loudness: Option<Loudness>,
    /// Why there is no loudness.
    #[serde(skip_serializing_if = "Option::is_none")]
    loudness_missing: Option<String>,
    levels: Levels,
    silence: Silence,
    tags: Vec<Tag>,
    pictures: Vec<Picture>,
    /// Time to the right, a channel above the next, up to eight; the light colour reaches to the peaks, the dark one to the
    /// root mean square, and red is at full scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    waveform: Option<String>,
    /// Time to the right, frequencies from 0 at the bottom to half the sample rate at the top; from -120 dBFS (black) to 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    spectrogram: Option<String>,
}

/// What is in a sound file (WAV, FLAC, Ogg Vorbis, MP3): format, length, tags; its loudness by EBU R 128, peaks, silence,
/// clipping and DC offset; pictures of its waveform and spectrogram. One pass, in memory that does not grow with the file.
#[analysis(
    title = "Audio",
    accepts = ["audio/*", "application/ogg"],
    limits = { "memory_bytes": 134217728, "fuel_base": 800000000000u64 },
    examples = [
        { "input_base64": "UklGRjQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YRAAAACA/4AAgP+AAID/gACA/4AA", "args": {},
          "result": { "format": "wav", "codec": "pcm", "sample_rate_hz": 8000, "channels": 1, "bits_per_sample": 8, "frames": 16, "duration_s": 0.002,
            "levels": { "peak_dbfs": 0.0, "clipping": { "samples": 8, "runs": 0 } }, "silence": { "share": 0.0 },
            "waveform": "/out/waveform.png", "spectrogram": "/out/spectrogram.png" } }
    ]
)]
fn listen(sample: Sample, args: Args) -> Result<Report, Failure> {
    let size_bytes = sample.size_bytes();
    let mut sound = sound::open(sample)?;
    let mut meters = Meters::new(&sound.facts, args);
    let stopped = measure(sound.source.as_mut(), &sound.facts, &mut meters, args)?;
    let facts = sound.facts;
    let frames = meters.frames();
    let seconds = frames as f64 / f64::from(facts.sample_rate_hz);
    let measured = meters.end(args)?;
    Ok(Report {
        format: facts.format,
        codec: facts.codec,
        sample_rate_hz: facts.sample_rate_hz,
        channels: facts.channels(),
        bits_per_sample: facts.bits_per_sample,
        frames,
        duration_s: decibels::round(seconds, 6),
        bits_per_second: (frames > 0 && stopped.is_none()).then(|| (size_bytes as f64 * 8.0 / seconds).round() as u64),
        stopped,
        loudness: measured.loudness,
        loudness_missing: measured.loudness_missing,
        levels: measured.levels,
        silence: measured.silence,
        tags: facts.tags,
        pictures: facts.pictures,
        waveform: measured.waveform,
        spectrogram: measured.spectrogram,
    })
}

/// Decodes to the end, or to where it cannot go on: why, if something was decoded before.
fn measure(source: &mut dyn Source, facts: &Facts, meters: &mut Meters, args: Args) -> Result<Option<String>, Failure> {
    let frames_max = u64::from(facts.sample_rate_hz) * 60 * u64::from(args.minutes_max);
    let mut samples = Vec::new();
    while meters.frames() < frames_max {
        match source.next(&mut samples) {
            Ok(()) if samples.is_empty() => return Ok(shortage(facts, meters.frames())),
            Ok(()) => meters.take(&mut samples)?,
            Err(failure) if meters.frames() == 0 => return Err(failure),
            Err(failure) => return Ok(Some(failure.message().to_owned())),
        }
    }
    source.next(&mut samples)?;
    let is_over = samples.is_empty();
    Ok((!is_over).then(|| format!("only the first {} minutes are decoded", args.minutes_max)))
}

/// What the headers promise and the file does not hold.
fn shortage(facts: &Facts, frames: u64) -> Option<String> {
    let claimed = facts.claimed_frames.filter(|it| *it > frames)?;
    Some(format!("the file says that it has {claimed} frames, and has {frames}"))
}

#[cfg(test)]
mod tests;
