//! A real server in a directory of its own, and a client for it.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::openapi::contract;

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
    arguments: Vec<String>,
    agent: ureq::Agent,
}

impl Server {
    /// With these analyses: name, WAT, further members of the descriptor.
    pub(crate) fn start(analyses: &[(&str, &str, Value)]) -> Self {
        Self::start_with(analyses, &[])
    }

    /// With further arguments of `belljar serve`.
    pub(crate) fn start_with(analyses: &[(&str, &str, Value)], arguments: &[&str]) -> Self {
        Self::start_modules(compiled(analyses).into_iter(), arguments)
    }

    /// With compiled modules: name, bytes, descriptor.
    pub(crate) fn start_modules<'a, M: AsRef<[u8]>>(
        modules: impl Iterator<Item = (&'a str, M, String)>,
        arguments: &[&str],
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        put_analyses(dir.path(), modules);
        Self::start_in(dir, arguments)
    }

    /// With what lies in `analyses/` of that directory.
    pub(crate) fn start_in(dir: TempDir, arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let (child, url) = spawn(dir.path(), &arguments);
        Self { dir, child, url, arguments, agent: agent() }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.url.split_once("://").unwrap().1.parse().unwrap()
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `kill -9`, and a new server over the same data.
    pub(crate) fn crash_and_restart(&mut self) {
        self.kill();
        (self.child, self.url) = spawn(self.dir.path(), &self.arguments);
    }

    /// `kill -9`, and a new server with other arguments over the same data.
    pub(crate) fn restart_with(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
        self.crash_and_restart();
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        signal(&self.pid(), Signal::TERM);
        self.child.wait().unwrap().code()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        checked(("GET", path), answer(self.agent.get(self.at(path)).call()))
    }

    pub(crate) fn get_with(&self, path: &str, (name, value): (&str, &str)) -> Answer {
        checked(("GET", path), answer(self.agent.get(self.at(path)).header(name, value).call()))
    }

    /// An answer that comes bit by bit; its lines.
    pub(crate) fn lines(&self, path: &str, headers: &[(&str, &str)]) -> impl Iterator<Item = String> + use<> {
        let request = headers.iter().fold(self.agent.get(self.at(path)), |it, (name, value)| it.header(*name, *value));
        let response = request.call().unwrap();
        assert_eq!(response.status(), 200);
        BufReader::new(response.into_body().into_reader()).lines().map_while(Result::ok)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        checked(("DELETE", path), answer(self.agent.delete(self.at(path)).call()))
    }

    pub(crate) fn put(&self, path: &str, body: &[u8]) -> Answer {
        checked(("PUT", path), answer(self.agent.put(self.at(path)).send(body)))
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = headers.iter().fold(self.agent.post(self.at(path)), |it, (name, value)| it.header(*name, *value));
        checked(("POST", path), answer(request.send(body)))
    }

    /// With any method.
    pub(crate) fn send(&self, (method, path): (&str, &str), headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = ureq::http::Request::builder().method(method).uri(self.at(path));
        let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        if body.is_empty() && method != "PATCH" {
            return checked((method, path), answer(self.agent.run(request.body(()).unwrap())));
        }
        checked((method, path), answer(self.agent.run(request.body(body).unwrap())))
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

    pub(crate) fn head(&self, path: &str) -> Answer {
        checked(("HEAD", path), answer(self.agent.head(self.at(path)).call()))
    }

    /// A connection of its own, for what no client library would send.
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap()
    }

    /// The same, from 127.0.0.2: another client.
    pub(crate) fn connect_as_another(&self) -> TcpStream {
        use rustix::net;
        let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
        net::bind(&socket, &std::net::SocketAddrV4::new([127, 0, 0, 2].into(), 0)).unwrap();
        net::connect(&socket, &self.address()).unwrap();
        TcpStream::from(socket)
    }

    /// Sends that, and gives all that comes until the server closes.
    pub(crate) fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // A server that refuses may close before it has all; what it said counts.
        drop(stream.write_all(request));
        let mut said = Vec::new();
        drop(stream.read_to_end(&mut said));
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The pid of the worker that carries a run out, as soon as there is one.
    pub(crate) fn worker_of(&self, run: &str) -> String {
        let (file_id, analysis_id) = run.split_once('/').unwrap();
        let path = self.data().join(&file_id[..2]).join(&file_id[2..]).join("analysis").join(analysis_id);
        let line = wait_for("a worker", || {
            std::fs::read_to_string(path.join("inrun.pid")).ok().filter(|it| it.ends_with('\n'))
        });
        line.lines().next().unwrap().to_owned()
    }

    /// What lies in a folder of the data directory.
    pub(crate) fn lying_in(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.data().join(folder)).unwrap();
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// A data directory that outlives its servers.
pub(crate) struct Life(TempDir);

/// A server that is killed when this goes, if it has not died by itself.
pub(crate) struct Mortal {
    child: Child,
    stderr: PathBuf,
}

impl Life {
    /// With these analyses: name, WAT, further members of the descriptor.
    pub(crate) fn with(analyses: &[(&str, &str, Value)]) -> Self {
        let dir = in_memory();
        put_analyses(dir.path(), compiled(analyses));
        Self(dir)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// A server, and its address unless it died before it had one.
    pub(crate) fn start(&self, arguments: &[&str]) -> (Option<String>, Mortal) {
        let stderr = self.0.path().join("stderr");
        let mut command = command(self.0.path());
        command.args(["--shipped", "none"]).args(arguments).stderr(std::fs::File::create(&stderr).unwrap());
        let (child, url) = started(&mut command);
        (url, Mortal { child, stderr })
    }
}

impl Mortal {
    /// Ends it, and tells the change of the disk at which a fault was asked for: what, and of which file.
    pub(crate) fn label(mut self) -> Option<String> {
        self.end();
        let said = std::fs::read_to_string(&self.stderr).unwrap();
        let line = said.lines().find(|it| it.contains("a fault was asked for here"))?;
        let member = |name: &str| line.split_once(name).map(|it| it.1.split(' ').next().unwrap_or_default());
        let path = member("path=")?.split_once("/data/").map_or("", |it| it.1);
        let class = |part: &str| {
            let id = part.len() >= 32 && part.chars().all(|it| it.is_ascii_hexdigit() || it == '-');
            let number = part.chars().all(|it| it.is_ascii_digit());
            let short = part.len() == 2 && part.chars().all(|it| it.is_ascii_hexdigit());
            if id || number || short { "*".to_owned() } else { part.to_owned() }
        };
        let path: Vec<_> = path.split('/').map(class).collect();
        Some(format!("{} {}", member("what=")?.trim_matches('"'), path.join("/")))
    }

    fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How long a test waits for what must come: a busy machine compiles three dear modules in half a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until it is there. For what nothing tells of: the file system and the process table.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} does not come");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

pub(crate) fn kill(pid: &str) {
    signal(pid, Signal::KILL);
}

/// Without `kill`, which a machine need not have.
pub(crate) fn signal(pid: &str, signal: Signal) {
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// Those that tests ask.
const FEW: [&str; 2] = ["--shipped", "dummy,digest,entropy,strings,video,csv-profile"];
/// For tests that ask any.
pub(crate) const ALL: [&str; 2] = ["--shipped", "all"];

fn spawn(dir: &Path, arguments: &[String]) -> (Child, String) {
    let mut command = command(dir);
    // The smaller ones will do, where it is not about all.
    if !arguments.iter().any(|it| it == "--shipped") {
        command.args(FEW);
        if !dir.join("data").exists() {
            copy(&founded().join("data"), &dir.join("data"));
        }
    }
    let (child, url) = started(command.args(arguments));
    (child, url.expect("the server says where it listens"))
}

/// A data directory in which nothing has happened, but that those have been compiled: seconds for every test otherwise.
fn founded() -> &'static Path {
    static FOUNDED: OnceLock<PathBuf> = OnceLock::new();
    FOUNDED.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("founded");
        // Of a former run, which may have had other analyses.
        drop(std::fs::remove_dir_all(&dir));
        std::fs::create_dir_all(dir.join("analyses")).unwrap();
        let (mut child, url) = started(command(&dir).args(FEW));
        assert!(url.is_some());
        signal(&child.id().to_string(), Signal::TERM);
        assert!(child.wait().unwrap().success());
        dir
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|it| (it.path(), it.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(dir.join("data"));
    command.arg("--analyses").arg(dir.join("analyses")).stdout(Stdio::piped());
    command
}

/// With its address, unless it ended before it had one.
pub(crate) fn started(command: &mut Command) -> (Child, Option<String>) {
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().strip_prefix("listening on ").map(str::to_owned))
}

/// In memory where there is room: a sync of a disk waits for what every other test has written to it.
pub(crate) fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).is_ok_and(|it| it.f_bavail.saturating_mul(it.f_frsize) > 2 << 30);
    let dir = if room { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    dir.unwrap()
}

type Module<'a> = (&'a str, Vec<u8>, String);

fn compiled<'a>(analyses: &[(&'a str, &str, Value)]) -> Vec<Module<'a>> {
    let compile = |&(name, wat, ref members): &(&'a str, &str, Value)| {
        let mut descriptor = json!({ "name": name });
        descriptor.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        (name, wat::parse_str(wat).expect(name), descriptor.to_string())
    };
    analyses.iter().map(compile).collect()
}

fn put_analyses<'a, M: AsRef<[u8]>>(dir: &Path, modules: impl IntoIterator<Item = (&'a str, M, String)>) {
    std::fs::create_dir(dir.join("analyses")).unwrap();
    for (name, module, descriptor) in modules {
        let path = dir.join("analyses").join(name);
        std::fs::write(path.with_extension("wasm"), module).unwrap();
        std::fs::write(path.with_extension("json"), descriptor).unwrap();
    }
}

/// The same, if it is as the document says.
fn checked(asked: (&str, &str), answer: Answer) -> Answer {
    contract::check(asked, &answer);
    answer
}

fn answer(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = sent.unwrap();
    let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
}
