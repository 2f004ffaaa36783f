//! What clients do to connections, on purpose or not.

use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::server::Server;
use crate::server::wait_for;

#[test]
fn heads_have_a_size_and_a_count() {
    let server = Server::start(&[]);
    let get = |headers: String| {
        server.raw(format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n").as_bytes())
    };
    assert!(get(String::new()).starts_with("HTTP/1.1 200"));
    assert!(get(format!("long: {}\r\n", "x".repeat(12_000))).starts_with("HTTP/1.1 200"));
    assert!(get(format!("long: {}\r\n", "x".repeat(20_000))).starts_with("HTTP/1.1 431"));
    assert!(get("a: b\r\n".repeat(100)).starts_with("HTTP/1.1 431"));
    assert!(server.raw(b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
}

#[test]
fn a_client_that_never_ends_its_head_is_let_go() {
    let server = Server::start(&[]);
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A timeout of ours would be an error here.
    stream.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn hundreds_of_stalled_clients_stop_nobody_else() {
    let server = Server::start(&[]);
    let large = server.upload("large.bin", &vec![1; 8 << 20]);
    // More than the runtime has threads for blocking work.
    let stalled: Vec<_> = (0..600)
        .map(|number| {
            let mut stream = server.connect();
            let request = if number % 2 == 0 {
                "POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\nfirst bytes".to_owned()
            } else {
                format!("GET /download/{large}/large.bin HTTP/1.1\r\nhost: localhost\r\n\r\n")
            };
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let file = server.upload("a.bin", &vec![2; 3 << 20]);
    assert_eq!(server.get(&format!("/download/{file}/a.bin")).expect(200).body.len(), 3 << 20);
    server.result(&server.analyse(&file, "entropy", json!({}))).expect(200);
    drop(stalled);
}

#[test]
fn of_those_who_are_refused_so_many_are_heard_out_so_long() {
    let server = Server::start_with(&[], &["--require-tokens", "--shipped", "none"]);
    let refused = || {
        let mut stream = server.connect();
        stream.write_all(b"POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n").unwrap();
        let mut said = [0; 12];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 401");
        stream
    };
    let heard = |mut stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        loop {
            match stream.read(&mut [0; 1024]) {
                Ok(0) => return false,
                Ok(_) => (),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    };
    // All have the same while: others can go before the first only where there is no room for them.
    wait_for("all but 64 to go before the first", || {
        let silent: Vec<_> = (0..100).map(|_| refused()).collect();
        let count = || silent.iter().filter(|it| heard(it)).count();
        while heard(&silent[0]) && count() > 64 {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let held = heard(&silent[0]).then_some(());
        wait_for("the others to go", || (count() == 0).then_some(()));
        held
    });
    let mut endless = refused();
    wait_for("the one to go that does not end", || endless.write_all(b"x").is_err().then_some(()));
    let mut fast = refused();
    let sent = (0..1024).take_while(|_| fast.write_all(&[0; 1 << 16]).is_ok()).count();
    assert!(sent < 1024, "64 MiB were heard out");
}

#[test]
fn a_head_request_tells_what_a_get_would() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"hello");
    let path = format!("/download/{file}/a.txt");
    let (head, get) = (server.head(&path).expect(200), server.get(&path).expect(200));
    assert!(head.body.is_empty());
    for name in ["etag", "content-length", "content-type", "accept-ranges"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    server.head(&format!("/upload/{file}")).expect(200);
}

#[test]
fn a_question_can_wait_for_its_answer() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"hello");
    let question = json!({ "file_id": file, "analysis": "digest" }).to_string();
    let answer = server.post("/analyse", &[("prefer", "wait=30")], question.as_bytes()).expect(200);
    assert_eq!(answer.header("preference-applied"), "wait=30");
    assert_eq!(answer.json()["status"], "successful");
    server.get(answer.json()["results"].as_str().unwrap()).expect(200);
}

#[test]
fn a_page_of_another_site_cannot_upload_or_ask() {
    let server = Server::start(&[]);
    let from = |site| server.post("/upload", &[("sec-fetch-site", site)], b"abc");
    from("cross-site").expect(403);
    from("same-site").expect(403);
    from("same-origin").expect(200);
    from("none").expect(200);
    server.get_with("/analyses", ("sec-fetch-site", "cross-site")).expect(200);
}

#[test]
fn a_request_that_a_page_of_another_origin_makes_changes_nothing() {
    let server = Server::start(&[]);
    let from = |origin: &str| server.post("/upload", &[("origin", origin)], b"abc");
    from("http://elsewhere.example").expect(403);
    from("null").expect(403);
    from("http://127.0.0.1:1").expect(403);
    from(&format!("http://{}", server.address())).expect(200);
    server.get_with("/analyses", ("origin", "http://elsewhere.example")).expect(200);
}

#[test]
fn a_server_of_this_machine_answers_to_its_own_names_alone() {
    let called = |server: &Server, host: &str| {
        server.raw(format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes())
    };
    let server = Server::start(&[]);
    for own in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080"] {
        assert!(called(&server, own).starts_with("HTTP/1.1 200"), "{own}");
    }
    let refused = called(&server, "rebound.example:8080");
    assert!(refused.starts_with("HTTP/1.1 421") && refused.contains("--name rebound.example"), "{refused}");
    let named = Server::start_with(&[], &["--name", "belljar.example"]);
    assert!(called(&named, "belljar.example").starts_with("HTTP/1.1 200"));
    assert!(called(&named, "rebound.example").starts_with("HTTP/1.1 421"));
}

#[test]
fn a_request_says_once_whom_it_is_for() {
    let server = Server::start(&[]);
    let said = |version: &str, hosts: &str| {
        server.raw(format!("GET /healthz HTTP/{version}\r\n{hosts}connection: close\r\n\r\n").as_bytes())
    };
    for (version, hosts, status) in [
        ("1.1", "host: localhost\r\n", "200"),
        ("1.1", "", "400"),
        ("1.1", "host: localhost\r\nhost: localhost\r\n", "400"),
        ("1.1", "host: localhost\r\nhost: rebound.example\r\n", "400"),
        ("1.1", "host: a b\r\n", "400"),
        ("1.0", "", "200"),
        ("1.0", "host: rebound.example\r\n", "421"),
    ] {
        let said = said(version, hosts);
        assert!(said.get(9..12) == Some(status), "{version} {hosts:?}: {said}");
        assert!(status == "200" || said.contains("application/problem+json"), "{said}");
    }
}

#[test]
fn a_client_that_takes_connections_leaves_some_to_others() {
    let server = Server::start_with(&[], &["--connections-max", "64"]);
    let held: Vec<_> = (0..64).map(|_| server.connect()).collect();
    let mut another = server.connect_as_another();
    another.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    another.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    drop(held);
    // Its places are its own again.
    wait_for("a place", || {
        let mut stream = server.connect();
        drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"));
        let mut said = String::new();
        drop(stream.read_to_string(&mut said));
        said.starts_with("HTTP/1.1 200").then_some(())
    });
}
