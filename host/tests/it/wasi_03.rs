//! Components of WASI 0.3, which run only behind a switch: over the same files, within the same limits, as
//! deterministic as any other.

mod streams;

use std::process::Command;

use host::selftest::suite::Expected;
use host::selftest::suite::SAMPLE;
use host::selftest::suite::SUITE;
use host::selftest::suite::SUITE_WASI_03;
use serde_json::Value;
use serde_json::json;

use crate::hostile;
use crate::server::Answer;
use crate::server::Server;

const SWITCH: &str = "--experimental-wasi-03";

/// What guests import that is not said of each: WAT.
const IMPORTS: &str = r#"
    (import "libc" "memory" (memory 4))
    (import "kit" "settle" (func $settle (param i32 i32) (result i32)))
    (import "kit" "write-all" (func $write-all (param i32 i32 i32)))
    (import "kit" "copy" (func $copy (param i32 i32)))
    (import "kit" "printed" (func $printed (result i32)))
    (import "kit" "print" (func $print (param i32 i32)))
    (import "kit" "number" (func $number (param i64 i32)))
    (import "kit" "directory" (func $directory (param i32) (result i32)))
    (import "kit" "opened" (func $opened (param i32 i32 i32 i32 i32) (result i32)))"#;

/// The component of a guest: what it imports besides, data, its functions, `run` among them.
fn guest(main: &str) -> String {
    include_str!("wasi_03/kit.wat").replace(";; MAIN", &format!("(core module $main {IMPORTS} {main})"))
}

/// One whose `run` does that and returns `ok`.
fn doing(imports: &str, body: &str) -> String {
    guest(&format!(r#"{imports} (func (export "run") (result i32) {body} (i32.const 0))"#))
}

fn server(wat: &str, members: Value) -> Server {
    Server::start_with(&[("it", wat, members)], &[SWITCH])
}

/// What one run over that sample comes to.
fn answer(wat: &str, sample: &[u8], members: Value) -> (Server, String, Answer) {
    let server = server(wat, members);
    let run = server.analyse(&server.upload("sample.json", sample), "it", json!({}));
    let answer = server.result(&run);
    (server, run, answer)
}

fn failure(wat: &str, members: Value) -> (String, String) {
    let failed = answer(wat, b"sample", members).2.expect(422).json();
    (failed["reason"].as_str().unwrap().to_owned(), failed["detail"].as_str().unwrap().to_owned())
}

fn hello() -> String {
    doing(r#"(data (i32.const 1024) "{\"hello\":\"world\"}")"#, "(call $print (i32.const 1024) (i32.const 17))")
}

#[test]
fn a_guest_prints_through_a_stream_and_is_described_as_what_it_is() {
    let (server, run, answer) = answer(&hello(), b"x", json!({}));
    assert_eq!(answer.expect(200).json(), json!({ "hello": "world" }));
    let described = server.get("/analyses/it").expect(200).json();
    assert_eq!(described["kind"], "wasi-0.3-command");
    let capabilities = described["capabilities"].as_array().unwrap();
    assert!(capabilities.contains(&json!("wasi:cli/stdout@0.3.0")), "{capabilities:?}");
    let record = server.get(&format!("/results/{run}/run")).expect(200).json();
    assert!(record["usage"]["fuel"].as_u64().unwrap() > 0 && record["status"] == "successful", "{record}");
}

#[test]
fn without_the_switch_it_is_refused_by_a_message_that_names_the_switch() {
    let (wat, run) = (wat::parse_str(hello()).unwrap(), |it: &Server| it.upload("x", b"x"));
    let module = host::analysis::module::with_sections(&wat, &[("belljar:analysis", br#"{"name": "it"}"#)]);
    let mut server = Server::start_with(&[], &["--accept-modules"]);
    let refused = server.put("/analyses/it", &module).expect(422).text().to_owned();
    assert!(refused.contains("exports `wasi:cli/run@0.3.0`") && refused.contains(SWITCH), "{refused}");
    // One that was taken with it is not run without.
    server.restart_with(&["--accept-modules", SWITCH]);
    server.put("/analyses/it", &module).expect(201);
    let file = run(&server);
    server.result(&server.analyse(&file, "it", json!({}))).expect(200);
    server.restart_with(&["--accept-modules"]);
    server.get("/analyses/it").expect(404);
    let refused = server.put("/analyses/it", &module).expect(422).text().to_owned();
    assert!(refused.contains(SWITCH), "{refused}");
}

#[test]
fn every_import_outside_of_what_is_offered_is_named() {
    let more = r#"(import "wasi:sockets/types@0.3.0" (instance)) (import "wasi:http/client@0.3.0" (instance))"#;
    let wat = hello().replacen("(component", &format!("(component {more}"), 1);
    let module = host::analysis::module::with_sections(
        &wat::parse_str(wat).unwrap(),
        &[("belljar:analysis", br#"{"name": "it"}"#)],
    );
    let server = Server::start_with(&[], &["--accept-modules", SWITCH]);
    let refused = server.put("/analyses/it", &module).expect(422).text().to_owned();
    assert!(refused.contains("wasi:sockets/types@0.3.0") && refused.contains("wasi:http/client@0.3.0"), "{refused}");
    assert!(!refused.contains("wasi:cli"), "{refused}");
}

#[test]
fn a_guest_is_given_its_args() {
    let arguments = r#"(import "" "arguments" (func $arguments (param i32))) (data (i32.const 1024) "\"")"#;
    let body = "(call $arguments (i32.const 64))
        (call $print (i32.const 1024) (i32.const 1))
        (call $print (i32.load (i32.load (i32.const 64))) (i32.load offset=4 (i32.load (i32.const 64))))
        (call $print (i32.const 1024) (i32.const 1))";
    let (_, _, answer) = answer(&doing(arguments, body), b"x", json!({}));
    assert_eq!(answer.expect(200).json(), "it");
}

#[test]
fn a_guest_ends_by_returning_or_by_a_code() {
    let none = json!({ "stdout": "none" });
    let code =
        doing(r#"(import "" "exit-with-code" (func $exit (param i32)))"#, "(call $exit (i32.const 7)) unreachable");
    assert_eq!(failure(&code, none.clone()), ("nonzero-exit".to_owned(), "exit code 7".to_owned()));
    let error = guest(r#"(func (export "run") (result i32) (i32.const 1))"#);
    assert_eq!(failure(&error, none.clone()), ("nonzero-exit".to_owned(), "exit code 1".to_owned()));
    let trap = doing("", "unreachable");
    assert_eq!(failure(&trap, none.clone()).0, "trap");
    let early = doing(
        r#"(import "" "exit" (func $exit (param i32))) (data (i32.const 1024) "1")"#,
        "(call $print (i32.const 1024) (i32.const 1)) (call $exit (i32.const 0)) unreachable",
    );
    assert_eq!(answer(&early, b"x", json!({})).2.expect(200).json(), 1);
}

#[test]
fn clocks_move_by_what_a_guest_waits_and_randomness_follows_from_the_question() {
    let imports = r#"(import "" "now" (func $now (result i64)))
        (import "" "wait-for" (func $wait-for (param i64)))
        (import "" "system-now" (func $system-now (param i32)))
        (import "" "random" (func $random (result i64)))
        (data (i32.const 1024) "[")"#;
    let body = "(local $before i64)
        (call $print (i32.const 1024) (i32.const 1))
        (local.set $before (call $now))
        (call $wait-for (i64.const 3000000))
        (call $number (i64.sub (call $now) (local.get $before)) (i32.const 44))
        (call $system-now (i32.const 64))
        (call $number (i64.load (i32.const 64)) (i32.const 44))
        (call $number (i64.extend_i32_u (i32.load (i32.const 72))) (i32.const 44))
        (call $number (i64.shr_u (call $random) (i64.const 12)) (i32.const 93))";
    let wat = doing(imports, body);
    let ask = || answer(&wat, b"x", json!({ "epoch_s": 1_000_000_000 })).2.expect(200).json();
    let first = ask();
    assert_eq!(first, ask());
    // A look takes a microsecond.
    let known: Vec<_> = first.as_array().unwrap()[..3].iter().map(|it| it.as_u64().unwrap()).collect();
    assert_eq!(known, [3_001_000, 1_000_000_000, 3_003_000]);
}

#[test]
fn of_what_a_guest_waits_for_at_once_the_first_comes_first() {
    let imports = r#"(import "" "now" (func $now (result i64)))
        (import "" "wait-for-async" (func $wait (param i64) (result i32)))
        (import "" "set.new" (func $set.new (result i32)))
        (import "" "set.wait" (func $set.wait (param i32 i32) (result i32)))
        (import "" "join" (func $join (param i32 i32)))
        (data (i32.const 1024) "[")"#;
    let body = "(local $late i32) (local $soon i32) (local $set i32) (local $begun i64)
        (call $print (i32.const 1024) (i32.const 1))
        (local.set $begun (call $now))
        (local.set $late (i32.shr_u (call $wait (i64.const 30000000)) (i32.const 4)))
        (local.set $soon (i32.shr_u (call $wait (i64.const 10000000)) (i32.const 4)))
        (local.set $set (call $set.new))
        (call $join (local.get $late) (local.get $set))
        (call $join (local.get $soon) (local.get $set))
        (drop (call $set.wait (local.get $set) (i32.const 64)))
        (call $number (i64.extend_i32_u (i32.eq (i32.load (i32.const 64)) (local.get $soon))) (i32.const 44))
        (call $number (i64.sub (call $now) (local.get $begun)) (i32.const 44))
        (drop (call $set.wait (local.get $set) (i32.const 64)))
        (call $number (i64.extend_i32_u (i32.eq (i32.load (i32.const 64)) (local.get $late))) (i32.const 44))
        (call $number (i64.sub (call $now) (local.get $begun)) (i32.const 93))";
    let (_, _, answer) = answer(&doing(imports, body), b"x", json!({}));
    assert_eq!(answer.expect(200).json(), json!([1, 10_001_000, 1, 30_001_000]));
}

#[test]
fn a_guest_is_held_to_fuel_memory_and_output() {
    let little = |limit: &str, value: u64| json!({ "stdout": "text", "limits": { limit: value } });
    let (reason, _) = failure(&doing("", "(loop $again (br $again))"), little("fuel_base", 10_000_000));
    assert_eq!(reason, "out-of-fuel");
    let greedy = guest(r#"(func (export "run") (result i32) (i32.eq (memory.grow (i32.const 100)) (i32.const -1)))"#);
    assert_eq!(failure(&greedy, little("memory_bytes", 1 << 20)).0, "memory-limit");
    let talks = doing("", "(loop $again (call $print (i32.const 0) (i32.const 60000)) (br $again))");
    let (reason, detail) = failure(&talks, little("stdout_bytes", 1 << 20));
    assert_eq!((reason.as_str(), detail.contains("stdout_bytes")), ("output-limit", true), "{detail}");
    let forgets =
        doing(r#"(import "" "stream.new" (func $new (result i64)))"#, "(loop $again (drop (call $new)) (br $again))");
    let (reason, detail) = failure(&forgets, little("handles", 100));
    assert_eq!((reason.as_str(), detail.contains("handles")), ("memory-limit", true), "{detail}");
}

#[test]
fn a_guest_that_waits_for_nothing_ends_at_once_and_not_at_its_deadline() {
    let never = r#"(import "" "never.new" (func $new (result i64)))
        (import "" "never.read" (func $read (param i32 i32) (result i32)))"#;
    let body = "(local $both i64)
        (local.set $both (call $new))
        (drop (call $settle (call $read (i32.wrap_i64 (local.get $both)) (i32.const 0)) (i32.wrap_i64 (local.get $both))))";
    let server = server(&doing(never, body), json!({ "stdout": "none" }));
    let file = server.upload("x", b"x");
    // More often than a worker has stacks for those who wait: each is given back.
    for _ in 0..20 {
        let failed = server.result(&server.analyse(&file, "it", json!({ "rerun": true }))).expect(422).json();
        assert_eq!(failed["reason"], "trap", "{failed}");
        assert!(failed["detail"].as_str().unwrap().contains("deadlock"), "{failed}");
    }
}

#[test]
fn later_versions_and_interfaces_of_wasi_0_2_are_served_as_well() {
    let later = hello().replace("@0.3.0", "@0.3.7");
    let mixed = hello().replace("wasi:random/random@0.3.0", "wasi:random/random@0.2.0");
    for wat in [later, mixed] {
        assert_eq!(answer(&wat, b"x", json!({})).2.expect(200).json(), json!({ "hello": "world" }));
    }
}

#[test]
fn a_stored_run_is_verified_with_the_switch_and_not_without() {
    let (server, run, answer) = answer(&hello(), b"x", json!({}));
    answer.expect(200);
    let verify = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
        command.arg("verify").args(run.split('/')).arg("--data").arg(server.data()).args(more);
        let done = command.output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (same, said) = verify(&[SWITCH]);
    assert!(same, "{said}");
    let (same, said) = verify(&[]);
    assert!(!same && said.contains(SWITCH), "{said}");
}

/// The switch is for commands of WASI 0.3 alone: what is async in others is refused as before.
#[test]
fn with_the_switch_the_hostile_suite_is_refused_what_it_was_refused() {
    let refused = SUITE.iter().filter(|it| it.expected == Expected::Refused);
    let server = Server::start_modules(refused.map(|it| (it.name, it.module, it.sidecar())), &[SWITCH]);
    let listed = server.get("/analyses").expect(200).json();
    let names: Vec<_> = listed["analyses"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    for case in SUITE.iter().filter(|it| it.expected == Expected::Refused) {
        assert!(!names.contains(&case.name), "{}", case.name);
    }
}

#[test]
fn every_hostile_module_of_wasi_0_3_gets_its_reason_behind_the_switch() {
    let server = Server::start_modules(SUITE_WASI_03.iter().map(|it| (it.name, it.module, it.sidecar())), &[SWITCH]);
    let file = server.upload(SAMPLE.0, SAMPLE.1);
    for case in SUITE_WASI_03 {
        if case.expected == Expected::Refused {
            server.get(&format!("/analyses/{}", case.name)).expect(404);
            continue;
        }
        let run = server.analyse(&file, case.name, json!({}));
        hostile::check(case, &server, (&run, &server.result(&run)));
    }
}

#[test]
fn no_hostile_module_of_wasi_0_3_is_installed_without_the_switch() {
    let server = Server::start_with(&[], &["--accept-modules"]);
    for case in SUITE_WASI_03 {
        let refused = server.put(&format!("/analyses/{}", case.name), &case.packed()).expect(422);
        assert!(refused.text().contains(SWITCH), "{}: {}", case.name, refused.text());
    }
}
