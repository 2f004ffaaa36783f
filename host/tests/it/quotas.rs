//! What a token may use: requests, runs, fuel of a day, bytes stored; and what is noted of all that.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::flows::ECHO;
use crate::installs::packed;
use crate::installs::says;
use crate::server::Server;
use crate::server::wait_for;
use crate::tokens::Holder;
use crate::tokens::made_with;

const SPINS: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;

fn server() -> Server {
    let analyses = [("echo", ECHO, json!({})), ("spins", SPINS, json!({}))];
    Server::start_with(&analyses, &["--require-tokens", "--shipped", "none"])
}

/// What `/me` says is left of a quota.
fn left(server: &Server, holder: &Holder, quota: &str) -> u64 {
    let me = holder.get(server, "/me").expect(200).json();
    let of = me["quotas"].as_array().unwrap().iter().find(|it| it["quota"] == quota);
    of.unwrap_or_else(|| panic!("{quota} in {me}"))["left"].as_u64().unwrap()
}

fn question(file: &str, analysis: &str, members: &Value) -> Vec<u8> {
    let mut question = json!({ "file_id": file, "analysis": analysis });
    question.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    question.to_string().into_bytes()
}

#[test]
fn a_minute_has_so_many_requests() {
    let server = server();
    let (few, other) = (made_with(&server, "main", &["--requests-per-minute", "8"]), made_with(&server, "main", &[]));
    let answers: Vec<_> = (0..8).map(|_| few.get(&server, "/upload")).collect();
    let last = answers.last().unwrap();
    assert_eq!(last.status, 429, "whether it counts yet was asked as well");
    assert!((1..=60).contains(&last.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(last.header("ratelimit-policy"), "\"requests-per-minute\";q=8;w=60");
    assert!(last.header("ratelimit").starts_with("\"requests-per-minute\";r=0;t="), "{}", last.header("ratelimit"));
    assert!(last.json()["detail"].as_str().unwrap().contains("8 times a minute"));
    let first = answers.iter().find(|it| it.status == 200).unwrap();
    assert!(first.header("ratelimit").starts_with("\"requests-per-minute\";r="));
    assert_eq!(other.get(&server, "/upload").expect(200).header("ratelimit"), "");
}

#[test]
fn fuel_of_a_day_is_charged_as_it_is_spent_and_outlives_a_kill() {
    let mut server = server();
    let holder = made_with(&server, "main", &["--fuel-per-day", "30000000"]);
    let file = holder.upload(&server, b"abc");
    let all = holder.send(&server, ("POST", "/analyse"), &question(&file, "spins", &json!({}))).expect(429);
    assert!(all.json()["detail"].as_str().unwrap().contains("30000000 units are left"), "{}", all.text());
    let less = json!({ "limits": { "fuel_base": 20_000_000, "fuel_per_byte": 0 } });
    let run = holder.send(&server, ("POST", "/analyse"), &question(&file, "spins", &less)).expect(200).json();
    let failed = holder.get(&server, run["results"].as_str().unwrap()).expect(422).json();
    assert_eq!(failed["reason"], "out-of-fuel");
    let after = left(&server, &holder, "fuel-per-day");
    assert!(after <= 10_000_000, "{after}");
    // An answer that is there costs nothing.
    holder.send(&server, ("POST", "/analyse"), &question(&file, "spins", &less)).expect(200);
    assert_eq!(left(&server, &holder, "fuel-per-day"), after);
    holder.send(&server, ("POST", "/analyse"), &question(&file, "echo", &less)).expect(429);
    let small = json!({ "limits": { "fuel_base": 9_000_000, "fuel_per_byte": 0 } });
    let run = holder.send(&server, ("POST", "/analyse"), &question(&file, "echo", &small)).expect(200).json();
    holder.get(&server, run["results"].as_str().unwrap()).expect(200);
    let after = left(&server, &holder, "fuel-per-day");
    assert!((9_000_000..10_000_000).contains(&after), "{after}: what it did not take is not charged");
    wait_for("what was spent to be kept", || {
        let kept = std::fs::read_to_string(server.data().join("spent.json")).ok()?;
        kept.contains(&(30_000_000 - after).to_string()).then_some(())
    });
    server.crash_and_restart();
    assert_eq!(left(&server, &holder, "fuel-per-day"), after);
}

#[test]
fn a_trial_is_paid_for_by_whoever_wants_to_know() {
    let server = Server::start_with(&[], &["--require-tokens", "--shipped", "none", "--accept-modules"]);
    let quota = ["--fuel-per-day", "1000000000000", "--scope", "upload,run,read,install"];
    let holder = made_with(&server, "main", &quota);
    let module = |letter: char, version: &str| packed(&says(letter), &json!({ "name": "theirs", "version": version }));
    holder.send(&server, ("PUT", "/analyses/theirs"), &module('a', "1")).expect(201);
    holder.upload(&server, b"abc");
    let before = left(&server, &holder, "fuel-per-day");
    let tried = holder.send(&server, ("POST", "/analyses/theirs/trial"), &module('b', "2")).expect(200).json();
    assert_eq!(tried["changed"], 1, "{tried}");
    assert!(left(&server, &holder, "fuel-per-day") < before);
}

#[test]
fn so_many_runs_are_on_their_way_and_a_dismissed_one_makes_room() {
    let server = server();
    let holder = made_with(&server, "main", &["--runs", "1"]);
    let file = holder.upload(&server, b"abc");
    let ask = |number: u32| {
        let spins = question(&file, "spins", &json!({ "args": {}, "limits": { "wall_ms": 60_000 + number } }));
        server.send(("POST", "/analyse"), &[("authorization", &holder.0)], &spins)
    };
    let first = ask(1).expect(200).json();
    let other = holder.upload(&server, b"abcd");
    let refused = holder.send(&server, ("POST", "/analyse"), &question(&other, "spins", &json!({}))).expect(429);
    assert!(refused.json()["detail"].as_str().unwrap().contains("1 runs on their way"));
    holder.send(&server, ("DELETE", first["results"].as_str().unwrap()), b"").expect(204);
    wait_for("room", || (left(&server, &holder, "runs") == 1).then_some(()));
}

#[test]
fn a_tenant_stores_no_more_than_its_token_allows() {
    let server = server();
    let holder = made_with(&server, "ann", &["--stored-bytes", "1000"]);
    let first = holder.upload(&server, &[1; 600]);
    let refused = holder.send(&server, ("POST", "/upload?filename=a"), &[2; 500]).expect(507);
    assert!(refused.json()["detail"].as_str().unwrap().contains("400 are left"), "{}", refused.text());
    holder.upload(&server, &[2; 300]);
    assert_eq!(left(&server, &holder, "stored-bytes"), 100);
    let begin = |length: &str| {
        let fields = [("authorization", &*holder.0), ("tus-resumable", "1.0.0"), ("upload-length", length)];
        server.send(("POST", "/resumable"), &fields, b"")
    };
    begin("101").expect(507);
    begin("60").expect(201);
    assert_eq!(left(&server, &holder, "stored-bytes"), 40, "what is begun counts");
    holder.send(&server, ("DELETE", &format!("/upload/{first}")), b"").expect(204);
    assert_eq!(left(&server, &holder, "stored-bytes"), 640);
    let chunked = format!(
        "POST /upload HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        holder.0
    );
    let body = format!("{chunked}300\r\n{}\r\n0\r\n\r\n", "x".repeat(0x300));
    assert!(server.raw(body.as_bytes()).starts_with("HTTP/1.1 413"), "of no known length, and too long");
    assert_eq!(left(&server, &holder, "stored-bytes"), 640);
}

#[test]
fn it_is_noted_who_asks_what_and_how_runs_end() {
    let mut server = server();
    let holder = made_with(&server, "ann", &[]);
    let file = holder.upload(&server, b"abc");
    let run = holder.ask(&server, &file, "echo");
    let results = run["results"].as_str().unwrap().to_owned();
    holder.get(&server, &results).expect(200);
    server.get("/upload").expect(401);
    holder.get(&server, "/healthz").expect(200);
    let audit = server.data().join("audit");
    let lines = || -> Vec<Value> {
        let days = std::fs::read_dir(&audit).unwrap();
        let mut days: Vec<_> = days.map(|it| it.unwrap().path()).collect();
        days.sort();
        let text: String = days.iter().map(|it| std::fs::read_to_string(it).unwrap()).collect();
        text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    };
    let all = lines();
    let find = |of: &[(&str, &str)]| {
        let is = |line: &&Value| of.iter().all(|(name, value)| line[*name].as_str() == Some(value));
        all.iter().find(is).unwrap_or_else(|| panic!("{of:?} in {all:#?}"))
    };
    let uploaded = find(&[("method", "POST"), ("path", "/upload")]);
    assert_eq!(uploaded["subject"], format!("/upload/{file}"));
    assert_eq!(
        (&uploaded["tenant"], &uploaded["name"], &uploaded["from"], &uploaded["status"]),
        (&json!("ann"), &json!("somebody"), &json!("127.0.0.1"), &json!(200))
    );
    find(&[("path", "/analyse"), ("subject", &results)]);
    find(&[("method", "GET"), ("path", &results)]);
    let ended = find(&[("event", "run"), ("subject", &results)]);
    assert_eq!(
        (&ended["outcome"], &ended["analysis"], &ended["token"]),
        (&json!("successful"), &json!("echo"), &uploaded["token"])
    );
    assert_eq!(ended["module"].as_str().unwrap().len(), 64);
    let refused = all.iter().find(|it| it["status"] == 401 && it["path"] == "/upload").unwrap();
    assert!(refused["token"].is_null() && refused["from"] == "127.0.0.1");
    assert!(all.iter().all(|it| it["path"] != "/healthz"));
    let secret = holder.0.rsplit('_').next().unwrap();
    assert!(all.iter().all(|it| !it.to_string().contains(secret)));
    let count = all.len();
    server.crash_and_restart();
    assert!(lines().len() >= count, "a kill takes none with it");
}

#[test]
fn who_leaves_before_an_answer_is_noted_and_no_path_at_length() {
    let server = Server::start_with(&[], &["--require-tokens", "--shipped", "dummy"]);
    let holder = made_with(&server, "main", &[]);
    let file = holder.upload(&server, b"abc");
    let idle = json!({ "args": { "seconds": 600 } });
    let run = holder.send(&server, ("POST", "/analyse"), &question(&file, "dummy", &idle)).expect(200);
    let results = run.json()["results"].as_str().unwrap().to_owned();
    holder.get(&server, &format!("/download/{file}/{}", "x".repeat(3000))).expect(404);
    let mut waits = server.connect();
    let head =
        format!("GET {results} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\nprefer: wait=60\r\n\r\n", holder.0);
    waits.write_all(head.as_bytes()).unwrap();
    // It may not have begun to wait; then it is not noted either.
    std::thread::park_timeout(Duration::from_millis(500));
    drop(waits);
    let lines = wait_for("a note of it", || {
        let days = std::fs::read_dir(server.data().join("audit")).unwrap();
        let text: String = days.map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap()).collect();
        let lines: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        lines.iter().any(|it| it["status"] == 499 && it["path"] == *results).then_some(lines)
    });
    let longest = lines.iter().filter_map(|it| it["path"].as_str()).map(str::len).max();
    assert_eq!(longest, Some(256));
}
