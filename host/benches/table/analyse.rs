//! `POST /analyse` with `Prefer: wait`, end to end: parsed, checked, accepted on disk, run in a confined worker, stored,
//! answered. Every request is a question that was not asked before.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use anyhow::ensure;
use serde_json::Value;

use crate::Bench;
use crate::blocking::Connection;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::load::Load;
use crate::rounds;
use crate::rounds::median;
use crate::rounds::real;
use crate::server;
use crate::server::Durability;
use crate::server::Server;
use crate::warm::SAMPLE;

const CONNECTIONS: usize = 32;
const RUNS: Unit = Unit::PerSecond("runs");

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let mut quick = Asker::start(&bench.memory, Durability::Process)?;
    let mut loose = Asker::start(&bench.disk, Durability::Process)?;
    let mut safe = Asker::start(&bench.disk, Durability::Full)?;
    let native = bench.peers.program("count")?;
    let sample = tempfile::NamedTempFile::new()?;
    std::fs::write(&sample, SAMPLE)?;
    let requests = bench.pick(1000, 10_000);
    let [many, many_safe, bare] = rounds::in_turn(
        bench.rounds(),
        [&mut || quick.many(requests), &mut || safe.many(requests), &mut || {
            processes(&native, sample.path(), requests / 5)
        }],
    )?;
    let requests = bench.pick(200, 1000);
    let [one, one_loose, one_safe, commit] = rounds::in_turn(
        bench.rounds(),
        [
            &mut || quick.one(requests),
            &mut || loose.one(requests),
            &mut || settled(&bench.disk).and_then(|()| safe.one(requests / 5)),
            &mut || commits(&bench.disk, requests / 5),
        ],
    )?;
    let limit = ("process + one commit", one_loose + commit);
    Ok(vec![
        Line::alone("POST /analyse, 32 connections, process, tmpfs", RUNS, many, Target::AtLeast(5000.0)),
        Line::beside(
            "POST /analyse, 32 connections, process, tmpfs",
            RUNS,
            (many, ("bare process each, no HTTP", bare)),
            Target::None,
        ),
        Line::alone("POST /analyse, one client, p50, process, tmpfs", Unit::Seconds, one, Target::AtMost(0.000_5)),
        Line::alone("POST /analyse, 32 connections, full, disk", RUNS, many_safe, Target::None),
        Line::alone("POST /analyse, one client, p50, process, disk", Unit::Seconds, one_loose, Target::None),
        Line::beside(
            "POST /analyse, one client, p50, full, disk",
            Unit::Seconds,
            (one_safe, limit),
            Target::RatioAtMost(1.0),
        ),
        Line::alone("one group commit on that disk, p50", Unit::Seconds, commit, Target::None),
    ])
}

/// A server and questions for it.
struct Asker {
    server: Server,
    file_id: String,
    asked: usize,
}

impl Asker {
    fn start(place: &Path, durability: Durability) -> anyhow::Result<Self> {
        let server = Server::start(place, durability)?;
        let file_id = server.upload(SAMPLE)?;
        let mut asker = Self { server, file_id, asked: 0 };
        // Workers come up; and the answers are those of successful runs.
        asker.many(CONNECTIONS)?;
        let answer = asker.ask(&mut asker.server.connect()?, asker.asked)?;
        ensure!(answer["status"] == "successful", "the analysis did not succeed: {answer}");
        asker.asked += 1;
        Ok(asker)
    }

    fn ask(&self, connection: &mut Connection, number: usize) -> anyhow::Result<Value> {
        let question = server::question(&self.file_id, number);
        Ok(serde_json::from_slice(&connection.ask(&[question.as_bytes()])?.expect(200)?)?)
    }

    /// Runs per second.
    fn many(&mut self, requests: usize) -> anyhow::Result<f64> {
        let (first, file_id) = (self.asked, self.file_id.clone());
        self.asked += requests;
        let request = move |number| server::question(&file_id, first + number).into_bytes();
        Load { address: self.server.address, connections: CONNECTIONS, requests, status: 200, request }.run()
    }

    /// Median seconds of one.
    fn one(&mut self, requests: usize) -> anyhow::Result<f64> {
        let mut connection = self.server.connect()?;
        let numbers = self.asked..self.asked + requests;
        self.asked = numbers.end;
        let timed = numbers.map(|number| {
            let began = Instant::now();
            self.ask(&mut connection, number)?;
            Ok(began.elapsed().as_secs_f64())
        });
        Ok(median(timed.collect::<anyhow::Result<_>>()?))
    }
}

/// Jobs per second of one process each, started by as many threads as the machine has cores.
fn processes(program: &Path, sample: &Path, jobs: usize) -> anyhow::Result<f64> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let began = Instant::now();
    let job = || {
        let status = Command::new(program).arg(sample).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "the native program failed");
        Ok(())
    };
    std::thread::scope(|scope| {
        let each = || (0..jobs / threads).try_for_each(|_| job());
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(each)).collect();
        all.into_iter().try_for_each(|it| it.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?)
    })?;
    Ok(real(jobs / threads * threads) / began.elapsed().as_secs_f64())
}

/// Median seconds of one group commit: a run's few files written and renamed, then the file system synced.
fn commits(disk: &Path, count: usize) -> anyhow::Result<f64> {
    let directory = tempfile::tempdir_in(disk)?;
    let root = File::open(directory.path())?;
    settled(disk)?;
    let timed = (0..count).map(|number| {
        let began = Instant::now();
        for part in ["config", "results", "run"] {
            let (staged, target) = (directory.path().join(part), directory.path().join(format!("{part}-{number}")));
            File::create_new(&staged)?.write_all(SAMPLE)?;
            std::fs::rename(staged, target)?;
        }
        rustix::fs::syncfs(&root)?;
        Ok(began.elapsed().as_secs_f64())
    });
    Ok(median(timed.collect::<anyhow::Result<_>>()?))
}

/// What others left to be written is written.
fn settled(disk: &Path) -> anyhow::Result<()> {
    Ok(rustix::fs::syncfs(File::open(disk)?)?)
}
