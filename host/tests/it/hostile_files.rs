//! Good analyses over files that mean harm (MM-90): each run ends in a result or by a reason of its own, never by ours,
//! never by a panic of the guest, and an honest run beside it does not notice.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use crate::server::Server;
use crate::shipped::guests;

const ANALYSES: [&str; 15] = [
    "digest",
    "entropy",
    "strings",
    "csv-profile",
    "video",
    "file-type",
    "archive",
    "executable",
    "image",
    "text",
    "pdf",
    "log",
    "audio",
    "table",
    "rules",
];
/// Those of them that come with samples of what they take.
const WITH_SAMPLES: [&str; 6] = ["archive", "executable", "image", "pdf", "audio", "table"];
/// What a good analysis may come to over a bad file. A trap would be a panic.
const REASONS: [&str; 4] = ["nonzero-exit", "memory-limit", "out-of-fuel", "output-limit"];
/// Far more than any of them takes, on a machine that others use as well.
const WITHIN: Duration = Duration::from_secs(60);
const MIB: usize = 1 << 20;

#[test]
fn a_hostile_file_fails_its_own_run_at_most() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let honest = server.upload("honest.txt", b"abc");
    let mut came_to: BTreeMap<_, usize> = BTreeMap::new();
    let files = files().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).chain(damaged());
    for (name, bytes) in files {
        let file = server.upload(&name, &bytes);
        for analysis in ANALYSES {
            let question = json!({ "file_id": file, "analysis": analysis }).to_string();
            let asked = server.post("/analyse", &[], question.as_bytes());
            if asked.status == 415 {
                continue;
            }
            let started = Instant::now();
            let run = format!("{file}/{}", asked.expect(200).json()["analysis_id"].as_str().unwrap());
            let beside = server.analyse(&honest, "digest", json!({ "rerun": true }));
            assert_eq!(server.result(&beside).expect(200).json()["crc32"], "352441c2", "beside {analysis} of {name}");
            let answer = server.result(&run);
            assert!(started.elapsed() < WITHIN, "{analysis} of {name} took {:?}", started.elapsed());
            *came_to.entry((analysis, answer.status)).or_default() += 1;
            if answer.status != 200 {
                let problem = answer.expect(422).json();
                assert!(REASONS.contains(&problem["reason"].as_str().unwrap()), "{analysis} of {name}: {problem}");
            }
            let record = server.get(&format!("/results/{run}/run")).expect(200).json();
            assert_eq!(record["attempts"], 1, "{analysis} of {name}: {record}");
        }
    }
    // A test of files that nobody takes would be none.
    for analysis in ANALYSES {
        assert!(came_to.iter().filter(|it| it.0.0 == analysis).map(|it| it.1).sum::<usize>() >= 6, "{came_to:?}");
    }
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty.csv", Vec::new()),
        ("bomb.zip", zip_bomb()),
        ("laughs.xml", billion_laughs()),
        ("pages.pdf", many_pages()),
        ("columns.csv", [b"1,".repeat(2 * MIB), b"1\n".to_vec()].concat()),
        ("quote.csv", [b"a,b\n1,\"".to_vec(), b"x\n,".repeat(MIB)].concat()),
        ("rows.csv", [b"a\n".to_vec(), b"\n".repeat(4 * MIB)].concat()),
        ("ragged.csv", (0_usize..2_000).flat_map(|row| [b",".repeat(row), b"\n".to_vec()].concat()).collect()),
        ("digits.csv", [b"n\n".to_vec(), b"9".repeat(MIB), b"e999999999\n-0\nNaN\n1e-400\n".to_vec()].concat()),
        ("formulas.csv", b"a\n=cmd|'/C calc'!A0\n@SUM(1)\n+1\n\"\x1b]0;x\x07\"\n".to_vec()),
        ("utf16.csv", [vec![0xff, 0xfe], b"\x00\xd8".repeat(MIB)].concat()),
        ("strings.bin", b"http://a.example/\0".repeat(MIB / 8)),
        ("zeros.bin", vec![0; 16 * MIB]),
        ("nested.mp4", nested_boxes()),
        ("huge_box.mp4", [movie_type(), sized_box(b"moov", 1, &u64::MAX.to_be_bytes())].concat()),
        ("no_size.mp4", [movie_type(), sized_box(b"moov", 7, b"")].concat()),
        ("samples.mp4", lying_tables(u32::MAX)),
        ("many_samples.mp4", lying_tables(200_000_000)),
        ("boxes.mp4", [movie_type(), plain_box(b"free", b"").repeat(MIB)].concat()),
    ]
}

/// Samples that are good, cut off or with a byte changed here and there.
fn damaged() -> impl Iterator<Item = (String, Vec<u8>)> {
    let samples = WITH_SAMPLES.into_iter().flat_map(|it| std::fs::read_dir(guests().join(it).join("samples")).unwrap());
    samples.flat_map(|entry| {
        let entry = entry.unwrap();
        let (name, bytes) = (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
        let mut changed = bytes.clone();
        changed.iter_mut().skip(64).step_by(97).for_each(|it| *it ^= 0xff);
        let cut = |thirds: usize| bytes[..bytes.len() / 3 * thirds].to_vec();
        [cut(1), cut(2), changed].map(|bytes| (name.clone(), bytes))
    })
}

/// An archive whose one member says that it unpacks to 4 GiB.
fn zip_bomb() -> Vec<u8> {
    let name = b"zeros";
    let sizes = [0, 1024, u32::MAX].map(u32::to_le_bytes).concat();
    let head = [&b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0"[..], &sizes, &[5, 0, 0, 0], name, &[0; 1024]].concat();
    let end = [&b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff"[..], &u32::MAX.to_le_bytes(), &[0; 6]].concat();
    [head, end].concat()
}

/// Ten entities, each ten of the one before: 10^10 when they are followed.
fn billion_laughs() -> Vec<u8> {
    let entity = |it: u32| format!("<!ENTITY l{} \"{}\">\n", it + 1, format!("&l{it};").repeat(10));
    let entities: String = (0..10).map(entity).collect();
    format!("<?xml version=\"1.0\"?>\n<!DOCTYPE l [\n<!ENTITY l0 \"ha\">\n{entities}]>\n<l>&l10;</l>\n").into_bytes()
}

/// A document of a million pages, all of them one, in a tree that contains itself.
fn many_pages() -> Vec<u8> {
    let kids = "2 0 R ".repeat(1_000_000);
    format!("%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 2147483647/Kids[{kids}]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
        .into_bytes()
}

fn movie_type() -> Vec<u8> {
    plain_box(b"ftyp", b"isom\0\0\x02\0isommp42")
}

/// 20,000 boxes within each other, each as long as all that is in it.
fn nested_boxes() -> Vec<u8> {
    let kinds: [&[u8; 4]; 2] = [b"moov", b"trak"];
    let depth = 20_000;
    let boxes = (0..depth).flat_map(|it| sized_box(kinds[it % 2], u32::try_from(8 * (depth - it)).unwrap(), b""));
    movie_type().into_iter().chain(boxes).collect()
}

/// A track whose tables say that it has so many samples, and have none.
fn lying_tables(count: u32) -> Vec<u8> {
    let full = |kind: &[u8; 4], words: &[u32]| {
        let words: Vec<u8> = words.iter().flat_map(|it| it.to_be_bytes()).collect();
        plain_box(kind, &[&[0; 4][..], &words].concat())
    };
    let tables = [
        full(b"stsd", &[0]),
        full(b"stts", &[1, count, 1]),
        full(b"stsz", &[1, count]),
        full(b"stsc", &[1, 1, count, 1]),
        full(b"stco", &[1, 0]),
        full(b"stss", &[count]),
    ];
    let sample_table = plain_box(b"stbl", &tables.concat());
    let media = [
        full(b"mdhd", &[0, 0, 1, u32::MAX, 0]),
        full(b"hdlr", &[0, u32::from_be_bytes(*b"vide"), 0, 0, 0, 0]),
        plain_box(b"minf", &sample_table),
    ];
    let track = [full(b"tkhd", &[0; 20]), plain_box(b"mdia", &media.concat())];
    let movie = [full(b"mvhd", &[0, 0, 1, u32::MAX]), plain_box(b"trak", &track.concat())];
    [movie_type(), plain_box(b"moov", &movie.concat())].concat()
}

fn plain_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    sized_box(kind, u32::try_from(8 + body.len()).unwrap(), body)
}

fn sized_box(kind: &[u8; 4], bytes: u32, body: &[u8]) -> Vec<u8> {
    [&bytes.to_be_bytes()[..], kind, body].concat()
}
