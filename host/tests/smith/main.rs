//! Random modules through admission, the compiling process and a run on a confined worker: whatever becomes of one is
//! the module's own doing. A reason that is ours, a process that died, or one word of warning in the log fails.
//!
//! `host/smith` makes the modules, each of a seed. As in `walls`, this binary is its own worker. One seed again:
//! `BELLJAR_SMITH_FIRST=1234 BELLJAR_SMITH_MODULES=1 cargo test --test smith`.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]
#![expect(clippy::print_stdout, reason = "the score")]

mod log;

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream;
use host::analysis::module::DESCRIPTOR_SECTION;
use host::analysis::module::ModuleKind;
use host::analysis::module::with_sections;
use host::assembly;
use host::limits::CompileLimits;
use host::limits::Limits;
use host::run::Fault;
use host::selftest;
use host::selftest::suite::Outcome;
use host::worker;
use serde_json::json;

/// What CI does in less than a minute on two cores.
const MODULES: u64 = 2_000;
/// As many share one data directory, which grows by every program.
const BATCH: usize = 2_000;
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("worker" | "compile") => confined(&arguments),
        // As the harness that this is not would take it.
        Some(_) if arguments.iter().any(|it| it == "--list") => ExitCode::SUCCESS,
        Some(filter) if !filter.starts_with('-') && !"smith".contains(filter) => {
            println!("smith: skipped, for its name does not contain `{filter}`");
            ExitCode::SUCCESS
        }
        Some(_) | None => smith(),
    }
}

/// `belljar worker` or `belljar compile`, as the pool starts them.
fn confined(arguments: &[String]) -> ExitCode {
    let socket = worker::channel().unwrap();
    let limits = arguments.get(2).map(String::as_str);
    let served = if arguments[0] == "worker" {
        let caps = limits.map_or(Limits::CAP, |it| serde_json::from_str(it).unwrap());
        worker::serve(socket, caps, ModuleKind::Command)
    } else {
        let limits = limits.map_or(CompileLimits::DEFAULT, |it| serde_json::from_str(it).unwrap());
        worker::compile(socket, limits)
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Its last words, which the pool tells in the log.
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

fn smith() -> ExitCode {
    let first = number("BELLJAR_SMITH_FIRST").unwrap_or(0);
    let seeds = first..first + number("BELLJAR_SMITH_MODULES").unwrap_or(MODULES);
    println!("smith: seeds {} to {}", seeds.start, seeds.end - 1);
    build();
    log::listen();
    let started = Instant::now();
    let mut score = Score::default();
    for start in seeds.clone().step_by(BATCH) {
        batch(start..seeds.end.min(start + u64::try_from(BATCH).unwrap()), &mut score);
    }
    score.finish(started)
}

/// A number that whoever runs this chose.
#[expect(clippy::disallowed_methods, reason = "a test has no other configuration")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|it| it.parse().expect(name))
}

/// What became of how many, and what should not have.
#[derive(Debug, Default)]
struct Score {
    counts: BTreeMap<String, usize>,
    surprises: Vec<String>,
}

impl Score {
    fn take(&mut self, seed: u64, outcome: &Outcome) {
        let ours = match outcome {
            Outcome::Successful(_) => None,
            // A compiler that died or took too long is told as a reason, too.
            Outcome::Refused(reasons) => reasons.iter().find(|it| it.starts_with("compiling it")).cloned(),
            Outcome::Failed(failure) => match failure.reason.fault() {
                Fault::Module | Fault::Day => None,
                Fault::Host | Fault::Client => Some(format!("{}: {}", failure.reason.as_str(), failure.detail)),
            },
            Outcome::Lost(detail) => Some(detail.clone()),
        };
        *self.counts.entry(outcome.as_str().to_owned()).or_default() += 1;
        self.surprises.extend(ours.map(|it| format!("seed {seed}: {it}")));
    }

    fn finish(mut self, started: Instant) -> ExitCode {
        self.surprises.extend(log::heard());
        let total: usize = self.counts.values().sum();
        for (outcome, count) in &self.counts {
            println!("smith: {count:>7} {outcome}");
        }
        for surprise in &self.surprises {
            println!("smith: SURPRISE {}", surprise.escape_debug());
        }
        println!("smith: {total} modules, {} surprises, {} s", self.surprises.len(), started.elapsed().as_secs());
        if self.surprises.is_empty() && total > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Builds `host/smith` beside what is tested.
fn build() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("smith/Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(manifest);
    command.arg("--target-dir").arg(target());
    assert!(command.status().unwrap().success(), "host/smith does not build");
}

fn target() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("smith")
}

fn batch(seeds: Range<u64>, score: &mut Score) {
    let dir = tempfile::tempdir().unwrap();
    let count = (seeds.end - seeds.start).to_string();
    let mut maker = Command::new(target().join("debug/host-smith"));
    maker.args([&seeds.start.to_string(), &count]).arg(dir.path());
    assert!(maker.status().unwrap().success());
    let options = assembly::Options {
        workers: AT_ONCE,
        queue_max: AT_ONCE,
        ..assembly::Options::for_one(dir.path().join("data"))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let assembly = assembly::assemble(options).await.unwrap();
        let sample = selftest::store_sample(&assembly).await.unwrap();
        let outcomes = stream::iter(seeds).map(async |seed| {
            let module = std::fs::read(dir.path().join(format!("smith-{seed}.wasm"))).unwrap();
            (seed, selftest::become_of(&assembly, &sample, packed(seed, &module)).await)
        });
        let mut outcomes = std::pin::pin!(outcomes.buffer_unordered(AT_ONCE));
        while let Some((seed, outcome)) = outcomes.next().await {
            score.take(seed, &outcome);
        }
    });
}

/// With a million units of fuel, and the second or two that a random sleep may take.
fn packed(seed: u64, module: &[u8]) -> Vec<u8> {
    let limits = json!({ "fuel_base": 1_000_000, "fuel_per_byte": 0, "wall_ms": 2_000 });
    let descriptor = json!({ "name": format!("smith-{seed}"), "stdout": "none", "limits": limits });
    with_sections(module, &[(DESCRIPTOR_SECTION, descriptor.to_string().as_bytes())])
}
