//! A server that is reached by TLS: HTTP/1.1 and HTTP/2, certificates that change, and clients of HTTP/2 that mean harm.

use std::convert::Infallible;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::StreamBody;
use hyper::Request;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::server::Server;

struct Place {
    server: Server,
    root: CertificateDer<'static>,
}

/// Writes what makes a server known as `localhost`.
fn certify(dir: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("chain.pem"), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

fn place(arguments: &[&str]) -> Place {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("analyses")).unwrap();
    let root = certify(dir.path());
    let files = ["chain.pem", "key.pem"].map(|it| dir.path().join(it).to_str().unwrap().to_owned());
    let tls = ["--tls-certificate", &files[0], "--tls-key", &files[1], "--shipped", "dummy"];
    Place { server: Server::start_in(dir, &[&tls, arguments].concat()), root }
}

impl Place {
    async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(self.server.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    async fn http2(&self) -> SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(self.connect("h2").await);
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        sender
    }
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, method: &str, path: &str, body: Vec<u8>) -> (u16, Bytes) {
    let uri = format!("https://localhost{path}");
    let request = Request::builder().method(method).uri(uri).body(Full::new(Bytes::from(body))).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn both_protocols_are_spoken_and_many_requests_share_a_connection() {
    let place = place(&[]);
    runtime().block_on(async {
        let mut old = place.connect("http/1.1").await;
        old.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        old.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        let sender = place.http2().await;
        let uploads = (0..100_u32).map(|number| {
            let mut sender = sender.clone();
            async move {
                let body = number.to_le_bytes().repeat(20_000);
                let (status, said) = ask(&mut sender, "POST", "/upload?filename=a", body.clone()).await;
                let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
                assert_eq!((status, &said["size_bytes"]), (200, &80_000.into()));
                let path = format!("/download/{}/a", said["file_id"].as_str().unwrap());
                assert_eq!(ask(&mut sender, "GET", &path, Vec::new()).await, (200, Bytes::from(body)));
            }
        });
        futures_util::future::join_all(uploads).await;
    });
}

#[test]
fn a_server_on_a_public_name_is_asked_by_that_name_alone() {
    let place = place(&[]);
    runtime().block_on(async {
        let mut sender = place.http2().await;
        let request = Request::builder().uri("https://elsewhere.example/healthz").body(Full::default()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 421);
    });
}

#[test]
fn a_key_that_cannot_be_read_is_told_before_anything_is_compiled() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    std::fs::write(dir.path().join("key.pem"), "half of one").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data", "--shipped", "dummy"]);
    command.args(["--tls-certificate", "chain.pem", "--tls-key", "key.pem"]).current_dir(dir.path());
    let refused = command.output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("key.pem") && !said.contains("installing"), "{said}");
    assert!(!dir.path().join("data").exists());
}

#[test]
fn top_trusts_whom_it_is_told_to_trust() {
    let place = place(&[]);
    let chain = place.server.dir.path().join("chain.pem");
    let top = |trusted: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
        let url = format!("https://localhost:{}", place.server.address().port());
        command.args(["top", "--once", "--url", &url]).env_remove("SSL_CERT_FILE");
        if let Some(trusted) = trusted {
            command.env("SSL_CERT_FILE", trusted);
        }
        command.output().unwrap()
    };
    let asked = top(Some(&chain));
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let refused = top(None);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ertificate"), "{refused:?}");
}

#[test]
fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let mut place = place(&[]);
    let dir = place.server.dir.path().to_owned();
    let serves = |place: &Place, root: &CertificateDer<'_>| {
        runtime().block_on(async {
            let stream = place.connect("h2").await;
            stream.get_ref().1.peer_certificates().unwrap()[0] == *root
        })
    };
    let first = place.root.clone();
    assert!(serves(&place, &first));
    std::fs::write(dir.join("chain.pem"), "half of one").unwrap();
    std::thread::park_timeout(Duration::from_millis(2500));
    assert!(serves(&place, &first));
    place.root = certify(&dir);
    // Whoever trusts the new one alone gets in once it is there.
    let until = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let got = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| serves(&place, &place.root)));
        if got.is_ok_and(|it| it) {
            break;
        }
        assert!(std::time::Instant::now() < until, "the new certificate does not come");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn a_cookie_is_kept_to_where_nobody_can_read_it_on_its_way() {
    let place = place(&["--require-tokens"]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.args(["token", "create", "ann", "--tenant", "main", "--data"]).arg(place.server.data());
    let token = String::from_utf8(command.output().unwrap().stdout).unwrap();
    runtime().block_on(async {
        let mut sender = place.http2().await;
        for _ in 0..100 {
            let request = Request::builder().method("PUT").uri("https://localhost/session");
            let request = request.header("authorization", format!("Bearer {}", token.trim()));
            let answer = sender.send_request(request.body(Full::default()).unwrap()).await.unwrap();
            if answer.status() == 204 {
                let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
                assert!(cookie.ends_with("; Secure") && cookie.contains("HttpOnly"), "{cookie}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the token does not come to count");
    });
}

/// A client sends all that it has before it looks for an answer.
#[test]
fn who_is_refused_before_all_has_come_can_send_it_and_reads_why() {
    const CHUNKS: usize = 64;
    let place = place(&["--require-tokens"]);
    runtime().block_on(async {
        let stream = TokioIo::new(place.connect("h2").await);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let chunks = (0..CHUNKS).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![7; 64 << 10])))
        });
        let body = StreamBody::new(futures_util::stream::iter(chunks));
        let request = Request::builder().method("POST").uri("https://localhost/upload").body(body).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 401);
        answer.into_body().collect().await.unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while sent.load(Ordering::Relaxed) < CHUNKS {
            assert!(std::time::Instant::now() < until, "{} of {CHUNKS} were taken", sent.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    // The same in the clear, where the connection would be broken.
    let server = Server::start_with(&[], &["--shipped", "none", "--require-tokens"]);
    let head = "POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 6000000\r\nconnection: close\r\n\r\n";
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..60 {
        stream.write_all(&[7; 100_000]).unwrap();
        std::thread::park_timeout(Duration::from_millis(1));
    }
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 401"), "{said}");
}

/// CVE-2023-44487.
#[test]
fn who_begins_requests_and_breaks_them_off_keeps_nobody_from_being_answered() {
    let place = place(&[]);
    runtime().block_on(async {
        for _ in 0..5 {
            let mut sender = place.http2().await;
            for number in 0..5_000 {
                if sender.ready().await.is_err() {
                    break;
                }
                let request = Request::builder().uri("https://localhost/analyses").body(Full::default()).unwrap();
                let asking = sender.send_request(request);
                // Just begun: its head is sent, and then that it is no more wanted.
                drop(tokio::time::timeout(Duration::from_micros(number % 3), asking).await);
            }
        }
        let mut other = place.http2().await;
        let began = std::time::Instant::now();
        assert_eq!(ask(&mut other, "GET", "/healthz", Vec::new()).await.0, 200);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    });
}

/// CVE-2024-27316 and its like: a head that never ends.
#[test]
fn a_head_that_goes_on_and_on_ends_its_connection() {
    let place = place(&[]);
    runtime().block_on(async {
        let mut stream = place.connect("h2").await;
        let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
            let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
            [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
        };
        let (headers, continuation, settings) = (1, 9, 4);
        let begin = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(settings, 0, 0, &[]), &frame(headers, 0, 1, &[])];
        stream.write_all(&begin.concat()).await.unwrap();
        // A field that is new each time (RFC 7541, section 6.2.2), 8 KiB of it.
        let field = [&[0, 1, b'x', 0x7f, 0x81, 0x3f][..], &[b'a'; 8192]].concat();
        let mut sent = 0;
        let ended = loop {
            let piece = frame(continuation, 0, 1, &field);
            if stream.write_all(&piece).await.is_err() {
                break true;
            }
            sent += piece.len();
            let mut said = [0; 4096];
            let read = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut said)).await;
            if matches!(read, Ok(Ok(0) | Err(_))) {
                break true;
            }
            if sent > 8 << 20 {
                break false;
            }
        };
        assert!(ended, "{sent} bytes of one head were taken");
        assert_eq!(ask(&mut place.http2().await, "GET", "/healthz", Vec::new()).await.0, 200);
    });
}
