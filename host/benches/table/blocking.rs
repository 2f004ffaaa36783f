//! The least HTTP client: one kept connection, one request at a time, answers with a `Content-Length`.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

use anyhow::Context;
use anyhow::ensure;

/// Bytes taken from the socket at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// The start of an answer: its status, and how many bytes its head and body have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) head_bytes: usize,
    pub(crate) body_bytes: u64,
}

impl Answer {
    /// Its body, if it has that status.
    pub(crate) fn expect(self, status: u16) -> anyhow::Result<Vec<u8>> {
        ensure!(self.status == status, "answered {}: {}", self.status, String::from_utf8_lossy(&self.body));
        Ok(self.body)
    }
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BLOCK_BYTES] })
    }

    /// Sends a request and reads the answer whole.
    pub(crate) fn ask(&mut self, request: &[&[u8]]) -> anyhow::Result<Answer> {
        let mut body = Vec::new();
        let status = self.exchange(request, |bytes| body.extend_from_slice(bytes))?;
        Ok(Answer { status, body })
    }

    /// Sends a request; gives the answer's status, and its body piece by piece.
    pub(crate) fn exchange(&mut self, request: &[&[u8]], mut each: impl FnMut(&[u8])) -> anyhow::Result<u16> {
        request.iter().try_for_each(|part| self.stream.write_all(part))?;
        let mut filled = 0;
        let head = loop {
            let count = self.stream.read(&mut self.buffer[filled..])?;
            ensure!(count > 0, "the server closed the connection");
            filled += count;
            if let Some(head) = head(&self.buffer[..filled])? {
                break head;
            }
        };
        each(&self.buffer[head.head_bytes..filled]);
        let mut left = head.body_bytes - u64::try_from(filled - head.head_bytes)?;
        while left > 0 {
            let count = self.stream.read(&mut self.buffer)?;
            ensure!(count > 0, "the answer was cut short");
            each(&self.buffer[..count]);
            left -= u64::try_from(count)?;
        }
        Ok(head.status)
    }
}

/// Reads an answer's head; `None` while it is not whole.
pub(crate) fn head(bytes: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end])?;
    let status = text.get(9..12).context("no status")?.parse()?;
    let mut length = text.lines().skip(1).filter_map(|line| line.split_once(':'));
    let length = length.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let body_bytes = length.map_or(Ok(0), |(_, value)| value.trim().parse())?;
    Ok(Some(Head { status, head_bytes: end + 4, body_bytes }))
}
