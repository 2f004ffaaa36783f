//! What belongs together: a request, what is noted and logged of it, and the runs that it began.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::flows::ECHO;
use crate::server::Server;
use crate::server::started;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

#[test]
fn every_answer_says_which_request_it_is_of() {
    let server = Server::start(&[]);
    let id = |headers: &[(&str, &str)]| {
        server.send(("GET", "/healthz"), headers, b"").expect(200).header("x-request-id").to_owned()
    };
    let is_id = |it: &str| it.len() == 32 && it.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let (one, other) = (id(&[]), id(&[]));
    assert!(is_id(&one) && is_id(&other) && one != other, "{one} {other}");
    assert!(is_id(server.get("/nowhere").expect(404).header("x-request-id")));
    assert!(is_id(server.post("/analyse", &[], b"{").expect(400).header("x-request-id")));
    // Whose trace it is, is the asker's to say; what is no id is no id.
    assert_eq!(id(&[TRACEPARENT]), TRACE);
    assert_eq!(id(&[("x-request-id", TRACE)]), TRACE);
    assert_eq!(id(&[TRACEPARENT, ("x-request-id", &one)]), TRACE);
    for other in ["\"><script>", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "", &TRACE[1..]] {
        for name in ["traceparent", "x-request-id"] {
            let given = id(&[(name, other)]);
            assert!(is_id(&given) && given != TRACE, "{name}: {other}: {given}");
        }
    }
}

#[test]
fn a_run_says_which_request_began_it_in_its_record_in_the_audit_log_and_over_a_restart() {
    let mut server = Server::start_with(&[("echo", ECHO, json!({}))], &["--audit", "always"]);
    let file = server.upload("a.txt", b"abc");
    let question = json!({ "file_id": file, "analysis": "echo" }).to_string();
    let run = server.post("/analyse", &[TRACEPARENT, ("prefer", "wait=30")], question.as_bytes()).expect(200).json();
    let record = || server.get(&format!("{}/run", run["results"].as_str().unwrap())).expect(200).json();
    assert_eq!(record()["request_id"], TRACE);
    // Who asks for the same later did not begin it.
    server.post("/analyse", &[], question.as_bytes()).expect(200);
    assert_eq!(record()["request_id"], TRACE);
    let days = std::fs::read_dir(server.data().join("audit")).unwrap();
    let text: String = days.map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap()).collect();
    let lines: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let of_trace: Vec<_> = lines.iter().filter(|it| it["request"] == TRACE).map(|it| &it["event"]).collect();
    assert_eq!(of_trace.len(), 2, "{lines:?}");
    assert!(["request", "run"].iter().all(|it| of_trace.contains(&&json!(it))), "{lines:?}");
    server.crash_and_restart();
    let record = server.get(&format!("{}/run", run["results"].as_str().unwrap())).expect(200).json();
    assert_eq!(record["request_id"], TRACE);
}

#[test]
fn the_log_says_of_which_request_it_tells() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--shipped", "none", "--log-format", "json", "--data"]);
    command.arg(dir.path().join("data")).env("BELLJAR_LOG", "host::http=debug");
    let (mut child, url) = started(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let asked = ureq::get(format!("{}/limits?no", url.unwrap())).header(TRACEPARENT.0, TRACEPARENT.1);
    assert_eq!(asked.config().http_status_as_error(false).build().call().unwrap().status(), 400);
    child.kill().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    let events: Vec<Value> = said.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let answered = events.iter().find(|it| it["message"] == "answered").unwrap_or_else(|| panic!("{said}"));
    assert_eq!((&answered["status"], &answered["level"]), (&json!(400), &json!("DEBUG")));
    let span = &answered["span"];
    assert_eq!((&span["trace"], &span["method"], &span["route"]), (&json!(TRACE), &json!("GET"), &json!("/limits")));
}

/// Takes what is sent to it until nothing more comes: the bodies.
#[cfg(feature = "otlp")]
fn collect(listener: &std::net::TcpListener) -> Vec<u8> {
    use std::io::BufRead;
    use std::io::Write;
    let mut all = Vec::new();
    let (stream, _) = listener.accept().unwrap();
    let mut reader = std::io::BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.contains("HTTP/1.1") {
                assert!(line.starts_with("POST /v1/traces "), "{line}");
            }
            line.clear();
        }
        if line.is_empty() {
            return all;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        all.extend(body);
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_is_told_of_requests_and_runs_as_parts_of_one_trace() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let mut server = Server::start_with(&[("echo", ECHO, json!({}))], &["--otlp-endpoint", &collector]);
    let collected = std::thread::spawn(move || collect(&listener));
    let file = server.upload("a.txt", b"abc");
    let question = json!({ "file_id": file, "analysis": "echo" }).to_string();
    server.post("/analyse", &[TRACEPARENT, ("prefer", "wait=30")], question.as_bytes()).expect(200);
    // Of a trace that its asker does not keep.
    let unsampled = TRACEPARENT.1.replace("-01", "-00").replace("4bf9", "beef");
    server.send(("GET", "/limits"), &[("traceparent", &unsampled)], b"").expect(200);
    assert_eq!(server.stop(), Some(0));
    let told = collected.join().unwrap();
    let count = |what: &[u8]| told.windows(what.len()).filter(|it| *it == what).count();
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    assert_eq!(count(&bytes(TRACE)), 2, "the request and the run");
    assert_eq!(count(&bytes("00f067aa0ba902b7")), 1, "who asked is above the request alone");
    assert_eq!(count(&bytes("beef2f3577b34da6a3ce929d0e0e4736")), 0);
    for name in ["belljar", "POST /upload", "POST /analyse", "run echo", "belljar.outcome", "successful"] {
        assert!(count(name.as_bytes()) > 0, "{name}");
    }
}

#[cfg(not(feature = "otlp"))]
#[test]
fn what_this_binary_cannot_do_it_says() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_belljar"));
    let refused = command.args(["serve", "--otlp-endpoint", "http://127.0.0.1:4318"]).output().unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("--features otlp"), "{error}");
}
