use std::f64::consts::TAU;
use std::io::Read;

use belljar_sdk::hostile;

use super::*;
use crate::levels::Clipping;

/// What `samples/generate` made: 0.4 s of 440 Hz to the left and 1 kHz to the right, 0.1 s of silence.
const WAV: &[u8] = include_bytes!("../samples/tones.wav");
const WAV_24: &[u8] = include_bytes!("../samples/tones24.wav");
const MU_LAW: &[u8] = include_bytes!("../samples/mu-law.wav");
const RF64: &[u8] = include_bytes!("../samples/rf64.wav");
const FLAC: &[u8] = include_bytes!("../samples/tones.flac");
const OGG: &[u8] = include_bytes!("../samples/tones.ogg");
const MP3: &[u8] = include_bytes!("../samples/tones.mp3");
const OPUS: &[u8] = include_bytes!("../samples/tones.opus");

const ARGS: Args = Args { width_px: 64, silence_dbfs: -60.0, minutes_max: 180 };

fn of(bytes: &[u8]) -> Report {
    listen(Sample::of_bytes(bytes), ARGS).unwrap_or_else(|failure| panic!("{}", failure.message()))
}

/// A WAV file of floating-point samples, of so many channels by turns.
fn float_wav(sample_rate_hz: u32, channels: u16, samples: impl Iterator<Item = f64>) -> Vec<u8> {
    let data: Vec<u8> = samples.flat_map(|it| (it as f32).to_le_bytes()).collect();
    wav((3, 32), channels, sample_rate_hz, &data)
}

/// One of 16-bit samples.
fn short_wav(sample_rate_hz: u32, channels: u16, samples: impl Iterator<Item = i16>) -> Vec<u8> {
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    wav((1, 16), channels, sample_rate_hz, &data)
}

fn wav((tag, bits): (u16, u16), channels: u16, sample_rate_hz: u32, data: &[u8]) -> Vec<u8> {
    let long = |it: usize| u32::try_from(it).unwrap().to_le_bytes();
    let frame_bytes = channels * bits / 8;
    let head = [tag, channels].map(u16::to_le_bytes).concat();
    let rates = [sample_rate_hz, sample_rate_hz.wrapping_mul(frame_bytes.into())].map(u32::to_le_bytes).concat();
    let format = [head, rates, [frame_bytes, bits].map(u16::to_le_bytes).concat()].concat();
    let chunks = [b"fmt ", &long(format.len())[..], &format, b"data", &long(data.len()), data].concat();
    [b"RIFF", &long(4 + chunks.len())[..], b"WAVE", &chunks].concat()
}

fn sine(hz: f64, amplitude: f64, seconds: f64, rate: u32) -> impl Iterator<Item = f64> + Clone {
    let rate_hz = f64::from(rate);
    (0..(seconds * rate_hz) as u64).map(move |at| amplitude * (TAU * hz * at as f64 / rate_hz).sin())
}

fn twice(samples: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    samples.flat_map(|it| [it, it])
}

fn near(found: Option<f64>, expected: f64, tolerance: f64) -> bool {
    found.is_some_and(|it| (it - expected).abs() <= tolerance)
}

#[test]
fn every_format_has_the_same_sound_in_it() {
    for (bytes, format, codec, rate, bits) in [
        (WAV, "wav", "pcm", 16_000, Some(16)),
        (WAV_24, "wav", "pcm", 8_000, Some(24)),
        (MU_LAW, "wav", "mu-law", 8_000, Some(8)),
        (RF64, "wav", "pcm", 8_000, Some(8)),
        (FLAC, "flac", "flac", 16_000, Some(16)),
        (OGG, "ogg", "vorbis", 16_000, None),
        (MP3, "mp3", "mp3", 16_000, None),
    ] {
        let report = of(bytes);
        let found = (report.format, report.codec, report.sample_rate_hz, report.bits_per_sample, report.channels);
        assert_eq!(found, (format, codec, rate, bits, 2));
        assert_eq!(report.stopped, None, "{codec}");
        assert_eq!(report.duration_s, 0.5, "{codec}");
        let [left, right] = report.levels.channels.as_slice() else { panic!("{codec}") };
        assert!(near(left.peak_dbfs, -6.02, 0.4) && near(right.peak_dbfs, -12.04, 0.7), "{codec}: {left:?} {right:?}");
        assert!(left.dc_offset.abs() < 0.005 && report.levels.clipping.samples == 0, "{codec}: {left:?}");
        assert!(near(report.loudness.unwrap().integrated_lufs, -9.1, 0.5), "{codec}");
        for (name, value) in [("title", "Tones"), ("artist", "Nobody")] {
            assert!(report.tags.iter().any(|it| it.name == name && it.value == value), "{codec}: {:?}", report.tags);
        }
        assert_eq!(report.pictures.len(), usize::from(format == "flac"));
        assert_eq!(report.waveform.as_deref(), Some("/out/waveform.png"));
        assert_eq!(report.spectrogram.as_deref(), Some("/out/spectrogram.png"));
    }
}

#[test]
fn formats_that_lose_nothing_say_the_same_to_the_last_digit() {
    let told = |bytes| {
        let report = of(bytes);
        serde_json::to_string(&(report.levels, report.silence, report.loudness)).unwrap()
    };
    assert_eq!(told(FLAC), told(WAV));
}

#[test]
fn a_sine_has_the_loudness_that_the_standard_says() {
    // ITU-R BS.1770-4: 997 Hz at 0 dBFS in one channel is -3.01 LKFS. EBU Tech 3341, cases 1 and 2; it allows a tenth.
    for rate in [44_100, 48_000, 96_000] {
        let mono = of(&float_wav(rate, 1, sine(997.0, 1.0, 4.0, rate)));
        assert!(near(mono.loudness.as_ref().unwrap().integrated_lufs, -3.01, 0.1), "{rate}: {:?}", mono.loudness);
        for decibels in [-23.0, -33.0, 0.0] {
            let tone = sine(1000.0, 10_f64.powf(decibels / 20.0), 4.0, rate);
            let loudness = of(&float_wav(rate, 2, twice(tone))).loudness.unwrap();
            assert!(near(loudness.integrated_lufs, decibels, 0.1), "{rate} {decibels}: {loudness:?}");
            assert!(near(loudness.true_peak_dbtp, decibels, 0.02) && loudness.range_lu == Some(0.0), "{loudness:?}");
        }
    }
}

#[test]
fn a_step_in_loudness_is_its_range() {
    // EBU Tech 3342, case 1: 20 s at -20 dBFS, 20 s at -30 dBFS are 10 LU.
    let tone = |decibels: f64| sine(1000.0, 10_f64.powf(decibels / 20.0), 20.0, 8_000);
    let loudness = of(&float_wav(8_000, 2, twice(tone(-20.0).chain(tone(-30.0))))).loudness.unwrap();
    assert!(near(loudness.range_lu, 10.0, 0.3), "{loudness:?}");
}

#[test]
fn a_peak_between_the_samples_is_a_true_peak() {
    // A quarter of the rate, an eighth of a turn off: no sample is higher than 0.707.
    let samples = (0..48_000).map(|at| (TAU * (f64::from(at) / 4.0 + 0.125)).sin());
    let report = of(&float_wav(48_000, 1, samples));
    assert_eq!(report.levels.peak_dbfs, Some(-3.01));
    assert!(near(report.loudness.unwrap().true_peak_dbtp, 0.0, 0.5));
}

#[test]
fn clipping_is_counted_by_sample_and_by_run() {
    let cut = sine(100.0, 2.0, 0.1, 8_000).map(|it| it.clamp(-1.0, 1.0));
    let report = of(&float_wav(8_000, 1, cut.clone()));
    assert_eq!(report.levels.clipping.runs, 20, "ten turns of two sides");
    assert_eq!(report.levels.clipping.samples, cut.filter(|it| it.abs() >= 1.0).count() as u64);
    // The largest number there is counts, where it is less than 1.
    let report = of(&short_wav(8_000, 1, [i16::MAX, i16::MAX, i16::MAX, 0, i16::MIN, i16::MIN].into_iter()));
    assert_eq!(report.levels.clipping, Clipping { samples: 5, runs: 1 });
}

#[test]
fn silence_is_told_by_share_and_place() {
    let still = |seconds: f64| sine(1.0, 0.0, seconds, 8_000);
    let report = of(&float_wav(8_000, 1, still(0.5).chain(sine(500.0, 0.5, 1.0, 8_000)).chain(still(0.25))));
    let silence = report.silence;
    assert_eq!((silence.leading_s, silence.trailing_s, silence.longest_s), (0.5, 0.25, 0.5));
    assert_eq!(silence.share, 0.4286);
    let report = of(&float_wav(8_000, 1, still(1.0)));
    assert_eq!((report.silence.share, report.silence.leading_s, report.silence.trailing_s), (1.0, 1.0, 1.0));
    assert_eq!((report.levels.peak_dbfs, report.loudness.unwrap().integrated_lufs), (None, None));
}

#[test]
fn an_offset_and_equal_channels_are_told() {
    let report = of(&float_wav(8_000, 2, twice(sine(500.0, 0.5, 1.0, 8_000).map(|it| it + 0.125))));
    assert!(report.levels.channels_are_identical);
    assert_eq!(report.levels.channels[1].dc_offset, 0.125);
    assert!(!of(WAV).levels.channels_are_identical);
}

#[test]
fn samples_that_are_no_number_count_as_zero() {
    let report = of(&float_wav(8_000, 1, [f64::NAN, f64::INFINITY, 0.5, f64::NEG_INFINITY].into_iter()));
    assert_eq!((report.levels.samples_not_finite, report.levels.peak_dbfs), (3, Some(-6.02)));
    assert!(!serde_json::to_string(&report.loudness).unwrap().contains("null"));
}

#[test]
fn a_sound_without_a_sample_has_a_result_without_pictures() {
    let report = of(&float_wav(8_000, 1, std::iter::empty()));
    assert_eq!((report.frames, report.duration_s, report.waveform, report.spectrogram), (0, 0.0, None, None));
}

#[test]
fn a_file_that_was_cut_off_says_how_much_is_missing() {
    let report = of(&WAV[..WAV.len() - 4000]);
    assert_eq!(report.stopped.as_deref(), Some("the file says that it has 8000 frames, and has 7000"));
    assert!(of(&FLAC[..FLAC.len() - 100]).stopped.is_some());
    // Written to a pipe: the length was not known.
    let mut bytes = float_wav(8_000, 1, sine(500.0, 0.5, 1.0, 8_000));
    for unknown in [0, u32::MAX] {
        bytes[40..44].copy_from_slice(&unknown.to_le_bytes());
        let report = of(&bytes);
        assert_eq!((report.frames, report.stopped), (8_000, None));
    }
}

#[test]
fn what_comes_after_the_minutes_asked_for_is_not_decoded() {
    let args = Args { minutes_max: 1, width_px: 0, ..ARGS };
    let decoded =
        |seconds: f64| listen(Sample::of_bytes(float_wav(100, 1, sine(1.0, 0.5, seconds, 100))), args).unwrap();
    assert_eq!(decoded(60.0).stopped, None);
    assert_eq!(decoded(700.0).stopped.as_deref(), Some("only the first 1 minutes are decoded"));
}

#[test]
fn many_channels_and_odd_rates_have_no_loudness_but_all_else() {
    for (rate, channels) in [(1000, 1_u16), (48_000, 200), (u32::MAX, 2), (1, 1)] {
        let samples = sine(5.0, 0.5, 1.0, 400).flat_map(|it| vec![(it * 32_768.0) as i16; channels.into()]);
        let report = of(&short_wav(rate, channels, samples));
        assert!(report.loudness.is_none() && report.loudness_missing.is_some(), "{rate}");
        assert_eq!((report.frames, report.levels.peak_dbfs), (400, Some(-6.02)), "{rate}");
    }
}

#[test]
fn other_files_and_nothing_at_all_have_a_reason() {
    let opus = listen(Sample::of_bytes(OPUS), ARGS).unwrap_err();
    assert_eq!(opus.message(), "this Ogg file has Opus in it, which is not decoded here");
    for bytes in [&b""[..], b"hello", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3\x03\0\0\0\0\0\0", &[0; 5000]] {
        assert!(listen(Sample::of_bytes(bytes), ARGS).unwrap_err().message().len() > 15);
    }
}

#[test]
fn damaged_sounds_have_a_result_or_a_reason() {
    for (bytes, width_px) in
        [(&WAV[..1200], 16), (&WAV_24[..1200], 0), (&RF64[..1000], 0), (FLAC, 0), (OGG, 0), (MP3, 0)]
    {
        hostile::survives(bytes, |sample| listen(sample, Args { width_px, ..ARGS }));
    }
}

#[test]
fn what_lies_behind_a_checksum_is_not_trusted_either() {
    hostile::survives(OGG, |mut sample| {
        let mut bytes = Vec::new();
        sample.read_to_end(&mut bytes)?;
        sign_pages(&mut bytes);
        listen(Sample::of_bytes(bytes), Args { width_px: 0, ..ARGS })
    });
}

/// Gives every page of an Ogg file the checksum that fits it.
fn sign_pages(mut bytes: &mut [u8]) {
    while let Some(segments) = bytes.get(26).map(|it| usize::from(*it)) {
        let Some(lengths) = bytes.get(27..27 + segments) else { return };
        let length = 27 + segments + lengths.iter().map(|it| usize::from(*it)).sum::<usize>();
        let Some((page, rest)) = bytes.split_at_mut_checked(length) else { return };
        page[22..26].fill(0);
        let sum = page.iter().fold(0_u32, |sum, byte| {
            (0..8).fold(
                sum ^ u32::from(*byte) << 24,
                |sum, _| if sum >> 31 == 1 { sum << 1 ^ 0x04c1_1db7 } else { sum << 1 },
            )
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        bytes = rest;
    }
}
