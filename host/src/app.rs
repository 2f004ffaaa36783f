//! The server put together: what starts in which order, and what ends.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::assembly;
use crate::confine;
use crate::http;
use crate::http::Api;
use crate::http::Modules;
use crate::http::serve::CONNECTIONS_MAX;
use crate::registry;
use crate::registry::Origin;
use crate::registry::Registry;

/// The modules that ship with the server.
const SHIPPED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Modules of clients held in memory at the same time; each is at most as long as a module may be.
const INTAKES_MAX: usize = 4;

/// Everything a server is told.
#[derive(Debug)]
pub struct Options {
    pub parts: assembly::Options,
    pub listen: SocketAddr,
    pub analyses: Option<PathBuf>,
    pub upload_bytes_max: u64,
    pub demand: Demand,
    pub modules: Modules,
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
    let parts = assembly::assemble(options.parts).await?;
    let lacking = parts.walls.lacking();
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
    install(&parts.registry, options.analyses.as_deref()).await?;
    let recovered = parts.dispatch.recover().await.context("cannot take up the queue")?;
    if recovered > 0 {
        tracing::info!(runs = recovered, "took up the runs of a former server");
    }
    let api = Api {
        parts,
        upload_bytes_max: options.upload_bytes_max,
        modules: options.modules,
        intakes: Arc::new(Semaphore::new(INTAKES_MAX)),
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

async fn install(registry: &Registry, directory: Option<&Path>) -> anyhow::Result<()> {
    let shipped = stream::iter(SHIPPED);
    shipped
        .for_each_concurrent(registry::INSTALLS_AT_ONCE, async |(name, module)| {
            if let Err(error) = registry.install(module, Origin::Shipped).await {
                tracing::error!(analysis = name, %error, "a shipped analysis is refused");
            }
        })
        .await;
    if let Some(directory) = directory {
        let refused = registry.install_directory(directory).await;
        for (path, error) in refused.with_context(|| format!("cannot read {}", directory.display()))? {
            tracing::error!(path = %path.display(), %error, "an analysis is refused");
        }
    }
    for (name, error) in registry.install_named().await.context("cannot read the names of analyses")? {
        tracing::error!(analysis = %name, %error, "an analysis that was sent to this server cannot be restored");
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
