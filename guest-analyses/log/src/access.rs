//! Requests in the log of a web server: `client - user [time] "GET /path HTTP/1.1" 200 1234 …`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::counter::Counted;
use crate::counter::Counter;

const METHODS: [&str; 9] = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "PROPFIND"];
/// So many of each are listed.
const TOP: usize = 20;

/// Who asked for what.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Traffic {
    requests: u64,
    bytes_sent: u64,
    methods: Vec<Counted>,
    statuses: Vec<Counted>,
    /// Without what follows a `?`.
    paths: Vec<Counted>,
    /// Paths that were answered with 400 and above.
    failing_paths: Vec<Counted>,
    clients: Vec<Counted>,
    client_count: usize,
}

/// Takes in lines.
#[derive(Debug, Default)]
pub struct Requests {
    requests: u64,
    bytes_sent: u64,
    methods: Counter,
    statuses: Counter,
    paths: Counter,
    failing_paths: Counter,
    clients: Counter,
}

impl Requests {
    pub fn take(&mut self, line: &str) {
        let Some((method, path, status, bytes)) = request(line) else {
            return;
        };
        let client = line.split_whitespace().next().unwrap_or_default();
        self.requests += 1;
        self.bytes_sent = self.bytes_sent.saturating_add(bytes);
        self.methods.take(method);
        self.statuses.take(status);
        self.paths.take(path);
        self.clients.take(client);
        if status.as_bytes()[0] >= b'4' {
            self.failing_paths.take(path);
        }
    }

    /// None if less than half of the lines are requests.
    pub fn end(self, lines: u64) -> Option<Traffic> {
        let client_count = self.clients.different();
        (self.requests > 0 && self.requests >= lines / 2).then(|| Traffic {
            requests: self.requests,
            bytes_sent: self.bytes_sent,
            methods: self.methods.top(TOP),
            statuses: self.statuses.top(TOP),
            paths: self.paths.top(TOP),
            failing_paths: self.failing_paths.top(TOP),
            clients: self.clients.top(TOP),
            client_count,
        })
    }
}

/// Its method, path, status and bytes.
fn request(line: &str) -> Option<(&str, &str, &str, u64)> {
    let (_, rest) = line.split_once('"')?;
    let (request, rest) = rest.split_once('"')?;
    let mut words = request.split(' ');
    let method = words.next().filter(|it| METHODS.contains(it))?;
    let path = words.next()?;
    words.next().filter(|it| it.starts_with("HTTP/"))?;
    let mut words = rest.split_whitespace();
    let status = words.next().filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_digit()))?;
    let bytes = words.next().and_then(|it| it.parse().ok()).unwrap_or(0);
    Some((method, path.split('?').next().unwrap_or(path), status, bytes))
}
