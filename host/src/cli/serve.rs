//! `belljar serve`: the options of a server, and what they come to.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;

use super::gc;
use super::notify;
use super::say;
use super::trust;
use crate::analysis::module::Manner;
use crate::analysis::module::Nan;
use crate::app;
use crate::app::Demand;
use crate::app::Retention;
use crate::assembly;
use crate::assembly::Audit;
use crate::dispatch::Reuse;
use crate::http::Modules;
use crate::http::cors;
use crate::http::tls;
use crate::keys;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::limits::RESULT_DEPTH_MAX;
use crate::limits::STACK_BYTES_MAX;
use crate::registry;
use crate::store;
use crate::store::disk::Durability;
use crate::telemetry::otlp;

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the command line, one by one")]
pub(super) struct ServeArguments {
    /// A file with options, in TOML; what the command line or the environment says counts before it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Reads everything, says what each option comes to, and starts nothing.
    #[arg(long)]
    pub(super) check_config: bool,
    /// Compiles what a server with these options runs, and ends: beside a server of another version that works on the same
    /// data, which the next start then replaces at once.
    #[arg(long, conflicts_with = "check_config")]
    pub(super) prepare: bool,
    /// Where everything is stored.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A directory of `.wasm` files to install; what changes in it later is noticed within a second.
    #[arg(long)]
    analyses: Option<PathBuf>,
    /// Which of the analyses that ship with this binary are installed: all, none, or names with commas between them. The
    /// first start compiles them, which takes some seconds for all.
    #[arg(long, default_value = "all")]
    shipped: app::Shipped,
    /// A name that this server answers to, such as `belljar.example`; may be given more than once. Needed where it listens on
    /// this machine alone and something in front of it passes on the name that it is reached by.
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// Asks every client for a token, also where this server listens on this machine alone; elsewhere it does anyway.
    #[arg(long)]
    require_tokens: bool,
    /// Asks nobody for a token though others can reach this server: they all may do everything, with everybody's files.
    #[arg(long, conflicts_with = "require_tokens")]
    open_to_anybody: bool,
    /// TLS: the server's certificate and those that lead to a root, as PEM; read again when it changes. Without, what is sent
    /// can be read on its way.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// TLS: the key of the certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// A site whose pages may use this server from a browser, as `https://lab.example`; may be given more than once.
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<cors::Origin>,
    /// Whether it is noted, in `audit/` of the data directory, who asks what and how runs end.
    #[arg(long, value_enum, default_value = "with-tokens")]
    audit: AuditArgument,
    /// For how many days such notes are kept.
    #[arg(long, default_value = "90")]
    audit_days: u32,
    /// How the log is written, on stderr.
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogArgument,
    /// A collector that spans of requests and runs are sent to by OTLP, as `http://127.0.0.1:4318`; for a binary built with
    /// `--features otlp`.
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Connections at the same time; one that waits for a result costs little.
    #[arg(long, default_value = "20000")]
    connections_max: std::num::NonZeroUsize,
    /// Runs at the same time; two per core if left out.
    #[arg(long)]
    workers: Option<std::num::NonZeroUsize>,
    /// Runs accepted and not ended, waiting ones included.
    #[arg(long, default_value = "10000")]
    queue_max: std::num::NonZeroUsize,
    /// Servers that may die while a run has a worker, before it is given up: it may be what kills them.
    #[arg(long, default_value = "5")]
    crashes_max: std::num::NonZeroU32,
    /// What an answer waits for: the disk, or the page cache.
    #[arg(long, value_enum, default_value = "full")]
    durability: DurabilityArgument,
    /// Longest upload, bytes.
    #[arg(long, default_value_t = 4 << 30)]
    upload_bytes_max: u64,
    /// Kept free on the disk, bytes; uploads and runs are refused before it is touched.
    #[arg(long, default_value_t = 64 << 20)]
    disk_reserve_bytes: u64,
    /// A cap that no analysis may pass, such as `--cap wall_ms=60000`; `GET /limits` lists them.
    #[arg(long = "cap", value_name = "NAME=NUMBER", value_parser = super::parse_cap)]
    caps: Vec<(String, u64)>,
    /// A limit on what installing a module may cost, such as `--compile-cap cpu_s=300`; `GET /limits` lists them.
    #[arg(long = "compile-cap", value_name = "NAME=NUMBER", value_parser = super::parse_cap)]
    compile_caps: Vec<(String, u64)>,
    /// What becomes of NaNs in every analysis; `canonical` repeats across architectures, at a price for floats.
    #[arg(long, value_enum, default_value = "native")]
    nan: NanArgument,
    #[command(flatten)]
    wasi_03: super::Wasi03Argument,
    /// Gives every run a process of its own, at some 3 ms each.
    #[arg(long)]
    single_use_workers: bool,
    /// Takes analyses from whoever can reach this server: `PUT` and `DELETE /analyses/<name>`.
    #[arg(long)]
    accept_modules: bool,
    /// Analyses that clients may have installed at the same time, names of the operator's own not counted. Each takes
    /// memory, and each start looks at all; `"analysis": "*"` asks at most 100.
    #[arg(long, default_value_t = 64)]
    analyses_max: usize,
    /// Versions of each analysis that can be asked for by `name@version`, and gone back to, the current one among them.
    #[arg(long, default_value = "5")]
    versions_kept: std::num::NonZeroUsize,
    /// Starts only if workers are confined in every way that there is, and says what is lacking otherwise.
    #[arg(long)]
    require_walls: bool,
    #[command(flatten)]
    retention: gc::RulesArguments,
    /// How often it is looked what has expired, seconds; for room, it is looked every few seconds.
    #[arg(long, default_value = "60", help_heading = "Retention")]
    sweep_every_s: std::num::NonZeroU32,
    /// Resumable uploads on their way at the same time.
    #[arg(long, default_value = "1000")]
    partial_max: std::num::NonZeroUsize,
    #[command(flatten)]
    trust: trust::TrustArguments,
    #[command(flatten)]
    notify: notify::Arguments,
    /// What is to go wrong on the disk; for tests.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    fault: Option<store::faults::Plan>,
}

impl ServeArguments {
    /// As soon as others can reach this server, unless its operator says otherwise in so many words.
    fn demand_tokens(&self) -> keys::Demand {
        let among_ourselves = self.listen.ip().is_loopback() || self.open_to_anybody;
        if self.require_tokens || !among_ourselves { keys::Demand::Token } else { keys::Demand::None }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogArgument {
    /// For people.
    Text,
    /// A line of JSON for each event.
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AuditArgument {
    /// Where tokens are asked for.
    WithTokens,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DurabilityArgument {
    Full,
    Process,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NanArgument {
    Native,
    Canonical,
}

/// Runs a server until it is told to stop.
pub(super) fn main(arguments: ServeArguments) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var("BELLJAR_LOG")
        .from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Into a file or a pipe go no colours.
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match arguments.log_format {
        LogArgument::Text => log.init(),
        LogArgument::Json => log.json().flatten_event(true).init(),
    }
    let prepare = arguments.prepare;
    let options = options(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if prepare {
        let count = runtime.block_on(app::prepare(options))?;
        say(&format!("prepared {count} analyses; the next start takes them over"));
        return Ok(());
    }
    let served = runtime.block_on(app::serve(options, |(scheme, address)| {
        say(&format!("listening on {scheme}://{address}"));
    }));
    runtime.shutdown_timeout(Duration::from_secs(2));
    served
}

/// Looks at all that a server is told, and says what that comes to.
pub(super) fn check(arguments: ServeArguments, lines: &[String]) -> anyhow::Result<()> {
    let options = options(arguments)?;
    if let Some(files) = options.tls {
        tls::Tls::open(files)?;
    }
    if let Some(directory) = options.analyses {
        std::fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?;
    }
    lines.iter().for_each(|line| say(line));
    Ok(())
}

fn options(arguments: ServeArguments) -> anyhow::Result<app::Options> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let caps = resolve_caps(&arguments.caps)?;
    let demand_tokens = arguments.demand_tokens();
    let store = store::Options {
        durability: match arguments.durability {
            DurabilityArgument::Full => Durability::Full,
            DurabilityArgument::Process => Durability::Process,
        },
        reserve_bytes: arguments.disk_reserve_bytes,
        #[cfg(debug_assertions)]
        probe: arguments.fault.map(|plan| plan.probe()).transpose()?,
        #[cfg(not(debug_assertions))]
        probe: None,
    };
    let parts = assembly::Options {
        data: arguments.data,
        store,
        workers: arguments.workers.map_or(2 * cores, usize::from),
        queue_max: arguments.queue_max.into(),
        crashes_max: arguments.crashes_max.into(),
        registry: registry::Rules {
            clients_max: arguments.analyses_max,
            versions_kept: arguments.versions_kept.into(),
            unsigned: arguments.trust.unsigned(),
        },
        keys: arguments.trust.keys()?,
        reuse: if arguments.single_use_workers { Reuse::Never } else { Reuse::Warm },
        caps,
        compile_limits: resolve_compile_caps(arguments.compile_caps)?,
        manner: Manner {
            nan: match arguments.nan {
                NanArgument::Native => Nan::Native,
                NanArgument::Canonical => Nan::Canonical,
            },
            wasi_03: arguments.wasi_03.into(),
            ..Manner::DEFAULT
        },
        notify: arguments.notify.options()?,
        cache: None,
        spans: arguments.otlp_endpoint.as_deref().map(otlp::open).transpose().context("--otlp-endpoint")?,
        audit: match (arguments.audit, demand_tokens) {
            (AuditArgument::Always, _) | (AuditArgument::WithTokens, keys::Demand::Token) => Audit::Kept,
            (AuditArgument::Never, _) | (AuditArgument::WithTokens, keys::Demand::None) => Audit::Not,
        },
    };
    Ok(app::Options {
        parts,
        demand: if arguments.require_walls { Demand::Whole } else { Demand::WhatThereIs },
        modules: if arguments.accept_modules { Modules::Taken } else { Modules::Refused },
        demand_tokens,
        tls: arguments
            .tls_certificate
            .zip(arguments.tls_key)
            .map(|(certificates, key)| tls::Files { certificates, key }),
        cors: arguments.cors_origins,
        audit_days: arguments.audit_days,
        listen: arguments.listen,
        analyses: arguments.analyses,
        shipped: arguments.shipped,
        upload_bytes_max: arguments.upload_bytes_max,
        partial_max: arguments.partial_max.into(),
        names: arguments.names,
        retention: Retention {
            rules: arguments.retention.rules(),
            every: Duration::from_secs(u32::from(arguments.sweep_every_s).into()),
            partial: arguments.retention.partial_expires(),
        },
        connections_max: arguments.connections_max.into(),
    })
}

/// The caps with those that the operator names in place of the shipped ones.
fn resolve_caps(named: &[(String, u64)]) -> anyhow::Result<Limits> {
    let caps = Limits::CAP.with(&super::asked_limits(named).context("--cap")?);
    for (name, value, max) in
        [("stack_bytes", caps.stack_bytes, STACK_BYTES_MAX), ("result_depth", caps.result_depth, RESULT_DEPTH_MAX)]
    {
        anyhow::ensure!(value <= max, "--cap {name}: at most {max} can be granted");
    }
    for (name, value, min) in [
        ("stack_bytes", caps.stack_bytes, Limits::FLOOR.stack_bytes),
        ("instances", caps.instances, Limits::FLOOR.instances),
    ] {
        anyhow::ensure!(value >= min, "--cap {name}: at least {min} is needed to run anything");
    }
    Ok(caps)
}

fn resolve_compile_caps(named: Vec<(String, u64)>) -> anyhow::Result<CompileLimits> {
    let members = named.into_iter().map(|(name, number)| (name, number.into())).collect();
    serde_json::from_value(serde_json::Value::Object(members)).context("--compile-cap")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cap_is_named_and_a_number() {
        let caps = |named: &[&str]| {
            super::resolve_caps(&named.iter().map(|it| super::super::parse_cap(it).unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(caps(&[]).unwrap(), super::Limits::CAP);
        assert_eq!(caps(&["wall_ms=5"]).unwrap().wall_ms, 5);
        assert!(caps(&["wall=5"]).unwrap_err().chain().any(|it| it.to_string().contains("wall_ms")));
        assert!(caps(&["stack_bytes=16384", "instances=1"]).is_ok());
        assert!(caps(&["stack_bytes=16383"]).is_err() && caps(&["instances=0"]).is_err());
        assert!(super::super::parse_cap("wall_ms").is_err() && super::super::parse_cap("wall_ms=-1").is_err());
    }
}
