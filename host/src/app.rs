//! The server put together: what starts in which order, and what ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::dispatch::Dispatch;
use crate::http;
use crate::http::Api;
use crate::limits::Limits;
use crate::pool::Process;
use crate::registry::Registry;
use crate::sandbox::engine;
use crate::store::Store;
use crate::store::disk::Durability;
use crate::time::SystemClock;

/// The modules that ship with the server.
const SHIPPED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Everything a server is told.
#[derive(Debug)]
pub struct Options {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub analyses: Option<PathBuf>,
    pub workers: usize,
    pub durability: Durability,
    pub upload_bytes_max: u64,
}

/// Runs a server until it is told to stop; `listening` gets its address.
///
/// # Errors
/// When it cannot start.
pub async fn serve(options: Options, listening: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let data = options.data.display().to_string();
    let store = Store::open(&options.data, options.durability).with_context(|| format!("cannot open {data}"))?;
    let store = Arc::new(store);
    let fingerprint = engine::fingerprint().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let registry = Arc::new(Registry::new(Arc::clone(&store), fingerprint));
    let walls = Process::start("worker").await.context("no worker comes up")?.walls.clone();
    if walls.landlock != "enforced" || !walls.seccomp {
        tracing::warn!(?walls, "the second wall is not whole on this kernel");
    }
    install(&registry, &options).await?;
    let clock = Arc::new(SystemClock);
    let dispatch = Arc::new(Dispatch::new(Arc::clone(&store), Arc::clone(&registry), clock.clone(), options.workers));
    let recovered = dispatch.recover().context("cannot read the queue")?;
    if recovered > 0 {
        tracing::info!(runs = recovered, "took up the runs of a former server");
    }
    let api =
        Api { store, registry, dispatch, clock, caps: Limits::CAP, upload_bytes_max: options.upload_bytes_max, walls };
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    listening(listener.local_addr()?);
    http::serve::serve(listener, http::router(api), stop()).await;
    // Workers die with the runtime; their runs are still in the queue.
    Ok(())
}

async fn install(registry: &Registry, options: &Options) -> anyhow::Result<()> {
    for (name, module) in SHIPPED {
        if let Err(reasons) = registry.install(module, None).await {
            tracing::error!(analysis = name, ?reasons, "a shipped analysis is refused");
        }
    }
    if let Some(directory) = &options.analyses {
        let refused = registry.install_directory(directory).await;
        for (path, reasons) in refused.with_context(|| format!("cannot read {}", directory.display()))? {
            tracing::error!(path = %path.display(), ?reasons, "an analysis is refused");
        }
    }
    Ok(())
}

/// SIGTERM or ctrl-c.
async fn stop() {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "signals cannot be heard; stop this server by its process id");
            std::future::pending().await
        }
    }
}
