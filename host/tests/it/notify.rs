//! Clients that want to be told how a run ends, and receivers of every kind.

pub(crate) mod receiver;

use std::io::Read;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use self::receiver::Manner;
use self::receiver::Receiver;
use self::receiver::SECRET;
use crate::server::Server;
use crate::server::wait_for;

const LOOPBACK: [&str; 4] = ["--notify-allow", "127.0.0.0/8", "--notify-retry-s", "0,0,1"];
/// Long enough for a call that is to come at once.
const A_WHILE: Duration = Duration::from_millis(700);

fn hook(receiver: &Receiver) -> Value {
    json!([{ "url": receiver.url(), "secret": SECRET }])
}

/// What the record says of the first receiver, once it is in that state.
fn told(server: &Server, run: &str, state: &str) -> Value {
    wait_for(state, || {
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        Some(record["notifications"][0].clone()).filter(|it| it["state"] == state)
    })
}

fn refused(server: &Server, file: &str, notify: Value) -> Value {
    let question = json!({ "file_id": file, "analysis": "digest", "notify": notify });
    server.post("/analyse", &[], question.to_string().as_bytes()).expect(422).json()
}

#[test]
fn an_ending_is_told_once_and_signed() {
    let (server, receiver) = (Server::start_with(&[], &LOOPBACK), Receiver::willing());
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "digest", json!({ "notify": hook(&receiver) }));
    let call = receiver.next();
    assert_eq!(call.line, "POST /hook?token=private HTTP/1.1");
    assert_eq!(call.headers["host"], format!("127.0.0.1:{}", receiver.port));
    let event = call.event(SECRET);
    let analysis_id = run.split_once('/').unwrap().1;
    let record = server.get(&format!("/results/{run}/run")).json();
    let data = json!({
        "file_id": file, "analysis_id": analysis_id, "analysis": "digest", "status": "successful", "reason": null,
        "detail": null, "results": format!("/results/{run}"),
    });
    let expected = json!({
        "specversion": "1.0", "id": call.id(), "source": format!("/results/{run}"), "type": "belljar.run.successful",
        "subject": run, "time": record["finished"], "datacontenttype": "application/json", "data": data,
    });
    assert_eq!(event, expected);
    // What it names is there.
    server.get(event["data"]["results"].as_str().unwrap()).expect(200);
    let told = told(&server, &run, "delivered");
    assert_eq!(told["receiver"], format!("http://127.0.0.1:{}", receiver.port), "not the rest of its URL");
    assert_eq!(told["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(told["attempts"][0]["status"], 204);
    receiver.expect_none_within(A_WHILE);
    assert!(server.lying_in("notify").is_empty());
    let everything = format!("{}{}", record, server.get("/metrics").expect(200).text());
    assert!(!everything.contains("private") && !everything.contains("whsec"));
}

#[test]
fn who_joins_is_told_too_and_who_comes_late_at_once() {
    let server = Server::start_with(&[], &LOOPBACK);
    let [first, joining, late] = [(); 3].map(|()| Receiver::willing());
    let file = server.upload("a.txt", b"abc");
    let asks = |receiver| json!({ "args": { "seconds": 4 }, "notify": hook(receiver) });
    let run = server.analyse(&file, "dummy", asks(&first));
    assert_eq!(server.analyse(&file, "dummy", asks(&joining)), run);
    // Whoever asks twice is told once.
    server.analyse(&file, "dummy", asks(&joining));
    let id = first.next().id().to_owned();
    assert_eq!(joining.next().id(), id);
    server.analyse(&file, "dummy", asks(&late));
    assert_eq!(late.next().id(), id, "the same event");
    for receiver in [&first, &joining, &late] {
        receiver.expect_none_within(Duration::from_millis(200));
    }
    let told = wait_for("all told", || {
        let told = server.get(&format!("/results/{run}/run")).json()["notifications"].clone();
        let told = told.as_array().unwrap();
        let all = told.len() == 3 && told.iter().all(|it| it["state"] == "delivered");
        all.then(|| told.iter().map(|it| it["receiver"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    });
    assert_eq!(told, [&first, &joining, &late].map(|it| format!("http://127.0.0.1:{}", it.port)));
    // Another run of it is another event.
    server.analyse(&file, "dummy", json!({ "args": { "seconds": 4 }, "rerun": true, "notify": hook(&first) }));
    assert_ne!(first.next().id(), id);
}

#[test]
fn several_questions_are_told_of_one_by_one() {
    let (server, receiver) = (Server::start_with(&[], &LOOPBACK), Receiver::willing());
    let file = server.upload("a.txt", b"abc");
    let question = json!({ "file_id": file, "analysis": ["digest", "strings"], "notify": hook(&receiver) });
    server.post("/analyse", &[], question.to_string().as_bytes()).expect(200);
    let mut told = [receiver.next(), receiver.next()].map(|it| it.event(SECRET)["data"]["analysis"].clone());
    told.sort_by_key(Value::to_string);
    assert_eq!(told, ["digest", "strings"]);
}

#[test]
fn only_endings_that_are_asked_for_are_told() {
    let (server, receiver) = (Server::start_with(&[], &LOOPBACK), Receiver::willing());
    let file = server.upload("a.txt", b"abc");
    let asks = |members: Value| {
        let mut question =
            json!({ "notify": [{ "url": receiver.url(), "secret": SECRET, "events": ["failed", "dismissed"] }] });
        question.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        question
    };
    let good = server.analyse(&file, "digest", asks(json!({})));
    assert_eq!(told(&server, &good, "not_wanted")["attempts"], json!([]));
    server.analyse(&file, "strings", asks(json!({ "limits": { "fuel_base": 1, "fuel_per_byte": 0 } })));
    let event = receiver.next().event(SECRET);
    assert_eq!((&event["type"], &event["data"]["reason"]), (&json!("belljar.run.failed"), &json!("out-of-fuel")));
    let run = server.analyse(&file, "dummy", asks(json!({ "args": { "seconds": 600 } })));
    server.delete(&format!("/results/{run}")).expect(204);
    assert_eq!(receiver.next().event(SECRET)["type"], "belljar.run.dismissed");
    // A file takes its runs with it, and not the news of them.
    server.analyse(&file, "dummy", asks(json!({ "args": { "seconds": 601 } })));
    server.delete(&format!("/upload/{file}")).expect(204);
    let event = receiver.next().event(SECRET);
    assert_eq!((&event["type"], &event["data"]["reason"]), (&json!("belljar.run.dismissed"), &json!("file-deleted")));
    receiver.expect_none_within(A_WHILE);
    wait_for("nothing left", || server.lying_in("notify").is_empty().then_some(()));
}

#[test]
fn a_receiver_that_fails_is_called_again_with_the_same_id() {
    let server = Server::start_with(&[], &LOOPBACK);
    let receiver =
        Receiver::start(&[Manner::Says(500, ""), Manner::Says(429, "retry-after: 1\r\n"), Manner::Says(200, "")]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "digest", json!({ "notify": hook(&receiver) }));
    let ids = [(); 3].map(|()| receiver.next()).map(|it| (it.id().to_owned(), it.event(SECRET)));
    assert!(ids.iter().all(|it| *it == ids[0]), "{ids:?}");
    let told = told(&server, &run, "delivered");
    let attempts = told["attempts"].as_array().unwrap();
    assert_eq!(attempts.iter().map(|it| &it["status"]).collect::<Vec<_>>(), [500, 429, 200]);
    receiver.expect_none_within(A_WHILE);
    // Whoever never takes it is given up, as is who says so.
    let (deaf, gone) = (Receiver::start(&[Manner::Says(503, "")]), Receiver::start(&[Manner::Says(410, "")]));
    let run = server.analyse(&file, "strings", json!({ "notify": hook(&deaf) }));
    assert_eq!(self::told(&server, &run, "given_up")["attempts"].as_array().unwrap().len(), 4);
    let run = server.analyse(&file, "strings", json!({ "args": { "min_length": 9 }, "notify": hook(&gone) }));
    assert_eq!(self::told(&server, &run, "given_up")["attempts"].as_array().unwrap().len(), 1);
}

#[test]
fn nobody_is_led_elsewhere() {
    let server = Server::start_with(&[], &LOOPBACK);
    let elsewhere = Receiver::willing();
    let head = format!("location: {}\r\n", elsewhere.url());
    let receiver = Receiver::start(&[Manner::Says(307, head.leak())]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "digest", json!({ "notify": hook(&receiver) }));
    assert_eq!(told(&server, &run, "given_up")["attempts"][3]["status"], 307);
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn what_only_this_machine_can_reach_is_not_called() {
    // The operator allows something, so that what is in clear is not refused for that alone.
    let server = Server::start_with(&[], &["--notify-allow", "10.255.0.0/16", "--notify-retry-s", ""]);
    let receiver = Receiver::willing();
    let file = server.upload("a.txt", b"abc");
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "１２７.0.0.1",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{}/", receiver.port);
            let problem = refused(&server, &file, json!([{ "url": url, "secret": SECRET }]));
            assert_eq!(problem["errors"][0]["pointer"], "/notify/0/url", "{host}: {problem}");
        }
    }
    // A name is looked up when it is called.
    for scheme in ["http", "https"] {
        let notify = json!([{ "url": format!("{scheme}://localhost:{}/", receiver.port), "secret": SECRET }]);
        let run = server.analyse(&file, "strings", json!({ "args": { "min_length": scheme.len() }, "notify": notify }));
        let told = told(&server, &run, "given_up");
        assert!(told["attempts"][0]["error"].as_str().unwrap().contains("no address that this server calls"), "{told}");
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_wish_that_cannot_be_is_refused_where_it_is_wrong() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let good = json!({ "url": "https://example.org/hook", "secret": SECRET });
    let with = |member: &str, value: Value| {
        let mut hook = good.clone();
        hook[member] = value;
        json!([hook])
    };
    for (notify, pointer) in [
        (with("url", json!("example.org")), "/notify/0/url"),
        (with("url", json!("http://example.org/")), "/notify/0/url"),
        (with("url", json!("ftp://example.org/")), "/notify/0/url"),
        (with("url", json!("https://user@example.org/")), "/notify/0/url"),
        (with("url", json!(format!("https://example.org/{}", "x".repeat(2048)))), "/notify/0/url"),
        (with("secret", json!("whsec_c2hvcnQ=")), "/notify/0/secret"),
        (json!([{ "url": "https://example.org" }]), "/notify/0/secret"),
        (with("events", json!([])), "/notify/0/events"),
        (json!([good, good]), "/notify/1/url"),
        (json!([good, good, good, good, good]), "/notify"),
    ] {
        let problem = refused(&server, &file, notify);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for malformed in [json!("https://example.org"), with("events", json!(["started"])), with("method", json!("GET"))] {
        refused(&server, &file, malformed);
    }
    assert!(server.lying_in("queue").is_empty() && server.lying_in("notify").is_empty());
    let off = Server::start_with(&[], &["--notify-pending-max", "0"]);
    let file = off.upload("a.txt", b"abc");
    let problem = refused(&off, &file, json!([good]));
    assert!(problem.to_string().contains("notifies nobody"), "{problem}");
}

#[test]
fn the_operators_secret_signs_what_has_none_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, format!("{SECRET}\n")).unwrap();
    let arguments = [&LOOPBACK[..], &["--notify-secret-file", path.to_str().unwrap()]].concat();
    let (server, receiver) = (Server::start_with(&[], &arguments), Receiver::willing());
    let file = server.upload("a.txt", b"abc");
    server.analyse(&file, "digest", json!({ "notify": [{ "url": receiver.url() }] }));
    receiver.next().event(SECRET);
}

#[test]
fn no_kill_takes_the_news_with_it() {
    let mut server = Server::start_with(&[], &["--notify-allow", "127.0.0.1/32", "--notify-retry-s", "3,1,1,1,1,1"]);
    // The first call goes to a receiver that is out of order.
    let receiver = Receiver::start(&[Manner::Says(500, ""), Manner::Says(204, "")]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 1 }, "notify": hook(&receiver) }));
    server.worker_of(&run);
    server.crash_and_restart();
    let first = receiver.next();
    // A call that is not written down yet would be made again.
    wait_for("the first call", || (told(&server, &run, "due")["attempts"][0]["status"] == 500).then_some(()));
    server.crash_and_restart();
    let second = receiver.next();
    assert_eq!((first.id(), first.event(SECRET)), (second.id(), second.event(SECRET)));
    let told = told(&server, &run, "delivered");
    assert_eq!(told["attempts"].as_array().unwrap().len(), 2, "{told}");
    server.crash_and_restart();
    receiver.expect_none_within(A_WHILE);
    assert!(server.lying_in("notify").is_empty());
}

#[test]
fn who_does_not_answer_keeps_nobody_else_waiting() {
    let server = Server::start_with(&[], &LOOPBACK);
    let (silent, willing) = (Receiver::start(&[Manner::Silent]), Receiver::willing());
    let file = server.upload("a.txt", b"abc");
    for number in 1..=10 {
        let asks = json!({ "args": { "min_length": 4 + number }, "notify": hook(&silent) });
        server.analyse(&file, "strings", asks);
    }
    // As many as may be are calling it for this client: the others wait, and hold nothing meanwhile.
    for _ in 0..2 {
        silent.next();
    }
    server.analyse(&file, "digest", json!({ "notify": hook(&willing) }));
    willing.next();
    silent.expect_none_within(A_WHILE);
}

#[test]
fn what_a_client_wishes_of_a_receiver_is_its_own() {
    let (server, receiver) = (Server::start_with(&[], &LOOPBACK), Receiver::willing());
    let file = server.upload("a.txt", b"abc");
    let asks = |event: &str| {
        let notify = json!([{ "url": receiver.url(), "secret": SECRET, "events": [event] }]);
        json!({ "file_id": file, "analysis": "dummy", "args": { "seconds": 1.5 }, "notify": notify }).to_string()
    };
    let ours = |event| server.post("/analyse", &[], asks(event).as_bytes()).expect(200);
    let run = ours("successful").json()["results"].as_str().unwrap().to_owned();
    let body = asks("successful");
    let mut another = server.connect_as_another();
    let head = format!(
        "POST /analyse HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    another.write_all(head.as_bytes()).unwrap();
    let mut said = String::new();
    another.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    // This changes what this client wished, and not what the other did.
    ours("failed");
    receiver.next().event(SECRET);
    receiver.expect_none_within(A_WHILE);
    let told = server.get(&format!("{run}/run")).json()["notifications"].clone();
    let mut states: Vec<_> = told.as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["delivered", "not_wanted"]);
}

#[test]
fn an_entry_that_cannot_be_read_keeps_no_server_from_starting() {
    let mut server = Server::start_with(&[], &LOOPBACK);
    let name = format!("{}-{}-1795000000123", "a".repeat(40), "b".repeat(40));
    std::fs::create_dir(server.data().join("notify").join(name)).unwrap();
    server.crash_and_restart();
    let receiver = Receiver::willing();
    let file = server.upload("a.txt", b"abc");
    server.analyse(&file, "digest", json!({ "notify": hook(&receiver) }));
    receiver.next().event(SECRET);
}
