//! What is sent to break a server, in bulk: it answers others all the while, and stays as small as it was.

use std::collections::BTreeMap;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::kills::from_environment;
use crate::memory::resident_mib;
use crate::server::Server;

/// What is sent where `BELLJAR_ABUSE` does not say otherwise.
const REQUESTS: u64 = 100_000;
/// Who sends at the same time.
const SENDERS: usize = 4;
/// What a server may have grown by, MiB: freed memory that the allocator keeps for later.
const GROWTH_MIB: u64 = 48;

/// The same numbers for the same seed (xorshift64*).
struct Lot(u64);

impl Lot {
    fn draw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % below
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.draw(of.len())]
    }
}

const METHODS: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "G\0T"];
const PATHS: [&str; 16] = [
    "/upload",
    "/analyse",
    "/upload/0000000000000000000000000000000000000000",
    "/results/0000000000000000000000000000000000000000/0000000000000000000000000000000000000000",
    "/download/0000000000000000000000000000000000000000/%2e%2e%2f%00",
    "/upload?limit=-1&limit=99999999999999999999",
    "/upload?cursor=%ff%fe",
    "/resumable",
    "/resumable/ffffffffffffffffffffffffffffffff",
    "/analyses/../../etc/passwd",
    "/analyses/%00",
    "/../../../../etc/passwd",
    "http://elsewhere.example/upload",
    "*",
    "/\u{7f}",
    "/openapi.json?x",
];
const VERSIONS: [&str; 6] = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTQ/1.1"];
const FIELDS: [&str; 26] = [
    "host: localhost",
    "host: elsewhere.example",
    "host : localhost",
    "host:",
    "content-length: 5",
    "content-length: -5",
    "content-length: 5, 6",
    "content-length: 99999999999999999999999",
    "content-length: 0x5",
    "transfer-encoding: chunked",
    "transfer-encoding: chunked, identity",
    "transfer-encoding: \u{b}chunked",
    "content-type: application/json",
    "content-type: multipart/form-data; boundary=",
    "content-type: multipart/form-data; boundary=b",
    "expect: 100-continue",
    "expect: a miracle",
    "range: bytes=9-1,-0,18446744073709551616-",
    "prefer: wait=99999999999999999999",
    "content-digest: sha-256=:not base64:",
    "tus-resumable: 9",
    "upload-length: 18446744073709551616",
    "upload-metadata: ,,, =",
    "traceparent: 00-0-0-0",
    " folded: onto the one before",
    "nul: a\0b",
];
const BODIES: [&str; 9] = [
    "",
    "hello",
    "{\"file_id\": ",
    "{\"file_id\": 5, \"analysis\": [], \"args\": null, \"more\": 1e999}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "5\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffffff\r\nhello",
    "--b\r\ncontent-disposition: form-data; name=\"a\"; filename=\"..\\..\\\0\"\r\n\r\nx\r\n--b",
    "GET /limits HTTP/1.1\r\nhost: localhost\r\n\r\n",
];

/// A request that is wrong somewhere, most likely.
fn malformed(lot: &mut Lot) -> Vec<u8> {
    let mut request = format!("{} {} {}\r\n", lot.one(&METHODS), lot.one(&PATHS), lot.one(&VERSIONS));
    if lot.draw(4) > 0 {
        request += "host: localhost\r\n";
    }
    for _ in 0..lot.draw(5) {
        request += lot.one(&FIELDS);
        request += "\r\n";
    }
    request += "connection: close\r\n\r\n";
    request += lot.one(&BODIES);
    let mut bytes = request.into_bytes();
    if lot.draw(3) == 0 {
        for _ in 0..=lot.draw(4) {
            let at = lot.draw(bytes.len());
            bytes[at] = u8::try_from(lot.draw(256)).unwrap();
        }
    }
    if lot.draw(8) == 0 {
        bytes.truncate(lot.draw(bytes.len()));
    }
    bytes
}

/// From addresses of this machine that differ: one of them has not ports enough.
fn connect(server: &Server, number: usize) -> TcpStream {
    use rustix::net;
    let from = Ipv4Addr::new(127, 0, 1, u8::try_from(number % 200).unwrap() + 1);
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
    net::bind(&socket, &SocketAddrV4::new(from, 0)).unwrap();
    net::connect(&socket, &server.address()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// The status of the first answer to that and nothing more; none where there is none.
fn answer(mut stream: TcpStream, request: &[u8]) -> Option<u16> {
    drop(stream.write_all(request));
    drop(stream.shutdown(std::net::Shutdown::Write));
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said));
    std::str::from_utf8(said.get(9..12)?).ok()?.parse().ok()
}

/// Asks for something all the while: how often it was answered, and the longest that it had to wait.
fn honest(server: &Server, until: &AtomicBool) -> (usize, Duration) {
    let (mut count, mut longest) = (0, Duration::ZERO);
    while !until.load(Ordering::Relaxed) {
        let began = Instant::now();
        server.get("/readyz").expect(200);
        longest = longest.max(began.elapsed());
        count += 1;
    }
    (count, longest)
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn malformed_requests_are_refused_and_others_answered() {
    let count = usize::try_from(from_environment("BELLJAR_ABUSE", REQUESTS)).unwrap();
    let server = Server::start_with(&[], &["--shipped", "none"]);
    server.upload("a.txt", b"abc");
    let before = resident_mib(&server);
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let send = || {
        let mut statuses = BTreeMap::<Option<u16>, usize>::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return statuses;
            }
            let request = malformed(&mut Lot(0x9e37_79b9_7f4a_7c15 ^ u64::try_from(number + 1).unwrap()));
            let status = answer(connect(&server, number), &request);
            assert!(!matches!(status, Some(500 | 502 | 504..)), "{status:?} to {}", String::from_utf8_lossy(&request));
            *statuses.entry(status).or_default() += 1;
        }
    };
    let (statuses, (answered, longest)) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| honest(&server, &over));
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
        let mut all = BTreeMap::new();
        for sender in senders {
            for (status, count) in sender.join().unwrap() {
                *all.entry(status).or_default() += count;
            }
        }
        over.store(true, Ordering::Relaxed);
        (all, asking.join().unwrap())
    });
    let after = resident_mib(&server);
    println!("{count} requests: {statuses:?}; {before} MiB before, {after} after;");
    println!("{answered} honest ones beside them, the longest {} ms", longest.as_millis());
    assert_eq!(statuses.values().sum::<usize>(), count);
    assert!(statuses.get(&Some(400)).is_some_and(|it| *it > count / 4), "{statuses:?}");
    assert!(answered > 0);
    assert!(after < before + GROWTH_MIB, "{before} MiB, then {after}");
}

#[test]
fn one_request_is_never_taken_for_two() {
    let server = Server::start_with(&[], &["--shipped", "none"]);
    let smuggled = "GET /limits HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    // RFC 9112, sections 6 and 11.2: each of these two servers could read in two ways.
    for fields in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "content-length: 0\r\ncontent-length: 4\r\n",
        "content-length: 0, 4\r\n",
        "content-length: +0\r\n",
        "content-length: 0x0\r\n",
        "content-length : 0\r\n",
        "content-length:\r\n 0\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity, chunked, identity\r\n",
        "transfer-encoding:\u{b}chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding\r\n: chunked\r\n",
        "x: y\rtransfer-encoding: chunked\r\n",
        "x: y\0\r\ncontent-length: 0\r\n",
    ] {
        let request = format!("POST /analyse HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n0\r\n\r\n{smuggled}");
        let said = server.raw(request.as_bytes());
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{fields:?}: {said}");
        assert!(said.starts_with("HTTP/1.1 400"), "{fields:?}: {said}");
    }
}

/// Descriptors that the server has open.
fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn who_takes_nothing_of_a_download_costs_little_and_is_let_go() {
    const READERS: usize = 300;
    let server = Server::start_with(&[], &["--shipped", "none"]);
    let file = server.upload("large.bin", &vec![7; 32 << 20]);
    let (before, open) = (resident_mib(&server), descriptors(&server));
    let slow: Vec<_> = (0..READERS)
        .map(|number| {
            let mut stream = connect(&server, number);
            rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4096).unwrap();
            let head = format!("GET /download/{file}/large.bin HTTP/1.1\r\nhost: localhost\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            stream.read_exact(&mut [0; 12]).unwrap();
            stream
        })
        .collect();
    let after = resident_mib(&server);
    println!("{READERS} readers that take nothing: {before} MiB before, {after} MiB with them");
    // 64 MiB for blocks on their way, and what each connection has for itself.
    assert!(after < before + 96, "{before} MiB, then {after}");
    assert_eq!(server.get(&format!("/download/{file}/large.bin")).expect(200).body.len(), 32 << 20);
    let until = Instant::now() + Duration::from_secs(120);
    while descriptors(&server) > open + 2 {
        assert!(Instant::now() < until, "{} descriptors are open, {open} before", descriptors(&server));
        std::thread::park_timeout(Duration::from_millis(100));
    }
    drop(slow);
}
