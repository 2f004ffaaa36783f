//! The analyses that ship, from upload to result, on the real server.

use base64::Engine;
use serde_json::Value;
use serde_json::json;

use crate::server::Server;
use crate::server::wait_for;

#[test]
fn dummy_idles_as_long_as_its_args_or_its_name_say() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let file = server.upload("x.bin", b"x");
    for (name, args, slept) in [("dummy", json!({"seconds": 0.2}), 0.2), ("dummy_1", json!({}), 1.0)] {
        let run = server.analyse(&file, name, json!({ "args": args }));
        assert_eq!(server.get(&format!("/results/{run}")).expect(202).text(), "");
        assert_eq!(server.result(&run).expect(200).json()["slept_seconds"], slept, "{name}");
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        assert_eq!(record["status"], "successful");
        assert!(record["duration_ms"].as_f64().unwrap() >= slept * 1000.0, "{record}");
    }
}

#[test]
fn digest_gives_the_well_known_digests() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let file = server.upload("abc.txt", b"abc");
    let result = server.result(&server.analyse(&file, "digest", json!({}))).expect(200).json();
    assert_eq!(result["sha1"], file.as_str());
    assert_eq!(result["md5"], "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(result["crc32"], "352441c2");
    assert_eq!(result["size_bytes"], 3);
}

#[test]
fn entropy_draws_a_plot_that_can_be_downloaded_and_cannot_script() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 16).collect();
    let file = server.upload("ramp.bin", &bytes);
    let run = server.analyse(&file, "entropy", json!({"args": {"windows": 8}}));
    let result = server.result(&run).expect(200).json();
    assert_eq!(result["entropy_bits"], 8.0);
    assert_eq!(result["windows"].as_array().unwrap().len(), 8);
    let plot = server.get(result["plot"].as_str().unwrap()).expect(200);
    assert!(plot.text().starts_with("<svg"));
    assert_eq!(plot.header("content-type"), "image/svg+xml");
    assert!(plot.header("content-security-policy").contains("sandbox"));
    assert_eq!(plot.header("x-content-type-options"), "nosniff");
}

#[test]
fn a_restart_keeps_results_and_installs_from_what_is_stored() {
    let mut server = Server::start_with(&[], &crate::server::ALL);
    let file = server.upload("abc.txt", b"abc");
    let run = server.analyse(&file, "digest", json!({}));
    let before = server.result(&run).expect(200).body;
    let programs = || std::fs::read_dir(server.data().join("programs")).unwrap().count();
    let installed = programs();
    server.crash_and_restart();
    assert_eq!(std::fs::read_dir(server.data().join("programs")).unwrap().count(), installed);
    assert_eq!(server.get(&format!("/results/{run}")).expect(200).body, before);
    let again = server.analyse(&file, "digest", json!({"rerun": true}));
    assert_eq!(again, run);
    assert_eq!(server.result(&run).expect(200).body, before, "the same bytes again");
}

pub(crate) fn guests() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-analyses")
}

/// Whether `found` has everything that is expected; of an object only the members that are named. The path of an artifact
/// is expected to have become its link.
fn has(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| found.get(name).is_some_and(|found| has(found, expected)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(found, expected)| has(found, expected))
        }
        (Value::String(found), Value::String(expected)) if expected.starts_with("/out/") => {
            found.starts_with("/download/") && found.ends_with(&expected["/out".len()..])
        }
        _ => found == expected,
    }
}

#[test]
fn every_example_of_every_shipped_analysis_holds_on_the_server() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let mut held = 0;
    for (name, file_name) in [
        ("dummy", "a.bin"),
        ("digest", "a.bin"),
        ("entropy", "a.bin"),
        ("strings", "a.bin"),
        ("csv-profile", "a.csv"),
        ("video", "a.mp4"),
        ("file-type", "a.bin"),
        ("archive", "a.zip"),
        ("executable", "a.wasm"),
        ("image", "a.png"),
        ("text", "a.txt"),
        ("pdf", "a.pdf"),
        ("log", "a.log"),
        ("audio", "a.wav"),
        ("table", "a.csv"),
        ("rules", "a.bin"),
    ] {
        let descriptor = std::fs::read(guests().join(name).join("descriptor.json")).unwrap();
        let descriptor: Value = serde_json::from_slice(&descriptor).unwrap();
        for example in descriptor["examples"].as_array().unwrap() {
            let bytes = match example["input_text"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => {
                    base64::engine::general_purpose::STANDARD.decode(example["input_base64"].as_str().unwrap()).unwrap()
                }
            };
            let file = server.upload(file_name, &bytes);
            let found =
                server.result(&server.analyse(&file, name, json!({ "args": example["args"] }))).expect(200).json();
            assert!(has(&found, &example["result"]), "{name}: {found:#}");
            held += 1;
        }
    }
    assert!(held >= 29, "{held}");
}

#[test]
fn video_makes_the_founding_example_true() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let sample = std::fs::read(guests().join("video/samples/testsrc.mp4")).unwrap();
    let file = server.upload("testsrc.mp4", &sample);
    assert_eq!(server.get(&format!("/upload/{file}")).json()["media_type"], "video/mp4");
    let run = server.analyse(&file, "video", json!({}));
    let result = server.result(&run).expect(200).json();
    assert!(result["result"].as_array().unwrap().iter().all(Value::is_u64), "{result}");
    let link = result["video_file"].as_str().unwrap();
    assert!(link.starts_with(&format!("/download/{run}/")) && link.ends_with(".mp4"), "{link}");
    let preview = server.get(link).expect(200);
    assert_eq!(preview.header("content-type"), "video/mp4");
    assert_eq!(&preview.body[4..8], b"ftyp");
    // The preview is a video in its own right, of nothing but keyframes.
    let again = server.upload("preview.mp4", &preview.body);
    let preview = server.result(&server.analyse(&again, "video", json!({}))).expect(200).json();
    assert_eq!(preview["keyframe_count"], result["preview"]["keyframes"]);
    assert_eq!(preview["resolution"], result["resolution"]);
}

#[test]
fn a_cut_off_video_has_a_result_or_a_reason_and_never_a_trap() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let sample = std::fs::read(guests().join("video/samples/testsrc.mp4")).unwrap();
    for cut in [0, 7, 40, 600, sample.len() / 2, sample.len() - 1] {
        let file = server.upload("cut.mp4", &sample[..cut]);
        let answer = server.result(&server.analyse(&file, "video", json!({})));
        let reason = answer.json()["reason"].clone();
        assert!(answer.status == 200 || reason == "nonzero-exit", "{cut}: {reason}");
    }
}

#[test]
fn a_table_larger_than_the_memory_of_its_analysis_is_profiled() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let memory = server.get("/analyses/csv-profile").expect(200).json()["limits"]["memory_bytes"].as_u64().unwrap();
    let mut text = String::from("number;word\n");
    let mut rows = 0_u64;
    while u64::try_from(text.len()).unwrap() < memory + memory / 8 {
        text.push_str(&format!("{rows};word-{}-{}\n", rows % 1000, "x".repeat(40)));
        rows += 1;
    }
    let file = server.upload("large.csv", text.as_bytes());
    let run = server.analyse(&file, "csv-profile", json!({}));
    let result = server.result(&run).expect(200).json();
    assert_eq!((&result["rows"], &result["delimiter"]), (&json!(rows), &json!(";")));
    let usage = server.get(&format!("/results/{run}/run")).json()["usage"].clone();
    assert!(usage["memory_bytes_peak"].as_u64().unwrap() <= memory);
    assert!(usage["bytes_read"].as_u64().unwrap() > memory);
}

#[test]
fn a_guest_tells_how_far_it_is_and_why_it_failed() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let file = server.upload("a.mp4", b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2");
    let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 30 } }));
    let fraction = wait_for("progress", || {
        server.get(&format!("/results/{run}/run")).json()["progress"]["fraction"].as_f64().filter(|it| *it > 0.0)
    });
    assert!(fraction < 1.0, "{fraction}");
    server.delete(&format!("/results/{run}")).expect(204);
    let problem = server.result(&server.analyse(&file, "video", json!({}))).expect(422).json();
    assert_eq!(problem["reason"], "nonzero-exit");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("exit code 1: ") && detail.len() > "exit code 1: ".len() + 5, "{detail}");
}

#[test]
fn an_operator_says_which_of_them_are_installed() {
    let listed = |shipped: &str| {
        let server = Server::start_with(&[], &["--shipped", shipped]);
        let analyses = server.get("/analyses").expect(200).json()["analyses"].as_array().unwrap().clone();
        analyses.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(listed("none").is_empty());
    assert_eq!(listed("dummy,digest"), ["digest", "dummy"]);
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_belljar"));
    let said =
        command.args(["serve", "--shipped", "digest,others", "--data"]).arg(dir.path().join("data")).output().unwrap();
    assert!(!said.status.success());
    assert!(String::from_utf8_lossy(&said.stderr).contains("no `others` ships"), "{said:?}");
    assert!(!dir.path().join("data").exists());
}
