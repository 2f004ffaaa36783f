//! What an author has besides a server: `belljar inspect`, `pack`, `check` and `run`.

use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::events::TELLER;
use crate::flows::COPIER;
use crate::flows::ECHO;
use crate::server::Server;

struct Desk(TempDir);

impl Desk {
    /// With a module and, beside it, its descriptor.
    fn with(wat: &str, descriptor: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.wasm"), wat::parse_str(wat).unwrap()).unwrap();
        std::fs::write(dir.path().join("a.json"), descriptor.to_string()).unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn belljar(&self, command: &str, arguments: &[&str]) -> Output {
        let mut belljar = Command::new(env!("CARGO_BIN_EXE_belljar"));
        belljar.current_dir(self.0.path()).env("XDG_CACHE_HOME", self.path("cache"));
        belljar.arg(command).args(arguments).output().unwrap()
    }

    /// What it prints, when it does well.
    fn says(&self, command: &str, arguments: &[&str]) -> String {
        let output = self.belljar(command, arguments);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// What it prints on both, when it does not.
    fn refuses(&self, command: &str, arguments: &[&str]) -> String {
        let output = self.belljar(command, arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        text(&output.stdout) + &text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A descriptor of `a` that `check` has nothing to say about.
fn whole(members: Value) -> Value {
    let mut descriptor = json!({
        "name": "a", "version": "1.2.0", "description": "Does.", "license": "MIT", "accepts": ["text/*"],
        "args": {
            "type": "object", "additionalProperties": false,
            "properties": { "n": { "type": "integer", "default": 7, "description": "Which." } }
        },
        "result": { "type": "object" },
        "examples": [{ "input_text": "x", "result": { "n": 7 } }, { "input_base64": "eA==", "args": { "n": 1 }, "result": { "n": 1 } }]
    });
    descriptor.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    descriptor
}

#[test]
fn a_packed_module_is_one_file_that_a_server_takes() {
    let desk = Desk::with(ECHO, &whole(json!({ "files": "/lib" })));
    std::fs::create_dir_all(desk.path("a.files/deep")).unwrap();
    desk.put("a.files/deep/x.txt", b"abc");
    let said = desk.says("pack", &["a.wasm", "-o", "packed.wasm"]);
    let seen = json(&desk.says("inspect", &["packed.wasm", "--json"]));
    assert_eq!(seen["kind"], "wasi-0.1-command");
    assert_eq!(seen["descriptor"]["version"], "1.2.0");
    assert_eq!(seen["files"], json!([{ "path": "deep/x.txt", "size_bytes": 3 }]));
    assert_eq!((&seen["refused"], seen["capabilities"].as_array().unwrap().len()), (&json!([]), 2));
    assert!(said.contains(seen["sha256"].as_str().unwrap()), "{said}");
    let page = desk.says("inspect", &["packed.wasm"]);
    for part in ["a command of WASI 0.1", "a 1.2.0", "accepts: text/*", "wasi_snapshot_preview1.fd_read", "deep/x.txt"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }

    let server = Server::start_with(&[], &["--accept-modules"]);
    let packed = std::fs::read(desk.path("packed.wasm")).unwrap();
    let shown = server.put("/analyses/a", &packed).expect(201).json();
    assert_eq!(shown["module_sha256"], seen["sha256"]);
    let run = server.analyse(&server.upload("x.txt", b"x"), "a", json!({}));
    assert_eq!(server.result(&run).expect(200).json(), json!({ "n": 7 }));

    // Packed again, with another descriptor in place of the first, over itself.
    desk.put("other.json", whole(json!({ "version": "2.0.0", "files": "/lib" })).to_string().as_bytes());
    desk.says("pack", &["packed.wasm", "--descriptor", "other.json"]);
    assert_eq!(json(&desk.says("inspect", &["packed.wasm", "--json"]))["descriptor"]["version"], "2.0.0");
}

#[test]
fn what_a_server_would_refuse_is_not_packed_and_told_in_its_words() {
    let desk = Desk::with(ECHO, &whole(json!({ "args": { "type": 5 } })));
    let words = desk.refuses("pack", &["a.wasm", "-o", "packed.wasm"]);
    assert!(words.contains("args: ") && !desk.path("packed.wasm").exists(), "{words}");
    let module = std::fs::read(desk.path("a.wasm")).unwrap();
    let descriptor = std::fs::read(desk.path("a.json")).unwrap();
    let packed = host::analysis::module::with_sections(&module, &[("belljar:analysis", &descriptor)]);
    let server = Server::start_with(&[], &["--accept-modules"]);
    let problem = server.put("/analyses/a", &packed).expect(422).json();
    let theirs = problem["errors"][0]["detail"].as_str().unwrap().trim_start_matches("the descriptor: ");
    assert!(words.contains(theirs), "{theirs} in {words}");
    let checked = desk.refuses("check", &["a.wasm"]);
    assert!(checked.contains(theirs), "{theirs} in {checked}");
    let ran = desk.refuses("run", &["a.wasm", "a.json"]);
    assert!(ran.contains(theirs), "{theirs} in {ran}");
    assert!(desk.refuses("pack", &["a.wasm", "--descriptor", "none.json"]).contains("none.json"));
}

#[test]
fn what_one_command_compiled_the_next_takes_if_it_is_whole() {
    let desk = Desk::with(ECHO, &whole(json!({})));
    desk.put("x.txt", b"x");
    let run = || assert_eq!(json(&desk.says("run", &["a.wasm", "x.txt"])), json!({ "n": 7 }));
    let program = || {
        let kept = std::fs::read_dir(desk.path("cache/belljar")).unwrap().map(|it| it.unwrap().path());
        kept.filter(|it| it.extension().is_some_and(|it| it == "cwasm")).collect::<Vec<_>>()
    };
    run();
    let [path] = program().try_into().unwrap();
    let compiled = || std::fs::metadata(&path).unwrap().ino();
    let first = compiled();
    run();
    desk.says("check", &["a.wasm"]);
    assert_eq!(compiled(), first);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "not what was compiled").unwrap();
    run();
    assert!(std::fs::metadata(&path).unwrap().len() > 1000);
    let whole = compiled();
    run();
    assert_eq!((compiled(), program().len()), (whole, 1));
}

#[test]
fn check_runs_the_examples_twice_and_says_what_it_found() {
    let desk = Desk::with(ECHO, &whole(json!({})));
    let good = desk.says("check", &["a.wasm"]);
    assert!(good.contains("can be shipped; 2 runs") && !good.contains("advice"), "{good}");

    let wrong =
        json!([{ "input_text": "x", "result": { "n": 8 } }, { "input_text": "x", "args": { "m": 1 }, "result": {} }]);
    let desk = Desk::with(ECHO, &whole(json!({ "examples": wrong, "license": "" })));
    let sample = desk.put("table.bin", b"\0\x01");
    let output = desk.belljar("check", &["a.wasm", sample.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&text(&output.stdout));
    assert_eq!(report["runs"][0]["faults"], json!(["the result is not that of the example /n: 7 instead of 8"]));
    assert!(report["runs"][1]["faults"][0].as_str().unwrap().starts_with("args"), "{report}");
    assert_eq!(report["runs"][2]["of"], "table.bin");
    assert_eq!(report["runs"][2]["faults"], json!([]));
    assert!(report["runs"][2]["usage"]["fuel"].as_u64().unwrap() > 0);
    let advice = report["advice"].to_string();
    assert!(advice.contains("license") && advice.contains("application/octet-stream"), "{advice}");

    let desk =
        Desk::with(r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#, &whole(json!({})));
    assert!(desk.refuses("check", &["a.wasm"]).contains("trap"));
}

#[test]
fn run_gives_what_a_server_gives() {
    let descriptor = json!({ "name": "a", "description": "Copies." });
    let desk = Desk::with(COPIER, &descriptor);
    desk.put("x.txt", b"hello, artifact");
    let server = Server::start(&[("a", COPIER, descriptor)]);
    let run = server.analyse(&server.upload("x.txt", b"hello, artifact"), "a", json!({}));
    let theirs = server.result(&run).expect(200);
    let record = server.get(&format!("/results/{run}/run")).expect(200).json();
    let ours = desk.belljar("run", &["a.wasm", "x.txt", "--out", "left"]);
    assert_eq!(json(&text(&ours.stdout))["copy"].as_str().unwrap().rsplit('/').next(), Some("copy.txt"));
    assert_eq!(std::fs::read(desk.path("left/copy.txt")).unwrap(), b"hello, artifact");
    assert!(text(&ours.stderr).contains("wrote left/copy.txt, 15 bytes"), "{}", text(&ours.stderr));
    let told = json(&desk.says("run", &["a.wasm", "x.txt", "--json"]));
    assert_eq!(told["usage"], record["usage"]);
    assert_eq!(told["artifacts"][0]["sha256"], record["artifacts"][0]["sha256"]);
    // The sidecar is part of the module, here and there: same module, same question, same link.
    assert_eq!(theirs.json(), told["result"]);
}

#[test]
fn run_takes_args_and_limits_and_says_why_there_is_no_result() {
    let desk = Desk::with(ECHO, &whole(json!({})));
    desk.put("x.txt", b"x");
    assert_eq!(json(&desk.says("run", &["a.wasm", "x.txt", "--args", r#"{"n": 3}"#])), json!({ "n": 3 }));
    let words = desk.refuses("run", &["a.wasm", "x.txt", "--args", r#"{"n": "three"}"#]);
    assert!(words.contains("args at /n"), "{words}");
    let words = desk.refuses("run", &["a.wasm", "x.txt", "--limit", "fuel_base=1", "--limit", "fuel_per_byte=0"]);
    assert!(words.contains("out-of-fuel"), "{words}");
    let output =
        desk.belljar("run", &["a.wasm", "x.txt", "--limit", "fuel_base=1", "--limit", "fuel_per_byte=0", "--json"]);
    assert_eq!(json(&text(&output.stdout))["reason"], "out-of-fuel");
    assert!(desk.refuses("run", &["a.wasm", "x.txt", "--limit", "fuel=1"]).contains("no such limit"));
    let teller = Desk::with(TELLER, &json!({ "name": "a" }));
    teller.put("x.txt", b"x");
    let output = teller.belljar("run", &["a.wasm", "x.txt"]);
    assert_eq!(text(&output.stdout).trim(), "{}");
    assert!(text(&output.stderr).starts_with("one\ntwo\n"), "its log: {}", text(&output.stderr));
}

#[test]
fn a_module_that_is_worked_on_is_run_whenever_it_changes() {
    let desk = Desk::with(ECHO, &json!({ "name": "a", "stdin": "sample" }));
    desk.put("x.json", b"1");
    let mut belljar = Command::new(env!("CARGO_BIN_EXE_belljar"));
    belljar.current_dir(desk.0.path()).args(["run", "a.wasm", "x.json", "--watch"]);
    let mut running = belljar.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut results = BufReader::new(running.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut waits = || while !said.next().unwrap().contains("waiting for a change") {};
    assert_eq!(results.next().unwrap(), "1");
    waits();
    desk.put("a.wasm", b"half a modu");
    waits();
    desk.put("x.json", b"22");
    waits();
    desk.put("a.wasm", &wat::parse_str(ECHO).unwrap());
    assert_eq!(results.next().unwrap(), "22");
    running.kill().unwrap();
    running.wait().unwrap();
}
