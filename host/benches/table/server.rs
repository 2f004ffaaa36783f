//! The release binary, serving: in a directory of its own, with what it ships and the kernels as the analysis `count`.

use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::blocking::Connection;
use crate::files;

/// What an answer waits for, as the command line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    Full,
    Process,
}

/// A server; killed when dropped, its data removed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    durability: Durability,
    dir: TempDir,
}

impl Server {
    /// Starts one whose data lies below `place`.
    pub(crate) fn start(place: &Path, durability: Durability) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("belljar-bench-").tempdir_in(place)?;
        let analyses = dir.path().join("analyses");
        std::fs::create_dir(&analyses)?;
        std::fs::write(analyses.join("count.wasm"), files::kernels()?)?;
        let descriptor = json!({ "name": "count", "argv": ["kernels", "count", "{input}"] });
        std::fs::write(analyses.join("count.json"), descriptor.to_string())?;
        let (child, address) = spawn(dir.path(), durability)?;
        Ok(Self { child, address, durability, dir })
    }

    /// Stops it in order, and starts it again over the same data.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait()?;
        (self.child, self.address) = spawn(self.dir.path(), self.durability)?;
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.address)
    }

    /// Where it keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Uploads a small file; gives its id.
    pub(crate) fn upload(&self, bytes: &[u8]) -> anyhow::Result<String> {
        let head = format!(
            "POST /upload?filename=sample.txt HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            bytes.len()
        );
        let answer: Value = serde_json::from_slice(&self.connect()?.ask(&[head.as_bytes(), bytes])?.expect(200)?)?;
        Ok(answer["file_id"].as_str().context("no file_id")?.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A question that no other number asks.
pub(crate) fn question(file_id: &str, number: usize) -> String {
    question_to("count", file_id, &json!({ "n": number }))
}

/// A question to an analysis.
pub(crate) fn question_to(analysis: &str, file_id: &str, args: &Value) -> String {
    let body = format!("{{\"file_id\":\"{file_id}\",\"analysis\":\"{analysis}\",\"args\":{args}}}");
    format!(
        "POST /analyse HTTP/1.1\r\nhost: localhost\r\nprefer: wait=10\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn spawn(dir: &Path, durability: Durability) -> anyhow::Result<(Child, SocketAddr)> {
    let durability = match durability {
        Durability::Full => "full",
        Durability::Process => "process",
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_belljar"))
        .args(["serve", "--listen", "127.0.0.1:0", "--durability", durability, "--data"])
        .arg(dir.join("data"))
        .arg("--analyses")
        .arg(dir.join("analyses"))
        .env("BELLJAR_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://").context("the server did not come up")?.parse()?;
    Ok((child, address))
}
