//! `belljar fsck`: a data directory looked through, and mended on request.

use std::path::PathBuf;

use anyhow::Context;

use super::say;
use crate::store::Store;
use crate::store::fsck::Finding;
use crate::store::fsck::Kind;
use crate::store::fsck::Remedy;
use crate::store::fsck::Report;

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the command line, one by one")]
pub(super) struct Arguments {
    /// Where everything is stored.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
    /// Mends what is found. Nothing is destroyed that cannot be made again: see `quarantine/` afterwards.
    #[arg(long)]
    repair: bool,
    /// Prints the whole report as JSON.
    #[arg(long)]
    json: bool,
}

/// An error when there are faults that were not mended.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let store = Store::hold(&arguments.data).with_context(|| format!("cannot open {}", arguments.data.display()))?;
    let report = store.check()?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        tell(&report);
    }
    if arguments.repair {
        let mut left = Vec::new();
        for finding in &report.findings {
            match store.repair(finding) {
                Ok(_) if arguments.json || finding.remedy == Remedy::Start => (),
                Ok(moved) => say(&mended(finding, moved)),
                // The others can be mended all the same.
                Err(error) => left.push(format!("{}: {error}", finding.path.display())),
            }
        }
        anyhow::ensure!(left.is_empty(), "cannot mend {}", left.join("; "));
        return Ok(());
    }
    let faults = report.faults().count();
    anyhow::ensure!(faults == 0, "{faults} faults; --repair mends them");
    Ok(())
}

fn tell(report: &Report) {
    for Finding { path, kind, detail, .. } in &report.findings {
        let word = if *kind == Kind::Unfinished { "note" } else { "fault" };
        say(&format!("{word}: {}: {detail}", path.display()));
    }
    let Report { uploads, runs, artifacts, modules, bytes, .. } = report;
    say(&format!("{uploads} uploads, {runs} runs, {artifacts} artifacts, {modules} modules; {bytes} bytes hashed"));
}

fn mended(finding: &Finding, moved: Option<PathBuf>) -> String {
    let path = finding.path.display();
    match moved {
        Some(to) => format!("mended: {path} is now {}", to.display()),
        None => format!("mended: {path}"),
    }
}
