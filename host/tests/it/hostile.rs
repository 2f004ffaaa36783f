//! Every module under `tests/hostile/` and the reason it gets. A module that no line here claims fails the test.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::server::Server;

/// Name, what it asks for, the reason it fails for; `None` for one that goes on.
fn expected() -> BTreeMap<&'static str, (Value, Option<&'static str>)> {
    let little_fuel = || json!({ "limits": { "fuel_base": 50_000_000 } });
    BTreeMap::from([
        ("loop", (little_fuel(), Some("out-of-fuel"))),
        ("loop_in_start", (little_fuel(), Some("out-of-fuel"))),
        ("fill_memory", (little_fuel(), Some("out-of-fuel"))),
        ("yield_storm", (little_fuel(), Some("out-of-fuel"))),
        ("sleep_forever", (json!({ "limits": { "wall_ms": 300 } }), Some("deadline"))),
        ("grow_memory", (json!({ "limits": { "memory_bytes": 1 << 20 } }), Some("memory-limit"))),
        ("recursion", (json!({}), Some("stack-overflow"))),
        ("trap_in_start", (json!({}), Some("trap"))),
        ("stdout_flood", (json!({ "limits": { "stdout_bytes": 100_000 } }), Some("output-limit"))),
        ("out_flood", (json!({ "limits": { "artifact_bytes": 1_000_000 } }), Some("output-limit"))),
        ("sparse_file", (json!({}), Some("output-limit"))),
        ("many_files", (json!({ "limits": { "artifacts_count": 20 } }), Some("output-limit"))),
        ("read_outside", (json!({}), Some("denied"))),
        ("write_input", (json!({}), Some("denied"))),
        ("exit_3", (json!({}), Some("nonzero-exit"))),
        ("bad_json", (json!({}), Some("bad-output"))),
        ("silent", (json!({}), Some("bad-output"))),
        ("bad_pointers", (json!({}), None)),
        ("free_work", (little_fuel(), Some("out-of-fuel"))),
        ("free_randomness", (little_fuel(), Some("out-of-fuel"))),
        ("link_flood", (little_fuel(), Some("out-of-fuel"))),
        ("unlink_churn", (json!({ "limits": { "artifacts_bytes": 1 << 20 } }), Some("output-limit"))),
        ("poll_flood", (little_fuel(), Some("out-of-fuel"))),
        ("open_flood", (json!({}), Some("nonzero-exit"))),
        ("fill_table", (json!({}), Some("memory-limit"))),
        ("divide_by_zero", (json!({}), Some("trap"))),
        ("jump_nowhere", (json!({}), Some("trap"))),
        ("two_documents", (json!({}), Some("bad-output"))),
        ("deep_json", (json!({}), Some("bad-output"))),
        ("not_utf8", (json!({}), Some("bad-output"))),
        ("exit_in_start", (json!({}), Some("nonzero-exit"))),
        ("stderr_flood", (little_fuel(), Some("out-of-fuel"))),
        ("symlink_out", (json!({}), Some("denied"))),
        ("rename_input", (json!({}), Some("denied"))),
        ("truncate_input", (json!({}), Some("denied"))),
        ("absolute_path", (json!({}), Some("denied"))),
    ])
}

#[test]
fn every_hostile_module_gets_its_reason_and_the_server_goes_on() {
    let sources = sources();
    let expected = expected();
    let names: Vec<_> = sources.keys().map(String::as_str).collect();
    assert_eq!(names, expected.keys().copied().collect::<Vec<_>>(), "each module needs its line, each line its module");
    let mut analyses: Vec<_> =
        sources.iter().map(|(name, wat)| (name.as_str(), wat.as_str(), expected[name.as_str()].0.clone())).collect();
    analyses.push(("canary", CANARY, json!({})));
    let server = Server::start(&analyses);
    let file = server.upload("sample.bin", b"sample");
    let runs: Vec<_> = expected.keys().map(|name| (name, server.analyse(&file, name, json!({})))).collect();
    let canary = server.analyse(&file, "canary", json!({}));
    assert_eq!(server.result(&canary).expect(200).json(), json!({ "ok": 1 }));
    for (name, run) in runs {
        let answer = server.result(&run);
        match expected[name].1 {
            Some(reason) => {
                assert_eq!(answer.json()["reason"], reason, "{name}");
                assert_eq!(answer.status, 422, "{name}");
                assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
            }
            None => assert_eq!(answer.status, 200, "{name}: {}", String::from_utf8_lossy(&answer.body)),
        }
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        assert_eq!(record["reason"], json!(expected[name].1), "{name}");
    }
    let left: Vec<_> = std::fs::read_dir(server.data().join("staging")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(std::fs::read_dir(server.data().join("queue")).unwrap().count(), 0);
}

#[test]
fn a_module_that_wants_more_than_there_is_is_refused_at_installation() {
    let start = |import: &str| format!("(module {import} (memory (export \"memory\") 1) (func (export \"_start\")))");
    let server = Server::start(&[
        ("socket", &start(r#"(import "env" "socket" (func))"#), json!({})),
        ("huge", r#"(module (memory (export "memory") 60000) (func (export "_start")))"#, json!({})),
        ("no_start", r#"(module (memory (export "memory") 1))"#, json!({})),
        ("greedy_start", r#"(module (memory (export "memory") 1) (func (export "_start") (param i32)))"#, json!({})),
        ("wrong_type", &start(r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i64)))"#), json!({})),
        ("wide_table", &start("(table 2000000 funcref)"), json!({})),
        ("doubling_schema", &start(""), json!({ "args": doubling_schema() })),
        ("good", &start(""), json!({ "stdout": "none" })),
    ]);
    let installed = server.get("/analyses").expect(200).json();
    let names: Vec<_> =
        installed["analyses"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"good"), "{names:?}");
    let refused = ["socket", "huge", "no_start", "greedy_start", "wrong_type", "wide_table", "doubling_schema"];
    for refused in refused {
        assert!(!names.contains(&refused), "{refused}");
    }
}

/// A few hundred bytes whose references, followed, are 2^32 parts.
fn doubling_schema() -> Value {
    let step = |it: u32| {
        (
            format!("d{it}"),
            json!({ "allOf": [{ "$ref": format!("#/$defs/d{}", it + 1) }, { "$ref": format!("#/$defs/d{}", it + 1) }] }),
        )
    };
    let mut defs: serde_json::Map<_, _> = (0..32).map(step).collect();
    defs.insert("d32".to_owned(), json!({}));
    json!({ "$defs": defs, "$ref": "#/$defs/d0" })
}

const CANARY: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00")
  (data (i32.const 16) "{\"ok\":1}")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

fn sources() -> BTreeMap<String, String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}
