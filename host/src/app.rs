//! The server put together: what starts in which order, and what ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::net::TcpListener;

use crate::analysis::module::Nan;
use crate::confine;
use crate::dispatch::Dispatch;
use crate::dispatch::Ports;
use crate::dispatch::Reuse;
use crate::http;
use crate::http::Api;
use crate::http::serve::CONNECTIONS_MAX;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::pool::nursery::Nursery;
use crate::pool::process::Process;
use crate::pool::worker::Terms;
use crate::registry;
use crate::registry::Registry;
use crate::registry::workshop::Workshop;
use crate::sandbox::engine;
use crate::store;
use crate::store::Store;
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
    pub queue_max: usize,
    pub reuse: Reuse,
    pub store: store::Options,
    pub upload_bytes_max: u64,
    pub caps: Limits,
    pub compile_limits: CompileLimits,
    /// What becomes of NaNs where a descriptor does not say.
    pub nan: Nan,
    pub demand: Demand,
}

/// How much of the second wall must stand for a server to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// What this kernel has; the log and `/readyz` tell what is lacking.
    WhatThereIs,
    Whole,
}

/// Runs a server until it is told to stop; `listening` gets its address.
///
/// # Errors
/// When it cannot start.
pub async fn serve(options: Options, listening: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let (data, store_options) = (options.data.clone(), options.store);
    let opened = tokio::task::spawn_blocking(move || Store::open(&data, store_options)).await?;
    let store = Arc::new(opened.with_context(|| format!("cannot open {}", options.data.display()))?);
    let nan = options.nan;
    let fingerprint = engine::fingerprint().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    // Programs of one manner are not taken for programs of the other.
    let fingerprint = if nan == Nan::Canonical { format!("{fingerprint}-nan") } else { fingerprint };
    let nursery = Nursery::open()?;
    let walls = Process::start(&nursery, &["worker"]).await.context("no worker comes up")?.walls;
    let lacking = walls.lacking();
    match options.demand {
        Demand::Whole if !lacking.is_empty() => {
            anyhow::bail!("the second wall is not whole, and --require-walls wants it so: {}", lacking.join("; "))
        }
        Demand::WhatThereIs | Demand::Whole => {
            for what in lacking {
                tracing::warn!("the second wall is not whole: {what}");
            }
        }
    }
    let compile_limits = CompileLimits {
        memory_initial_bytes: options.caps.memory_bytes.min(options.compile_limits.memory_initial_bytes),
        table_elements_initial: options.caps.table_elements.min(options.compile_limits.table_elements_initial),
        ..options.compile_limits
    };
    let workshop =
        Workshop { store: Arc::clone(&store), nursery: nursery.clone(), fingerprint, limits: compile_limits, nan };
    let registry = Arc::new(Registry::new(workshop));
    install(&registry, &options).await?;
    let clock = Arc::new(SystemClock);
    let dispatch = Arc::new(Dispatch::new(Ports {
        store: Arc::clone(&store),
        registry: Arc::clone(&registry),
        nursery,
        clock: clock.clone(),
        workers_max: options.workers,
        queue_max: options.queue_max,
        reuse: options.reuse,
        terms: Terms { caps: options.caps, walls },
    }));
    let recovered = dispatch.recover().await.context("cannot take up the queue")?;
    if recovered > 0 {
        tracing::info!(runs = recovered, "took up the runs of a former server");
    }
    let api = Api {
        store,
        registry,
        dispatch,
        clock,
        caps: options.caps,
        compile_limits,
        upload_bytes_max: options.upload_bytes_max,
        walls,
    };
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    listening(listener.local_addr()?);
    // A connection may hold a file beside its socket; the rest is for runs and the store.
    let connections_max =
        usize::try_from(confine::raise_descriptors()?.saturating_sub(512) / 2)?.clamp(64, CONNECTIONS_MAX);
    http::serve::serve(listener, http::router(api), connections_max, stop()).await;
    // Workers die with the runtime; their runs are still in the queue.
    Ok(())
}

async fn install(registry: &Registry, options: &Options) -> anyhow::Result<()> {
    let shipped = stream::iter(SHIPPED);
    shipped
        .for_each_concurrent(registry::INSTALLS_AT_ONCE, async |(name, module)| {
            if let Err(reasons) = registry.install(module).await {
                tracing::error!(analysis = name, ?reasons, "a shipped analysis is refused");
            }
        })
        .await;
    if let Some(directory) = &options.analyses {
        let refused = registry.install_directory(directory).await;
        for (path, reasons) in refused.with_context(|| format!("cannot read {}", directory.display()))? {
            tracing::error!(path = %path.display(), ?reasons, "an analysis is refused");
        }
    }
    tracing::info!(analyses = registry.all().len(), "installed");
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
