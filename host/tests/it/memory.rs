//! What clients cost the server in memory: those that read nothing, and those that stop in the middle of what they send.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::events::events;
use crate::server::Server;
use crate::server::wait_for;

/// Writes 4 MiB to stderr that take six times as much as JSON, and sleeps for ten minutes.
pub(crate) const LOUD: &str = r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $n i32)
    (memory.fill (i32.const 65536) (i32.const 1) (i32.const 65536))
    (i32.store (i32.const 512) (i32.const 65536))
    (i32.store (i32.const 516) (i32.const 65536))
    (loop
      (drop (call $w (i32.const 2) (i32.const 512) (i32.const 1) (i32.const 520)))
      (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 64))))
    (i64.store (i32.const 24) (i64.const 600000000000))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;
const LOG_BYTES: usize = 4 << 20;

/// What the server has in memory, MiB.
pub(crate) fn resident_mib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// Asks on a connection of its own that takes in as little as can be, and reads until that line has come.
fn unread(server: &Server, path: &str, until: &str) -> BufReader<TcpStream> {
    let mut stream = server.connect();
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4096).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut reader = BufReader::with_capacity(512, stream);
    let mut line = Vec::new();
    while !line.starts_with(until.as_bytes()) {
        line.clear();
        assert!(reader.read_until(b'\n', &mut line).unwrap() > 0, "no {until:?}");
    }
    reader
}

#[test]
fn a_log_that_nobody_reads_is_held_a_piece_at_a_time() {
    let server = Server::start(&[("loud", LOUD, json!({ "limits": { "stderr_bytes": LOG_BYTES } }))]);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "loud", json!({}));
    let (log, told) = (format!("/results/{run}/log"), format!("/results/{run}/events"));
    let whole = |name: &str| {
        let mut left = LOG_BYTES;
        events(server.lines(&told, &[])).filter(|it| it.name == "log").any(|it| {
            left -= it.data["text"].as_str().unwrap().len();
            left == 0
        });
        assert_eq!(left, 0, "{name}");
        let log = server.get(&log).expect(200);
        assert!(log.body.len() == LOG_BYTES && log.body.iter().all(|it| *it == 1), "{name}: {}", log.body.len());
    };
    whole("while it runs");
    let before = resident_mib(&server);
    let mut idle: Vec<_> = (0..40).map(|_| unread(&server, &told, "event: log")).collect();
    let live = resident_mib(&server);
    assert!(live < before + 48, "{before} MiB, then {live}");
    idle.extend((0..40).map(|_| unread(&server, &log, "\r\n")));
    let live = resident_mib(&server);
    assert!(live < before + 80, "{before} MiB, then {live}");

    server.delete(&format!("/results/{run}")).expect(204);
    whole("afterwards");
    let before = resident_mib(&server);
    idle.extend((0..40).map(|_| unread(&server, &told, "event: log")));
    let ended = resident_mib(&server);
    assert!(ended < before + 48, "{before} MiB, then {ended}");
}

/// Bytes of uploads that lie on disk, of which not all has come.
fn staged_bytes(server: &Server) -> u64 {
    let staging = std::fs::read_dir(server.data().join("staging")).unwrap();
    let files = staging.flat_map(|it| std::fs::read_dir(it.unwrap().path()).into_iter().flatten());
    files.map(|it| it.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn an_upload_that_stops_is_held_on_disk() {
    const CLIENTS: usize = 300;
    let server = Server::start(&[]);
    server.upload("a.txt", b"abc");
    let before = resident_mib(&server);
    let sent = vec![b'x'; (1 << 20) - 1];
    let _stopped: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\n").unwrap();
            stream.write_all(&sent).unwrap();
            stream
        })
        .collect();
    let all = u64::try_from(CLIENTS * sent.len()).unwrap();
    wait_for("all that was sent, on disk", || (staged_bytes(&server) == all).then_some(()));
    let after = resident_mib(&server);
    // What a connection has for itself, and what the allocator keeps of what it was given back: two thirds of what was sent at most.
    assert!(after < before + 200, "{before} MiB, then {after}");
}

#[test]
fn only_so_many_long_questions_are_held_and_never_one_clients_alone() {
    let server = Server::start(&[]);
    let before = resident_mib(&server);
    let body = format!("{{\"file_id\": \"{}\", \"analysis\": \"digest\"{}}}", "0".repeat(40), " ".repeat(255 << 10));
    let head = format!(
        "POST /analyse HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let ask = |stream: &mut TcpStream, bytes: usize| {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // One that is refused by its head alone may be hung up on.
        drop(stream.write_all(&body.as_bytes()[..bytes]));
    };
    let said = |mut stream: TcpStream| {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        String::from_utf8_lossy(&status).into_owned()
    };
    let stopped: Vec<_> = (0..300)
        .map(|_| {
            let mut stream = server.connect();
            ask(&mut stream, body.len() - 1);
            stream
        })
        .collect();
    let mut one_more = server.connect();
    ask(&mut one_more, 0);
    assert_eq!(said(one_more), "HTTP/1.1 503");
    let mut another = server.connect_as_another();
    ask(&mut another, body.len());
    assert_eq!(said(another), "HTTP/1.1 404", "another's is looked at: there is no such file");
    // Of those that were refused, some are heard out first, for two seconds at most.
    wait_for("no more than those in memory", || (resident_mib(&server) < before + 75).then_some(()));
    drop(stopped);
    wait_for("a place", || {
        let mut again = server.connect();
        ask(&mut again, body.len());
        (said(again) == "HTTP/1.1 404").then_some(())
    });
}
