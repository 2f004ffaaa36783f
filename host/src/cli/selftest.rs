//! `belljar selftest`: the hostile suite on this machine, as a scoreboard.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::local;
use super::say;
use crate::analysis::module::Manner;
use crate::analysis::module::Wasi03;
use crate::assembly;
use crate::selftest;
use crate::selftest::Line;
use crate::selftest::Verdict;
use crate::selftest::suite::SUITE;
use crate::selftest::suite::SUITE_WASI_03;
use crate::store::verdict;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// One JSON document instead of a table.
    #[arg(long)]
    json: bool,
    /// Writes the verdict to `selftest.json` in this data directory, where `GET /readyz` finds it.
    #[arg(long)]
    data: Option<PathBuf>,
    #[command(flatten)]
    wasi_03: super::Wasi03Argument,
}

/// Runs the suite in a directory of its own; an error when a module did not come to what it should.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let wasi_03 = arguments.wasi_03.into();
    let more = match wasi_03 {
        Wasi03::Refused => &[],
        Wasi03::Taken => SUITE_WASI_03,
    };
    let mut lines = Vec::new();
    let options =
        |data| assembly::Options { manner: Manner { wasi_03, ..Manner::DEFAULT }, ..assembly::Options::for_one(data) };
    let verdict = local::with_assembly(options, async |assembly| {
        let verdict = selftest::run(assembly, SUITE.iter().chain(more), |line| {
            if arguments.json {
                lines.push(line.clone());
            } else {
                say(&row(line));
            }
        });
        Ok(verdict.await?)
    })?;
    if let Some(data) = &arguments.data {
        let json = serde_json::to_vec_pretty(&verdict)?;
        verdict::write(data, &json).with_context(|| format!("cannot write to {}", data.display()))?;
    }
    if arguments.json {
        say(&serde_json::to_string_pretty(&json!({ "verdict": verdict, "modules": lines }))?);
    } else {
        say(&total(&verdict));
    }
    if verdict.failed > 0 {
        anyhow::bail!("{} of {} modules did not come to what they should", verdict.failed, SUITE.len() + more.len());
    }
    Ok(())
}

fn row(line: &Line) -> String {
    let Line { name, expected, got, ms, differs, .. } = line;
    let (mark, differs) = match differs {
        None => ("ok  ", String::new()),
        Some(differs) => ("FAIL", format!("  {differs}")),
    };
    format!("{mark} {name:<22} {expected:<15} {got:<15} {ms:>6} ms{differs}")
}

fn total(verdict: &Verdict) -> String {
    let walls = json!(verdict.walls);
    let part = |name: &str| walls[name].as_str().unwrap_or("missing").to_owned();
    format!(
        "{} passed, {} failed; belljar {} on Linux {}\nwalls: wasm enforced, landlock {}, seccomp {}, no_new_privs {}, proc {}",
        verdict.passed,
        verdict.failed,
        verdict.version,
        verdict.kernel,
        part("landlock"),
        part("seccomp"),
        part("no_new_privs"),
        part("proc"),
    )
}
