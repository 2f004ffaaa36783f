//! A real server in a directory of its own, and a client for it.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

pub(crate) struct Server {
    pub(crate) dir: TempDir,
    child: Child,
    url: String,
    agent: ureq::Agent,
}

impl Server {
    /// With these analyses: name, WAT, further members of the descriptor.
    pub(crate) fn start(analyses: &[(&str, &str, Value)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("analyses")).unwrap();
        for (name, wat, members) in analyses {
            let path = dir.path().join("analyses").join(name);
            std::fs::write(path.with_extension("wasm"), wat::parse_str(wat).expect(name)).unwrap();
            let mut descriptor = json!({ "name": name });
            descriptor.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            std::fs::write(path.with_extension("json"), descriptor.to_string()).unwrap();
        }
        let (child, url) = spawn(dir.path());
        Self { dir, child, url, agent: agent() }
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// `kill -9`, and a new server over the same data.
    pub(crate) fn crash_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.url) = spawn(self.dir.path());
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.pid()).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        answer(self.agent.get(self.at(path)).call())
    }

    pub(crate) fn get_with(&self, path: &str, (name, value): (&str, &str)) -> Answer {
        answer(self.agent.get(self.at(path)).header(name, value).call())
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        answer(self.agent.delete(self.at(path)).call())
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = headers.iter().fold(self.agent.post(self.at(path)), |it, (name, value)| it.header(*name, *value));
        answer(request.send(body))
    }

    pub(crate) fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let disposition = format!("attachment; filename=\"{name}\"");
        let answer = self.post("/upload", &[("content-disposition", &disposition)], bytes).expect(200);
        answer.json()["file_id"].as_str().unwrap().to_owned()
    }

    /// Asks, and gives the path below `/results`.
    pub(crate) fn analyse(&self, file_id: &str, analysis: &str, members: Value) -> String {
        let mut question = json!({ "file_id": file_id, "analysis": analysis });
        question.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let answer = self.post("/analyse", &[], question.to_string().as_bytes()).expect(200).json();
        format!("{file_id}/{}", answer["analysis_id"].as_str().unwrap())
    }

    /// Waits for a result by long poll.
    pub(crate) fn result(&self, run: &str) -> Answer {
        self.get_with(&format!("/results/{run}"), ("prefer", "wait=60"))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

fn spawn(dir: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_belljar"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(dir.join("data"))
        .arg("--analyses")
        .arg(dir.join("analyses"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").expect("the server says where it listens").to_owned();
    (child, url)
}

fn answer(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = sent.unwrap();
    let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
}
