//! Files made to break the reader. An answer and a fault are both fine; a panic or an endless loop is not.

use super::TINY;
use super::analyse;
use crate::build;
use crate::build::LAYOUTS;
use crate::build::table;
use crate::fault::Fault;
use crate::mux::boxed;
use crate::mux::full_boxed;
use crate::mux::words;

fn survives(file: &[u8]) -> Option<String> {
    analyse(file, 600).err().map(|fault| fault.to_string())
}

#[test]
fn a_file_may_end_anywhere() {
    for file in LAYOUTS.map(|layout| build::file(&build::clip(), layout)).iter().map(Vec::as_slice).chain([TINY]) {
        for end in 0..file.len() {
            survives(&file[..end]);
        }
    }
}

#[test]
fn any_byte_may_be_anything() {
    for file in LAYOUTS.map(|layout| build::file(&build::clip(), layout)) {
        for at in 0..file.len() {
            for value in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut file = file.clone();
                file[at] = value;
                survives(&file);
            }
        }
    }
}

#[test]
fn any_word_may_be_huge_or_zero() {
    for file in LAYOUTS.map(|layout| build::file(&build::clip(), layout)) {
        for at in 0..file.len() - 4 {
            for value in [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX] {
                let mut file = file.clone();
                file[at..at + 4].copy_from_slice(&value.to_be_bytes());
                survives(&file);
            }
        }
    }
}

#[test]
fn what_is_no_movie_is_said_not_to_be() {
    for file in [&b""[..], b"Some words, and then some more of them.", &[0; 64], &[0xFF; 64]] {
        assert!(matches!(analyse(file, 600), Err(Fault::NoMovie)), "{file:?}");
    }
}

#[test]
fn counts_are_not_believed() {
    for kind in [b"stts", b"stsc", b"stco", b"co64", b"stss"] {
        let fault = survives(&build::moov(&table(kind, u32::MAX, &[1, 1, 1, 1]), &[])).unwrap();
        assert!(fault.contains("ends before its last field"), "{fault}");
    }
    for tables in [
        full_boxed(b"stsz", 0, &[&words([0, u32::MAX])]),
        full_boxed(b"stz2", 0, &[&words([4, u32::MAX])]),
        full_boxed(b"stz2", 0, &[&words([5, 1])]),
    ] {
        assert!(survives(&build::moov(&tables, &[])).is_some());
    }
}

#[test]
fn four_billion_samples_of_one_size_cost_nothing() {
    let stsz = full_boxed(b"stsz", 0, &[&words([1, u32::MAX])]);
    let stsc = table(b"stsc", 1, &[1, u32::MAX, 1]);
    let stts = table(b"stts", 1, &[u32::MAX, 1]);
    let moov = build::moov(&[stsz, stsc, stts, table(b"stco", 1, &[0])].concat(), &[]);
    let (report, _) = analyse(&moov, 600).unwrap();
    assert_eq!(report.tracks[0].sample_count, u64::from(u32::MAX));
    assert_eq!(report.result.iter().sum::<u64>(), moov.len() as u64 * 8);
}

#[test]
fn a_run_of_four_billion_samples_costs_nothing() {
    let trun = full_boxed(b"trun", 0, &[&words([u32::MAX])]);
    let tfhd = full_boxed(b"tfhd", 0x2_0000, &[&words([1])]);
    let moof = boxed(b"moof", &[&boxed(b"traf", &[&tfhd, &trun])]);
    let trex = |duration, size| full_boxed(b"trex", 0, &[&words([1, 1, duration, size, 0])]);
    let file = |trex: Vec<u8>| [build::moov(&[], &boxed(b"mvex", &[&trex])), moof.clone()].concat();
    assert!(survives(&file(trex(1, 1))).is_none());
    assert!(survives(&file(trex(0, 0))).is_none());
    assert!(survives(&file(trex(u32::MAX, 0))).unwrap().contains("seconds"));
}

#[test]
fn data_before_the_start_of_the_file_is_a_fault() {
    let trun = full_boxed(b"trun", 1, &[&words([1, 0x8000_0000])]);
    let moof = boxed(b"moof", &[&boxed(b"traf", &[&full_boxed(b"tfhd", 0, &[&words([1])]), &trun])]);
    assert!(survives(&[build::moov(&[], &[]), moof].concat()).unwrap().contains("trun"));
}

#[test]
fn boxes_within_boxes_end() {
    for kind in [b"moov", b"trak", b"mdia", b"stbl", b"moof", b"traf"] {
        let nested = (0..10_000).fold(Vec::new(), |inner, _| boxed(kind, &[&inner]));
        survives(&nested);
        survives(&boxed(b"moov", &[&nested]));
        survives(&[build::moov(&[], &[]), boxed(b"moof", &[&nested])].concat());
    }
}

#[test]
fn boxes_of_impossible_size_end() {
    for size in 0..16_u32 {
        let header = [&size.to_be_bytes()[..], b"trak"].concat();
        survives(&boxed(b"moov", &[&header]));
        survives(&[header.clone(), build::moov(&[], &[])].concat());
        survives(&[build::moov(&[], &[]), header].concat());
    }
    let large = [&words([1])[..], b"moov", &u64::MAX.to_be_bytes(), &[0; 32]].concat();
    assert!(survives(&large).unwrap().contains("cut off"));
}

#[test]
fn too_many_tracks_are_refused() {
    let moov = build::moov(&[], &[]);
    let trak = &moov[8 + 108..];
    assert_eq!(&trak[4..8], b"trak");
    let of = |count| boxed(b"moov", &[&trak.repeat(count)]);
    assert!(survives(&of(256)).is_none());
    assert_eq!(survives(&of(257)).unwrap(), "too much for this analysis: more than 256 tracks");
}
