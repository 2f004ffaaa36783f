//! `belljar verify`: a stored run done again, and compared byte for byte.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;

use crate::analysis::module::Manner;
use crate::analysis::module::Nan;
use crate::assembly;
use crate::id::AnalysisId;
use crate::id::FileId;
use crate::id::RunKey;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::store::Store;
use crate::store::scratch::Scratch;
use crate::verify;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The id of the file.
    file_id: FileId,
    /// The id of what was asked of it.
    analysis_id: AnalysisId,
    /// Where it is stored; a server may work there meanwhile.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
    #[command(flatten)]
    wasi_03: super::Wasi03Argument,
}

/// Runs it in a directory of its own; an error when anything came out differently.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let store = Store::view(&arguments.data).with_context(|| format!("cannot read {}", arguments.data.display()))?;
    let key = RunKey { file_id: arguments.file_id, analysis_id: arguments.analysis_id };
    let original = verify::find(&store, key)?;
    let scratch = Scratch::new("belljar-verify").context("no room for a data directory")?;
    let options = assembly::Options {
        // Nothing is admitted that could not run under the caps of the server that granted it.
        caps: Limits::CAP.widest(original.config.limits),
        // Whoever installed it has granted what it costs.
        compile_limits: CompileLimits {
            module_bytes: u64::MAX,
            cpu_s: 3600,
            wall_ms: 3_600_000,
            memory_bytes: 8 << 30,
            program_bytes: 8 << 30,
            functions: u32::MAX,
            ..CompileLimits::DEFAULT
        },
        manner: Manner {
            nan: if original.record.engine.split('-').any(|it| it == "nan") { Nan::Canonical } else { Nan::Native },
            wasi_03: arguments.wasi_03.into(),
            ..Manner::DEFAULT
        },
        ..assembly::Options::for_one(scratch.path().join("data"))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (record, differences) = runtime.block_on(async {
        let assembly = assembly::assemble(options).await?;
        anyhow::Ok(verify::again(&store, &original, &assembly).await?)
    })?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    if record.engine != original.record.engine {
        say(&format!("by another engine: {} before, {} now", original.record.engine, record.engine));
    }
    for difference in &differences {
        say(&format!("differs: {difference}"));
    }
    anyhow::ensure!(differences.is_empty(), "the run gave something else this time");
    say(&format!("the same: result {} and {} artifacts", record.ending_sha256, record.artifacts.len()));
    Ok(())
}

fn say(line: &str) {
    // Whoever reads stdout may have gone.
    drop(writeln!(std::io::stdout(), "{line}"));
}
