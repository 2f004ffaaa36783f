//! `belljar run`: one module over one file, with the limits, the file system and the reasons of a server.

mod follow;

use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use serde_json::json;

use super::local;
use super::say;
use super::watch;
use crate::analysis::module::Manner;
use crate::assembly;
use crate::assembly::Assembly;
use crate::limits::AskedLimits;
use crate::registry::Origin;
use crate::registry::package;
use crate::registry::workshop::Analysis;
use crate::store::uploads::UploadFacts;
use crate::workbench;
use crate::workbench::Ended;
use crate::workbench::Wish;

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the command line, one by one")]
pub(super) struct Arguments {
    /// A `.wasm` file; `<name>.json` and `<name>.files/` beside it count as part of it.
    module: PathBuf,
    /// What it is to analyse.
    file: PathBuf,
    /// Its args, a JSON object.
    #[arg(long, default_value = "{}", value_parser = parse_object)]
    args: Value,
    /// A limit to ask for, such as `--limit wall_ms=5000`.
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = super::parse_cap)]
    limits: Vec<(String, u64)>,
    /// A folder for the files that it writes; they are not kept if left out.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Prints one document with status, result, usage and artifacts, also when there is no result.
    #[arg(long)]
    json: bool,
    /// Runs it again whenever the module or the file changes.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    wasi_03: super::Wasi03Argument,
}

fn parse_object(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if value.is_object() { Ok(value) } else { Err("a JSON object is wanted, such as '{\"top\": 5}'".to_owned()) }
}

/// An error when there is no result.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let limits = super::asked_limits(&arguments.limits)?;
    let manner = Manner { wasi_03: arguments.wasi_03.into(), ..Manner::DEFAULT };
    let options = |data| assembly::Options { manner, cache: local::cache(), ..assembly::Options::for_one(data) };
    local::with_assembly(options, async |assembly| {
        if !arguments.watch {
            return once(assembly, arguments, &limits).await;
        }
        loop {
            let seen = watch::look(&arguments.module, &arguments.file);
            if let Err(error) = once(assembly, arguments, &limits).await {
                tell(&format!("{error:#}"));
            }
            tell(&format!("waiting for a change of {} or {}", arguments.module.display(), arguments.file.display()));
            watch::changed(&seen, &arguments.module, &arguments.file).await;
        }
    })
}

async fn once(assembly: &Assembly, arguments: &Arguments, limits: &AskedLimits) -> anyhow::Result<()> {
    let path = &arguments.module;
    let module = package::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let analysis = assembly.registry.install(module, Origin::Directory).await;
    let analysis = analysis.with_context(|| format!("{} is refused", path.display()))?;
    let upload = stored(assembly, &arguments.file).await?;
    let wish = Wish { args: arguments.args.clone(), limits: *limits };
    let key = workbench::ask(assembly, &analysis, &upload, wish).await?;
    follow::follow(assembly, key, &upload).await?;
    let ended = workbench::ended(assembly, key).await?;
    let kept = kept(assembly, arguments.out.as_deref(), &ended)?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&document(&analysis, &ended, &kept)?)?);
    }
    match &ended.outcome {
        Err(failure) => anyhow::bail!("{}: {}", failure.reason.as_str(), failure.detail),
        Ok(_) if arguments.json => Ok(()),
        Ok(result) => {
            show_result(result)?;
            summarise(&ended, &kept);
            Ok(())
        }
    }
}

async fn stored(assembly: &Assembly, path: &Path) -> anyhow::Result<UploadFacts> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    workbench::store(assembly, &name, file).await.with_context(|| format!("cannot read {}", path.display()))
}

/// A person gets it indented, a program byte for byte as a server stores it.
fn show_result(result: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        say(&serde_json::to_string_pretty(&serde_json::from_slice::<Value>(result)?)?);
    } else {
        // Whoever reads stdout may have gone.
        drop(stdout.write_all(result).and_then(|()| stdout.write_all(b"\n")));
    }
    Ok(())
}

/// The artifacts, each with where it lies now, if they are kept.
fn kept(assembly: &Assembly, out: Option<&Path>, ended: &Ended) -> anyhow::Result<Vec<Value>> {
    let mut kept = Vec::new();
    for artifact in &ended.record.artifacts {
        let mut told = json!({
            "name": artifact.name, "size_bytes": artifact.size_bytes, "media_type": artifact.media_type,
            "sha256": artifact.sha256,
        });
        if let Some(out) = out {
            let path = out.join(artifact.name.as_str());
            let copy = || -> std::io::Result<u64> {
                std::fs::create_dir_all(out)?;
                let mut from = assembly.store.open_artifact(ended.key, &artifact.name)?;
                std::io::copy(&mut from, &mut std::fs::File::create(&path)?)
            };
            copy().with_context(|| format!("cannot write {}", path.display()))?;
            told["path"] = path.to_string_lossy().into();
        }
        kept.push(told);
    }
    Ok(kept)
}

fn document(analysis: &Arc<Analysis>, ended: &Ended, kept: &[Value]) -> anyhow::Result<Value> {
    let took = ended.record.finished.since(ended.record.started);
    let mut document = json!({
        "analysis": analysis.descriptor.name, "version": analysis.descriptor.version, "module": analysis.module,
        "engine": ended.record.engine, "usage": ended.record.usage, "wall_ms": took, "artifacts": kept,
    });
    match &ended.outcome {
        Ok(result) => {
            document["status"] = "successful".into();
            document["result"] = serde_json::from_slice(result)?;
        }
        Err(failure) => {
            document["status"] = "failed".into();
            document["reason"] = failure.reason.as_str().into();
            document["detail"] = failure.detail.clone().into();
        }
    }
    Ok(document)
}

fn summarise(ended: &Ended, kept: &[Value]) {
    let usage = ended.record.usage;
    tell(&format!(
        "fuel {}, memory {} KiB, read {} bytes, {} ms",
        usage.fuel,
        usage.memory_bytes_peak >> 10,
        usage.bytes_read,
        ended.record.finished.since(ended.record.started)
    ));
    for artifact in kept {
        let name = artifact["path"].as_str().or(artifact["name"].as_str()).unwrap_or_default();
        let hint = if artifact.get("path").is_some() { "" } else { " (not kept; say --out DIR)" };
        tell(&format!("wrote {name}, {} bytes{hint}", artifact["size_bytes"]));
    }
}

/// Stdout is the result's.
fn tell(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
