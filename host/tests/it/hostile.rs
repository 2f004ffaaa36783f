//! Every module under `tests/hostile/` against a real server: what its head says becomes of it, a canary beside it that
//! is not disturbed, and nothing left behind.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use host::run::Failure;
use host::selftest::suite::Case;
use host::selftest::suite::Expected;
use host::selftest::suite::Outcome;
use host::selftest::suite::SAMPLE;
use host::selftest::suite::SUITE;
use serde_json::Value;
use serde_json::json;

use crate::server::Answer;
use crate::server::Server;
use crate::server::wait_for;

/// How much slower the canary may be while a hostile module runs: so many times its quiet latency, and a second or two
/// of a machine that others use as well.
const CANARY_FACTOR: u32 = 20;
const CANARY_SLACK: Duration = Duration::from_secs(3);
const CANARY: &str = "honest";
/// The canary and hostile modules at the same time.
const WORKERS: &str = "3";

#[test]
fn every_hostile_module_gets_its_reason_and_leaves_nothing_behind() {
    let server = Server::start_modules(
        SUITE.iter().map(|case| (case.name, case.module, case.sidecar())),
        &["--workers", WORKERS, "--durability", "process"],
    );
    assert_eq!(
        installed(&server),
        SUITE.iter().filter(|it| it.expected != Expected::Refused).map(|it| it.name).collect()
    );
    let file = server.upload(SAMPLE.0, SAMPLE.1);
    let watch = Watch::start(&server, &file);
    for case in SUITE.iter().filter(|it| it.expected != Expected::Refused) {
        let (run, answer) = watch.canary_beside(case);
        check(case, &server, (&run, &answer));
        watch.nothing_is_left_by(case, &run);
        if case.expected == Expected::Successful {
            // What it looks for may be what it left itself, in the worker that it left warm.
            server.analyse(&file, case.name, json!({ "rerun": true }));
            assert_eq!(server.result(&run).expect(200).body, answer.body, "{}: another result", case.name);
        }
    }
}

/// Loops, takers of memory, floods of output and of names, all at once (MM-89).
#[test]
fn two_hundred_hostile_runs_at_once_leave_the_honest_one_its_turn() {
    const HOSTILE: [&str; 4] = ["loop", "grow_memory", "out_flood", "many_files"];
    const FILES: usize = 50;
    let cases: Vec<_> = SUITE.iter().filter(|it| HOSTILE.contains(&it.name)).collect();
    let modules = SUITE.iter().filter(|it| HOSTILE.contains(&it.name) || it.name == CANARY);
    let server = Server::start_modules(
        modules.map(|case| (case.name, case.module, case.sidecar())),
        &["--workers", WORKERS, "--durability", "process"],
    );
    let honest = server.upload(SAMPLE.0, SAMPLE.1);
    let files: Vec<_> = (0..FILES).map(|it| server.upload("x.bin", it.to_string().as_bytes())).collect();
    let mut runs = Vec::new();
    for (file, case) in files.iter().flat_map(|file| cases.iter().map(move |case| (file, case))) {
        runs.push((case, server.analyse(file, case.name, json!({}))));
    }
    assert_eq!(runs.len(), HOSTILE.len() * FILES);
    let beside = server.analyse(&honest, CANARY, json!({}));
    assert_eq!(server.get("/healthz").expect(200).text(), "ok\n");
    assert_eq!(server.result(&beside).expect(200).json(), json!({ "ok": true }));
    for (case, run) in &runs {
        check(case, &server, (run, &server.result(run)));
    }
    assert_eq!(server.lying_in("queue"), [""; 0]);
    assert_eq!(server.lying_in("staging"), [""; 0]);
}

/// Names of what was installed, without what ships.
fn installed(server: &Server) -> BTreeSet<&'static str> {
    let listed = server.get("/analyses?limit=500").expect(200).json();
    let listed: BTreeSet<_> =
        listed["analyses"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    SUITE.iter().map(|it| it.name).filter(|it| listed.contains(it)).collect()
}

pub(crate) fn check(case: &Case, server: &Server, (run, answer): (&str, &Answer)) {
    let name = case.name;
    let record = server.get(&format!("/results/{run}/run")).expect(200).json();
    let outcome = if answer.status == 200 {
        assert_eq!(answer.header("content-type"), "application/json", "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(record["reason"], Value::Null, "{name}");
        Outcome::Successful(answer.text().to_owned())
    } else {
        let problem = answer.json();
        assert_eq!(answer.status, 422, "{name}: {problem}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
        assert_eq!(record["reason"], problem["reason"], "{name}");
        let reason = serde_json::from_value(problem["reason"].clone()).unwrap();
        Outcome::Failed(Failure::new(reason, problem["detail"].as_str().unwrap()))
    };
    assert_eq!(case.check(&outcome), Ok(()), "{name} came to {}", outcome.as_str());
    for artifact in record["artifacts"].as_array().into_iter().flatten() {
        let download = format!("/download/{run}/{}", artifact["name"].as_str().unwrap());
        let served = server.get(&download).expect(200);
        assert!(served.header("content-disposition").starts_with("attachment"), "{name}: {download}");
    }
}

/// The server as it is when nothing hostile runs, to compare with.
struct Watch<'a> {
    server: &'a Server,
    file: &'a str,
    canary_quiet: Duration,
    /// Descriptors of the server without idle workers, and for each of them.
    descriptors: (usize, usize),
    data: BTreeSet<String>,
}

impl<'a> Watch<'a> {
    fn start(server: &'a Server, file: &'a str) -> Self {
        let mut watch = Self { server, file, canary_quiet: Duration::ZERO, descriptors: (0, 0), data: BTreeSet::new() };
        assert_eq!(watch.workers_idle(), 0);
        let none = descriptors(&server.pid());
        let mut quiet: Vec<_> = (0..9).map(|_| watch.canary()).collect();
        quiet.sort();
        watch.canary_quiet = quiet[4];
        let idle = wait_for("an idle worker", || Some(watch.workers_idle()).filter(|it| *it > 0));
        watch.descriptors = (none, (descriptors(&server.pid()) - none).div_ceil(idle));
        watch.data = watch.files();
        watch
    }

    /// Starts a hostile run, then canaries until it has ended: one at least.
    fn canary_beside(&self, case: &Case) -> (String, Answer) {
        let run = self.server.analyse(self.file, case.name, json!({}));
        let bound = self.canary_quiet * CANARY_FACTOR + CANARY_SLACK;
        loop {
            let took = self.canary();
            assert!(took <= bound, "{}: a canary took {took:?}; {:?} when all is quiet", case.name, self.canary_quiet);
            assert_eq!(self.server.get("/healthz").expect(200).text(), "ok\n", "{}", case.name);
            if self.server.get(&format!("/results/{run}")).status != 202 {
                break;
            }
        }
        let answer = self.server.result(&run);
        (run, answer)
    }

    /// One honest run from question to result.
    fn canary(&self) -> Duration {
        let question = json!({ "file_id": self.file, "analysis": CANARY, "rerun": true }).to_string();
        let started = Instant::now();
        let answer = self.server.post("/analyse", &[("prefer", "wait=60")], question.as_bytes()).expect(200).json();
        let took = started.elapsed();
        assert_eq!(answer["status"], "successful");
        let result = self.server.get(answer["results"].as_str().unwrap()).expect(200);
        assert_eq!(result.json(), json!({ "ok": true }));
        took
    }

    fn nothing_is_left_by(&self, case: &Case, run: &str) {
        let name = case.name;
        // A run ends for its client a moment before its worker is idle, or buried.
        wait_for(&format!("{name}: the end of all workers but the idle"), || {
            (children(&self.server.pid()) == self.workers_idle()).then_some(())
        });
        let (none, each) = self.descriptors;
        wait_for(&format!("{name}: the closing of descriptors"), || {
            (descriptors(&self.server.pid()) <= none + each * self.workers_idle()).then_some(())
        });
        assert_eq!(self.server.lying_in("staging"), [""; 0], "{name}");
        assert_eq!(self.server.lying_in("queue"), [""; 0], "{name}");
        let (file_id, analysis_id) = run.split_once('/').unwrap();
        let own = format!("{}/{}/analysis/", &file_id[..2], &file_id[2..]);
        let new = |path: &&String| !self.data.contains(*path) && !path.starts_with(&own);
        let files = self.files();
        assert_eq!(files.iter().find(new), None, "{name}");
        assert!(files.iter().any(|it| it.starts_with(&format!("{own}{analysis_id}/"))), "{name}");
    }

    fn workers_idle(&self) -> usize {
        let ready = self.server.get("/readyz").expect(200).json();
        usize::try_from(ready["workers"]["idle"].as_u64().unwrap()).unwrap()
    }

    fn files(&self) -> BTreeSet<String> {
        let (root, mut found) = (self.server.data(), BTreeSet::new());
        let mut pending = vec![root.clone()];
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    pending.push(entry.path());
                } else {
                    found.insert(entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found
    }
}

/// Open descriptors of a process; not its TCP connections, which are its clients' business.
fn descriptors(pid: &str) -> usize {
    let proc = Path::new("/proc").join(pid);
    let connections = std::fs::read_to_string(proc.join("net/tcp")).unwrap();
    let connections: BTreeSet<_> = connections
        .lines()
        .skip(1)
        .filter_map(|it| Some(format!("socket:[{}]", it.split_whitespace().nth(9)?)))
        .collect();
    let links =
        std::fs::read_dir(proc.join("fd")).unwrap().filter_map(|it| std::fs::read_link(it.unwrap().path()).ok());
    links.filter(|it| !connections.contains(it.to_str().unwrap())).count()
}

/// How many processes have that parent, zombies included.
fn children(parent: &str) -> usize {
    let stats =
        std::fs::read_dir("/proc").unwrap().filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("stat")).ok());
    stats.filter(|stat| stat.rsplit_once(')').and_then(|it| it.1.split_whitespace().nth(1)) == Some(parent)).count()
}

#[test]
fn a_schema_that_doubles_at_every_step_is_refused_at_installation() {
    let module = "(module (memory (export \"memory\") 1) (func (export \"_start\")))";
    let server = Server::start(&[
        ("doubling_schema", module, json!({ "args": doubling_schema() })),
        ("good", module, json!({ "stdout": "none" })),
    ]);
    server.get("/analyses/good").expect(200);
    server.get("/analyses/doubling_schema").expect(404);
}

/// A few hundred bytes whose references, followed, are 2^32 parts.
fn doubling_schema() -> Value {
    let step = |it: u32| {
        (
            format!("d{it}"),
            json!({ "allOf": [{ "$ref": format!("#/$defs/d{}", it + 1) }, { "$ref": format!("#/$defs/d{}", it + 1) }] }),
        )
    };
    let mut defs: serde_json::Map<_, _> = (0..32).map(step).collect();
    defs.insert("d32".to_owned(), json!({}));
    json!({ "$defs": defs, "$ref": "#/$defs/d0" })
}
