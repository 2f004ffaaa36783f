//! What was once wrong, each by the harm it did.

use std::io::Write;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::json;

use crate::server::Server;
use crate::server::signal;
use crate::server::wait_for;

#[test]
fn a_long_name_cut_after_a_dot_can_be_read_back() {
    let server = Server::start(&[]);
    let name = format!("{}.{}", "x".repeat(127), "y".repeat(20));
    let file = server.upload(&name, b"abc");
    assert_eq!(server.get(&format!("/upload/{file}")).expect(200).json()["filename"], name.as_str());
    server.result(&server.analyse(&file, "digest", json!({}))).expect(200);
    server.delete(&format!("/upload/{file}")).expect(204);
}

#[test]
fn one_clients_small_limits_do_not_answer_for_others() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let tight = json!({ "limits": { "fuel_base": 1, "fuel_per_byte": 0 } });
    let run = server.analyse(&file, "digest", tight.clone());
    assert_eq!(server.result(&run).expect(422).json()["reason"], "out-of-fuel");
    assert_eq!(server.analyse(&file, "digest", tight), run);
    assert_eq!(server.result(&run).expect(422).json()["reason"], "out-of-fuel", "kept for who asks for no more");
    assert_eq!(server.analyse(&file, "digest", json!({})), run);
    server.result(&run).expect(200);
}

/// Says whether it was refused memory.
const GROWER: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\01\00\00\00") (data (i32.const 16) "01")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.add (i32.const 16) (i32.ne (memory.grow (i32.const 2)) (i32.const -1))))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

#[test]
fn an_answer_that_was_found_with_less_stands_for_nobody_who_asks_for_more() {
    let server = Server::start(&[("grower", GROWER, json!({}))]);
    let file = server.upload("a.txt", b"abc");
    let ask = |limits: serde_json::Value| {
        let run = server.analyse(&file, "grower", json!({ "limits": limits }));
        let answer = server.result(&run).expect(200).json();
        (answer, server.get(&format!("/results/{run}/run")).expect(200).json())
    };
    let (tight, other) = (json!({ "memory_bytes": 65_536 }), json!({ "table_elements": 5, "handles": 3 }));
    let (answer, first) = ask(tight.clone());
    assert_eq!(answer, 0);
    assert_eq!(ask(tight.clone()).1, first, "it stands for who asks for no more");
    // Less of one thing and more of another.
    let (answer, second) = ask(other.clone());
    assert_eq!((answer, &second["limits"]["table_elements"]), (json!(1), &first["limits"]["table_elements"]));
    for limits in [tight, other, json!({})] {
        assert_eq!(ask(limits), (json!(1), second.clone()), "and is not found again for who asks for less");
    }
}

#[test]
fn a_run_that_has_less_is_waited_for_and_not_joined() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let question = |limits: serde_json::Value| {
        json!({ "file_id": file, "analysis": "dummy", "args": { "seconds": 2 }, "limits": limits }).to_string()
    };
    server.post("/analyse", &[], question(json!({ "wall_ms": 1000 })).as_bytes()).expect(200);
    let answer = server.post("/analyse", &[("prefer", "wait=30")], question(json!({})).as_bytes()).expect(200).json();
    assert_eq!(answer["status"], "successful");
}

#[test]
fn who_asks_for_more_is_told_to_come_again_and_has_it_in_the_next_run() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let question = |seconds: u32, limits: serde_json::Value, rerun: bool| {
        let args = json!({ "seconds": seconds });
        json!({ "file_id": file, "analysis": "dummy", "args": args, "limits": limits, "rerun": rerun }).to_string()
    };
    let ask = |wait: &str, body: String| server.post("/analyse", &[("prefer", wait)], body.as_bytes());
    ask("wait=0", question(30, json!({ "memory_bytes": 16 << 20 }), false)).expect(200);
    let begun = Instant::now();
    let problem = ask("wait=2", question(30, json!({}), false)).expect(503);
    assert!(begun.elapsed() < Duration::from_secs(10) && !problem.header("retry-after").is_empty());
    // Somebody asks again and again, each time with a little more, but never with enough for everybody.
    std::thread::scope(|scope| {
        for more in 1..=12 {
            let limits = json!({ "memory_bytes": (16 << 20) + more });
            let question = question(1, limits, true);
            scope.spawn(move || ask("wait=30", question));
        }
        let answer = ask("wait=15", question(1, json!({}), false)).expect(200).json();
        assert_eq!(answer["status"], "successful");
        let record = server.get(&format!("{}/run", answer["results"].as_str().unwrap())).expect(200).json();
        assert!(record["limits"]["memory_bytes"].as_u64().unwrap() > 100 << 20, "{record}");
    });
}

#[test]
fn args_cannot_multiply_each_other_into_a_command_line() {
    let argv = json!({ "argv": ["{args.a}"], "stdout": "none" });
    let server = Server::start(&[("argv", r#"(module (memory (export "memory") 1) (func (export "_start")))"#, argv)]);
    let file = server.upload("a.txt", b"abc");
    let args = |a: String| json!({ "args": { "a": a, "b": "{args.c}".repeat(800), "c": "x".repeat(400) } });
    let run = server.analyse(&file, "argv", args("{args.b}".repeat(800)));
    server.result(&run).expect(200);
    let mut question = json!({ "file_id": file, "analysis": "argv" });
    question["args"] = args("x".repeat(40_000))["args"].clone();
    server.post("/analyse", &[], question.to_string().as_bytes()).expect(422);
}

#[test]
fn a_form_that_never_begins_is_not_kept_in_memory() {
    let server = Server::start(&[]);
    let head = "POST /upload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 100000000\r\n\r\n";
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    // Far less than was announced: the server must not wait for the rest.
    drop(stream.write_all(&vec![b'p'; 4 << 20]));
    let mut answer = String::new();
    drop(std::io::Read::read_to_string(&mut stream, &mut answer));
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    wait_for("an empty staging area", || server.lying_in("staging").is_empty().then_some(()));
    server.get("/healthz").expect(200);
}

#[test]
fn a_worker_that_is_stopped_in_its_sleep_goes_on() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 1 } }));
    let worker = server.worker_of(&run);
    for it in [Signal::STOP, Signal::CONT] {
        signal(&worker, it);
    }
    server.result(&run).expect(200);
    assert_eq!(server.get(&format!("/results/{run}/run")).json()["attempts"], 1);
}

#[test]
fn streams_are_no_terminals() {
    // Exits with the file types of the three streams, which are to be 0: unknown.
    let wat = r#"(module
      (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $stat (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func $type (param i32) (result i32)
        (drop (call $stat (local.get 0) (i32.const 0))) (i32.load8_u (i32.const 0)))
      (func (export "_start")
        (call $exit (i32.add (call $type (i32.const 0)) (i32.add (call $type (i32.const 1)) (call $type (i32.const 2)))))))"#;
    let server = Server::start(&[("streams", wat, json!({ "stdout": "none" }))]);
    let file = server.upload("a.txt", b"abc");
    server.result(&server.analyse(&file, "streams", json!({}))).expect(200);
}

#[test]
fn odd_paths_and_queries_get_problems_too() {
    let server = Server::start(&[]);
    for (path, status) in [("/upload/%ff", 400), ("/healthz?x=1", 400), ("/analyses?order=1", 400), ("/a//b", 404)] {
        let answer = server.get(path).expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
    }
}

#[test]
fn a_question_may_say_that_it_can_wait() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    server.result(&server.analyse(&file, "digest", json!({ "priority": "bulk" }))).expect(200);
    let wrong = json!({ "file_id": file, "analysis": "digest", "priority": "now" }).to_string();
    server.post("/analyse", &[], wrong.as_bytes()).expect(422);
}

#[test]
fn a_download_carries_the_authors_name() {
    let server = Server::start(&[]);
    let answer = server.post("/upload?filename=%E2%82%AC+rates.txt", &[], b"1.08").expect(200).json();
    let download = server.get(answer["download"].as_str().unwrap()).expect(200);
    let disposition = download.header("content-disposition");
    assert!(disposition.contains("filename*=UTF-8''%E2%82%AC%20rates.txt"), "{disposition}");
    assert!(download.header("cache-control").contains("immutable"));
}

#[test]
fn an_upload_called_pinned_is_not_pinned_and_keeps_its_bytes() {
    let mut server = Server::start(&[]);
    let file = server.upload("pinned", b"abc");
    let is_pinned = |server: &Server| server.get(&format!("/upload/{file}")).expect(200).json()["pinned"].clone();
    assert_eq!(is_pinned(&server), false);
    server.put(&format!("/upload/{file}/pin"), b"").expect(204);
    assert_eq!(is_pinned(&server), true);
    server.crash_and_restart();
    assert_eq!(is_pinned(&server), true);
    server.delete(&format!("/upload/{file}/pin")).expect(204);
    assert_eq!(is_pinned(&server), false);
    assert_eq!(server.get(&format!("/download/{file}/the_file")).expect(200).text(), "abc");
    assert_eq!(server.upload("pinned", b""), server.upload("b.txt", b""), "nor is an empty one");
}

#[test]
fn a_pin_of_a_former_version_holds_until_it_is_taken_away() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let mark = server.data().join(&file[..2]).join(&file[2..]).join("pinned");
    std::fs::write(&mark, "").unwrap();
    assert_eq!(server.get(&format!("/upload/{file}")).expect(200).json()["pinned"], true);
    server.delete(&format!("/upload/{file}/pin")).expect(204);
    assert_eq!(server.get(&format!("/upload/{file}")).expect(200).json()["pinned"], false);
    assert!(!mark.exists());
}

#[test]
fn bytes_that_were_lost_are_stored_when_they_come_again() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "digest", json!({}));
    server.result(&run).expect(200);
    let path = server.data().join(&file[..2]).join(&file[2..]).join("a.txt");
    for break_it in [|path: &Path| std::fs::remove_file(path).unwrap(), |path: &Path| rewrite(path, b"ab")] {
        break_it(&path);
        assert_eq!(server.upload("b.txt", b"abc"), file);
        let answer = server.get(&format!("/download/{file}/a.txt")).expect(200);
        assert_eq!(answer.text(), "abc");
        server.get(&format!("/results/{run}")).expect(200);
        server.result(&server.analyse(&file, "digest", json!({ "rerun": true }))).expect(200);
    }
    assert_eq!(server.lying_in("staging"), Vec::<String>::new());
}

/// Over a file that may not be written.
fn rewrite(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn the_same_bytes_again_mend_an_upload_of_which_nothing_is_known_any_more() {
    let server = Server::start(&[]);
    for facts in [None, Some(""), Some("{\"version\":1,")] {
        let bytes = format!("the bytes of {facts:?}");
        let file = server.upload("first.txt", bytes.as_bytes());
        let run = server.analyse(&file, "digest", json!({}));
        let answer = server.result(&run).expect(200).body;
        let directory = server.data().join(&file[..2]).join(&file[2..]);
        match facts {
            None => std::fs::remove_file(directory.join("upload.json")).unwrap(),
            Some(text) => std::fs::write(directory.join("upload.json"), text).unwrap(),
        }
        assert_ne!(server.get(&format!("/upload/{file}")).status, 200);
        assert_eq!(server.upload("second.txt", bytes.as_bytes()), file);
        assert_eq!(server.get(&format!("/upload/{file}")).expect(200).json()["filename"], "second.txt");
        assert_eq!(server.get(&format!("/download/{file}/second.txt")).expect(200).text(), bytes);
        assert_eq!(server.result(&run).expect(200).body, answer, "what was asked of them stays");
        assert!(!directory.join("first.txt").exists());
        server.delete(&format!("/upload/{file}")).expect(204);
    }
    assert!(server.lying_in("staging").is_empty());
}
