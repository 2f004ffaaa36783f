//! `belljar check`: a module tried before it is shipped.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;

use super::local;
use super::say;
use crate::analysis::module::Manner;
use crate::assembly;
use crate::check;
use crate::check::Report;
use crate::check::Tried;
use crate::registry::package;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A `.wasm` file; `<name>.json` and `<name>.files/` beside it count as part of it.
    module: PathBuf,
    /// Files to try it on, besides its own examples.
    samples: Vec<PathBuf>,
    /// One JSON document instead of a page.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wasi_03: super::Wasi03Argument,
}

/// An error when it should not be shipped.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let path = &arguments.module;
    let module = package::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let open = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::Ok((name, file))
    };
    let samples = arguments.samples.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let manner = Manner { wasi_03: arguments.wasi_03.into(), ..Manner::DEFAULT };
    let options = |data| assembly::Options { manner, cache: local::cache(), ..assembly::Options::for_one(data) };
    let report = local::with_assembly(options, async |assembly| Ok(check::check(assembly, module, samples).await?))?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        page(path, &report);
    }
    anyhow::ensure!(report.passes(), "not to be shipped as it is");
    Ok(())
}

fn page(path: &Path, report: &Report) {
    for reason in &report.refused {
        say(&format!("refused  {reason}"));
    }
    for advice in &report.advice {
        say(&format!("advice   {advice}"));
    }
    for tried in &report.runs {
        say(&row(tried));
        for fault in &tried.faults {
            say(&format!("           {fault}"));
        }
    }
    if report.passes() {
        say(&format!("{} can be shipped; {} runs, each twice", path.display(), report.runs.len()));
    }
}

fn row(tried: &Tried) -> String {
    let mark = if tried.faults.is_empty() { "ok  " } else { "FAIL" };
    let ending = tried.failure.as_ref().map_or("successful", |it| it.reason.as_str());
    format!(
        "{mark}     {:<24} {ending:<14} fuel {:>13}  memory {:>8} KiB  {:>6} ms  {} artifacts",
        tried.of,
        tried.usage.fuel,
        tried.usage.memory_bytes_peak >> 10,
        tried.wall_ms,
        tried.artifacts
    )
}
