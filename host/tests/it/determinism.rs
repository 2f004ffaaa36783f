//! The same question gives the same bytes: whoever else is asking, however many workers there are, after any restart.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::process::Command;

use serde_json::json;

use crate::server::Server;
use crate::shipped::guests;

const ROUNDS: usize = 20;
const ASKED: [(&str, &str); 16] = [
    ("digest", "table.csv"),
    ("entropy", "table.csv"),
    ("strings", "table.csv"),
    ("csv-profile", "table.csv"),
    ("video", "clip"),
    ("dummy_0", "clip"),
    ("file-type", "table.csv"),
    ("text", "table.csv"),
    ("log", "table.csv"),
    ("archive", "archive/samples/tree.zip"),
    ("executable", "executable/samples/hard.elf"),
    ("image", "image/samples/photo.jpg"),
    ("pdf", "pdf/samples/pages.pdf"),
    ("audio", "audio/samples/tones.flac"),
    ("table", "table/samples/zstd.parquet"),
    ("rules", "executable/samples/hard.elf"),
];

fn table() -> Vec<u8> {
    let rows = (0..500).map(|row| format!("{row},{},name {}\n", row * row % 97, row % 7));
    std::iter::once("a,b,c\n".to_owned()).chain(rows).collect::<String>().into_bytes()
}

#[test]
fn every_shipped_analysis_gives_one_answer_in_twenty_rounds() {
    let mut server = Server::start_with(&[], &crate::server::ALL);
    let mut files = BTreeMap::from([
        ("table.csv", server.upload("table.csv", &table())),
        ("clip", server.upload("clip.mp4", &std::fs::read(guests().join("video/samples/testsrc.mp4")).unwrap())),
    ]);
    for (_, sample) in ASKED.into_iter().filter(|it| it.1.contains('/')) {
        let bytes = std::fs::read(guests().join(sample)).unwrap();
        files.insert(sample, server.upload(sample.rsplit('/').next().unwrap(), &bytes));
    }
    let mut answers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for round in 0..ROUNDS {
        let workers = (round % 4 + 1).to_string();
        server.restart_with(&["--workers", &workers, "--durability", "process", "--shipped", "all"]);
        // All at once, so that each runs beside others.
        let runs = ASKED.map(|(name, file)| (name, server.analyse(&files[file], name, json!({ "rerun": true }))));
        for (name, run) in runs {
            let body = server.result(&run).expect(200).body;
            let record = server.get(&format!("/results/{run}/run")).expect(200).json();
            let artifacts: Vec<_> =
                record["artifacts"].as_array().unwrap().iter().map(|it| it["sha256"].to_string()).collect();
            let fuel = &record["usage"]["fuel"];
            let answer = format!("{} {artifacts:?} {fuel}", String::from_utf8_lossy(&body));
            answers.entry(name).or_default().insert(answer);
        }
    }
    for (name, found) in answers {
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
    }
}

#[test]
fn a_stored_run_is_verified_beside_the_server_and_a_changed_one_is_found() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let file = server.upload("table.csv", &table());
    let run = server.analyse(&file, "entropy", json!({}));
    server.result(&run).expect(200);
    let verify = || verify(&server, &run);
    let (same, said) = verify();
    assert!(same && said.contains("the same: result"), "{said}");
    let (file_id, analysis_id) = run.split_once('/').unwrap();
    let record =
        server.data().join(&file_id[..2]).join(&file_id[2..]).join("analysis").join(analysis_id).join("run.json");
    let text = std::fs::read_to_string(&record).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let digest = changed["ending_sha256"].as_str().unwrap().to_owned();
    changed["ending_sha256"] = json!(digest.chars().rev().collect::<String>());
    std::fs::remove_file(&record).unwrap();
    std::fs::write(&record, changed.to_string()).unwrap();
    let (same, said) = verify();
    assert!(!same && said.contains("differs: the result"), "{said}");
}

/// What `belljar verify` says of a run, and whether it came out the same.
fn verify(server: &Server, run: &str) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_belljar"))
        .arg("verify")
        .args(run.split('/'))
        .arg("--data")
        .arg(server.data())
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn what_was_compiled_with_least_effort_says_so_and_is_verified_by_the_other() {
    let plain = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    let none = json!({ "stdout": "none" });
    let mut server = Server::start_with(&[("plain", plain, none)], &["--nan", "canonical"]);
    let file = server.upload("x", b"x");
    let engine_of = |server: &Server| {
        let run = server.analyse(&file, "plain", json!({ "rerun": true }));
        server.result(&run).expect(200);
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        (run, record["engine"].as_str().unwrap().to_owned())
    };
    let (_, full) = engine_of(&server);
    assert!(full.ends_with("-nan"), "{full}");
    // As if it had been too dear when it was compiled.
    for entry in std::fs::read_dir(server.data().join("analyses")).unwrap().map(|it| it.unwrap().path()) {
        if entry.extension().is_some_and(|it| it == "json") {
            let facts = std::fs::read_to_string(&entry).unwrap();
            assert!(facts.contains(r#""effort": "Full""#), "{facts}");
            std::fs::remove_file(&entry).unwrap();
            std::fs::write(&entry, facts.replace(r#""effort": "Full""#, r#""effort": "Least""#)).unwrap();
        }
    }
    server.crash_and_restart();
    let (run, least) = engine_of(&server);
    assert_eq!(least, format!("{full}-least"));
    let (same, said) = verify(&server, &run);
    assert!(same && said.contains(&format!("by another engine: {least} before, {full} now")), "{said}");
}
