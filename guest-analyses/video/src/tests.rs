//! Whole files: what is said of them, what the preview holds, and that hostile ones end in a fault or in an answer.

mod hostile;
mod samples;

use std::io::Cursor;

use crate::build;
use crate::build::LAYOUTS;
use crate::build::Layout;
use crate::build::Sample;
use crate::build::table;
use crate::fault::Fault;
use crate::movie::Movie;
use crate::mux::boxed;
use crate::mux::full_boxed;
use crate::mux::words;
use crate::preview::Plan;
use crate::report::PreviewReport;
use crate::report::Report;

const TINY: &[u8] = include_bytes!("../samples/tiny.mp4");

/// The report of a file and its preview.
fn analyse(file: &[u8], keyframes_max: usize) -> Result<(Report, Vec<u8>), Fault> {
    let mut source = Cursor::new(file);
    let movie = Movie::read(&mut source, file.len() as u64)?;
    let report = Report::of(&movie);
    let mut preview = Vec::new();
    let Some(plan) = Plan::of(&movie, &mut source, keyframes_max)? else { return Ok((report, preview)) };
    plan.write(&mut source, &mut preview)?;
    Ok((report.with_preview("/out/preview.mp4", &plan), preview))
}

/// The bytes of the keyframes of a file.
fn keyframes(file: &[u8]) -> Vec<Vec<u8>> {
    let movie = Movie::read(&mut Cursor::new(file), file.len() as u64).unwrap();
    let keyframes = movie.video().unwrap().tally.keyframes.as_ref().unwrap();
    let slice = |offset: u64, size: u32| file[offset as usize..][..size as usize].to_vec();
    keyframes.known.iter().map(|it| slice(it.offset, it.size)).collect()
}

#[test]
fn all_layouts_say_the_same() {
    for layout in LAYOUTS {
        let file = build::file(&build::clip(), layout);
        let (report, _) = analyse(&file, 600).unwrap();
        // Decode times 0, .4, .8 | 1.2, 1.6 (key) | 2, 2.4, 2.8 | 3.2 (key), 3.6 | 4, 4.4.
        assert_eq!(report.result, [512, 456, 168, 456, 112], "{layout:?}");
        assert_eq!(report.keyframe_times_s, [0.0, 1.6, 3.2], "{layout:?}");
        assert_eq!(report.keyframe_count, 3, "{layout:?}");
        assert_eq!((report.frame_rate, report.duration_s), (Some(2.5), 4.8), "{layout:?}");
        assert_eq!((report.brand.as_deref(), report.codec.as_deref()), (Some("mp42"), Some("avc1")), "{layout:?}");
        assert_eq!(report.tracks[0].sample_count, 12, "{layout:?}");
        assert_eq!((report.tracks[0].width, report.tracks[0].height), (Some(64), Some(48)), "{layout:?}");
        assert_eq!(report.tracks[0].language.as_deref(), Some("und"), "{layout:?}");
        assert!(!report.cut_off);
    }
}

#[test]
fn a_preview_is_a_movie_of_the_same_keyframes() {
    for layout in LAYOUTS {
        let clip = build::clip();
        let file = build::file(&clip, layout);
        let (report, preview) = analyse(&file, 600).unwrap();
        let originals: Vec<_> = [0, 4, 8].map(|index| build::bytes_of(index, &clip[index])).into();
        assert_eq!(keyframes(&file), originals, "{layout:?}");
        assert_eq!(keyframes(&preview), originals, "{layout:?}");
        assert_eq!(report.preview, Some(PreviewReport { keyframes: 3, seconds: 3.0, truncated: false }), "{layout:?}");
        let (of_preview, again) = analyse(&preview, 600).unwrap();
        assert_eq!(of_preview.keyframe_times_s, [0.0, 1.0, 2.0], "{layout:?}");
        assert_eq!(of_preview.resolution, report.resolution, "{layout:?}");
        assert_eq!(of_preview.duration_s, 3.0, "{layout:?}");
        assert!(again == preview, "a preview of a preview is the preview");
    }
}

#[test]
fn a_preview_is_thinned_out_evenly() {
    let clip = [Sample { size: 9, duration: 10, is_key: true }; 100];
    let file = build::file(&clip, Layout::MoovFirst);
    let (report, preview) = analyse(&file, 4).unwrap();
    let originals: Vec<_> = [0, 25, 50, 75].map(|index| build::bytes_of(index, &clip[index])).into();
    assert_eq!(keyframes(&preview), originals);
    assert_eq!(report.preview, Some(PreviewReport { keyframes: 4, seconds: 4.0, truncated: true }));
    assert_eq!(report.keyframe_times_s.len(), 100);
    let (all, _) = analyse(&file, 600).unwrap();
    assert_eq!(all.preview, Some(PreviewReport { keyframes: 100, seconds: 10.0, truncated: false }));
}

#[test]
fn a_preview_stays_below_its_bytes() {
    // One keyframe that is shown as two hundred thousand: all lie over one another in 64 MiB.
    let tables = |size: u32| {
        let stsz = full_boxed(b"stsz", 0, &[&words([size, 100])]);
        let stsc = table(b"stsc", 1, &[1, 1, 1]);
        [stsz, stsc, table(b"stco", 100, &[0; 100]), table(b"stts", 1, &[100, 100])].concat()
    };
    let megabyte = [build::moov(&tables(1 << 20), &[]), vec![0; 1 << 20]].concat();
    let (report, preview) = analyse(&megabyte, 600).unwrap();
    assert_eq!(report.preview.unwrap().keyframes, 64);
    assert!(preview.len() < (64 << 20) + (1 << 20));
}

#[test]
fn nothing_to_show_is_no_preview() {
    assert!(analyse(TINY, 0).unwrap().0.video_file.is_none());
    let swap = |from: &[u8; 4], to: &[u8; 4]| {
        let mut file = build::file(&build::clip(), Layout::MoovFirst);
        let at = file.windows(4).position(|window| window == from).unwrap();
        file[at..at + 4].copy_from_slice(to);
        analyse(&file, 600).unwrap().0
    };
    let encrypted = swap(b"avc1", b"encv");
    assert!(encrypted.tracks[0].encrypted && encrypted.video_file.is_none() && encrypted.keyframe_count == 3);
    let audio = swap(b"vide", b"soun");
    assert!(audio.video_file.is_none() && audio.resolution.is_none() && audio.keyframe_times_s.is_empty());
    assert_eq!(audio.result, [512, 456, 168, 456, 112]);
    let without_descriptions = swap(b"stsd", b"free");
    assert!(without_descriptions.codec.is_none() && without_descriptions.video_file.is_none());
}

#[test]
fn a_file_cut_off_in_its_data_keeps_what_is_there() {
    let file = build::file(&build::clip(), Layout::MoovFirst);
    let (report, preview) = analyse(&file[..file.len() - 30], 600).unwrap();
    assert!(report.cut_off);
    assert_eq!(report.tracks[0].samples_missing, 4);
    assert_eq!(report.result, [512, 456, 168]);
    assert_eq!(keyframes(&preview).len(), 2);
}

#[test]
fn a_recording_that_starts_late_counts_from_its_start() {
    let trun = full_boxed(b"trun", 0x5, &[&words([100, 8, 0])]);
    let tfhd = full_boxed(b"tfhd", 0x2_0000, &[&words([1])]);
    let time = 1_700_000_000_u64 * u64::from(build::TIMESCALE) + 20;
    let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0], &time.to_be_bytes()]);
    let moof = boxed(b"moof", &[&boxed(b"traf", &[&tfhd, &tfdt, &trun])]);
    let trex = full_boxed(b"trex", 0, &[&words([1, 1, 10, 2, 0x1_0000])]);
    let file = [build::moov(&[], &boxed(b"mvex", &[&trex])), moof, vec![0; 300]].concat();
    let (report, _) = analyse(&file, 600).unwrap();
    assert_eq!(report.start_s, 1_700_000_000);
    assert_eq!(report.keyframe_times_s, [0.2]);
    assert_eq!(report.result, [8 * 16, 160, 160, 160, 160, 160, 160, 160, 160, 160, 32]);
}
