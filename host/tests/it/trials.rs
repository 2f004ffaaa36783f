//! A module is tried beside the one that has the name, before it takes its place.

use serde_json::Value;
use serde_json::json;

use crate::installs::packed;
use crate::installs::says;
use crate::server::Server;

const TRAPS: &str = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;

fn theirs(wat: &str, version: &str) -> Vec<u8> {
    packed(wat, &json!({ "name": "theirs", "version": version }))
}

fn tried(server: &Server, query: &str, module: &[u8]) -> Value {
    server.post(&format!("/analyses/theirs/trial{query}"), &[], module).expect(200).json()
}

#[test]
fn a_candidate_is_told_apart_from_the_current_one_and_leaves_nothing() {
    let server = Server::start_with(&[], &["--accept-modules"]);
    server.post("/analyses/theirs/trial", &[], &theirs(&says('a'), "1")).expect(404);
    let current = server.put("/analyses/theirs", &theirs(&says('a'), "1")).expect(201).json();
    let files: Vec<_> = (1..=3_u8).map(|number| server.upload(&format!("{number}"), &[number])).collect();

    let same = tried(&server, "", &theirs(&says('a'), "2"));
    assert_eq!((&same["same"], &same["changed"], &same["left_out"]), (&json!(3), &json!(0), &json!([])), "{same}");
    assert_eq!(same["files"][0]["file_id"], *files.last().unwrap(), "the newest first");
    assert_eq!(same["files"][0]["fuel_ratio"], 1.0);

    let changed = tried(&server, "?files=2", &theirs(&says('b'), "2"));
    assert_eq!((&changed["changed"], &changed["current_sha256"]), (&json!(2), &current["module_sha256"]));
    let expected = json!([{ "pointer": "", "kind": "replaced", "before": "a", "after": "b" }]);
    assert_eq!(changed["files"][0]["changes"], expected, "{changed}");

    let failing = tried(&server, "", &theirs(TRAPS, "2"));
    assert_eq!((&failing["newly_failing"], &failing["files"][0]["reason_after"]), (&json!(3), &json!("trap")));

    // The name means what it did, and nothing is kept of what the candidates answered.
    assert_eq!(server.get("/analyses/theirs").expect(200).json()["module_sha256"], current["module_sha256"]);
    assert_eq!(server.get("/analyses/theirs/versions").json()["versions"].as_array().unwrap().len(), 1);
    for file in &files {
        let results = server.get(&format!("/results/{file}")).expect(200).json()["results"].as_array().unwrap().clone();
        assert_eq!(results.len(), 1, "{results:?}");
    }
    // What was asked of a candidate before stays: here it had the name once.
    server.put("/analyses/theirs", &theirs(TRAPS, "2")).expect(200);
    server.analyse(&files[0], "theirs", json!({}));
    server.put("/analyses/theirs", &theirs(&says('a'), "1")).expect(200);
    assert_eq!(tried(&server, "", &theirs(TRAPS, "2"))["newly_failing"], 3);
    let results = |file: &str| server.get(&format!("/results/{file}")).json()["results"].as_array().unwrap().len();
    assert_eq!((results(&files[0]), results(&files[1])), (2, 1));
    let mended = tried(&server, "?files=1", &theirs(&says('c'), "3"));
    assert_eq!(mended["changed"], 1);
    server.put("/analyses/theirs", &theirs(TRAPS, "2")).expect(200);
    assert_eq!(tried(&server, "", &theirs(&says('c'), "3"))["newly_successful"], 3);
}

#[test]
fn a_trial_asks_what_was_asked_and_is_refused_where_installing_is() {
    let server = Server::start_with(&[], &["--accept-modules"]);
    let descriptor = |version: &str| {
        let args = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
        json!({ "name": "theirs", "version": version, "args": args })
    };
    server.put("/analyses/theirs", &packed(&says('a'), &descriptor("1"))).expect(201);
    let (asked, never) = (server.upload("1", b"1"), server.upload("2", b"2"));
    server.result(&server.analyse(&asked, "theirs", json!({ "args": { "n": 7 } }))).expect(200);
    let told = tried(&server, "", &packed(&says('b'), &descriptor("2")));
    assert_eq!((&told["changed"], &told["files"][0]["args"]), (&json!(1), &json!({ "n": 7 })), "{told}");
    assert_eq!(told["left_out"][0]["file_id"], never, "it was never asked, and nothing is not enough");
    assert!(told["left_out"][0]["why"].as_str().unwrap().contains('n'), "{told}");

    let refused = |query: &str, module: &[u8], status| {
        server.post(&format!("/analyses/theirs/trial{query}"), &[], module).expect(status).json()
    };
    refused("?files=0", b"", 400);
    refused("?file=1", b"", 400);
    refused("", b"no module", 422);
    let very = refused("", &packed(&says('a'), &descriptor("1")), 422);
    assert!(very["detail"].as_str().unwrap().contains("very module"), "{very}");
    Server::start(&[]).post("/analyses/digest/trial", &[], &theirs(&says('a'), "1")).expect(403);
    let strict = Server::start_with(&[], &["--accept-modules", "--unsigned", "quarantine"]);
    strict.post("/analyses/theirs/trial", &[], &theirs(&says('a'), "1")).expect(404);
}
