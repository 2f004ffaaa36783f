//! A copy of the data directory that is taken while its server works, as OPERATIONS.md has it: everything that was answered
//! for before it began is in there, and `belljar fsck` tells, and mends, what began later and is not whole.

use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;

use host::store::Store;
use serde_json::Value;
use serde_json::json;

use crate::flows::COPIER;
use crate::flows::ECHO;
use crate::kills::client::Client;
use crate::kills::client::Told;
use crate::server::Life;
use crate::server::Server;
use crate::server::in_memory;
use crate::server::wait_for;

/// Word by word as in OPERATIONS.md.
const COPY: &str = "tar -cpf /backup/belljar.tar $(ls -d queue tenants/*/queue 2>/dev/null) .";
/// Sleeps 100 ms, then prints its args.
const SLOW_ECHO: &str = r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $r (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 512) "\00\04\00\00\00\00\01\00")
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 100000000))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
    (drop (call $r (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 520)))
    (i32.store (i32.const 516) (i32.load (i32.const 520)))
    (drop (call $w (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 520)))))"#;
/// Asked and not waited for when a copy begins: they run, and end, while it is taken.
const PENDING: u64 = 16;
/// So that a copy takes its time.
const LARGE_BYTES: usize = 32 << 20;
const COPIES: u64 = 6;
const BUSY: u64 = 2;

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// Says so when it goes, also when a test fails: others wait for it.
struct SaysDone<'a>(&'a AtomicBool);

impl Drop for SaysDone<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes a copy, and puts it where another server finds it.
fn copy(data: &Path, to: &Path) {
    let archive = to.join("belljar.tar");
    let command = COPY.replace("/backup/belljar.tar", archive.to_str().unwrap());
    let packed = run(Command::new("sh").args(["-c", &command]).current_dir(data));
    // 1: a file went, or grew, while it was read.
    let said = String::from_utf8_lossy(&packed.stderr);
    assert!(matches!(packed.status.code(), Some(0 | 1)), "{}: {said}", packed.status);
    for folder in ["data", "analyses"] {
        std::fs::create_dir(to.join(folder)).unwrap();
    }
    let unpacked = run(Command::new("tar").arg("-xpf").arg(&archive).arg("-C").arg(to.join("data")));
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
}

fn fsck(data: &Path, arguments: &[&str]) -> Output {
    run(Command::new(env!("CARGO_BIN_EXE_belljar")).arg("fsck").arg("--data").arg(data).args(arguments))
}

/// Of a report, how many things are not as they should be for another reason than that a server was at it.
fn faults(report: &Output) -> usize {
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    report["findings"].as_array().unwrap().iter().filter(|it| it["kind"] != "unfinished").count()
}

/// Everything that was told is in the copy, before it is mended, after that, and for clients of another server on it.
fn judge(told: &Told, copy: tempfile::TempDir) -> usize {
    let data = copy.path().join("data");
    let store = Store::view(&data).unwrap();
    told.is_in(&store, &store.queued().unwrap(), "in the copy");
    let found = faults(&fsck(&data, &["--json"]));
    let mended = fsck(&data, &["--repair"]);
    assert!(mended.status.success(), "{}", String::from_utf8_lossy(&mended.stderr));
    let again = fsck(&data, &[]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
    let mut server = Server::start_in(copy, &["--shipped", "none"]);
    told.all_hold(&Client::new(Some(&format!("http://{}", server.address())), 0));
    assert_eq!(server.stop(), Some(0));
    let after = fsck(&data, &[]);
    assert!(after.status.success(), "{}", String::from_utf8_lossy(&after.stdout));
    found
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn a_copy_of_a_server_that_works_has_all_that_was_answered_for() {
    let life =
        Life::with(&[("copier", COPIER, json!({})), ("echo", ECHO, json!({})), ("talker", SLOW_ECHO, json!({}))]);
    let (server, ended) = life.start(&[]);
    let mut told = Told::default();
    for number in 0..4 {
        assert!(Client::new(server.as_deref(), number).live(&mut told));
    }
    Client::new(server.as_deref(), 9).upload(&mut told, &vec![b'-'; LARGE_BYTES]).unwrap();
    let (lives, done) = (AtomicU64::new(100), AtomicBool::new(false));
    let work = || {
        while !done.load(Ordering::Relaxed) {
            let number = lives.fetch_add(1, Ordering::Relaxed);
            assert!(Client::new(server.as_deref(), number).live(&mut Told::default()));
        }
    };
    thread::scope(|scope| {
        let says = SaysDone(&done);
        let busy: Vec<_> = (0..BUSY).map(|_| scope.spawn(work)).collect();
        for number in 0..COPIES {
            let before = lives.load(Ordering::Relaxed);
            wait_for("others at work", || (lives.load(Ordering::Relaxed) > before + BUSY).then_some(()));
            let client = Client::new(server.as_deref(), 10 + number);
            assert!(client.live(&mut told));
            let file = client.upload(&mut told, format!("pending {number}").as_bytes()).unwrap();
            for n in 0..PENDING {
                client.ask(&mut told, &file, json!({ "analysis": "talker", "args": { "n": n } })).unwrap();
            }
            let to = in_memory();
            copy(&life.data(), to.path());
            println!("copy {number}: {} things that began later, mended", judge(&told, to));
        }
        drop(says);
        busy.into_iter().for_each(|it| it.join().unwrap());
    });
    told.all_hold(&Client::new(server.as_deref(), 0));
    drop(ended);
}

#[test]
fn the_page_for_operators_has_that_command() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md");
    assert!(std::fs::read_to_string(page).unwrap().contains(COPY));
}

/// What an upgrade with another wasmtime finds.
#[test]
fn programs_of_a_former_engine_are_made_anew_and_go() {
    let mut server = Server::start_with(&[("echo", ECHO, json!({}))], &["--shipped", "none", "--sweep-every-s", "1"]);
    let file = server.upload("a.txt", b"some words");
    let first = server.analyse(&file, "echo", json!({ "args": { "n": 1 } }));
    assert_eq!(server.result(&first).expect(200).json(), json!({ "n": 1 }));
    assert_eq!(server.stop(), Some(0));
    let programs = server.data().join("programs");
    let [now] = &server.lying_in("programs")[..] else { panic!("one program") };
    let (module, engine) = now.strip_suffix(".cwasm").unwrap().split_once('-').unwrap();
    let former = format!("{module}-wasmtime-1-of-old.cwasm");
    std::fs::rename(programs.join(now), programs.join(&former)).unwrap();
    let facts = server.data().join("analyses").join(module).with_extension("json");
    let text = std::fs::read_to_string(&facts).unwrap();
    assert!(text.contains(engine), "{text}");
    std::fs::write(&facts, text.replace(engine, "wasmtime-1-of-old")).unwrap();
    server.crash_and_restart();
    let second = server.analyse(&file, "echo", json!({ "args": { "n": 2 } }));
    assert_eq!(server.result(&second).expect(200).json(), json!({ "n": 2 }));
    assert_eq!(server.result(&first).expect(200).json(), json!({ "n": 1 }), "what was answered stays");
    wait_for("an end of the former program", || (server.lying_in("programs") == [now.clone()]).then_some(()));
    assert_eq!(server.stop(), Some(0));
    assert!(fsck(&server.data(), &[]).status.success());
}
