//! What clients cost that do nothing but wait for a run, by long poll and by server-sent events. There are as many at once as
//! the descriptors that a process may have here allow, two each for the server, but 10,000 at most.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::SocketAddrV4;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;
use anyhow::ensure;
use rustix::process::Resource;
use rustix::process::Rlimit;
use serde_json::Value;
use serde_json::json;

use crate::Bench;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::memory::Rollup;
use crate::rounds::real;
use crate::server;
use crate::server::Durability;
use crate::server::Server;

const KIB: f64 = 1024.0;
/// That clients come from: one alone may not have all connections.
const ADDRESSES: usize = 8;
/// For the server to take in those who will not be answered.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// How they wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    LongPoll,
    Events,
}

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let mut lines = measure_manner(bench, Manner::LongPoll)?;
    lines.extend(measure_manner(bench, Manner::Events)?);
    Ok(lines)
}

fn measure_manner(bench: &Bench, manner: Manner) -> anyhow::Result<Vec<Line>> {
    let count = bench.pick(1_000, 10_000).min(raise_descriptors()?.saturating_sub(1_000) / 2);
    let server = Server::start(&bench.memory, Durability::Process)?;
    let file_id = server.upload(b"waited for")?;
    let question = server::question_to("dummy", &file_id, &json!({ "seconds": 3000 })).replace("wait=10", "wait=0");
    let answer: Value = serde_json::from_slice(&server.connect()?.ask(&[question.as_bytes()])?.expect(200)?)?;
    let results = answer["results"].as_str().context("no results")?.to_owned();
    // What the first clients cause is not what each costs.
    drop(wait(&server, (&results, manner), 100)?);
    let (before, threads) = (Rollup::of(server.pid())?, threads(&server)?);
    let clients = wait(&server, (&results, manner), count)?;
    let (after, more) = (Rollup::of(server.pid())?, self::threads(&server)? - threads);
    drop(clients);
    let each = (after.private - before.private) / real(count);
    let by = match manner {
        Manner::LongPoll => "long poll",
        Manner::Events => "events",
    };
    Ok(vec![
        Line::alone(
            format!("memory of the server per client that waits for a run, of {count}, by {by}"),
            Unit::Bytes,
            each,
            Target::AtMost(20.0 * KIB),
        ),
        Line::alone(format!("threads of the server that they take, by {by}"), Unit::Ratio, more, Target::AtMost(0.0)),
    ])
}

fn wait(server: &Server, (results, manner): (&str, Manner), count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let mut clients = Vec::with_capacity(count);
    for number in 0..count {
        let mut stream = connect_as(u8::try_from(number % ADDRESSES)?, server.address)?;
        let path = match manner {
            Manner::LongPoll => results.to_owned(),
            Manner::Events => format!("{results}/events"),
        };
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nprefer: wait=60\r\n\r\n")?;
        if manner == Manner::Events {
            let mut told = [0; 15];
            stream.read_exact(&mut told)?;
            ensure!(told == *b"HTTP/1.1 200 OK", "no events: {}", String::from_utf8_lossy(&told));
        }
        clients.push(stream);
    }
    std::thread::park_timeout(SETTLED_AFTER);
    Ok(clients)
}

fn threads(server: &Server) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:")).context("no threads")?;
    Ok(real(line.trim().parse::<u64>()?))
}

/// Of the loopback addresses, one of these.
fn connect_as(number: u8, server: SocketAddr) -> anyhow::Result<TcpStream> {
    use rustix::net;
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None)?;
    net::bind(&socket, &SocketAddrV4::new([127, 0, 0, 2 + number].into(), 0))?;
    net::connect(&socket, &server)?;
    Ok(TcpStream::from(socket))
}

/// To as many as this process, and the server that it starts, may have; so many.
fn raise_descriptors() -> anyhow::Result<usize> {
    let inherited = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: inherited.maximum, ..inherited })?;
    Ok(usize::try_from(inherited.maximum.unwrap_or(1 << 20))?)
}
