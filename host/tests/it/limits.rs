//! Every limit at its edge: what needs exactly that much passes, and fails by name with one less.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;

use host::limits::Limits;
use serde_json::Value;
use serde_json::json;
use wasi_preview1_component_adapter_provider as adapters;

use crate::server::Server;

/// A limit, an analysis that needs so much of it, and what becomes of it with less.
struct Probe {
    limit: &'static str,
    analysis: &'static str,
    needs: u64,
    /// One less than it needs, unless what it needs cannot be told to the unit.
    too_little: u64,
    reason: &'static str,
    detail: &'static str,
}

const fn probe(
    limit: &'static str,
    analysis: &'static str,
    needs: u64,
    (reason, detail): (&'static str, &'static str),
) -> Probe {
    Probe { limit, analysis, needs, too_little: needs - 1, reason, detail }
}

const fn about(probe: Probe, too_little: u64) -> Probe {
    Probe { too_little, ..probe }
}

/// `fuel_base` and `fuel_per_byte` need what was measured, and have a test of their own; so has `stderr_bytes`, over
/// which no run fails.
const PROBES: [Probe; 17] = [
    probe("memory_bytes", "grows", 3 * 65_536, ("memory-limit", "was refused more memory")),
    probe("table_elements", "grows", 20, ("memory-limit", "was refused more memory")),
    probe("instances", "two_instances", 2, ("memory-limit", "instances")),
    about(probe("stack_bytes", "recurses", 512 << 10, ("stack-overflow", "call stack")), 16 << 10),
    about(probe("host_call_bytes", "prints_much", 1 << 20, ("memory-limit", "host_call_bytes")), 1 << 10),
    about(probe("handles", "prints_much", 100, ("memory-limit", "handles")), 2),
    about(probe("wall_ms", "sleeps", 60_000, ("deadline", "longer than")), 100),
    about(probe("cpu_ms", "spins", 60_000, ("deadline", "cpu_ms")), 100),
    probe("stdout_bytes", "plain", 8, ("output-limit", "stdout_bytes")),
    probe("result_depth", "nests", 3, ("bad-output", "result_depth")),
    probe("artifact_bytes", "writes", 100, ("output-limit", "artifact_bytes")),
    probe("artifacts_bytes", "writes", 200, ("output-limit", "artifacts_bytes")),
    probe("artifacts_count", "writes", 2, ("output-limit", "artifacts_count")),
    // Told to the guest, which gives up with the number of the error.
    probe("path_bytes", "names", 100, ("nonzero-exit", "exit code 37")),
    probe("path_depth", "nests_directories", 3, ("nonzero-exit", "exit code 37")),
    // Six are open from the start.
    probe("descriptors", "writes", 8, ("nonzero-exit", "exit code 33")),
    probe("random_bytes", "rolls", 100, ("out-of-fuel", "random_bytes")),
];

#[test]
fn every_limit_holds_to_the_unit() {
    let server = start();
    let file = server.upload("x.bin", &[b'x'; 100]);
    let names: BTreeSet<_> = Limits::MEANINGS.iter().map(|it| it.0).collect();
    let elsewhere = ["fuel_base", "fuel_per_byte", "stderr_bytes"];
    let probed: BTreeSet<_> = PROBES.iter().map(|it| it.limit).chain(elsewhere).collect();
    assert_eq!(names, probed, "a limit without a probe, or a probe without its limit");
    let listed = server.get("/limits").expect(200).json();
    assert_eq!(listed["notify"], json!({ "receivers": 4, "receivers_of_run": 16, "pending": 10_000 }));
    assert_eq!(listed["resumable"], json!({ "uploads": 1000, "expire_ms": 86_400_000 }));
    for (number, probe) in PROBES.iter().enumerate() {
        let Probe { limit, analysis, needs, too_little, reason, detail } = probe;
        assert!(listed["default"][limit].is_u64() && listed["cap"][limit].is_u64(), "{limit}: {listed}");
        let ask = |value: u64| {
            let members = json!({ "args": { "probe": number, "value": value }, "limits": { *limit: value } });
            server.analyse(&file, analysis, members)
        };
        let (enough, less) = (ask(*needs), ask(*too_little));
        let answer = server.result(&enough);
        assert_eq!(answer.status, 200, "{limit}: {}", String::from_utf8_lossy(&answer.body));
        let answer = server.result(&less).expect(422).json();
        assert_eq!(answer["reason"], *reason, "{limit}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(detail), "{limit}: {answer}");
        let record = server.get(&format!("/results/{less}/run")).expect(200).json();
        assert_eq!(record["limits"][limit], *too_little, "{limit}");
    }
}

#[test]
fn nothing_of_any_limit_ends_a_run_by_a_reason_of_its_own() {
    let server = start();
    let file = server.upload("x.bin", &[b'x'; 100]);
    for (limit, _) in Limits::MEANINGS {
        for analysis in ["plain", "prints_much", "writes"] {
            let run = server.analyse(&file, analysis, json!({ "args": { "of": limit }, "limits": { *limit: 0 } }));
            server.result(&run);
            let record = server.get(&format!("/results/{run}/run")).expect(200).json();
            assert_eq!(record["attempts"], 1, "{limit}: {analysis}: {record}");
            let reason = record["reason"].as_str().unwrap_or_default();
            assert!(!matches!(reason, "host-interrupted" | "engine-error"), "{limit}: {analysis}: {record}");
        }
    }
}

#[test]
fn a_result_that_grows_past_its_size_when_it_is_wrapped_is_told_so() {
    let server = start();
    let file = server.upload("x.bin", b"x");
    // Sixty thousand NULs, of which each is written with six characters.
    let ask = |bytes: u64| {
        server.analyse(&file, "prints_much", json!({ "args": { "b": bytes }, "limits": { "stdout_bytes": bytes } }))
    };
    let enough = 6 * 60_000 + 11;
    assert_eq!(server.result(&ask(enough)).expect(200).body.len(), 360_011);
    let problem = server.result(&ask(enough - 1)).expect(422).json();
    assert_eq!(problem["reason"], "output-limit");
    assert!(problem["detail"].as_str().unwrap().contains("stdout_bytes"), "{problem}");
}

#[test]
fn fuel_is_counted_and_grows_with_the_file() {
    let server = start();
    let file = server.upload("x.bin", &[b'x'; 100]);
    let run = |number: u64, base: u64, per_byte: u64| {
        let limits = json!({ "fuel_base": base, "fuel_per_byte": per_byte });
        server.analyse(&file, "plain", json!({ "args": { "probe": number }, "limits": limits }))
    };
    let first = run(0, 1_000_000, 0);
    server.result(&first).expect(200);
    let record = server.get(&format!("/results/{first}/run")).expect(200).json();
    assert_eq!(record["usage"]["fuel_exact"], true);
    let needs = record["usage"]["fuel"].as_u64().unwrap();
    assert!(needs > 400, "{record}");
    server.result(&run(1, needs, 0)).expect(200);
    server.result(&run(2, needs - 100, 1)).expect(200);
    // It is looked at in loops and calls, so what comes after the last of them may pass: here a dozen instructions.
    for short in [run(3, needs - 20, 0), run(4, needs - 120, 1)] {
        assert_eq!(server.result(&short).expect(422).json()["reason"], "out-of-fuel");
    }
}

#[test]
fn a_log_is_kept_up_to_its_size_and_says_where_it_was_cut() {
    let server = start();
    let file = server.upload("x.bin", b"x");
    let log = |bytes: u64| {
        let members = json!({ "args": { "value": bytes }, "limits": { "stderr_bytes": bytes } });
        let run = server.analyse(&file, "talks", members);
        server.result(&run).expect(200);
        server.get(&format!("/results/{run}/log")).expect(200).text().to_owned()
    };
    assert_eq!(log(100), "y".repeat(100));
    let cut = log(99);
    assert!(cut.starts_with(&"y".repeat(99)) && !cut.starts_with(&"y".repeat(100)), "{cut}");
    assert!(cut.len() > 99, "a cut log says so");
}

#[test]
fn a_trap_does_not_make_the_record_lie_about_fuel() {
    let server = start();
    let file = server.upload("x.bin", b"x");
    let fuel = |analysis: &str, status: u16, exact: bool| {
        let run = server.analyse(&file, analysis, json!({}));
        server.result(&run).expect(status);
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        assert_eq!(record["usage"]["fuel_exact"], exact, "{record}");
        record["usage"]["fuel"].as_u64().unwrap()
    };
    // One calls the host, and then traps after as much work as the other does.
    let (calls, all) = (400, fuel("works", 200, true));
    let at_least = fuel("traps", 422, false);
    assert!((calls..=all).contains(&at_least), "{at_least} of {all}");
}

#[test]
fn what_compiling_may_cost_is_the_operators_word() {
    let bomb = format!("(module (memory (export \"memory\") 1) (func (export \"_start\")) {})", "(func)".repeat(50));
    let good = "(module (memory (export \"memory\") 1) (func (export \"_start\")))";
    let modules = [("bomb", bomb.as_str(), json!({ "stdout": "none" })), ("good", good, json!({ "stdout": "none" }))];
    for (cap, bomb_installs) in [
        ("functions=51", true),
        ("functions=50", false),
        ("memory_bytes=1000000", false),
        ("program_bytes=1000000", true),
        ("program_bytes=1000", false),
    ] {
        let server = Server::start_with(&modules, &["--compile-cap", cap]);
        let there = server.get("/analyses/bomb").status == 200;
        assert_eq!(there, bomb_installs, "{cap}");
        let name = cap.split('=').next().unwrap();
        assert!(server.get("/limits").expect(200).json()["compile"][name].is_u64(), "{cap}");
    }
}

#[test]
fn what_compiling_may_take_is_named_when_it_is_too_little() {
    let good = "(module (memory (export \"memory\") 1) (func (export \"_start\")))";
    for (caps, named) in [
        (&["cpu_s=1"][..], Some("more than `cpu_s` allows, which is 1")),
        (&["wall_ms=1500"], Some("more than `wall_ms` allows, which is 1500")),
        (&["memory_bytes=80000000"], Some("more than `memory_bytes` allows, which is 80000000")),
        (&["cpu_s=300", "wall_ms=300000"], None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        for (name, wat) in [("dear", dear().as_str()), ("good", good)] {
            std::fs::write(dir.path().join(name).with_extension("wasm"), wat::parse_str(wat).unwrap()).unwrap();
            let sidecar = json!({ "name": name }).to_string();
            std::fs::write(dir.path().join(name).with_extension("json"), sidecar).unwrap();
        }
        let refusals = refusals(dir.path(), caps);
        assert!(!refusals.iter().any(|it| it.contains("good.wasm")), "{caps:?}: {refusals:?}");
        let dear = refusals.into_iter().find(|it| it.contains("dear.wasm"));
        match named {
            Some(named) => assert!(dear.as_ref().is_some_and(|it| it.contains(named)), "{caps:?}: {dear:?}"),
            None => assert_eq!(dear, None, "{caps:?}"),
        }
    }
}

/// A module that takes several seconds to compile, and more than one with the least effort.
pub(crate) fn dear() -> String {
    // Each becomes dozens of machine instructions, with branches.
    let number = "(i64.trunc_f64_u (f64.convert_i64_u (local.get 0)))";
    let step = format!("(local.set 0 (call_indirect (param i64) (result i64) {number} (i32.const 0)))");
    let function = format!("(func (param i64) {})", step.repeat(100));
    let start = "(memory (export \"memory\") 1) (table 1 funcref) (func (export \"_start\"))";
    format!("(module {start} {})", function.repeat(600))
}

/// What a server that starts with those caps says of the analyses that it refuses.
fn refusals(analyses: &std::path::Path, caps: &[&str]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.args(["serve", "--shipped", "none", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path().join("data"));
    command.arg("--analyses").arg(analyses).args(caps.iter().flat_map(|it| ["--compile-cap", *it]));
    let mut server = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let refusals = lines.take_while(|it| !it.contains("installed")).filter(|it| it.contains("is refused")).collect();
    server.kill().unwrap();
    server.wait().unwrap();
    refusals
}

fn start() -> Server {
    let parse = |wat: &str| wat::parse_str(wat).expect("a probe is WAT");
    let none = || json!({ "stdout": "none" });
    let much = command("(call $print (i32.const 1) (i32.const 4096) (i32.const 60000))", "");
    let encoder = wit_component::ComponentEncoder::default().module(&parse(&much)).unwrap();
    let encoder = encoder.adapter("wasi_snapshot_preview1", adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER);
    let prints_much = encoder.unwrap().encode().unwrap();
    let text = json!({ "stdout": "text" });
    let files = "(call $make (i32.const 1024) (i32.const 1) (i32.const 100))
                 (call $make (i32.const 1025) (i32.const 1) (i32.const 100))";
    let work = "(local $n i32) (call $check (call $random (i32.const 4096) (i32.const 1)))
                (loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))";
    let modules: Vec<(&str, Vec<u8>, Value)> = vec![
        (
            "plain",
            parse(&command("(call $print (i32.const 1) (i32.const 1024) (i32.const 8))", "{\\\"ok\\\":1}")),
            json!({}),
        ),
        ("nests", parse(&command("(call $print (i32.const 1) (i32.const 1024) (i32.const 7))", "[[[1]]]")), json!({})),
        (
            "talks",
            parse(&command("(call $print (i32.const 2) (i32.const 1024) (i32.const 100))", &"y".repeat(100))),
            none(),
        ),
        ("writes", parse(&command(files, "ab")), none()),
        (
            "names",
            parse(&command("(call $make (i32.const 1024) (i32.const 100) (i32.const 1))", &"n".repeat(100))),
            none(),
        ),
        (
            "nests_directories",
            parse(&command(
                "(call $nest (i32.const 1)) (call $nest (i32.const 3)) (call $nest (i32.const 5))",
                "a/a/a",
            )),
            none(),
        ),
        ("rolls", parse(&command("(call $check (call $random (i32.const 4096) (i32.const 100)))", "")), none()),
        ("traps", parse(&command(&format!("{work} (drop (i32.div_u (local.get $n) (i32.const 0)))"), "")), none()),
        ("works", parse(&command(work, "")), none()),
        ("sleeps", parse(SLEEPS), none()),
        ("spins", parse(SPINS), none()),
        ("grows", parse(GROWS), none()),
        ("recurses", parse(RECURSES), none()),
        ("two_instances", parse(TWO_INSTANCES), none()),
        ("prints_much", prints_much, text),
    ];
    let modules = modules.into_iter().map(|(name, module, mut descriptor)| {
        descriptor["name"] = json!(name);
        (name, module, descriptor.to_string())
    });
    Server::start_modules(modules, &[])
}

/// A command whose `_start` is `body`, with `data` at 1024.
fn command(body: &str, data: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "{data}")
  (func $check (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func $print (param $fd i32) (param $at i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $len))
    (call $check (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $make (param $name i32) (param $name_len i32) (param $bytes i32)
    (call $check (call $open (i32.const 4) (i32.const 0) (local.get $name) (local.get $name_len) (i32.const 1)
      (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 16)))
    (call $print (i32.load (i32.const 16)) (i32.const 4096) (local.get $bytes)))
  (func $nest (param $len i32)
    (call $check (call $mkdir (i32.const 4) (i32.const 1024) (local.get $len))))
  (func (export "_start") {body}))"#
    )
}

const GROWS: &str = r#"(module
  (memory (export "memory") 1)
  (table 10 funcref)
  (func (export "_start")
    (if (i32.eq (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))
    (if (i32.eq (table.grow (ref.null func) (i32.const 10)) (i32.const -1)) (then unreachable))))"#;

const RECURSES: &str = r#"(module
  (memory (export "memory") 1)
  (func $down (param $n i32)
    (if (local.get $n) (then (call $down (i32.sub (local.get $n) (i32.const 1))) (i32.store (i32.const 0) (local.get $n)))))
  (func (export "_start") (call $down (i32.const 3000))))"#;

const SLEEPS: &str = r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i64.store (i32.const 24) (i64.const 1000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;

/// For about a second.
const SPINS: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i64)
    (loop
      (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $n)))
      (local.set $n (i64.add (local.get $n) (i64.const 1)))
      (br_if 0 (i64.lt_u (local.get $n) (i64.const 600000000))))))"#;

const TWO_INSTANCES: &str = r#"(component
  (core module $nothing)
  (core module $main (func (export "run") (result i32) (i32.const 0)))
  (core instance $n (instantiate $nothing))
  (core instance $m (instantiate $main))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (component $wrap
    (import "run" (func $it (result (result))))
    (export "run" (func $it)))
  (instance $wrapped (instantiate $wrap (with "run" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $wrapped)))"#;
