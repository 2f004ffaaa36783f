//! Files that ffmpeg made (`samples/generate`); what is expected of them is what ffprobe says.

use super::analyse;
use super::keyframes;
use crate::report::PreviewReport;
use crate::report::Report;

const TESTSRC: &[u8] = include_bytes!("../../samples/testsrc.mp4");
const HEVC: &[u8] = include_bytes!("../../samples/hevc.mp4");
const MPEG4: &[u8] = include_bytes!("../../samples/mpeg4.mov");
const FRAGMENTS: &[u8] = include_bytes!("../../samples/opengop-fragments.mp4");

/// The report and the preview, whose keyframes are those of the file as far as `previewed` tells.
fn check(file: &[u8], bits: u64, keyframe_times_s: &[f64], previewed: usize) -> Report {
    let (report, preview) = analyse(file, 600).unwrap();
    assert_eq!(report.result.iter().sum::<u64>(), bits);
    assert_eq!(report.keyframe_times_s, keyframe_times_s);
    assert_eq!(keyframes(file)[..previewed], keyframes(&preview));
    report
}

#[test]
fn h264_with_audio() {
    let report = check(TESTSRC, 72_168, &[0.0, 1.0, 2.0, 3.0], 4);
    assert_eq!((report.brand.as_deref(), report.duration_s), (Some("isom"), 4.0));
    assert_eq!((report.codec.as_deref(), report.frame_rate), (Some("avc1"), Some(10.0)));
    let [video, audio] = &report.tracks[..] else { panic!("two tracks") };
    assert_eq!((video.kind, video.sample_count, video.width), ("video", 40, Some(128)));
    assert_eq!((audio.kind, audio.sample_count, audio.timescale), ("audio", 33, 8000));
    assert_eq!((audio.codec.as_deref(), audio.language.as_deref()), (Some("mp4a"), Some("eng")));
    assert_eq!(report.preview, Some(PreviewReport { keyframes: 4, seconds: 4.0, truncated: false }));
}

#[test]
fn h265_with_the_movie_first() {
    let report = check(HEVC, 15_632, &[0.0, 1.0], 2);
    assert_eq!((report.codec.as_deref(), report.duration_s, report.fragmented), (Some("hvc1"), 2.0, false));
}

#[test]
fn quicktime_whose_keyframes_are_shown_later_than_decoded() {
    let report = check(MPEG4, 46_488, &[0.0, 0.6, 0.9, 1.2, 1.5, 1.8], 6);
    assert_eq!((report.brand.as_deref(), report.codec.as_deref()), (Some("qt  "), Some("mp4v")));
    assert_eq!(report.preview, Some(PreviewReport { keyframes: 6, seconds: 2.0, truncated: false }));
}

#[test]
fn fragments_whose_keyframes_are_no_clean_cuts() {
    let report = check(FRAGMENTS, 33_672, &[0.2, 1.2, 2.2], 1);
    assert_eq!((report.fragmented, report.frame_rate), (true, Some(10.0)));
    assert_eq!(report.preview, Some(PreviewReport { keyframes: 1, seconds: 1.0, truncated: true }));
}
