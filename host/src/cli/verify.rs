//! `belljar verify`: a stored run done again, and compared byte for byte.

use std::path::PathBuf;

use anyhow::Context;

use super::local;
use super::say;
use crate::analysis::module::Manner;
use crate::analysis::module::Nan;
use crate::assembly;
use crate::assembly::Assembly;
use crate::id::AnalysisId;
use crate::id::FileId;
use crate::id::RunKey;
use crate::id::Tenant;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::store::Store;
use crate::verify;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The id of the file.
    file_id: FileId,
    /// The id of what was asked of it.
    analysis_id: AnalysisId,
    /// Whose it is, where there are keys.
    #[arg(long, default_value = "main")]
    tenant: Tenant,
    /// Where it is stored; a server may work there meanwhile.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
    #[command(flatten)]
    wasi_03: super::Wasi03Argument,
}

/// Runs it in a directory of its own; an error when anything came out differently.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let store = Store::view(&arguments.data).with_context(|| format!("cannot read {}", arguments.data.display()))?;
    let store = store.view_of_tenant(arguments.tenant);
    let key = RunKey { tenant: arguments.tenant, file_id: arguments.file_id, analysis_id: arguments.analysis_id };
    let original = verify::find(&store, key)?;
    let options = |data| assembly::Options {
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
        ..assembly::Options::for_one(data)
    };
    let again = async |assembly: &Assembly| Ok(verify::again(&store, &original, assembly).await?);
    let (record, differences) = local::with_assembly(options, again)?;
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
