//! What a killed worker, a deadline and a full queue do to runs, theirs and others.

use std::io::Read;
use std::io::Write;

use serde_json::json;

use crate::memory::resident_mib;
use crate::server::Server;
use crate::server::kill;
use crate::server::wait_for;

#[test]
fn a_run_whose_worker_is_killed_is_run_again() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 1 } }));
    let other = server.analyse(&file, "dummy", json!({ "args": { "seconds": 1.5 } }));
    kill(&server.worker_of(&run));
    assert_eq!(server.result(&run).expect(200).json()["slept_seconds"], 1.0);
    let attempts = |run: &str| server.get(&format!("/results/{run}/run")).json()["attempts"].clone();
    assert_eq!(attempts(&run), 2);
    server.result(&other).expect(200);
    assert_eq!(attempts(&other), 1, "nobody else is disturbed");
}

#[test]
fn a_run_that_loses_every_worker_is_failed_by_name_and_can_be_asked_for_again() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let question = json!({ "args": { "seconds": 2 } });
    let run = server.analyse(&file, "dummy", question.clone());
    let mut last = String::new();
    for _ in 0..3 {
        let worker =
            crate::server::wait_for("the next worker", || Some(server.worker_of(&run)).filter(|it| *it != last));
        kill(&worker);
        last = worker;
    }
    let problem = server.result(&run).expect(500).json();
    assert_eq!(problem["reason"], "host-interrupted");
    assert_eq!(server.get(&format!("/results/{run}/run")).json()["status"], "failed");
    assert_eq!(server.analyse(&file, "dummy", question), run);
    server.result(&run).expect(200);
}

#[test]
fn a_server_killed_in_mid_run_finishes_it_after_its_restart() {
    let mut server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 1 } }));
    let worker = server.worker_of(&run);
    server.crash_and_restart();
    crate::server::wait_for("the worker's end", || (!alive(&worker)).then_some(()));
    server.result(&run).expect(200);
    assert!(server.lying_in("queue").is_empty());
    assert!(server.lying_in("staging").is_empty());
}

#[test]
fn a_run_over_which_servers_die_is_given_up_and_one_over_which_they_were_stopped_is_not() {
    let mut server = Server::start_with(&[], &["--crashes-max", "2"]);
    let file = server.upload("a.txt", b"abc");
    let long = server.analyse(&file, "dummy", json!({ "args": { "seconds": 20 } }));
    for _ in 0..3 {
        server.worker_of(&long);
        assert_eq!(server.stop(), Some(0));
        server.crash_and_restart();
    }
    server.worker_of(&long);
    server.crash_and_restart();
    server.worker_of(&long);
    let waits = server.analyse(&file, "dummy", json!({ "args": { "seconds": 0 } }));
    server.result(&waits).expect(200);
    server.crash_and_restart();
    let problem = server.result(&long).expect(500).json();
    assert_eq!(problem["reason"], "host-interrupted");
    assert!(problem["detail"].as_str().unwrap().contains("2 servers have died"), "{problem}");
    server.result(&waits).expect(200);
    assert!(server.lying_in("queue").is_empty());
    // Asked for again, it begins anew.
    server.analyse(&file, "dummy", json!({ "args": { "seconds": 20 }, "rerun": true }));
    server.worker_of(&long);
    server.crash_and_restart();
    server.worker_of(&long);
    server.get(&format!("/results/{long}")).expect(202);
}

#[test]
fn a_deadline_is_the_operators_and_passes_with_the_day() {
    let server = Server::start_with(&[], &["--cap", "wall_ms=200"]);
    assert_eq!(server.get("/limits").expect(200).json()["cap"]["wall_ms"], 200);
    let file = server.upload("a.txt", b"abc");
    let question = json!({ "args": { "seconds": 30 } });
    let run = server.analyse(&file, "dummy", question.clone());
    let worker = server.worker_of(&run);
    let problem = server.result(&run).expect(422).json();
    assert_eq!(problem["reason"], "deadline");
    crate::server::wait_for("the worker's end", || (!alive(&worker)).then_some(()));
    assert_eq!(server.analyse(&file, "dummy", question), run, "the same question");
    server.get(&format!("/results/{run}")).expect(202);
}

#[test]
fn a_request_may_ask_for_less_and_never_for_more() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let limits = |asked| {
        let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 0 }, "limits": asked, "rerun": true }));
        server.get_with(&format!("/results/{run}"), ("prefer", "wait=60")).expect(200);
        server.get(&format!("/results/{run}/run")).json()["limits"].clone()
    };
    let granted = limits(json!({}));
    assert_eq!(limits(json!({ "memory_bytes": 4 << 20 }))["memory_bytes"], 4 << 20);
    assert_eq!(limits(json!({ "memory_bytes": u64::MAX }))["memory_bytes"], granted["memory_bytes"]);
    let unknown = json!({ "file_id": file, "analysis": "dummy", "limits": { "memory": 1 } }).to_string();
    server.post("/analyse", &[], unknown.as_bytes()).expect(422);
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let server = Server::start_with(&[], &["--queue-max", "2", "--workers", "1"]);
    let file = server.upload("a.txt", b"abc");
    let question =
        |seconds| json!({ "file_id": file, "analysis": "dummy", "args": { "seconds": seconds } }).to_string();
    let ask = |seconds: u32| server.post("/analyse", &[], question(seconds).as_bytes());
    let first = ask(30).expect(200).json()["analysis_id"].as_str().unwrap().to_owned();
    ask(31).expect(200);
    let refused = ask(32).expect(503);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    ask(30).expect(200);
    server.get("/readyz").expect(503);
    server.delete(&format!("/results/{file}/{first}")).expect(204);
    ask(32).expect(200);
}

/// Asks from 127.0.0.2, and gives all that is said.
pub(crate) fn ask_as_another(server: &Server, wait_s: u32, question: &serde_json::Value) -> String {
    let (body, to) = (question.to_string(), server.address());
    let mut stream = server.connect_as_another();
    let head = format!("POST /analyse HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nPrefer: wait={wait_s}\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn a_client_that_floods_does_not_go_twice_before_another() {
    let server = Server::start_with(&[], &["--workers", "1"]);
    let file = server.upload("a.txt", b"abc");
    let ask = |seconds: f64| server.analyse(&file, "dummy", json!({ "args": { "seconds": seconds } }));
    let flood: Vec<_> = (0..20).map(|number| ask(0.5 + f64::from(number) / 1000.0)).collect();
    let one = json!({ "file_id": file, "analysis": "dummy", "args": { "seconds": 0 } });
    assert!(ask_as_another(&server, 60, &one).contains("successful"));
    let status = |run: &String| server.get(&format!("/results/{run}/run")).json()["status"].clone();
    let begun = flood.iter().filter(|run| status(run) != "accepted").count();
    // The one that ran, and the one that runs by now.
    assert!(begun <= 2, "{begun} of the flood went first");
}

#[test]
fn a_client_that_floods_leaves_room_for_another() {
    let server = Server::start_with(&[], &["--workers", "1", "--queue-max", "18"]);
    let file = server.upload("a.txt", b"abc");
    let question = |seconds: u32| json!({ "file_id": file, "analysis": "dummy", "args": { "seconds": seconds } });
    let ask = |seconds| server.post("/analyse", &[], question(seconds).to_string().as_bytes());
    let first = server.analyse(&file, "dummy", json!({ "args": { "seconds": 100 } }));
    for number in 1..16 {
        ask(100 + number).expect(200);
    }
    let refused = ask(200).expect(429);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    ask(100).expect(200);
    assert!(ask_as_another(&server, 0, &question(300)).starts_with("HTTP/1.1 200"));
    server.delete(&format!("/results/{first}")).expect(204);
    ask(200).expect(200);
}

#[test]
fn a_run_that_another_asks_for_too_goes_in_its_turn() {
    let server = Server::start_with(&[], &["--workers", "1"]);
    let file = server.upload("a.txt", b"abc");
    let ask = |analysis: &str, args: serde_json::Value| {
        server.analyse(&file, analysis, json!({ "args": args, "priority": "bulk" }))
    };
    let flood: Vec<_> = (0..8).map(|number| ask("dummy", json!({ "seconds": 3 + number }))).collect();
    ask("digest", json!({}));
    let same = json!({ "file_id": file, "analysis": "digest" });
    assert!(ask_as_another(&server, 60, &same).contains("successful"));
    let status = |run: &String| server.get(&format!("/results/{run}/run")).json()["status"].clone();
    let begun = flood.iter().filter(|run| status(run) != "accepted").count();
    assert!(begun <= 2, "{begun} of the line of who asked first went before");
}

#[test]
fn long_questions_of_one_client_do_not_hold_up_anothers() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let before = resident_mib(&server);
    // Documents of a hundred thousand parts, which are no questions.
    let body = format!("[{}1]", "1,".repeat(120_000));
    let mut flood: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = server.connect();
            let head = format!("POST /analyse HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body.as_bytes()[..body.len() - 1]).unwrap();
            stream
        })
        .collect();
    wait_for("what they sent, in memory", || (resident_mib(&server) > before + 18).then_some(()));
    flood.iter_mut().for_each(|it| it.write_all(b"]").unwrap());
    let several = json!({ "file_id": file, "analysis": ["digest"] });
    assert!(ask_as_another(&server, 0, &several).starts_with("HTTP/1.1 200"));
    let answered = |stream: &std::net::TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_ok()
    };
    let first = flood.iter().filter(|it| answered(it)).count();
    assert!(first < 50, "{first} of 100 went before");
}

#[test]
fn a_restart_leaves_no_client_every_worker() {
    let mut server = Server::start_with(&[], &["--workers", "4"]);
    let file = server.upload("a.txt", b"abc");
    for number in 0..6 {
        server.analyse(&file, "dummy", json!({ "args": { "seconds": 200 + number } }));
    }
    server.crash_and_restart();
    let one = json!({ "file_id": file, "analysis": "digest" });
    assert!(ask_as_another(&server, 20, &one).contains("successful"));
}

#[test]
fn single_use_workers_serve_one_run_each() {
    let server = Server::start_with(&[], &["--single-use-workers"]);
    let file = server.upload("a.txt", b"abc");
    let mut workers: Vec<_> = (1..=3)
        .map(|tenths| {
            let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": f64::from(tenths) / 10.0 } }));
            let worker = server.worker_of(&run);
            server.result(&run).expect(200);
            worker
        })
        .collect();
    workers.sort();
    workers.dedup();
    assert_eq!(workers.len(), 3);
    assert_eq!(server.get("/readyz").json()["workers"]["idle"], 0);
}

fn alive(pid: &str) -> bool {
    std::path::Path::new("/proc").join(pid).exists()
}

#[test]
fn the_record_of_a_killed_run_says_what_was_seen_of_it() {
    let server = Server::start_with(&[("reads", READS_FOR_EVER, json!({ "stdout": "none" }))], &[]);
    let file = server.upload("a.bin", &[1; 1000]);
    let run = server.analyse(&file, "reads", json!({ "limits": { "wall_ms": 1500 } }));
    assert_eq!(server.result(&run).expect(422).json()["reason"], "deadline");
    let usage = server.get(&format!("/results/{run}/run")).expect(200).json()["usage"].clone();
    assert_eq!(usage["fuel_exact"], false, "{usage}");
    assert!(usage["fuel"].as_u64().unwrap() > 1000 && usage["bytes_read"].as_u64().unwrap() >= 1000, "{usage}");
    assert_eq!(usage["memory_bytes_peak"], 3 * 65_536, "{usage}");
}

/// Its sample, again and again.
const READS_FOR_EVER: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0) "the_file")
  (data (i32.const 16) "\00\04\00\00\e8\03\00\00")
  (func (export "_start")
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
    (loop
      (drop (call $pread (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i64.const 0) (i32.const 40)))
      (br 0))))"#;

/// A worker belongs to one client, and so does what it says once a file has been through it.
#[test]
fn an_answer_of_a_process_that_was_used_before_is_run_anew_for_another_client() {
    let server = Server::start_with(&[], &["--workers", "2"]);
    let (first, second) = (server.upload("a.txt", b"abc"), server.upload("b.txt", b"defg"));
    server.result(&server.analyse(&first, "digest", json!({}))).expect(200);
    let ask = || server.analyse(&second, "digest", json!({}));
    let run = ask();
    server.result(&run).expect(200);
    let started = || server.get(&format!("/results/{run}/run")).expect(200).json()["started"].clone();
    let before = started();
    ask();
    assert_eq!(started(), before, "it stands for who has asked");
    let question = json!({ "file_id": second, "analysis": "digest" });
    let with_less = json!({ "file_id": second, "analysis": "digest", "limits": { "memory_bytes": 16 << 20 } });
    let memory = || server.get(&format!("/results/{run}/run")).json()["limits"]["memory_bytes"].clone();
    let had = memory();
    assert!(ask_as_another(&server, 30, &with_less).contains("successful"));
    let after = started();
    assert_ne!(after, before);
    assert_eq!(memory(), had, "it takes the place of what was there, and has no less");
    ask();
    assert!(ask_as_another(&server, 30, &question).contains("successful"));
    assert_eq!(started(), after, "and that one stands for everybody");
}

#[test]
fn a_worker_that_was_lent_a_file_goes_with_it() {
    let server = Server::start_with(&[], &["--workers", "2"]);
    let (kept, goes) = (server.upload("a.txt", b"abc"), server.upload("b.txt", b"defg"));
    let idle = || server.get("/readyz").json()["workers"]["idle"].as_u64().unwrap();
    server.result(&server.analyse(&goes, "digest", json!({}))).expect(200);
    server.result(&server.analyse(&kept, "dummy", json!({ "args": { "seconds": 0 } }))).expect(200);
    wait_for("both to be idle", || (idle() == 2).then_some(()));
    server.delete(&format!("/upload/{goes}")).expect(204);
    wait_for("one to be gone", || (idle() == 1).then_some(()));
}

#[test]
fn a_worker_that_was_lent_a_file_before_goes_when_it_has_done_its_run() {
    let server = Server::start_with(&[], &["--workers", "2"]);
    let (kept, goes) = (server.upload("a.txt", b"abc"), server.upload("b.txt", b"defg"));
    let ask = |file: &str, seconds: f64| server.analyse(file, "dummy", json!({ "args": { "seconds": seconds } }));
    let first = ask(&goes, 0.5);
    let worker = server.worker_of(&first);
    server.result(&first).expect(200);
    let second = ask(&kept, 1.0);
    assert_eq!(server.worker_of(&second), worker, "a warm one");
    server.delete(&format!("/upload/{goes}")).expect(204);
    server.result(&second).expect(200);
    wait_for("the worker's end", || (!alive(&worker)).then_some(()));
}
