//! A run watched as it goes, by server-sent events.

use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::flows::SLEEPER;
use crate::memory::LOUD;
use crate::server::Server;
use crate::server::wait_for;

/// Says `one` and `two` on stderr, leaves `/out/o.txt`, prints `{}`.
pub(crate) const TELLER: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "o.txt")
  (data (i32.const 64) "\00\02\00\00\04\00\00\00\04\02\00\00\04\00\00\00\08\02\00\00\02\00\00\00")
  (data (i32.const 512) "one\ntwo\n{}")
  (func (export "_start")
    (drop (call $w (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 48)))
    (drop (call $w (i32.const 2) (i32.const 72) (i32.const 1) (i32.const 48)))
    (drop (call $o (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 36)))
    (drop (call $w (i32.load (i32.const 36)) (i32.const 64) (i32.const 1) (i32.const 44)))
    (drop (call $w (i32.const 1) (i32.const 80) (i32.const 1) (i32.const 48)))))"#;

/// Reads the sample for ever, from its start each time it has come to the end.
const READER: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $r (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "the_file")
  (data (i32.const 64) "\00\04\00\00\10\00\00\00")
  (func (export "_start") (local $at i64)
    (drop (call $o (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
    (loop $again
      (drop (call $r (i32.load (i32.const 32)) (i32.const 64) (i32.const 1) (local.get $at) (i32.const 40)))
      (local.set $at (i64.rem_u (i64.add (local.get $at) (i64.const 16)) (i64.const 1000000)))
      (br $again))))"#;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    id: String,
    pub(crate) data: Value,
}

/// The events of an answer, as they come.
pub(crate) fn events(lines: impl Iterator<Item = String>) -> impl Iterator<Item = Event> {
    let (mut name, mut id) = (String::new(), String::new());
    let mut data = None;
    lines.filter_map(move |line| {
        match line.split_once(": ") {
            Some(("event", it)) => it.clone_into(&mut name),
            Some(("id", it)) => it.clone_into(&mut id),
            Some(("data", it)) => data = Some(serde_json::from_str(it).unwrap()),
            _ => (),
        }
        if line.is_empty() {
            let data = data.take()?;
            return Some(Event { name: name.clone(), id: id.clone(), data });
        }
        None
    })
}

fn watch(server: &Server, run: &str, last: &str) -> Vec<Event> {
    events(server.lines(&format!("/results/{run}/events"), &[("last-event-id", last)])).collect()
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|it| it.name.as_str()).collect()
}

#[test]
fn a_run_is_told_from_its_acceptance_to_its_end_and_again_to_who_comes_later() {
    let server = Server::start(&[("teller", TELLER, json!({}))]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "teller", json!({}));
    let live = watch(&server, &run, "");
    server.result(&run).expect(200);
    let later = watch(&server, &run, "");
    for told in [&live, &later] {
        let told: Vec<_> = told.iter().filter(|it| it.name != "progress").cloned().collect();
        assert_eq!(names(&told)[..2], ["accepted", "started"]);
        assert_eq!(names(&told)[told.len() - 2..], ["artifact", "completed"]);
        let log: String =
            told.iter().filter(|it| it.name == "log").map(|it| it.data["text"].as_str().unwrap()).collect();
        assert_eq!(log, "one\ntwo\n");
        assert_eq!((&told[0].data["analysis"], &told[1].data["attempt"]), (&json!("teller"), &json!(1)));
        let artifact = &told[told.len() - 2].data;
        assert_eq!(artifact["path"], "/out/o.txt");
        server.get(artifact["download"].as_str().unwrap()).expect(200);
        let end = &told[told.len() - 1];
        assert_eq!((&end.data["status"], &end.data["reason"]), (&json!("successful"), &Value::Null));
    }
    assert_eq!(live.last().unwrap().id, later.last().unwrap().id, "an id is the same whenever it is told");
    for (at, event) in later.iter().enumerate() {
        let rest = server.get_with(&format!("/results/{run}/events"), ("last-event-id", &event.id));
        if at + 1 == later.len() {
            assert_eq!(rest.status, 204, "nothing comes any more");
        } else {
            let rest: Vec<_> = events(rest.expect(200).text().lines().map(str::to_owned)).collect();
            assert_eq!(rest, later[at + 1..], "after {}", event.id);
        }
    }
}

#[test]
fn progress_goes_forward_and_comes_four_times_a_second_at_most() {
    let server = Server::start(&[("reader", READER, json!({}))]);
    let file = server.upload("a.bin", &[7; 1_000_000]);
    let run = server.analyse(&file, "reader", json!({ "limits": { "wall_ms": 1600 } }));
    let began = Instant::now();
    let told = watch(&server, &run, "");
    let progress: Vec<_> = told.iter().filter(|it| it.name == "progress").collect();
    let most = began.elapsed().as_millis() / 250 + 2;
    assert!(progress.len() >= 3 && progress.len() <= usize::try_from(most).unwrap(), "{told:#?}");
    for member in ["bytes_read", "fuel", "fraction"] {
        let values: Vec<_> = progress.iter().map(|it| it.data[member].as_f64().unwrap()).collect();
        assert!(values.is_sorted() && *values.last().unwrap() > 0.0, "{member}: {values:?}");
    }
    assert_eq!(told.last().unwrap().data["reason"], "deadline");
}

#[test]
fn a_silent_run_has_a_heartbeat_and_a_dismissal_is_told() {
    let server = Server::start(&[("sleeper", SLEEPER, json!({}))]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "sleeper", json!({}));
    let mut lines = server.lines(&format!("/results/{run}/events"), &[]);
    let began = Instant::now();
    assert!(lines.any(|line| line.starts_with(':')), "a comment keeps the connection alive");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    server.delete(&format!("/results/{run}")).expect(204);
    let rest: Vec<_> = events(lines).collect();
    assert_eq!(rest.last().unwrap().data["status"], "dismissed");
}

#[test]
fn a_log_can_be_read_while_it_is_written() {
    let chatty = SLEEPER.replace(
        "(i32.store (i32.const 16) (i32.const 1))",
        "(drop (call $w (i32.const 2) (i32.const 512) (i32.const 1) (i32.const 520)))
         (i32.store (i32.const 16) (i32.const 1))",
    );
    let server = Server::start(&[("chatty", &chatty, json!({}))]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "chatty", json!({}));
    let told = events(server.lines(&format!("/results/{run}/events"), &[])).find(|it| it.name == "log").unwrap();
    assert_eq!(told.data["text"], "{}");
    let early = server.get(&format!("/download/{run}/o.txt")).expect(503);
    assert_eq!(early.header("retry-after"), "1", "it may come yet");
    let log = server.get(&format!("/results/{run}/log")).expect(200);
    assert_eq!((log.text(), log.header("content-type")), ("{}", "text/plain; charset=utf-8"));
    server.delete(&format!("/results/{run}")).expect(204);
    assert_eq!(server.get(&format!("/results/{run}/log")).text(), "{}", "and afterwards");
}

/// Its log is more than lies between server and client, so its end is told long after it came.
#[test]
fn who_has_not_seen_the_end_when_it_is_asked_again_is_told_so() {
    let bytes = 4 << 20;
    let server = Server::start(&[("loud", LOUD, json!({ "limits": { "stderr_bytes": bytes } }))]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "loud", json!({}));
    let asked_again = json!({ "limits": { "stderr_bytes": bytes }, "rerun": true });
    let mut slow = events(server.lines(&format!("/results/{run}/events"), &[]));
    assert_eq!(slow.next().unwrap().name, "accepted");
    wait_for("its log", || (server.get(&format!("/results/{run}/log")).body.len() == bytes).then_some(()));
    server.delete(&format!("/results/{run}")).expect(204);
    server.analyse(&file, "loud", asked_again);
    let last = slow.last().unwrap();
    assert_eq!((last.name.as_str(), &last.data["status"]), ("completed", &json!("accepted")));
}

#[test]
fn there_are_no_events_of_what_was_never_asked() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    server.get(&format!("/results/{file}/{}/events", "0".repeat(40))).expect(404);
    server.get(&format!("/results/{}/{}/events", "0".repeat(40), "0".repeat(40))).expect(404);
}
