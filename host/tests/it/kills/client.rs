//! A client whose server may die under it at any time, and what it was told until then.

pub(crate) mod more;

use std::cell::RefCell;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use host::id::FileId;
use host::id::RunKey;
use host::store::Store;
use host::store::runs::RunState;
use serde_json::Value;
use serde_json::json;

use self::more::More;

/// One who asks, and stops when nobody answers any more.
pub(crate) struct Client {
    url: Option<String>,
    agent: ureq::Agent,
    life: u64,
    temper: Temper,
    trace: Option<PathBuf>,
    notes: RefCell<Vec<Note>>,
}

/// What a client makes of a server that says it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Temper {
    /// It is none.
    Strict,
    /// What was asked for is in doubt, as if nobody had answered; a run that failed for it is asked for again.
    Patient,
}

/// What had been told when so many changes of the data directory were made.
pub(crate) struct Note {
    pub(crate) changes: usize,
    pub(crate) told: Told,
}

/// What was answered for. What the last request was about, when it was not answered, is in doubt, and stands here no more.
#[derive(Default, Clone)]
pub(crate) struct Told {
    uploads: Kept<Vec<u8>>,
    deleted: Kept<()>,
    /// By the path below `/results`.
    runs: Kept<Run>,
    removed: Kept<()>,
    more: More,
}

/// What was asked, and what must come of it.
#[derive(Clone)]
struct Run {
    question: Value,
    result: Value,
}

/// Values by name, the newest last.
#[derive(Clone)]
struct Kept<T>(Vec<(String, T)>);

/// Of each kind, so many of the newest are looked at in every server; all are in the last.
const CHECKED_MAX: usize = 6;
const AGAIN_WITHIN: Duration = Duration::from_secs(8);
const STUCK_AFTER: Duration = Duration::from_secs(90);

type Answer = (u16, Vec<u8>);

impl Client {
    pub(crate) fn new(url: Option<&str>, life: u64) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .into();
        Self {
            url: url.map(str::to_owned),
            agent,
            life,
            temper: Temper::Strict,
            trace: None,
            notes: RefCell::default(),
        }
    }

    /// Notes what it is told, and when, by the lines of a trace.
    pub(crate) fn note_beside(&mut self, trace: &Path) {
        self.trace = Some(trace.to_owned());
    }

    pub(crate) fn notes(self) -> Vec<Note> {
        self.notes.into_inner()
    }

    /// Before a request whose outcome is in doubt until it is answered, and when it is.
    fn note(&self, told: &Told) {
        if let Some(trace) = &self.trace {
            let lines = std::fs::read(trace).unwrap().iter().filter(|byte| **byte == b'\n').count();
            self.notes.borrow_mut().push(Note { changes: lines, told: told.clone() });
        }
    }

    pub(crate) fn patient(self) -> Self {
        Self { temper: Temper::Patient, ..self }
    }

    /// Whether the server says it failed, and that is to be borne.
    fn bears(&self, answer: &Answer) -> bool {
        self.temper == Temper::Patient && matches!(answer.0, 500 | 507)
    }

    /// An answer of that status; None where it is to be borne that there is none.
    fn wants(&self, status: u16, answer: Answer) -> Option<Vec<u8>> {
        if self.bears(&answer) {
            return None;
        }
        assert_eq!(answer.0, status, "{}", String::from_utf8_lossy(&answer.1));
        Some(answer.1)
    }

    /// Goes on with other files.
    pub(crate) fn next_life(&mut self, step: u64) {
        self.life += step;
    }

    pub(crate) fn get(&self, path: &str) -> Option<Answer> {
        let url = format!("{}{path}", self.url.as_ref()?);
        let ask = || answer(self.agent.get(&url).header("prefer", "wait=5").call());
        // A connection that was idle may be closed just when it is used again; a server that has died answers no time.
        ask().or_else(ask)
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Option<Answer> {
        answer(self.agent.post(format!("{}{path}", self.url.as_ref()?)).send(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Option<Answer> {
        answer(self.agent.delete(format!("{}{path}", self.url.as_ref()?)).call())
    }

    /// Uploads, asks, reads, asks again, deletes, uploads again. Whether all of it was answered.
    pub(crate) fn live(&self, told: &mut Told) -> bool {
        self.try_live(told).is_some()
    }

    fn try_live(&self, told: &mut Told) -> Option<()> {
        let bytes = format!("file {}", self.life).into_bytes();
        let file = self.upload(told, &bytes)?;
        let large: Vec<u8> = bytes.iter().copied().cycle().take((1 << 20) + 5).collect();
        let large = self.upload(told, &large)?;
        let copied = self.ask(told, &file, json!({ "analysis": "copier" }))?;
        let echoed = self.ask(told, &file, json!({ "analysis": "echo", "args": { "n": self.life } }))?;
        self.holds(told, &copied)?;
        self.holds(told, &echoed)?;
        self.ask(told, &file, json!({ "analysis": "copier", "rerun": true }))?;
        self.holds(told, &copied)?;
        self.remove(told, &echoed)?;
        let failing = self.ask(told, &large, json!({ "analysis": "copier", "args": { "n": 1 } }))?;
        self.holds(told, &failing)?;
        self.forget(told, &large)?;
        self.forget(told, &file)?;
        self.upload(told, &bytes)?;
        self.ask(told, &file, json!({ "analysis": "echo", "args": { "n": self.life } })).map(drop)
    }

    pub(crate) fn upload(&self, told: &mut Told, bytes: &[u8]) -> Option<String> {
        let id = hex_of_sha1(bytes);
        told.deleted.remove(&id);
        self.note(told);
        self.wants(200, self.post("/upload?filename=a.txt", bytes)?)?;
        told.uploads.put(&id, bytes.to_vec());
        self.note(told);
        Some(id)
    }

    pub(crate) fn ask(&self, told: &mut Told, file: &str, mut question: Value) -> Option<String> {
        question["file_id"] = file.into();
        let body = self.wants(200, self.post("/analyse", question.to_string().as_bytes())?)?;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let run = format!("{file}/{}", answer["analysis_id"].as_str().unwrap());
        told.removed.remove(&run);
        let result = match question["analysis"].as_str() {
            Some("echo" | "talker") => question["args"].clone(),
            _ => json!({ "copy": format!("/download/{run}/copy.txt") }),
        };
        question["rerun"] = false.into();
        told.runs.put(&run, Run { question, result });
        self.note(told);
        Some(run)
    }

    /// The result of a run is what it must be, and so is its artifact.
    pub(crate) fn holds(&self, told: &Told, run: &str) -> Option<()> {
        let mut answer = self.get(&format!("/results/{run}"))?;
        // What the server could not look at when it started, it looks at again; what it cannot store, it goes on trying.
        let began = Instant::now();
        while answer.0 == 202 && began.elapsed() < STUCK_AFTER {
            if began.elapsed() > AGAIN_WITHIN && self.temper == Temper::Patient {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(250));
            answer = self.get(&format!("/results/{run}"))?;
        }
        let expected = told.runs.get(run);
        if self.bears(&answer) {
            self.wants(200, self.post("/analyse", expected.question.to_string().as_bytes())?)?;
            answer = self.get(&format!("/results/{run}"))?;
        }
        let body = self.wants(200, answer)?;
        let result: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(result, expected.result);
        if let Some(link) = result["copy"].as_str() {
            let (status, body) = self.get(link)?;
            let (file, _) = run.split_once('/').unwrap();
            let sample = told.uploads.get(file);
            assert_eq!(status, 200, "{link}");
            assert!(body == sample[..sample.len().min(4096)], "{link} has other bytes");
        }
        Some(())
    }

    fn remove(&self, told: &mut Told, run: &str) -> Option<()> {
        told.runs.remove(run);
        self.note(told);
        self.wants(204, self.delete(&format!("/results/{run}"))?)?;
        told.removed.put(run, ());
        self.note(told);
        Some(())
    }

    fn forget(&self, told: &mut Told, file: &str) -> Option<()> {
        told.uploads.remove(file);
        told.runs.0.retain(|(run, _)| !run.starts_with(file));
        told.removed.0.retain(|(run, ())| !run.starts_with(file));
        self.note(told);
        self.wants(204, self.delete(&format!("/upload/{file}"))?)?;
        told.deleted.put(file, ());
        self.note(told);
        Some(())
    }
}

impl Told {
    /// Whether all of the latest is still so; false when the server died before it was seen.
    pub(crate) fn holds(&self, client: &Client) -> bool {
        self.try_holds(client, CHECKED_MAX).is_some()
    }

    /// Everything is in that store, or is going to be: those runs are pending.
    pub(crate) fn is_in(&self, store: &Store, pending: &[RunKey], at: &str) {
        let id = |file: &str| file.parse::<FileId>().unwrap();
        for (file, bytes) in &self.uploads.0 {
            let facts = store.upload(id(file)).unwrap().unwrap_or_else(|| panic!("{at}: the upload {file} is lost"));
            let mut found = Vec::new();
            store.open_upload(&facts).unwrap().read_to_end(&mut found).unwrap();
            assert!(&found == bytes, "{at}: the upload {file} has other bytes");
        }
        for (file, ()) in &self.deleted.0 {
            assert!(store.upload(id(file)).unwrap().is_none(), "{at}: the upload {file} has come back");
        }
        for (run, Run { result, .. }) in &self.runs.0 {
            let key: RunKey = run.replace('/', "-").parse().unwrap();
            if pending.contains(&key) {
                continue;
            }
            let (mut file, _) =
                store.open_result(key).unwrap().unwrap_or_else(|| panic!("{at}: the run {run} is lost"));
            let mut found = Vec::new();
            file.read_to_end(&mut found).unwrap();
            assert_eq!(&serde_json::from_slice::<Value>(&found).unwrap(), result, "{at}: {run}");
        }
        for (run, ()) in &self.removed.0 {
            let key: RunKey = run.replace('/', "-").parse().unwrap();
            assert!(matches!(store.state(key).unwrap(), RunState::Unknown), "{at}: the run {run} has come back");
        }
        self.more.is_in(store, pending, at);
    }

    /// Whether that is the directory of a run that was told of.
    pub(crate) fn knows(&self, path: &Path) -> bool {
        let id = path.file_name().unwrap().to_str().unwrap();
        self.runs.0.iter().any(|(run, _)| run.ends_with(id)) || self.more.knows(id)
    }

    /// A file that is here, and a question of it that was not asked.
    pub(crate) fn a_question(&self) -> (String, String) {
        let (file, _) = self.uploads.newest(1).next().expect("something was told");
        (file.to_owned(), json!({ "file_id": file, "analysis": "echo", "args": { "n": -1 } }).to_string())
    }

    /// Everything, ever.
    pub(crate) fn all_hold(&self, client: &Client) {
        self.try_holds(client, usize::MAX).expect("this server lives");
    }

    fn try_holds(&self, client: &Client, most: usize) -> Option<()> {
        for (run, _) in self.runs.newest(most) {
            client.holds(self, run)?;
        }
        for (file, bytes) in self.uploads.newest(most) {
            let (status, body) = client.get(&format!("/download/{file}/a.txt"))?;
            assert_eq!(status, 200, "{file}: {}", String::from_utf8_lossy(&body));
            assert!(&body == bytes, "{file} has other bytes");
        }
        for (file, ()) in self.deleted.newest(most) {
            let status = client.get(&format!("/upload/{file}"))?.0;
            // Where there was no room to note that it was here, it is merely not.
            assert!(status == 410 || (status == 404 && client.temper == Temper::Patient), "{file}: {status}");
        }
        for (run, ()) in self.removed.newest(most) {
            assert_eq!(client.get(&format!("/results/{run}"))?.0, 404, "{run}");
        }
        Some(())
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Kept<T> {
    fn put(&mut self, name: &str, value: T) {
        self.remove(name);
        self.0.push((name.to_owned(), value));
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|it| it.0 != name);
    }

    fn get(&self, name: &str) -> &T {
        self.0.iter().rev().find(|it| it.0 == name).map(|it| &it.1).expect("what is looked for was told")
    }

    fn newest(&self, most: usize) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().rev().take(most).map(|(name, value)| (name.as_str(), value))
    }
}

fn answer(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<Answer> {
    let mut response = sent.ok()?;
    let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().ok()?;
    Some((response.status().as_u16(), body))
}

fn hex_of_sha1(bytes: &[u8]) -> String {
    let mut digests = host::store::digest::Digests::default();
    digests.update(bytes);
    digests.finish().0.to_string()
}
