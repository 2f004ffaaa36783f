//! Uploads in every shape, and what is left of those that fail.

use std::io::Read;
use std::io::Write;

use serde_json::json;

use crate::server::Server;
use crate::server::wait_for;

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=x");

fn part(name: &str, bytes: &str) -> String {
    format!("--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n{bytes}\r\n")
}

#[test]
fn an_upload_over_the_cap_is_refused_and_leaves_nothing() {
    let server = Server::start_with(&[], &["--upload-bytes-max", "10"]);
    server.post("/upload", &[], b"0123456789").expect(200);
    server.post("/upload", &[], b"0123456789x").expect(413);
    let chunked = "POST /upload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n";
    assert!(server.raw(chunked.as_bytes()).starts_with("HTTP/1.1 413"));
    let form = |bytes| format!("{}--x--\r\n", part("a", bytes));
    server.post("/upload", &[FORM], form("0123456789").as_bytes()).expect(200);
    let problem = server.post("/upload", &[FORM], form("0123456789x").as_bytes()).expect(413).json();
    assert_eq!(problem["status"], 413);
    assert!(server.lying_in("staging").is_empty());
}

#[test]
fn a_declared_length_over_the_cap_is_refused_before_the_body_is_asked_for() {
    let server = Server::start_with(&[], &["--upload-bytes-max", "10"]);
    let head = "POST /upload HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n";
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[test]
fn a_large_file_comes_through_whole() {
    let server = Server::start(&[]);
    let bytes: Vec<u8> = (0..5_000_003_u32).flat_map(|it| (it.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    let file = server.upload("large.bin", &bytes);
    assert!(server.get(&format!("/download/{file}/large.bin")).expect(200).body == bytes);
    let digests = server.result(&server.analyse(&file, "digest", json!({}))).expect(200).json();
    assert_eq!(digests["sha1"], file.as_str());
    assert_eq!(digests["sha256"], server.get(&format!("/upload/{file}")).json()["sha256"]);
}

#[test]
fn an_empty_file_is_a_file() {
    let server = Server::start(&[]);
    let file = server.upload("empty", b"");
    assert_eq!(file, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_eq!(server.get(&format!("/download/{file}/empty")).expect(200).body, b"");
    let digests = server.result(&server.analyse(&file, "digest", json!({}))).expect(200).json();
    assert_eq!(digests["size_bytes"], 0);
}

#[test]
fn a_form_has_one_file_and_ends() {
    let server = Server::start(&[]);
    let two = format!("{}{}--x--\r\n", part("a", "1"), part("b", "2"));
    server.post("/upload", &[FORM], two.as_bytes()).expect(400);
    server.post("/upload", &[FORM], part("a", "1").as_bytes()).expect(400);
    let field = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n";
    let noted = format!("{field}{}{field}--x--\r\n", part("a", "1"));
    assert_eq!(server.post("/upload", &[FORM], noted.as_bytes()).expect(200).json()["filename"], "a");
    let capitals = ("content-type", "Multipart/Form-Data; boundary=x");
    server.post("/upload", &[capitals], noted.as_bytes()).expect(200);
    assert!(server.lying_in("staging").is_empty());
}

#[test]
fn other_bytes_of_the_same_sha_1_are_refused() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    // No two such files are at hand; the stored one is given another SHA-256 instead.
    let path = server.data().join(&file[..2]).join(&file[2..]).join("upload.json");
    let facts = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, facts.replace("ba7816bf", "00000000")).unwrap();
    let problem = server.post("/upload", &[], b"abc").expect(409).json();
    assert!(problem["detail"].as_str().unwrap().contains("SHA-1"));
    assert_eq!(server.get(&format!("/download/{file}/a.txt")).expect(200).body, b"abc");
    assert!(server.lying_in("staging").is_empty());
}

#[test]
fn a_client_that_goes_away_leaves_nothing() {
    let server = Server::start(&[]);
    for bytes in [10, 3 << 20] {
        let mut stream = server.connect();
        stream.write_all(b"POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\n").unwrap();
        stream.write_all(&vec![7; bytes]).unwrap();
        wait_for("what is staged", || (!server.lying_in("staging").is_empty()).then_some(()));
        drop(stream);
        wait_for("its end", || server.lying_in("staging").is_empty().then_some(()));
    }
}

#[test]
fn a_hundred_clients_with_the_same_bytes_store_them_once() {
    let server = Server::start(&[]);
    let bytes = vec![9; 200_000];
    std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..100).map(|_| scope.spawn(|| server.upload("same.bin", &bytes))).collect();
        let mut ids: Vec<_> = uploads.into_iter().map(|it| it.join().unwrap()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
    });
    assert!(server.lying_in("staging").is_empty());
}

#[test]
fn without_room_on_the_disk_nothing_is_taken_and_everything_can_be_read() {
    let mut server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let done = server.analyse(&file, "digest", json!({}));
    server.result(&done).expect(200);
    server.restart_with(&["--disk-reserve-bytes", "18446744073709551615"]);
    server.post("/upload", &[], b"new").expect(507);
    let question = json!({ "file_id": file, "analysis": "entropy" }).to_string();
    server.post("/analyse", &[], question.as_bytes()).expect(507);
    server.get("/readyz").expect(503);
    server.get("/healthz").expect(200);
    server.get(&format!("/results/{done}")).expect(200);
    server.get(&format!("/download/{file}/a.txt")).expect(200);
}
