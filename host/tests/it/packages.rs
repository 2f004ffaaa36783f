//! What lies beside a module goes with it: its descriptor, and files that the guest finds where that says.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use host::store::Store;
use serde_json::Value;
use serde_json::json;

use crate::server::Server;

/// Prints `sub/a.txt` of the fourth root, then tries to write there.
const READS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "sub/a.txt")
  (func (export "_start")
    (if (call $open (i32.const 6) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 0)
          (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 16)) (then unreachable))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 1000))
    (if (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 20)) (then unreachable))
    (i32.store (i32.const 4) (i32.load (i32.const 20)))
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)) (then unreachable))
    ;; Read-only, by the number that says so.
    (if (i32.ne (i32.const 69) (call $open (i32.const 6) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 8)
          (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 16))) (then unreachable))))"#;

fn server(content: &str, members: &Value) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let analyses = dir.path().join("analyses");
    std::fs::create_dir_all(analyses.join("reads.files/sub")).unwrap();
    std::fs::write(analyses.join("reads.files/sub/a.txt"), content).unwrap();
    std::fs::write(analyses.join("reads.wasm"), wat::parse_str(READS).unwrap()).unwrap();
    let mut descriptor = json!({ "name": "reads", "stdout": "text" });
    descriptor.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    std::fs::write(analyses.join("reads.json"), descriptor.to_string()).unwrap();
    Server::start_in(dir, &[])
}

#[test]
fn files_that_ship_are_read_where_the_descriptor_says_and_change_the_digest() {
    let digests: Vec<_> = ["hello", "other"]
        .into_iter()
        .map(|content| {
            let server = server(content, &json!({ "files": "/usr/share/reads" }));
            let file = server.upload("x", b"x");
            let run = server.analyse(&file, "reads", json!({}));
            assert_eq!(server.result(&run).expect(200).json(), json!({ "text": content }));
            server.get("/analyses/reads").expect(200).json()["module_sha256"].clone()
        })
        .collect();
    assert_ne!(digests[0], digests[1]);
}

#[test]
fn a_module_that_was_damaged_is_put_back_by_whoever_has_it() {
    let mut server = server("hello", &json!({ "files": "/usr/share/reads" }));
    let file = server.upload("x", b"x");
    let module = server.get("/analyses/reads").expect(200).json()["module_sha256"].as_str().unwrap().to_owned();
    let wasm = server.data().join("analyses").join(format!("{module}.wasm"));
    let whole = std::fs::read(&wasm).unwrap();
    let damages: [fn(&Path); 3] = [
        |wasm| std::fs::remove_file(wasm).unwrap(),
        |wasm| std::fs::write(wasm, b"\0asm").unwrap(),
        |wasm| {
            std::fs::write(wasm, b"\0bsm").unwrap();
            let store = Store::hold(wasm.parent().unwrap().parent().unwrap()).unwrap();
            store.check().unwrap().findings.iter().for_each(|finding| drop(store.repair(finding).unwrap()));
            assert_eq!(store.check().unwrap().findings, []);
        },
    ];
    for damage in damages {
        server.kill();
        std::fs::set_permissions(&wasm, std::fs::Permissions::from_mode(0o644)).unwrap();
        damage(&wasm);
        server.crash_and_restart();
        let run = server.analyse(&file, "reads", json!({ "rerun": true }));
        assert_eq!(server.result(&run).expect(200).json(), json!({ "text": "hello" }));
        assert!(std::fs::read(&wasm).unwrap() == whole);
    }
}

#[test]
fn files_without_a_place_or_over_another_are_refused() {
    for members in [json!({}), json!({ "files": "/out" }), json!({ "files": "usr" })] {
        let server = server("x", &members);
        server.get("/analyses/reads").expect(404);
    }
}

/// Prints its environment, NUL and all, and the time of its clock.
const TELLS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $time (i32.const 0) (i64.const 0) (i32.const 32)))
    (if (i64.ne (i64.div_u (i64.load (i32.const 32)) (i64.const 1000000000)) (i64.const 1700000000)) (then unreachable))
    (drop (call $sizes (i32.const 40) (i32.const 4)))
    (drop (call $environ (i32.const 512) (i32.const 1024)))
    (i32.store (i32.const 0) (i32.const 1024))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)))))"#;

#[test]
fn environment_and_clock_are_what_the_descriptor_says() {
    let members = json!({ "stdout": "text", "env": { "HOME": "/out", "TZ": "Mars" }, "epoch_s": 1_700_000_000 });
    let server = Server::start(&[("tells", TELLS, members)]);
    let file = server.upload("x", b"x");
    let result = server.result(&server.analyse(&file, "tells", json!({}))).expect(200).json();
    assert_eq!(result, json!({ "text": "TZ=UTC\0HOME=/out\0" }));
}

/// Prints the bits of a NaN that an operation made out of another NaN.
const NAN: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\01\00\00\00")
  (func (export "_start")
    (i64.store (i32.const 32) (i64.const 0x7ff800000000beef))
    (i64.store (i32.const 40)
      (i64.reinterpret_f64 (f64.add (f64.load (i32.const 32)) (f64.const 1))))
    (i32.store8 (i32.const 16) (i32.add (i32.const 48) (i64.eq (i64.load (i32.const 40)) (i64.const 0x7ff8000000000000))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)))))"#;

#[test]
fn a_descriptor_or_an_operator_may_ask_for_canonical_nans() {
    for (members, arguments, expected) in [
        (json!({}), &[][..], 0),
        (json!({ "nan": "canonical" }), &[][..], 1),
        (json!({}), &["--nan", "canonical"][..], 1),
    ] {
        let server = Server::start_with(&[("nan", NAN, members)], arguments);
        let file = server.upload("x", b"x");
        let result = server.result(&server.analyse(&file, "nan", json!({}))).expect(200).json();
        assert_eq!(result, json!(expected));
    }
}
