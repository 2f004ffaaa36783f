//! What else a client may do: pin, fail and ask again, read what was logged, send in pieces, install.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host::analysis::module::DESCRIPTOR_SECTION;
use host::analysis::module::with_sections;
use host::id::PartialId;
use host::id::RunKey;
use host::run::Reason;
use host::store::Store;
use host::store::digest::sha256;
use host::store::partial::State;
use host::store::runs::RunState;
use serde_json::json;

use super::Answer;
use super::Client;
use super::Kept;
use super::Told;
use super::hex_of_sha1;
use crate::flows::ECHO;

/// Prints its args, and says them on stderr as well.
pub(crate) const TALKER: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $r (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\04\00\00\00\00\01\00")
  (func (export "_start")
    (drop (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $w (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Enough for nothing.
const NO_FUEL: &str = r#"{ "fuel_base": 1, "fuel_per_byte": 0 }"#;

/// What was answered for of all that.
#[derive(Default, Clone)]
pub(super) struct More {
    /// Whether a file is pinned.
    pins: Kept<bool>,
    /// Runs that are to have failed for want of fuel.
    failed: Kept<()>,
    /// What a run is to have said.
    logs: Kept<Vec<u8>>,
    /// The bytes that had come.
    partials: Kept<Vec<u8>>,
    /// The digest of the module that a name stands for; none once it was taken away.
    modules: Kept<Option<String>>,
}

impl Client {
    /// Does all of that. Whether all of it was answered.
    pub(crate) fn live_more(&self, told: &mut Told) -> bool {
        self.try_more(told).is_some()
    }

    fn try_more(&self, told: &mut Told) -> Option<()> {
        let file = self.upload(told, format!("more {}", self.life).as_bytes())?;
        self.pin(told, &file, "PUT")?;
        let copied = self.ask(told, &file, json!({ "analysis": "copier" }))?;
        self.holds(told, &copied)?;
        // A failure over a result with a file, and a result over that failure.
        self.fail(told, &copied)?;
        self.ask_again(told, &copied)?;
        self.talk(told, &file)?;
        self.talk(told, &file)?;
        self.pin(told, &file, "DELETE")?;
        self.send_in_pieces(told)?;
        self.install(told)
    }

    pub(crate) fn pin(&self, told: &mut Told, file: &str, method: &str) -> Option<()> {
        told.more.pins.remove(file);
        self.note(told);
        self.wants(204, self.send((method, &format!("/upload/{file}/pin")), &[], b"")?.0)?;
        told.more.pins.put(file, method == "PUT");
        self.note(told);
        Some(())
    }

    fn fail(&self, told: &mut Told, run: &str) -> Option<()> {
        told.runs.remove(run);
        self.note(told);
        let (file, _) = run.split_once('/').unwrap();
        let limits: serde_json::Value = serde_json::from_str(NO_FUEL).unwrap();
        let question = json!({ "file_id": file, "analysis": "copier", "rerun": true, "limits": limits });
        self.wants(200, self.post("/analyse", question.to_string().as_bytes())?)?;
        told.more.failed.put(run, ());
        self.note(told);
        self.wants(422, self.get(&format!("/results/{run}"))?).map(drop)
    }

    fn ask_again(&self, told: &mut Told, run: &str) -> Option<()> {
        told.more.failed.remove(run);
        self.note(told);
        let (file, _) = run.split_once('/').unwrap();
        let run = self.ask(told, file, json!({ "analysis": "copier" }))?;
        self.holds(told, &run)
    }

    /// The same each time, and each time it is done.
    fn talk(&self, told: &mut Told, file: &str) -> Option<()> {
        let args = json!({ "n": self.life });
        let run = self.ask(told, file, json!({ "analysis": "talker", "args": args, "rerun": true }))?;
        told.more.logs.put(&run, args.to_string().into_bytes());
        self.note(told);
        self.holds(told, &run)
    }

    fn send_in_pieces(&self, told: &mut Told) -> Option<()> {
        let whole = format!("in pieces {}", self.life).repeat(500).into_bytes();
        let (length, name) = (whole.len().to_string(), format!("filename {}", STANDARD.encode("a.txt")));
        let head = [("upload-length", length.as_str()), ("upload-metadata", &name)];
        let (answer, location) = self.send(("POST", "/resumable"), &head, b"")?;
        self.wants(201, answer)?;
        let id = location.rsplit('/').next().unwrap();
        told.more.partials.put(id, Vec::new());
        self.note(told);
        let half = whole.len() / 2;
        for (from, to) in [(0, half), (half, whole.len())] {
            let piece = [("content-type", "application/offset+octet-stream"), ("upload-offset", &from.to_string())];
            let (answer, _) = self.send(("PATCH", &location), &piece, &whole[from..to])?;
            self.wants(204, answer)?;
            told.more.partials.put(id, whole[..to].to_vec());
            self.note(told);
        }
        told.uploads.put(&hex_of_sha1(&whole), whole);
        self.note(told);
        Some(())
    }

    fn install(&self, told: &mut Told) -> Option<()> {
        let name = format!("theirs{}", self.life);
        for (status, version) in [(201, "1"), (200, "2")] {
            let descriptor = json!({ "name": name, "version": version }).to_string();
            let module = with_sections(&wat::parse_str(ECHO).unwrap(), &[(DESCRIPTOR_SECTION, descriptor.as_bytes())]);
            told.more.modules.remove(&name);
            self.note(told);
            self.wants(status, self.send(("PUT", &format!("/analyses/{name}")), &[], &module)?.0)?;
            told.more.modules.put(&name, Some(sha256(&module).to_string()));
            self.note(told);
        }
        told.more.modules.remove(&name);
        self.note(told);
        self.wants(204, self.delete(&format!("/analyses/{name}"))?)?;
        told.more.modules.put(&name, None);
        self.note(told);
        Some(())
    }

    /// With any method and headers; its answer, and where it says that something is.
    fn send(&self, (method, path): (&str, &str), headers: &[(&str, &str)], body: &[u8]) -> Option<(Answer, String)> {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url.as_ref()?));
        let request = request.header("tus-resumable", "1.0.0");
        let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        let mut response = match method {
            "DELETE" => self.agent.run(request.body(()).unwrap()),
            _ => self.agent.run(request.body(body).unwrap()),
        }
        .ok()?;
        let location = response.headers().get("location").map_or("", |it| it.to_str().unwrap()).to_owned();
        let body = response.body_mut().read_to_vec().ok()?;
        Some(((response.status().as_u16(), body), location))
    }
}

impl More {
    /// Everything is in that store, or is going to be: those runs are pending.
    pub(super) fn is_in(&self, store: &Store, pending: &[RunKey], at: &str) {
        for (file, pinned) in &self.pins.0 {
            let held = store.held(file.parse().unwrap()).unwrap().expect("it was told of");
            assert_eq!(held.pinned, *pinned, "{at}: the pin of {file}");
        }
        let key = |run: &str| run.replace('/', "-").parse::<RunKey>().unwrap();
        let ended = |run: &str| !pending.contains(&key(run));
        for (run, ()) in self.failed.0.iter().filter(|(run, ())| ended(run)) {
            let state = store.state(key(run)).unwrap();
            let failed = matches!(&state, RunState::Failed(failure) if failure.reason == Reason::OutOfFuel);
            assert!(failed, "{at}: {run} is {state:?}");
        }
        for (run, log) in self.logs.0.iter().filter(|(run, _)| ended(run)) {
            assert_eq!(store.log(key(run)).unwrap().as_ref(), Some(log), "{at}: the log of {run}");
        }
        for (id, bytes) in &self.partials.0 {
            Self::has_come(store, (id.parse().unwrap(), bytes), at);
        }
        let names = store.names(host::store::names::Owner::Clients).unwrap();
        for (name, module) in &self.modules.0 {
            let found = names.iter().find(|it| it.0.as_str() == name).map(|it| it.1.current);
            assert_eq!(found.map(|it| it.to_string()), *module, "{at}: what {name} stands for");
            assert!(found.is_none_or(|it| store.has_module(it).unwrap()), "{at}: the module of {name}");
        }
    }

    fn has_come(store: &Store, (id, bytes): (PartialId, &[u8]), at: &str) {
        let partial = store.partial(id).unwrap().unwrap_or_else(|| panic!("{at}: the upload in pieces {id} is lost"));
        if partial.state != State::Receiving {
            // Then it is an upload, or on its way to be that one.
            return;
        }
        store.resume_partial(id, &partial).unwrap();
        let root = store.analyses_dir().parent().unwrap().join("partial").join(id.to_string());
        let found = fs::read(root.join("upload").join(partial.safe_name.as_str())).unwrap();
        assert!(found.starts_with(bytes), "{at}: the upload in pieces {id} has other bytes");
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.failed.0.iter().any(|(run, ())| run.ends_with(id))
    }
}
