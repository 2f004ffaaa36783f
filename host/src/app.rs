//! The server put together: what starts in which order, and what ends.

mod tasks;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::net::TcpListener;

use crate::assembly;
use crate::assembly::Assembly;
use crate::assembly::Audit;
use crate::confine;
use crate::http;
use crate::http::Api;
use crate::http::Clear;
use crate::http::Modules;
use crate::http::Shared;
use crate::http::analyse::Bounds;
use crate::http::buffers::Buffers;
use crate::http::cors;
use crate::http::cors::Cors;
use crate::http::openapi::Openapi;
use crate::http::origin::Names;
use crate::http::resumable;
use crate::http::resumable::Resumable;
use crate::http::rota::Rota;
use crate::http::tls;
use crate::http::tls::Tls;
use crate::keys;
use crate::keys::Keys;
use crate::places::Places;
use crate::registry;
use crate::registry::Origin;
use crate::registry::Registry;
use crate::registry::directory::Change;
use crate::registry::directory::Directory;
use crate::store::Store;
use crate::store::prepared;
use crate::store::retention::Rules;

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
    pub shipped: Shipped,
    pub upload_bytes_max: u64,
    /// Uploads that come in pieces at the same time.
    pub partial_max: usize,
    pub retention: Retention,
    /// That this server answers to, see [`Names`].
    pub names: Vec<String>,
    pub demand_tokens: keys::Demand,
    /// None: in the clear.
    pub tls: Option<tls::Files>,
    /// Pages of other sites that may use this server.
    pub cors: Vec<cors::Origin>,
    /// For how long the audit log is kept.
    pub audit_days: u32,
    /// Connections at the same time, if there are descriptors enough.
    pub connections_max: usize,
    pub demand: Demand,
    pub modules: Modules,
}

/// Which of the analyses that ship with the binary are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shipped {
    All,
    These(Vec<String>),
}

impl FromStr for Shipped {
    type Err = String;

    /// `all`, `none`, or names with commas between them.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let names: Vec<_> = text.split(',').filter(|it| *it != "none").map(str::to_owned).collect();
        match names.iter().find(|name| SHIPPED.iter().all(|(shipped, _)| shipped != name)) {
            Some(other) => Err(format!("no `{other}` ships with this binary; say all, none, or some of its names")),
            None => Ok(Self::These(names)),
        }
    }
}

impl Shipped {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.iter().any(|it| it == name),
        }
    }
}

/// When uploads go, and how often that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    pub rules: Rules,
    pub every: Duration,
    /// How long an upload that comes in pieces is kept without a further one.
    pub partial: Duration,
}

/// How much of the second wall must stand for a server to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// What this kernel has; the log and `/readyz` tell what is lacking.
    WhatThereIs,
    Whole,
}

/// Runs a server until it is told to stop; `listening` gets its scheme and address.
///
/// # Errors
/// When it cannot start.
pub async fn serve(options: Options, listening: impl FnOnce((&str, SocketAddr))) -> anyhow::Result<()> {
    let data = options.parts.data.clone();
    // Whoever has a file amiss learns it before anything is compiled.
    let tls = open_tls(options.tls, options.listen)?;
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
    take_over(&parts).await?;
    let directory = install(&parts.registry, &options.shipped, options.analyses).await?;
    tokio::spawn(tasks::heed_marks(Arc::clone(&parts.registry)));
    if let Some(directory) = directory {
        tokio::spawn(tasks::follow(directory, Arc::clone(&parts.registry)));
    }
    let recovered = parts.dispatch.recover().await.context("cannot take up the queue")?;
    if recovered.taken_up > 0 {
        tracing::info!(runs = recovered.taken_up, "took up the runs of a former server");
    }
    parts.notifier.resume();
    if recovered.left > 0 {
        tokio::spawn(tasks::recover_the_rest(Arc::clone(&parts.dispatch)));
    }
    if !options.retention.rules.say_nothing() {
        tokio::spawn(tasks::retain(parts.clone(), options.retention));
    }
    let store = Arc::clone(&parts.store);
    let keys = Arc::new(Keys::new(options.demand_tokens, data));
    if keys.demand() == keys::Demand::Token {
        if keys.learn().context("cannot read which tokens there are")? == 0 {
            tracing::warn!("nobody is let in yet: there is no token; make one by `belljar token create`");
        }
        tokio::spawn(tasks::heed_tokens(Arc::clone(&keys), Arc::clone(&parts.ledger)));
    }
    keep_books(&parts, options.audit_days);
    let api = Api::from(Shared {
        parts,
        retention: options.retention.rules,
        keys,
        upload_bytes_max: options.upload_bytes_max,
        modules: options.modules,
        intakes: Places::new(INTAKES_MAX),
        room: Rota::of_cores(),
        questions: Bounds::default(),
        names: Names::new(options.listen, options.names),
        cors: Cors::new(options.cors),
        clear: if tls.is_some() { Clear::No } else { Clear::Yes },
        openapi: Openapi::default(),
        sending: Buffers::default(),
        resumable: Resumable::new(options.partial_max, options.retention.partial),
    });
    resumable::recover(&api).await.context("cannot take up the uploads that come in pieces")?;
    tokio::spawn(tasks::expire(api.clone(), options.retention.every));
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    // Heard from before anybody knows that there is a server to stop.
    let (stop, scheme) = (stop(), if tls.is_some() { "https" } else { "http" });
    listening((scheme, listener.local_addr()?));
    // A connection may hold a file beside its socket; the rest is for runs and the store.
    let possible = usize::try_from(confine::raise_descriptors()?.saturating_sub(512) / 2)?.max(64);
    let (router, parts) = (http::router(api.clone()), api.parts.clone());
    drop(api);
    http::serve::serve((listener, tls), router, options.connections_max.min(possible), stop).await;
    close_books(&parts).await?;
    // Workers die with the runtime; their runs are still in the queue.
    store.say_stopped().context("cannot say that this server stops on purpose")
}

/// Makes the programs that a server with these options needs, beside one that works on the same data directory: the next
/// start takes them over, and need not compile before it listens. Gives for how many analyses.
///
/// # Errors
/// When it cannot be done; the start compiles then.
pub async fn prepare(options: Options) -> anyhow::Result<usize> {
    let data = options.parts.data;
    let next = prepared::begin(&data).context("what was prepared before cannot be removed")?;
    let parts = assembly::assemble(assembly::Options { data: next, audit: Audit::Not, ..options.parts }).await?;
    // There may have been no server yet.
    let former = Store::view(&data).ok();
    if let Some(former) = &former {
        former.lend_programs(&parts.store, parts.registry.fingerprint()).context("cannot read what is there")?;
    }
    install(&parts.registry, &options.shipped, options.analyses).await?;
    let installed: BTreeSet<_> = parts.registry.all().iter().map(|it| it.module).collect();
    let mut count = installed.len();
    let needed = former.as_ref().map(Store::needed_at_start).transpose().context("cannot read what is needed")?;
    for module in needed.into_iter().flatten().filter(|it| !installed.contains(it)) {
        let Some(bytes) = former.as_ref().map(|it| it.module(module)).transpose()?.flatten() else { continue };
        match parts.registry.prepare(bytes.into()).await {
            Ok(()) => count += 1,
            Err(error) => tracing::warn!(%module, %error, "a module cannot be prepared"),
        }
    }
    Ok(count)
}

/// What [`prepare`] made for this server, and what a former one was told of modules.
async fn take_over(parts: &Assembly) -> anyhow::Result<()> {
    let (store, engine) = (Arc::clone(&parts.store), parts.registry.fingerprint().to_owned());
    match tokio::task::spawn_blocking(move || store.take_over(&engine)).await? {
        Ok(0) => (),
        Ok(programs) => tracing::info!(programs, "took over what was prepared"),
        Err(error) => tracing::warn!(%error, "what was prepared cannot be taken over"),
    }
    parts.registry.learn_marks().await.context("cannot read which modules are revoked or approved")
}

/// Where there is none, and others can reach this server, that is said.
fn open_tls(files: Option<tls::Files>, listen: SocketAddr) -> anyhow::Result<Option<Arc<Tls>>> {
    let Some(files) = files else {
        if !listen.ip().is_loopback() {
            tracing::warn!("others can read what is sent here, tokens too: give --tls-certificate and --tls-key");
        }
        return Ok(None);
    };
    let tls = Arc::new(Tls::open(files)?);
    tokio::spawn(tasks::renew_tls(Arc::clone(&tls)));
    Ok(Some(tls))
}

/// What is noted of clients in memory, or in the page cache, goes to disk from time to time.
fn keep_books(parts: &Assembly, audit_days: u32) {
    tokio::spawn(tasks::keep_spent(parts.clone()));
    if let Some(audit) = &parts.audit {
        tokio::spawn(tasks::keep_audit(Arc::clone(audit), Arc::clone(&parts.clock), audit_days));
    }
}

/// The last of it.
async fn close_books(parts: &Assembly) -> anyhow::Result<()> {
    tasks::write_spent(parts).await;
    let metrics = Arc::clone(&parts.metrics);
    tokio::task::spawn_blocking(move || metrics.flush()).await?;
    parts.audit.as_ref().map_or(Ok(()), |it| it.sync()).context("cannot write the audit log")
}

async fn install(
    registry: &Registry,
    shipped: &Shipped,
    analyses: Option<PathBuf>,
) -> anyhow::Result<Option<Directory>> {
    tracing::info!("installing analyses; what was not compiled here before takes its time");
    let shipped = stream::iter(SHIPPED.iter().filter(|(name, _)| shipped.has(name)));
    shipped
        .for_each_concurrent(registry::INSTALLS_AT_ONCE, async |(name, module)| {
            if let Err(error) = registry.install(Bytes::from_static(module).into(), Origin::Shipped).await {
                tracing::error!(analysis = name, %error, "a shipped analysis is refused");
            }
        })
        .await;
    let directory = match analyses {
        Some(path) => {
            let mut directory = Directory::new(path.clone());
            let changes = directory.open(registry).await;
            let mut changes = changes.with_context(|| format!("cannot read {}", path.display()))?;
            changes.retain(|(_, change)| matches!(change, Change::Refused(_) | Change::Quarantined(_)));
            tasks::tell(&changes);
            Some(directory)
        }
        None => None,
    };
    for (name, error) in registry.install_named().await.context("cannot read the names of analyses")? {
        tracing::error!(analysis = %name, %error, "an analysis that was sent to this server cannot be restored");
    }
    tracing::info!(analyses = registry.all().len(), "installed");
    Ok(directory)
}

/// SIGTERM or ctrl-c, from when this is called.
fn stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        match signals {
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
}
