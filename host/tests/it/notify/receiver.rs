//! Somebody who wants to be told, on this machine.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use ureq::http::HeaderMap;
use ureq::http::HeaderName;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What it answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// That status, and this head besides.
    Says(u16, &'static str),
    /// Nothing, and keeps the line.
    Silent,
}

/// Takes calls until it goes.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    calls: mpsc::Receiver<Call>,
    /// Connections, whatever came over them.
    pub(crate) connections: Arc<AtomicUsize>,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// The event, of a call that is signed with that.
    pub(crate) fn event(&self, secret: &str) -> Value {
        standardwebhooks::Webhook::new(secret).unwrap().verify(&self.body, &self.headers).unwrap();
        assert_eq!(self.headers["content-type"], "application/cloudevents+json");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }
}

impl Receiver {
    /// Answers the first call with the first of these, and so on; what comes after the last, like it.
    pub(crate) fn start(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, calls) = mpsc::channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let (manners, count) = (manners.to_vec(), Arc::clone(&connections));
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst);
                let Some(call) = read(&stream) else { continue };
                match manners[number.min(manners.len() - 1)] {
                    Manner::Says(status, head) => {
                        // Who is killed meanwhile does not hear it.
                        drop(write!(stream, "HTTP/1.1 {status} So\r\n{head}content-length: 0\r\n\r\n"));
                    }
                    Manner::Silent => kept.push(stream),
                }
                if sender.send(call).is_err() {
                    return;
                }
            }
        });
        Self { port, calls, connections }
    }

    /// Takes everything.
    pub(crate) fn willing() -> Self {
        Self::start(&[Manner::Says(204, "")])
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?token=private", self.port)
    }

    pub(crate) fn next(&self) -> Call {
        self.calls.recv_timeout(Duration::from_secs(30)).expect("a call")
    }

    /// That nobody has called since.
    pub(crate) fn expect_none_within(&self, time: Duration) {
        if let Ok(call) = self.calls.recv_timeout(time) {
            panic!("{call:?}");
        }
    }
}

/// None where the line ends before the call does.
fn read(stream: &TcpStream) -> Option<Call> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = HeaderMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let mut body = vec![0; headers.get("content-length")?.to_str().unwrap().parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Call { line: line.trim_end().to_owned(), headers, body })
}
