//! What lies in memory: of a server that does nothing, of a worker that waits, and of a large upload on its way.

use std::path::Path;

use anyhow::Context;
use anyhow::ensure;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use serde_json::Value;
use serde_json::json;

use crate::Bench;
use crate::files;
use crate::line::Line;
use crate::line::MIB;
use crate::line::Target;
use crate::line::Unit;
use crate::rounds::real;
use crate::server;
use crate::server::Durability;
use crate::server::Server;
use crate::transfer;
use crate::transfer::Body;
use crate::warm::SAMPLE;

const GONE_WITHIN: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let server = Server::start(&bench.memory, Durability::Process)?;
    let line = |what: String, bytes, most| Line::alone(what, Unit::Bytes, bytes, Target::AtMost(most * MIB));
    // Those that compiled at the start may still be dying, and share pages with it.
    children(server.pid())?.into_iter().try_for_each(until_gone)?;
    let idle = Rollup::of(server.pid())?;
    let worker = "worker after a run of `digest`, idle: private memory";
    let blocks = bench.pick(128, 1024);
    Ok(vec![
        line("server after its start, idle, process, tmpfs: proportional share (PSS)".to_owned(), idle.share, 40.0),
        line("server after its start, idle, process, tmpfs: private memory".to_owned(), idle.private, 40.0),
        match Rollup::of(worker_after_digest(&server)?) {
            Ok(rollup) => line(worker.to_owned(), rollup.private, 12.0),
            // A confined process shows its memory to root only.
            Err(error) => Line::skipped(worker, format!("{error:#}")),
        },
        line(
            format!("peak of the server while {blocks} MiB come up, growth, process, tmpfs"),
            growth(&server, blocks)?,
            8.0,
        ),
    ])
}

/// What a process has in memory, bytes.
pub(crate) struct Rollup {
    /// A page that several share counts as their fraction of it.
    share: f64,
    /// What nobody else has.
    pub(crate) private: f64,
}

impl Rollup {
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = std::fs::read_to_string(&path).context("its memory cannot be looked at")?;
        let share = member(&text, "Pss:")?;
        Ok(Self { share, private: member(&text, "Private_Clean:")? + member(&text, "Private_Dirty:")? })
    }
}

/// Runs `digest` once; gives the process that did it.
fn worker_after_digest(server: &Server) -> anyhow::Result<u32> {
    ensure!(children(server.pid())?.is_empty(), "the server has workers before anything ran");
    let question = server::question_to("digest", &server.upload(SAMPLE)?, &json!({}));
    let answer: Value = serde_json::from_slice(&server.connect()?.ask(&[question.as_bytes()])?.expect(200)?)?;
    ensure!(answer["status"] == "successful", "the analysis did not succeed: {answer}");
    match children(server.pid())?[..] {
        [worker] => Ok(worker),
        ref other => anyhow::bail!("{} workers after one run", other.len()),
    }
}

/// Processes that a process started, from any thread, and that are not dead.
fn children(pid: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let text = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        for child in text.split_whitespace() {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            if stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])) {
                children.push(child.parse()?);
            }
        }
    }
    Ok(children)
}

fn until_gone(pid: u32) -> anyhow::Result<()> {
    let pid = Pid::from_raw(pid.try_into()?).context("no process has that id")?;
    let process = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        opened => opened?,
    };
    let ended = rustix::event::poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&GONE_WITHIN))?;
    ensure!(ended == 1, "the server keeps a process although nothing runs");
    Ok(())
}

/// The most that the server's peak rises by in an upload: the first fills what later ones find there.
fn growth(server: &Server, blocks: usize) -> anyhow::Result<f64> {
    let body = Body { block: files::noise(transfer::BLOCK_BYTES), blocks };
    let process = Path::new("/proc").join(server.pid().to_string());
    let peak = || member(&std::fs::read_to_string(process.join("status"))?, "VmHWM:");
    let mut most: f64 = 0.0;
    for number in 0..3 {
        // The peak is now what there is now.
        std::fs::write(process.join("clear_refs"), "5")?;
        let before = peak()?;
        let (file_id, _) = body.upload(&mut server.connect()?, number)?;
        most = most.max(peak()? - before);
        transfer::delete(server, &file_id)?;
    }
    Ok(most)
}

/// A figure of a list of `Name:   123 kB`, as bytes.
fn member(text: &str, name: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(real(kib) * 1024.0)
}
