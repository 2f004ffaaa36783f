//! The command line.

mod approve;
mod check;
mod completions;
mod fsck;
mod gc;
mod inspect;
mod install;
mod local;
mod man;
mod new;
mod notify;
mod pack;
mod revoke;
mod run;
mod selftest;
mod token;
mod trust;
mod verify;
mod watch;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::analysis::module::Manner;
use crate::analysis::module::ModuleKind;
use crate::analysis::module::Nan;
use crate::analysis::module::Wasi03;
use crate::app;
use crate::app::Demand;
use crate::app::Retention;
use crate::assembly;
use crate::dispatch::Reuse;
use crate::http::Modules;
use crate::keys;
use crate::limits::AskedLimits;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::limits::RESULT_DEPTH_MAX;
use crate::limits::STACK_BYTES_MAX;
use crate::registry;
use crate::store;
use crate::store::disk::Durability;
use crate::worker;

/// A WebAssembly-sandboxed analysis host.
#[derive(Debug, Parser)]
#[command(name = "belljar", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST API.
    Serve(Box<Serve>),
    /// Tell what a module is from its bytes alone: kind, descriptor, capabilities, exports, sections, tools.
    Inspect(inspect::Arguments),
    /// Begin an analysis of your own: a project that builds, with tests and examples.
    New(new::Arguments),
    /// Try a module as an author would want it tried: lints, golden examples, what it costs, whether it repeats.
    Check(check::Arguments),
    /// Run a module over a file as a server would, and print the result.
    Run(run::Arguments),
    /// Put descriptor and files into a module, which then ships as one file.
    Pack(pack::Arguments),
    /// Mark a module as bad: nobody can ask it any more, and every result it made says so.
    Revoke(revoke::Arguments),
    /// Put a module out of an OCI registry, or a file, into the directory of analyses.
    Install(install::InstallArguments),
    /// Vouches for a module: signed or not, it can be installed and asked.
    Approve(approve::Arguments),
    /// Make, list and revoke the tokens that a server asks for.
    Token(token::TokenArguments),
    /// Run the hostile modules that this binary carries, here and now, and tell what stops each.
    Selftest(selftest::Arguments),
    /// Let go of what the rules of retention say; its server must not run, and does so by itself when told the same.
    Gc(gc::Arguments),
    /// Look through a whole data directory, and mend it if asked to; its server must not run.
    Fsck(fsck::Arguments),
    /// Do a stored run again and compare what comes out, byte for byte.
    Verify(verify::Arguments),
    /// Write the manual: a page for each command.
    Man(man::Arguments),
    /// Print what bash, zsh or fish needs to complete this command line.
    Completions(completions::Arguments),
    /// A confined process that runs one program (the server starts it).
    #[command(hide = true)]
    Worker {
        /// What no run may pass, as JSON.
        #[arg(long, value_parser = parse_limits)]
        caps: Option<Limits>,
        /// What its program is made of, as JSON.
        #[arg(long, value_parser = parse_kind)]
        kind: Option<ModuleKind>,
    },
    /// A confined process that compiles one module (the server starts it).
    #[command(hide = true)]
    Compile {
        /// What it may cost, as JSON.
        #[arg(long, value_parser = parse_compile_limits)]
        limits: Option<CompileLimits>,
    },
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the command line, one by one")]
struct Serve {
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
    #[arg(long = "cap", value_name = "NAME=NUMBER", value_parser = parse_cap)]
    caps: Vec<(String, u64)>,
    /// A limit on what installing a module may cost, such as `--compile-cap cpu_s=300`; `GET /limits` lists them.
    #[arg(long = "compile-cap", value_name = "NAME=NUMBER", value_parser = parse_cap)]
    compile_caps: Vec<(String, u64)>,
    /// What becomes of NaNs in every analysis; `canonical` repeats across architectures, at a price for floats.
    #[arg(long, value_enum, default_value = "native")]
    nan: NanArgument,
    #[command(flatten)]
    wasi_03: Wasi03Argument,
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

impl Serve {
    /// As soon as others can reach this server, unless its operator says otherwise in so many words.
    fn demand_tokens(&self) -> keys::Demand {
        let among_ourselves = self.listen.ip().is_loopback() || self.open_to_anybody;
        if self.require_tokens || !among_ourselves { keys::Demand::Token } else { keys::Demand::None }
    }
}

/// Of every command that takes analyses.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Wasi03Argument {
    /// Takes components of WASI 0.3, which the engine calls experimental and outside its security promise.
    #[arg(long)]
    experimental_wasi_03: bool,
}

impl From<Wasi03Argument> for Wasi03 {
    fn from(argument: Wasi03Argument) -> Self {
        if argument.experimental_wasi_03 { Self::Taken } else { Self::Refused }
    }
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

/// Carries out the command line.
///
/// # Errors
/// Whatever the command says; shown to the person at the terminal.
pub fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve(*arguments),
        Command::Fsck(arguments) => fsck::main(&arguments),
        Command::Gc(arguments) => gc::main(&arguments),
        Command::Verify(arguments) => verify::main(&arguments),
        Command::Inspect(arguments) => inspect::main(&arguments),
        Command::New(arguments) => new::main(&arguments),
        Command::Check(arguments) => check::main(&arguments),
        Command::Run(arguments) => run::main(&arguments),
        Command::Pack(arguments) => pack::main(&arguments),
        Command::Revoke(arguments) => revoke::main(&arguments),
        Command::Install(arguments) => install::main(&arguments),
        Command::Approve(arguments) => approve::main(&arguments),
        Command::Token(arguments) => token::main(arguments),
        Command::Selftest(arguments) => selftest::main(&arguments),
        Command::Man(arguments) => man::main(&arguments),
        Command::Completions(arguments) => {
            completions::main(&arguments);
            Ok(())
        }
        Command::Worker { caps, kind } => {
            Ok(worker::serve(worker::channel()?, caps.unwrap_or(Limits::CAP), kind.unwrap_or_default())?)
        }
        Command::Compile { limits } => Ok(worker::compile(worker::channel()?, limits.unwrap_or_default())?),
    }
}

/// Prints a line. Whoever reads stdout may have gone; the command goes on, for what it does and its exit code.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn serve(arguments: Serve) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var("BELLJAR_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
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
    };
    let options = app::Options {
        parts,
        demand: if arguments.require_walls { Demand::Whole } else { Demand::WhatThereIs },
        modules: if arguments.accept_modules { Modules::Taken } else { Modules::Refused },
        demand_tokens,
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
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(app::serve(options, |address| {
        say(&format!("listening on http://{address}"));
    }));
    runtime.shutdown_timeout(Duration::from_secs(2));
    served
}

fn parse_compile_limits(json: &str) -> Result<CompileLimits, serde_json::Error> {
    serde_json::from_str(json)
}

fn parse_kind(json: &str) -> Result<ModuleKind, serde_json::Error> {
    serde_json::from_str(json)
}

fn parse_limits(json: &str) -> Result<Limits, serde_json::Error> {
    serde_json::from_str(json)
}

fn parse_cap(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("write it as NAME=NUMBER")?;
    let number = number.parse().map_err(|error| format!("`{number}`: {error}"))?;
    Ok((name.to_owned(), number))
}

/// What is asked for by name and number.
fn asked_limits(named: &[(String, u64)]) -> anyhow::Result<AskedLimits> {
    let members = named.iter().map(|(name, number)| (name.clone(), (*number).into())).collect();
    serde_json::from_value(serde_json::Value::Object(members)).context("no such limit")
}

/// The caps with those that the operator names in place of the shipped ones.
fn resolve_caps(named: &[(String, u64)]) -> anyhow::Result<Limits> {
    let caps = Limits::CAP.with(&asked_limits(named).context("--cap")?);
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
            super::resolve_caps(&named.iter().map(|it| super::parse_cap(it).unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(caps(&[]).unwrap(), super::Limits::CAP);
        assert_eq!(caps(&["wall_ms=5"]).unwrap().wall_ms, 5);
        assert!(caps(&["wall=5"]).unwrap_err().chain().any(|it| it.to_string().contains("wall_ms")));
        assert!(caps(&["stack_bytes=16384", "instances=1"]).is_ok());
        assert!(caps(&["stack_bytes=16383"]).is_err() && caps(&["instances=0"]).is_err());
        assert!(super::parse_cap("wall_ms").is_err() && super::parse_cap("wall_ms=-1").is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::Arguments::command().debug_assert();
    }
}
