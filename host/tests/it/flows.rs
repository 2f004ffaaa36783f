//! The founding flows and their refusals, as a client sees them.

use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::server::Server;

const UNKNOWN: &str = "0000000000000000000000000000000000000000";

/// Sleeps 30 s, then prints `{}`.
pub(crate) const SLEEPER: &str = r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "\10\02\00\00\02\00\00\00") (data (i32.const 528) "{}")
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 30000000000))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
    (drop (call $w (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 520)))))"#;

/// Copies the sample to `/out/copy.txt` and prints `{"copy": "/out/copy.txt"}`.
pub(crate) const COPIER: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $r (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "the_filecopy.txt")
  (data (i32.const 64) "\00\04\00\00\00\10\00\00")
  (data (i32.const 96) "\00\02\00\00\19\00\00\00")
  (data (i32.const 512) "{\"copy\": \"/out/copy.txt\"}")
  (func (export "_start")
    (drop (call $o (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
    (drop (call $o (i32.const 4) (i32.const 0) (i32.const 8) (i32.const 8) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 36)))
    (drop (call $r (i32.load (i32.const 32)) (i32.const 64) (i32.const 1) (i32.const 40)))
    (i32.store (i32.const 68) (i32.load (i32.const 40)))
    (drop (call $w (i32.load (i32.const 36)) (i32.const 64) (i32.const 1) (i32.const 44)))
    (drop (call $w (i32.const 1) (i32.const 96) (i32.const 1) (i32.const 48)))))"#;

/// Prints its args.
pub(crate) const ECHO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $r (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\04\00\00\00\00\01\00")
  (func (export "_start")
    (drop (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

fn server() -> Server {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": { "n": { "type": "integer", "default": 7 }, "s": { "type": "string" } }
    });
    Server::start(&[
        ("sleeper", SLEEPER, json!({ "numbered": true })),
        ("copier", COPIER, json!({})),
        ("echo", ECHO, json!({ "args": schema })),
        ("images", ECHO, json!({ "accepts": ["image/*"] })),
    ])
}

#[test]
fn an_upload_is_named_by_its_sha_1_and_found_again() {
    let server = server();
    let file = server.upload("hello world.txt", b"abc");
    assert_eq!(file, "a9993e364706816aba3e25717850c26c9cd0d89d");
    let facts = server.get(&format!("/upload/{file}")).expect(200).json();
    assert_eq!(facts["filename"], "hello world.txt");
    assert_eq!(facts["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let on_disk = server.data().join("a9").join(&file[2..]);
    assert_eq!(std::fs::read(on_disk.join("hello_world.txt")).unwrap(), b"abc");
    assert_eq!(std::fs::read_link(on_disk.join("the_file")).unwrap().to_str(), Some("hello_world.txt"));
    assert_eq!(server.upload("other.txt", b"abc"), file);
    assert_eq!(server.get(&format!("/upload/{file}")).json()["filename"], "hello world.txt", "nothing is rewritten");
}

#[test]
fn a_form_is_an_upload_too() {
    let server = server();
    let form = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a b.csv\"\r\n\r\n1,2\r\n--x--\r\n";
    let content_type = ("content-type", "multipart/form-data; boundary=x");
    let facts = server.post("/upload", &[content_type], form.as_bytes()).expect(200).json();
    assert_eq!((&facts["filename"], &facts["size_bytes"]), (&json!("a b.csv"), &json!(3)));
    server
        .post("/upload", &[content_type], b"--x\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n1\r\n--x--\r\n")
        .expect(400);
    server.post("/upload", &[content_type], &form.as_bytes()[..60]).expect(400);
    server.post("/upload", &[("content-type", "multipart/form-data")], b"").expect(400);
    assert_eq!(std::fs::read_dir(server.data().join("staging")).unwrap().count(), 0);
}

#[test]
fn a_run_writes_a_file_that_its_result_links_to() {
    let server = server();
    let file = server.upload("a.txt", b"hello, artifact");
    let run = server.analyse(&file, "copier", json!({}));
    let link = server.result(&run).expect(200).json()["copy"].as_str().unwrap().to_owned();
    assert_eq!(link, format!("/download/{run}/copy.txt"));
    let whole = server.get(&link).expect(200);
    assert_eq!(whole.body, b"hello, artifact");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(whole.header("content-security-policy").contains("sandbox"));
    assert!(whole.header("content-disposition").starts_with("attachment"));
    let part = server.get_with(&link, ("range", "bytes=7-9")).expect(206);
    assert_eq!((part.body.as_slice(), part.header("content-range")), (&b"art"[..], "bytes 7-9/15"));
    server.get_with(&link, ("range", "bytes=15-")).expect(416);
    server.get_with(&link, ("if-none-match", whole.header("etag"))).expect(304);
    server.get(&format!("/download/{run}/other.txt")).expect(404);
    server.get(&format!("/download/{run}/..%2f..%2fconfig.json")).expect(404);
    let record = server.get(&format!("/results/{run}/run")).expect(200).json();
    assert_eq!(record["status"], "successful");
    assert_eq!(record["usage"]["bytes_read"], 15);
    assert_eq!(record["artifacts"][0]["size_bytes"], 15);
    let upload = server.get(&format!("/download/{file}/a.txt")).expect(200);
    assert_eq!(upload.body, b"hello, artifact");
}

#[test]
fn args_are_checked_completed_and_canonical() {
    let server = server();
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "echo", json!({ "args": { "s": "x" } }));
    assert_eq!(server.result(&run).expect(200).body, br#"{"n":7,"s":"x"}"#);
    assert_eq!(server.analyse(&file, "echo", json!({ "args": { "s": "x", "n": 7 } })), run, "the same question");
    let question = json!({ "file_id": file, "analysis": "echo", "args": { "n": "x" } }).to_string();
    let problem = server.post("/analyse", &[], question.as_bytes()).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/n");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_problem() {
    let server = server();
    let file = server.upload("a.txt", b"abc");
    let ask = |body: Value| server.post("/analyse", &[], body.to_string().as_bytes());
    let answers = [
        (ask(json!({ "file_id": UNKNOWN, "analysis": "echo" })), 404),
        (ask(json!({ "file_id": "x", "analysis": "echo" })), 404),
        (ask(json!({ "file_id": file, "analysis": "nothing" })), 404),
        (ask(json!({ "file_id": file, "analysis": "echo_5" })), 404),
        (ask(json!({ "file_id": file })), 422),
        (ask(json!({ "file_id": file, "analysis": "echo", "more": 1 })), 422),
        (ask(json!({ "file_id": file, "analysis": "images" })), 415),
        (ask(json!([])), 422),
        (server.post("/analyse", &[], b"{"), 400),
        (server.post("/analyse", &[], &vec![b' '; (256 << 10) + 1]), 413),
        (server.get(&format!("/upload/{UNKNOWN}")), 404),
        (server.get(&format!("/results/{file}/{UNKNOWN}")), 404),
        (server.get(&format!("/results/{file}/x")), 404),
        (server.get(&format!("/results/{UNKNOWN}/{UNKNOWN}")), 404),
        (server.get("/nothing"), 404),
        (server.get("/analyse"), 405),
        (server.delete("/upload"), 405),
        (server.delete(&format!("/upload/{UNKNOWN}")), 404),
        (server.get("/analyses/nothing"), 404),
        (server.post("/upload?name=x", &[], b"x"), 400),
    ];
    for (number, (answer, status)) in answers.into_iter().enumerate() {
        let answer = answer.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "answer {number}");
        assert_eq!(answer.json()["status"], status, "answer {number}");
    }
}

#[test]
fn a_run_in_flight_answers_202_and_can_be_dismissed() {
    let server = server();
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "sleeper_5", json!({}));
    let waiting = server.get_with(&format!("/results/{run}"), ("prefer", "wait=1")).expect(202);
    assert!(waiting.body.is_empty());
    assert_eq!((waiting.header("retry-after"), waiting.header("preference-applied")), ("1", "wait=1"));
    assert_eq!(server.get(&format!("/results/{run}/run")).expect(200).json()["status"], "running");
    server.delete(&format!("/results/{run}")).expect(204);
    assert_eq!(server.get(&format!("/results/{run}")).expect(410).json()["reason"], "dismissed");
}

#[test]
fn a_file_that_is_deleted_takes_its_runs_along() {
    let server = server();
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "sleeper", json!({}));
    server.delete(&format!("/upload/{file}")).expect(204);
    server.get(&format!("/results/{run}")).expect(410);
    server.get(&format!("/upload/{file}")).expect(410);
    server.delete(&format!("/upload/{file}")).expect(410);
    assert!(!server.data().join(&file[..2]).join(&file[2..]).exists());
    assert_eq!(std::fs::read_dir(server.data().join("staging")).unwrap().count(), 0);
    assert_eq!(server.upload("a.txt", b"abc"), file, "and it can come back");
    server.get(&format!("/results/{run}")).expect(404);
}

#[test]
fn a_killed_server_takes_up_its_runs_again() {
    let mut server = server();
    let file = server.upload("a.txt", b"abc");
    let done = server.analyse(&file, "copier", json!({}));
    server.result(&done).expect(200);
    let run = server.analyse(&file, "sleeper", json!({}));
    server.get_with(&format!("/results/{run}"), ("prefer", "wait=1")).expect(202);
    server.crash_and_restart();
    server.result(&done).expect(200);
    server.get(&format!("/results/{run}")).expect(202);
    server.delete(&format!("/results/{run}")).expect(204);
}

#[test]
fn a_terminated_server_ends_in_order() {
    let mut server = server();
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "sleeper", json!({}));
    assert_eq!(server.stop(), Some(0));
    server.crash_and_restart();
    server.get(&format!("/results/{run}")).expect(202);
}

#[test]
fn a_hundred_clients_get_one_run_per_question() {
    let server = server();
    thread::scope(|scope| {
        for number in 0..100 {
            let server = &server;
            scope.spawn(move || {
                let file = server.upload("a.txt", format!("file {}", number % 10).as_bytes());
                let run = server.analyse(&file, "echo", json!({ "args": { "n": number % 3 } }));
                let result = server.result(&run).expect(200);
                assert_eq!(result.json()["n"], number % 3);
                let attempts = server.get(&format!("/results/{run}/run")).json()["attempts"].clone();
                assert_eq!(attempts, 1);
            });
        }
    });
    assert_eq!(std::fs::read_dir(server.data().join("queue")).unwrap().count(), 0);
}

#[test]
fn an_answer_stays_while_its_question_is_asked_again() {
    let server = server();
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "echo", json!({}));
    server.result(&run).expect(200);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| drop(server.analyse(&file, "echo", json!({})))));
        }
        for _ in 0..400 {
            server.get(&format!("/results/{run}")).expect(200);
        }
    });
}

#[test]
fn the_walls_that_stand_are_told() {
    let ready = server().get("/readyz").expect(200).json();
    assert_eq!(ready["walls"]["seccomp"], "enforced");
    assert_eq!(ready["walls"]["landlock"], "enforced");
}
