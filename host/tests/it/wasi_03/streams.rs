//! What guests do through streams: with files, directories, stdin and stderr.

use serde_json::json;

use super::answer;
use super::doing;
use super::failure;
use super::guest;

#[test]
fn a_guest_reads_the_sample_through_a_file_stream() {
    let wat = guest(
        r#"
        (import "" "read" (func $read (param i32 i64 i32)))
        (import "" "file-end.read" (func $end (param i32 i32) (result i32)))
        (data (i32.const 1024) "the_file")
        (func (export "run") (result i32)
          (local $end i32)
          (call $read (call $opened (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 0) (i32.const 1))
            (i64.const 2) (i32.const 80))
          (local.set $end (i32.load (i32.const 84)))
          (call $copy (i32.load (i32.const 80)) (call $printed))
          (drop (call $settle (call $end (local.get $end) (i32.const 96)) (local.get $end)))
          (i32.load8_u (i32.const 96)))"#,
    );
    let sample = format!("  \"{}\"", "long ".repeat(10_000));
    let (server, run, answer) = answer(&wat, sample.as_bytes(), json!({}));
    assert_eq!(answer.expect(200).text(), &sample[2..]);
    let record = server.get(&format!("/results/{run}/run")).expect(200).json();
    assert_eq!(record["usage"]["bytes_read"], sample.len() - 2, "{record}");
}

#[test]
fn a_guest_lists_a_directory_through_a_stream() {
    let wat = guest(
        r#"
        (import "" "list" (func $list (param i32 i32)))
        (import "" "entries.read" (func $next (param i32 i32 i32) (result i32)))
        (data (i32.const 1024) "[\",\"\"]")
        (func (export "run") (result i32)
          (local $names i32) (local $code i32)
          (call $list (call $directory (i32.const 0)) (i32.const 80))
          (local.set $names (i32.load (i32.const 80)))
          (call $print (i32.const 1024) (i32.const 2))
          (loop $again
            (local.set $code
              (call $settle (call $next (local.get $names) (i32.const 256) (i32.const 1)) (local.get $names)))
            (if (i32.shr_u (local.get $code) (i32.const 4)) (then
              ;; The type of the entry, of 16 bytes, comes before its name.
              (call $print (i32.load (i32.const 272)) (i32.load (i32.const 276)))
              (call $print (i32.const 1025) (i32.const 3))))
            (br_if $again (i32.eqz (i32.and (local.get $code) (i32.const 15)))))
          (call $print (i32.const 1028) (i32.const 2))
          (i32.const 0))"#,
    );
    let (_, _, answer) = answer(&wat, b"x", json!({}));
    assert_eq!(answer.expect(200).json(), json!(["sample.json", "the_file", ""]));
}

#[test]
fn a_guest_leaves_an_artifact_through_file_streams() {
    let wat = guest(
        r#"
        (import "" "stream.new" (func $new (result i64)))
        (import "" "stream.drop-writable" (func $drop (param i32)))
        (import "" "write" (func $write (param i32 i32 i64) (result i32)))
        (import "" "append" (func $append (param i32 i32) (result i32)))
        (import "" "file-end.read" (func $end.read (param i32 i32) (result i32)))
        (data (i32.const 1024) "a.txt")
        (data (i32.const 1040) "first, second")
        (func $stream (param $at i32) (param $len i32) (param $both i64) (param $end i32)
          (call $write-all (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))) (local.get $at) (local.get $len))
          (call $drop (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))))
          (drop (call $settle (call $end.read (local.get $end) (i32.const 96)) (local.get $end)))
          (if (i32.load8_u (i32.const 96)) (then unreachable)))
        (func (export "run") (result i32)
          (local $file i32) (local $both i64)
          (local.set $file (call $opened (i32.const 1) (i32.const 1024) (i32.const 5) (i32.const 1) (i32.const 2)))
          (local.set $both (call $new))
          (call $stream (i32.const 1040) (i32.const 5) (local.get $both)
            (call $write (local.get $file) (i32.wrap_i64 (local.get $both)) (i64.const 0)))
          (local.set $both (call $new))
          (call $stream (i32.const 1045) (i32.const 8) (local.get $both)
            (call $append (local.get $file) (i32.wrap_i64 (local.get $both))))
          (call $number (i64.const 1) (i32.const 10))
          (i32.const 0))"#,
    );
    let (server, run, answer) = answer(&wat, b"x", json!({}));
    answer.expect(200);
    assert_eq!(server.get(&format!("/download/{run}/a.txt")).expect(200).text(), "first, second");
    let (reason, detail) = failure(&wat, json!({ "limits": { "artifact_bytes": 6 } }));
    assert_eq!((reason.as_str(), detail.contains("artifact_bytes")), ("output-limit", true), "{detail}");
}

#[test]
fn stdin_is_read_by_the_guest_or_handed_on_whole() {
    let stdin = r#"(import "" "stdin" (func $stdin (param i32)))
                   (import "" "stdout" (func $stdout (param i32) (result i32)))
                   (import "" "cli-end.read" (func $end (param i32 i32) (result i32)))"#;
    let copied = "(call $stdin (i32.const 64)) (call $copy (i32.load (i32.const 64)) (call $printed))";
    // The guest itself never sees what is in it, and waits until all of it is printed.
    let handed_on = "(local $end i32)
        (call $stdin (i32.const 64))
        (local.set $end (call $stdout (i32.load (i32.const 64))))
        (drop (call $settle (call $end (local.get $end) (i32.const 96)) (local.get $end)))";
    let sample = format!("[{}0]", "1,".repeat(20_000));
    for body in [copied, handed_on] {
        let (_, _, answer) = answer(&doing(stdin, body), sample.as_bytes(), json!({ "stdin": "sample" }));
        assert_eq!(answer.expect(200).text(), sample, "{body}");
    }
}

#[test]
fn what_a_guest_says_to_stderr_is_its_log() {
    let stderr = r#"(import "" "stderr" (func $stderr (param i32) (result i32)))
        (import "" "stream.new" (func $new (result i64))) (data (i32.const 1024) "said aside\n")"#;
    let body = "(local $both i64)
        (local.set $both (call $new))
        (drop (call $stderr (i32.wrap_i64 (local.get $both))))
        (call $write-all (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))) (i32.const 1024) (i32.const 11))";
    let (server, run, answer) = answer(&doing(stderr, body), b"x", json!({ "stdout": "none" }));
    answer.expect(200);
    assert_eq!(server.get(&format!("/results/{run}/log")).expect(200).text(), "said aside\n");
}

/// Streams own descriptors, which come back when they are dropped, by whoever drops them.
#[test]
fn a_stream_that_is_gone_holds_no_descriptor() {
    let wat = |forget: &str| {
        guest(&format!(
            r#"
            (import "" "read" (func $read (param i32 i64 i32)))
            (import "" "stream.drop-readable" (func $drop (param i32)))
            (import "" "file-end.read" (func $end.read (param i32 i32) (result i32)))
            (import "" "file-end.drop" (func $end.drop (param i32)))
            (data (i32.const 1024) "the_file")
            (func (export "run") (result i32)
              (local $file i32) (local $end i32) (local $left i32)
              (local.set $file (call $opened (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 0) (i32.const 1)))
              (local.set $left (i32.const 200))
              (loop $again
                (call $read (local.get $file) (i64.const 0) (i32.const 80))
                (local.set $end (i32.load (i32.const 84)))
                {forget}
                (drop (call $settle (call $end.read (local.get $end) (i32.const 96)) (local.get $end)))
                (if (i32.load8_u (i32.const 96)) (then unreachable))
                (call $end.drop (local.get $end))
                (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
              (call $number (i64.const 1) (i32.const 10))
              (i32.const 0))"#
        ))
    };
    let dropped = "(call $drop (i32.load (i32.const 80)))";
    answer(&wat(dropped), b"sample", json!({ "limits": { "descriptors": 12 } })).2.expect(200);
    let read_out = "(call $copy (i32.load (i32.const 80)) (call $printed))";
    let members = json!({ "stdout": "text", "limits": { "descriptors": 12 } });
    answer(&wat(read_out), b"sample", members).2.expect(200);
}

/// Neither end of this copy is the guest: it never comes back to it, and all the same is held to its limits.
#[test]
fn a_file_copied_onto_its_own_end_ends_at_its_limit() {
    let wat = guest(
        r#"
        (import "" "read" (func $read (param i32 i64 i32)))
        (import "" "append" (func $append (param i32 i32) (result i32)))
        (import "" "stream.new" (func $new (result i64)))
        (import "" "stream.drop-writable" (func $drop (param i32)))
        (import "" "file-end.read" (func $end (param i32 i32) (result i32)))
        (data (i32.const 1024) "a.txt")
        (func (export "run") (result i32)
          (local $file i32) (local $both i64) (local $to i32) (local $end i32)
          (local.set $file (call $opened (i32.const 1) (i32.const 1024) (i32.const 5) (i32.const 1) (i32.const 3)))
          (local.set $both (call $new))
          (local.set $to (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))))
          (drop (call $append (local.get $file) (i32.wrap_i64 (local.get $both))))
          (call $write-all (local.get $to) (i32.const 0) (i32.const 60000))
          (call $drop (local.get $to))
          (call $read (local.get $file) (i64.const 0) (i32.const 80))
          (local.set $end (call $append (local.get $file) (i32.load (i32.const 80))))
          (drop (call $settle (call $end (local.get $end) (i32.const 96)) (local.get $end)))
          (i32.const 0))"#,
    );
    let (reason, detail) = failure(&wat, json!({ "limits": { "artifact_bytes": 50 << 20 } }));
    assert_eq!((reason.as_str(), detail.contains("artifact_bytes")), ("output-limit", true), "{detail}");
    let (reason, _) = failure(&wat, json!({ "limits": { "fuel_base": 10_000_000 } }));
    assert_eq!(reason, "out-of-fuel");
}
