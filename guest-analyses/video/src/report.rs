//! The result as JSON.

use serde::Serialize;

use crate::movie::Movie;
use crate::movie::seconds;
use crate::preview::Plan;
use crate::track::Kind;
use crate::track::Track;

/// Keyframes whose times are listed; `keyframe_count` says how many there are.
pub const KEYFRAME_TIMES_MAX: usize = 100_000;

/// What the analysis says of a file.
#[derive(Debug, Serialize)]
pub struct Report {
    pub brand: Option<String>,
    pub duration_s: f64,
    /// What all times count from.
    pub start_s: u64,
    pub fragmented: bool,
    /// The file ends before its last box does.
    pub cut_off: bool,
    pub codec: Option<String>,
    pub resolution: Option<Resolution>,
    pub frame_rate: Option<f64>,
    pub tracks: Vec<TrackReport>,
    /// Bits of all tracks, second by second.
    pub result: Vec<u64>,
    pub keyframe_count: u64,
    pub keyframe_times_s: Vec<f64>,
    pub video_file: Option<String>,
    pub preview: Option<PreviewReport>,
}

/// Pixels of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resolution {
    pub width: u32,
    pub height: u32,
}

/// What it says of a track.
#[derive(Debug, Serialize)]
pub struct TrackReport {
    pub id: u32,
    pub kind: &'static str,
    pub codec: Option<String>,
    pub encrypted: bool,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_s: f64,
    pub timescale: u32,
    pub sample_count: u64,
    /// Of these, how many reach past the end of the file.
    pub samples_missing: u64,
    pub frame_rate: Option<f64>,
    pub language: Option<String>,
}

/// What it says of its preview.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PreviewReport {
    pub keyframes: usize,
    pub seconds: f64,
    pub truncated: bool,
}

impl Report {
    /// Of that movie, without a preview.
    pub fn of(movie: &Movie) -> Self {
        let tracks: Vec<_> = movie.tracks.iter().map(|track| TrackReport::of(track, movie.is_fragmented)).collect();
        let longest = tracks.iter().map(|track| track.duration_s).fold(0.0, f64::max);
        let declared = movie.duration_s.filter(|_| !movie.is_fragmented);
        let video = movie.video();
        let keyframes = video.and_then(|track| track.tally.keyframes.as_ref().map(|known| (track, known)));
        let times = keyframes.map(|(track, keyframes)| {
            let known = keyframes.known.iter().take(KEYFRAME_TIMES_MAX);
            known.map(|keyframe| track.shown_s(keyframe)).collect()
        });
        Self {
            brand: movie.brand.map(|brand| brand.to_string()),
            duration_s: declared.unwrap_or(longest),
            start_s: movie.start_s,
            fragmented: movie.is_fragmented,
            cut_off: movie.is_cut_off,
            codec: video.and_then(codec),
            resolution: video.and_then(Track::size).map(|(width, height)| Resolution { width, height }),
            frame_rate: video.and_then(frame_rate),
            tracks,
            result: movie.rate.seconds().to_vec(),
            keyframe_count: keyframes.map_or(0, |(_, keyframes)| keyframes.count),
            keyframe_times_s: times.unwrap_or_default(),
            video_file: None,
            preview: None,
        }
    }

    /// With the preview that was written to `path`.
    #[must_use]
    pub fn with_preview(self, path: &str, plan: &Plan<'_>) -> Self {
        let preview = PreviewReport {
            keyframes: plan.keyframes(),
            seconds: f64::from(plan.duration_ms()) / 1000.0,
            truncated: plan.is_truncated,
        };
        Self { video_file: Some(path.to_owned()), preview: Some(preview), ..self }
    }
}

impl TrackReport {
    fn of(track: &Track, is_fragmented: bool) -> Self {
        let size = if track.kind == Kind::Video { track.size() } else { None };
        let declared = track.duration.filter(|_| !is_fragmented);
        Self {
            id: track.header.id.0,
            kind: match track.kind {
                Kind::Video => "video",
                Kind::Audio => "audio",
                Kind::Other => "other",
            },
            codec: codec(track),
            encrypted: track.description.is_some_and(|it| it.is_encrypted),
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            duration_s: seconds(declared.unwrap_or(track.tally.time), track.timescale),
            timescale: track.timescale,
            sample_count: track.tally.samples,
            samples_missing: track.tally.samples_missing,
            frame_rate: if track.kind == Kind::Video { frame_rate(track) } else { None },
            language: track.language.clone(),
        }
    }
}

fn codec(track: &Track) -> Option<String> {
    track.description.map(|it| it.codec.to_string())
}

/// Frames a second on average, to a thousandth.
fn frame_rate(track: &Track) -> Option<f64> {
    let tally = &track.tally;
    if tally.ticks == 0 {
        return None;
    }
    let rate = tally.samples as f64 * f64::from(track.timescale) / tally.ticks as f64;
    Some((rate * 1e3).round() / 1e3)
}
