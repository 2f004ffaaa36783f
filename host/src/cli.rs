//! The command line.

use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::app;
use crate::limits::CompileLimits;
use crate::limits::Limits;
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
    Serve(Serve),
    /// A confined process that runs one program (the server starts it).
    #[command(hide = true)]
    Worker,
    /// A confined process that compiles one module (the server starts it).
    #[command(hide = true)]
    Compile,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Where everything is stored.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A directory of `.wasm` files to install at start.
    #[arg(long)]
    analyses: Option<PathBuf>,
    /// Runs at the same time; two per core if left out.
    #[arg(long)]
    workers: Option<std::num::NonZeroUsize>,
    /// What an answer waits for: the disk, or the page cache.
    #[arg(long, value_enum, default_value = "full")]
    durability: DurabilityArgument,
    /// Longest upload, bytes.
    #[arg(long, default_value_t = 4 << 30)]
    upload_bytes_max: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DurabilityArgument {
    Full,
    Process,
}

/// Carries out the command line.
///
/// # Errors
/// Whatever the command says; shown to the person at the terminal.
pub fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve(arguments),
        Command::Worker => Ok(worker::serve(channel()?, Limits::CAP)?),
        Command::Compile => Ok(worker::compile(channel()?, CompileLimits::DEFAULT)?),
    }
}

fn serve(arguments: Serve) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var("BELLJAR_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = app::Options {
        data: arguments.data,
        listen: arguments.listen,
        analyses: arguments.analyses,
        workers: arguments.workers.map_or(2 * cores, usize::from),
        durability: match arguments.durability {
            DurabilityArgument::Full => Durability::Full,
            DurabilityArgument::Process => Durability::Process,
        },
        upload_bytes_max: arguments.upload_bytes_max,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(app::serve(options, |address| {
        // Whoever reads stdout may have gone; the server has not.
        drop(writeln!(std::io::stdout(), "listening on http://{address}"));
    }));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    served
}

/// The channel to the server: descriptor 0.
fn channel() -> anyhow::Result<std::os::fd::OwnedFd> {
    std::io::stdin().as_fd().try_clone_to_owned().context("no channel at descriptor 0")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::Arguments::command().debug_assert();
    }
}
