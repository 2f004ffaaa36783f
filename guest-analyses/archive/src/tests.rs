use belljar_sdk::hostile;
use serde_json::json;

use super::*;

const ZIP: &[u8] = include_bytes!("../samples/tree.zip");
const TAR: &[u8] = include_bytes!("../samples/tree.tar");
const TAR_GZ: &[u8] = include_bytes!("../samples/tree.tar.gz");
const SEVENZ: &[u8] = include_bytes!("../samples/tree.7z");
const GZ: &[u8] = include_bytes!("../samples/words.txt.gz");

fn args() -> Args {
    Args { entries_max: 1000, unpack_mib_max: 1 }
}

fn of(bytes: &[u8]) -> Report {
    list(Sample::of_bytes(bytes), args()).unwrap()
}

fn paths(report: &Report) -> Vec<(&str, u64)> {
    let mut paths: Vec<_> = report.entries().iter().map(|it| (it.path.trim_end_matches('/'), it.size_bytes)).collect();
    paths.sort_unstable();
    paths
}

#[test]
fn every_format_lists_the_same_tree() {
    for (bytes, format) in [(ZIP, "zip"), (TAR, "tar"), (TAR_GZ, "tar.gz"), (SEVENZ, "7z")] {
        let report = of(bytes);
        let expected = [("tree", 0), ("tree/inner", 0), ("tree/inner/zeros.bin", 4000), ("tree/words.txt", 19)];
        assert_eq!(paths(&report), expected, "{format}");
        let report = serde_json::to_value(report).unwrap();
        assert_eq!(
            (&report["format"], &report["file_count"], &report["folder_count"]),
            (&json!(format), &json!(2), &json!(2))
        );
        assert_eq!((&report["unpacked_bytes"], &report["incomplete"]), (&json!(4019), &json!(null)));
        assert_eq!(
            report["entries"][0]["modified"].as_str().unwrap().trim_end_matches('Z'),
            "2020-01-02T03:04:06",
            "{format}"
        );
        assert_eq!(report["risks"], json!([]), "{format}");
    }
}

#[test]
fn a_gzip_file_is_measured() {
    let report = serde_json::to_value(of(GZ)).unwrap();
    let expected = json!([{ "path": "words.txt", "kind": "file", "size_bytes": 19, "packed_bytes": GZ.len(), "method": "deflate",
        "modified": "2020-01-02T03:04:06Z" }]);
    assert_eq!((&report["format"], &report["entries"]), (&json!("gzip"), &expected));
}

#[test]
fn what_is_left_off_is_counted() {
    let report = list(Sample::of_bytes(TAR), Args { entries_max: 1, ..args() }).unwrap();
    let report = serde_json::to_value(report).unwrap();
    assert_eq!((&report["entry_count"], &report["entries_left_off"]), (&json!(4), &json!(3)));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::bufread::GzEncoder::new(bytes, flate2::Compression::best()).read_to_end(&mut packed).unwrap();
    packed
}

#[test]
fn a_bomb_is_told_before_it_goes_off() {
    let report = of(&gzip(&vec![0; 2 << 20]));
    assert_eq!(report.risk_kinds(), ["bomb"]);
    assert!(serde_json::to_value(report).unwrap()["incomplete"].as_str().unwrap().contains("1048576 bytes"));
    let mut claims = ZIP.to_vec();
    let directory = claims.windows(4).rposition(|it| it == b"PK\x01\x02").unwrap();
    claims[directory + 24..directory + 28].copy_from_slice(&u32::MAX.to_le_bytes()[..]);
    claims[directory + 27] = 0x7f;
    assert_eq!(of(&claims).risk_kinds(), ["bomb"]);
}

#[test]
fn entries_that_share_their_bytes_are_told() {
    let mut bytes = ZIP.to_vec();
    let records: Vec<_> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
    let offset = bytes[records[2] + 42..records[2] + 46].to_vec();
    bytes[records[3] + 42..records[3] + 46].copy_from_slice(&offset);
    assert_eq!(of(&bytes).risk_kinds(), ["overlap"]);
}

fn tar(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, kind, target) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(0);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

#[test]
fn paths_and_links_that_lead_out_are_told() {
    use tar::EntryType as Kind;
    let bytes = tar(&[
        ("../evil", Kind::Regular, ""),
        ("a/in", Kind::Symlink, "../b"),
        ("a/out", Kind::Symlink, "../../b"),
        ("pipe", Kind::Fifo, ""),
        ("twice", Kind::Regular, ""),
        ("twice", Kind::Regular, ""),
        ("run.EXE", Kind::Regular, ""),
        ("more.zip", Kind::Regular, ""),
    ]);
    let kinds = ["duplicate", "link-outside", "nested-archive", "program", "special-file", "traversal"];
    assert_eq!(of(&bytes).risk_kinds(), kinds);
    assert_eq!(of(&gzip(&bytes)).risk_kinds(), kinds);
}

#[test]
fn long_names_of_both_kinds_are_whole() {
    let long = "x/".repeat(150) + "end";
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    builder.append_data(&mut header, &long, io_empty()).unwrap();
    let gnu = builder.into_inner().unwrap();
    assert_eq!(paths(&of(&gnu)), [(long.as_str(), 0)]);
    let pax = include_bytes!("../samples/long-pax.tar.gz");
    let found = of(pax);
    assert_eq!(found.entries().len(), 1);
    assert_eq!(found.entries()[0].path, format!("{}.txt", "n".repeat(180)));
}

fn io_empty() -> std::io::Empty {
    std::io::empty()
}

#[test]
fn other_files_and_nothing_at_all_have_a_reason() {
    for bytes in [&b""[..], b"hello", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"\x1f\x8b\x08\0", &[0; 2000]] {
        assert!(list(Sample::of_bytes(bytes), args()).unwrap_err().message().len() > 20);
    }
}

#[test]
fn damaged_archives_have_a_listing_or_a_reason() {
    for bytes in [ZIP, TAR, TAR_GZ, SEVENZ, GZ] {
        hostile::survives(bytes, |sample| list(sample, args()));
    }
}
