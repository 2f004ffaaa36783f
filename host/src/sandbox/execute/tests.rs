//! Runs in this very process, without a server or a wall.

use std::io;
use std::os::fd::OwnedFd;

use super::*;
use crate::analysis::module::Effort;
use crate::analysis::module::FILES_SECTION;
use crate::analysis::module::Manner;
use crate::analysis::module::with_sections;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::sandbox::compile;
use crate::sandbox::engine;
use crate::sandbox::program::NoMore;
use crate::sandbox::vfs::Stdin;

struct Nowhere;

impl Host for Nowhere {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        Ok(tempfile::tempfile()?.into())
    }

    fn log(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn progress(&mut self, _: SoFar) {}

    fn sleep(&mut self, _: Duration) {}
}

fn file(bytes: &[u8]) -> OwnedFd {
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, bytes).unwrap();
    file.into()
}

/// Compiles and runs what is given as text.
fn run(wat: &str, limits: Limits) -> Ended<Nowhere> {
    run_with(wat, vec!["x".to_owned()], limits)
}

fn run_with(wat: &str, argv: Vec<String>, limits: Limits) -> Ended<Nowhere> {
    let module = wat::parse_str(wat).unwrap();
    let manner = Manner { effort: Effort::Least, ..Manner::DEFAULT };
    let compiled = compile::compile((&module, file(&module)), &CompileLimits::DEFAULT, manner).unwrap();
    let kind = compiled.facts.kind;
    let engine = engine::running(&Limits::DEFAULT, kind).unwrap();
    let program = Program::load(&engine, (kind, file(&compiled.program)), None, &NoMore).unwrap();
    let mounts = Mounts {
        sample: file(b""),
        sample_name: "x".to_owned(),
        sample_bytes: 0,
        stdin: Stdin::Bytes(b"{}".to_vec()),
        limits,
    };
    let request =
        Request { argv, environment: Vec::new(), seed: [0; 20], epoch_s: 0, facts: SampleFacts::default(), mounts };
    execute(&program, request, Nowhere).unwrap()
}

#[test]
fn a_module_that_may_have_no_instance_fails_by_that_name() {
    let module = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    assert!(run(module, Limits::DEFAULT).outcome.is_ok());
    let failure = run(module, Limits { instances: 0, ..Limits::DEFAULT }).outcome.unwrap_err();
    assert_eq!(failure, Failure::new(Reason::MemoryLimit, "more than `instances` allows"));
}

/// A command that makes a file, and then does that.
fn with_file(then: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x") (data (i32.const 8) "\00\00\00\00\01\00\00\00")
  (func (export "_start") (local $f i32)
    (drop (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)
      (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 32)))
    (local.set $f (i32.load (i32.const 32)))
    {then}))"#
    )
}

#[test]
fn what_a_file_grows_by_is_paid_for_like_what_is_written() {
    const SIZE: u64 = 64 << 20;
    let nothing = run(&with_file(""), Limits::DEFAULT).usage.fuel;
    let set_size = format!("(drop (call $set_size (local.get $f) (i64.const {SIZE})))");
    let allocate = format!("(drop (call $allocate (local.get $f) (i64.const 0) (i64.const {SIZE})))");
    let far =
        format!("(drop (call $pwrite (local.get $f) (i32.const 8) (i32.const 1) (i64.const {SIZE}) (i32.const 32)))");
    let after_seek = format!(
        "(drop (call $seek (local.get $f) (i64.const {SIZE}) (i32.const 0) (i32.const 32)))
         (drop (call $write (local.get $f) (i32.const 8) (i32.const 1) (i32.const 32)))"
    );
    for then in [&set_size, &allocate, &far, &after_seek] {
        let grown = run(&with_file(then), Limits::DEFAULT);
        let cost = grown.usage.fuel - nothing;
        assert!((SIZE / 4..SIZE / 4 + 5_000).contains(&cost), "{then}: {cost}");
        assert_eq!(grown.artifacts[0].size & !1, SIZE, "{then}");
        let poor = run(&with_file(then), Limits { fuel_base: SIZE / 8, ..Limits::DEFAULT });
        assert_eq!(poor.outcome.unwrap_err().reason, Reason::OutOfFuel, "{then}");
        // Neither what makes it shorter costs, nor what lets it be.
        let again = run(&with_file(&format!("{then}{then}")), Limits::DEFAULT);
        assert!(again.usage.fuel - grown.usage.fuel < 5_000, "{then}");
    }
}

#[test]
fn every_text_that_a_component_names_something_by_is_paid_for() {
    const LENGTH: u64 = 2 << 20;
    let fuel = |call: &str, length: u64| {
        let wat = include_str!("tests/paths.wat").replace("LENGTH", &length.to_string()).replace("CALL", call);
        let ended = run(&wat, Limits::DEFAULT);
        assert!(!matches!(ended.outcome, Err(Failure { reason: Reason::OutOfFuel, .. })), "{call}");
        ended.usage.fuel
    };
    const TEXT: &str = "(local.get $at) (local.get $len)";
    const NEVER: &str = "(i32.const 0) (i64.const 0) (i32.const 0)";
    for (function, params, texts) in [
        ("open", format!("(i32.const 0) {TEXT} (i32.const 0) (i32.const 0)"), 1),
        ("stat", format!("(i32.const 0) {TEXT}"), 1),
        ("hash", format!("(i32.const 0) {TEXT}"), 1),
        ("times", format!("(i32.const 0) {TEXT} {NEVER} {NEVER}"), 1),
        ("mkdir", TEXT.to_owned(), 1),
        ("rmdir", TEXT.to_owned(), 1),
        ("unlink", TEXT.to_owned(), 1),
        ("rename", format!("{TEXT} (local.get $d) {TEXT}"), 2),
        ("link", format!("(i32.const 0) {TEXT} (local.get $d) {TEXT}"), 2),
        ("symlink", format!("{TEXT} {TEXT}"), 2),
        ("readlink", TEXT.to_owned(), 1),
        ("create", TEXT.to_owned(), 1),
    ] {
        let itself = if function == "create" { "" } else { "(local.get $d)" };
        let call = format!("(call ${function} {itself} {params} (local.get $out))");
        let cost = fuel(&call, LENGTH) - fuel(&call, 1);
        // Its bytes were copied; of its steps none is looked at past what a path may have.
        let each = LENGTH / 16 + Limits::CAP.path_bytes * 512 / 16;
        assert!((texts * each - 100..texts * each + 5_000).contains(&cost), "{function}: {cost}");
    }
}

/// A command that does that with a path of so many bytes, at 1024.
fn with_path(call: &str, bytes: u64) -> u64 {
    let wat = format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $rmdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_set_times"
    (func $times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_readlink" (func $readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "{}")
  (global $at i32 (i32.const 1024)) (global $len i32 (i32.const {bytes}))
  (func (export "_start") (drop {call})))"#,
        "./".repeat(2048)
    );
    run(&wat, Limits::DEFAULT).usage.fuel
}

#[test]
fn every_path_of_wasi_0_1_is_paid_for_by_its_steps() {
    const PATH: &str = "(global.get $at) (global.get $len)";
    for (call, paths) in [
        (
            format!(
                "(call $open (i32.const 4) (i32.const 0) {PATH} (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))"
            ),
            1,
        ),
        (format!("(call $stat (i32.const 4) (i32.const 0) {PATH} (i32.const 0))"), 1),
        (format!("(call $mkdir (i32.const 4) {PATH})"), 1),
        (format!("(call $rmdir (i32.const 4) {PATH})"), 1),
        (format!("(call $unlink (i32.const 4) {PATH})"), 1),
        (format!("(call $rename (i32.const 4) {PATH} (i32.const 4) {PATH})"), 2),
        (format!("(call $times (i32.const 4) (i32.const 0) {PATH} (i64.const 0) (i64.const 0) (i32.const 0))"), 1),
        (format!("(call $link (i32.const 4) (i32.const 0) {PATH} (i32.const 4) {PATH})"), 1),
        (format!("(call $symlink {PATH} (i32.const 4) {PATH})"), 1),
        (format!("(call $readlink (i32.const 4) {PATH} (i32.const 0) (i32.const 0) (i32.const 0))"), 1),
    ] {
        let cost = with_path(&call, 4096) - with_path(&call, 2);
        // Measured, 20 microseconds; a unit of fuel is some 0.12 nanoseconds.
        assert!((paths * 131_000..paths * 132_000).contains(&cost), "{call}: {cost}");
    }
}

#[test]
fn a_name_that_is_listed_is_dearer_than_one_that_is_passed_over() {
    let list = |cookie: u64| {
        let wat = format!(
            r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (loop $again
      (i32.store8 (i32.const 0) (i32.add (i32.const 97) (i32.and (local.get $n) (i32.const 7))))
      (i32.store8 (i32.const 1) (i32.add (i32.const 97) (i32.shr_u (local.get $n) (i32.const 3))))
      (drop (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 1)
        (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 32)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 50))))
    (drop (call $list (i32.const 4) (i32.const 64) (i32.const 8192) (i64.const {cookie}) (i32.const 32)))))"#
        );
        run(&wat, Limits::DEFAULT).usage.fuel
    };
    // Two more are `.` and `..`.
    assert_eq!(list(0) - list(52), 52 * (4096 - 256) / 16);
    assert_eq!(list(51) - list(52), (4096 - 256) / 16);
}

#[test]
fn words_of_a_command_line_cost_even_when_they_are_empty() {
    let sizes = r#"(module
      (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start") (drop (call CALLED (i32.const 0) (i32.const 16384)))))"#;
    for called in ["$sizes", "$get"] {
        let wat = sizes.replace("CALLED", called);
        let fuel = |words| run_with(&wat, vec![String::new(); words], Limits::DEFAULT).usage.fuel;
        assert!(fuel(1_001) >= fuel(1) + 4_000, "{called}");
    }
}

#[test]
fn an_error_longer_than_a_message_is_cut() {
    let failure =
        run(include_str!("../../../tests/hostile/component_long_error.wat"), Limits::DEFAULT).outcome.unwrap_err();
    assert_eq!(failure, Failure::new(Reason::NonzeroExit, "E".repeat(FAULT_CHARS_MAX)));
}

#[test]
fn random_bytes_of_one_call_are_held_to_what_the_host_allocates_for_it() {
    let wat = include_str!("../../../tests/hostile/component_random_list.wat");
    let ask = |count: u64| {
        run(&wat.replace("0x10000000000", &count.to_string()), Limits { host_call_bytes: 1000, ..Limits::DEFAULT })
    };
    assert!(ask(1000).outcome.is_ok());
    let ended = ask(1001);
    assert_eq!(ended.outcome.unwrap_err(), Failure::new(Reason::MemoryLimit, "more than `host_call_bytes` allows"));
    // None of them was paid for, since none was made.
    assert!(ended.usage.fuel < 1001 * 64 / 16);
}

#[test]
fn a_reason_against_a_module_is_short_however_long_a_path_that_ships_with_it() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    tar.append_data(&mut header, "x".repeat(200_000), io::empty()).unwrap();
    let tar = tar.into_inner().unwrap();
    let module = wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "_start")))"#).unwrap();
    let module = with_sections(&module, &[(FILES_SECTION, &tar)]);
    let manner = Manner { effort: Effort::Least, ..Manner::DEFAULT };
    let reasons = compile::compile((&module, file(&module)), &CompileLimits::DEFAULT, manner).unwrap_err();
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].starts_with("the files that ship with it: `xxx") && reasons[0].len() == 500, "{}", reasons[0]);
}
