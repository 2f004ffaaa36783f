//! The server put together: what starts in which order, and what ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::net::TcpListener;

use crate::assembly;
use crate::assembly::Assembly;
use crate::confine;
use crate::dispatch::Dispatch;
use crate::dispatch::retention::Swept;
use crate::http;
use crate::http::Api;
use crate::http::Modules;
use crate::http::Shared;
use crate::http::analyse::Bounds;
use crate::http::buffers::Buffers;
use crate::http::openapi::Openapi;
use crate::http::origin::Names;
use crate::http::resumable;
use crate::http::resumable::Resumable;
use crate::keys;
use crate::keys::Keys;
use crate::places::Places;
use crate::registry;
use crate::registry::Origin;
use crate::registry::Registry;
use crate::registry::directory::Change;
use crate::registry::directory::Directory;
use crate::store::retention::Rules;

/// The modules that ship with the server.
const SHIPPED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Modules of clients held in memory at the same time; each is at most as long as a module may be.
const INTAKES_MAX: usize = 4;

/// How often it is looked whether room is low.
const ROOM_EVERY: Duration = Duration::from_secs(5);

/// Between two attempts to take up what a former server left.
const RECOVER_EVERY: Duration = Duration::from_secs(2);

/// How often the directory of analyses is looked at; what has changed counts at the second look.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// How often it is looked which modules are revoked.
const HEED_EVERY: Duration = Duration::from_secs(1);

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

/// Runs a server until it is told to stop; `listening` gets its address.
///
/// # Errors
/// When it cannot start.
pub async fn serve(options: Options, listening: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let data = options.parts.data.clone();
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
    parts.registry.learn_marks().await.context("cannot read which modules are revoked or approved")?;
    let directory = install(&parts.registry, &options.shipped, options.analyses).await?;
    tokio::spawn(heed_marks(Arc::clone(&parts.registry)));
    if let Some(directory) = directory {
        tokio::spawn(follow(directory, Arc::clone(&parts.registry)));
    }
    let recovered = parts.dispatch.recover().await.context("cannot take up the queue")?;
    if recovered.taken_up > 0 {
        tracing::info!(runs = recovered.taken_up, "took up the runs of a former server");
    }
    parts.notifier.resume();
    if recovered.left > 0 {
        tokio::spawn(recover_the_rest(Arc::clone(&parts.dispatch)));
    }
    if !options.retention.rules.say_nothing() {
        tokio::spawn(retain(parts.clone(), options.retention));
    }
    let store = Arc::clone(&parts.store);
    let keys = Arc::new(Keys::new(options.demand_tokens, data));
    if keys.demand() == keys::Demand::Token {
        if keys.learn().context("cannot read which tokens there are")? == 0 {
            tracing::warn!("nobody is let in yet: there is no token; make one by `belljar token create`");
        }
        tokio::spawn(heed_tokens(Arc::clone(&keys)));
    }
    let api = Api::from(Shared {
        parts,
        retention: options.retention.rules,
        keys,
        upload_bytes_max: options.upload_bytes_max,
        modules: options.modules,
        intakes: Places::new(INTAKES_MAX),
        questions: Bounds::default(),
        names: Names::new(options.listen, options.names),
        openapi: Openapi::default(),
        sending: Buffers::default(),
        resumable: Resumable::new(options.partial_max, options.retention.partial),
    });
    resumable::recover(&api).await.context("cannot take up the uploads that come in pieces")?;
    tokio::spawn(expire(api.clone(), options.retention.every));
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    listening(listener.local_addr()?);
    // A connection may hold a file beside its socket; the rest is for runs and the store.
    let possible = usize::try_from(confine::raise_descriptors()?.saturating_sub(512) / 2)?.max(64);
    http::serve::serve(listener, http::router(api), options.connections_max.min(possible), stop()).await;
    // Workers die with the runtime; their runs are still in the queue.
    store.say_stopped().context("cannot say that this server stops on purpose")
}

/// What could not be taken up at the start is tried again, until nothing is left.
async fn recover_the_rest(dispatch: Arc<Dispatch>) {
    loop {
        tokio::time::sleep(RECOVER_EVERY).await;
        match dispatch.recover().await {
            Ok(recovered) if recovered.left == 0 => return,
            Ok(_) => (),
            Err(error) => tracing::error!(%error, "the queue cannot be read"),
        }
    }
}

/// Lets go of what the rules say: what has expired at its times, and for room as soon as it is low.
async fn retain(parts: Assembly, Retention { rules, every, .. }: Retention) {
    let mut last: Option<Instant> = None;
    loop {
        let low = parts.dispatch.free().await.is_ok_and(|free| free.is_low(&rules));
        if low || last.is_none_or(|last| last.elapsed() >= every) {
            match parts.dispatch.sweep(rules).await {
                Ok(swept) if swept != Swept::default() => {
                    tracing::info!(expired = swept.expired, for_room = swept.for_room, "uploads went");
                }
                Ok(_) => (),
                Err(error) => tracing::error!(%error, "what is to go cannot be found or removed"),
            }
            last = Some(Instant::now());
        }
        tokio::time::sleep(ROOM_EVERY.min(every)).await;
    }
}

/// Gives up uploads that nobody goes on with, forgets what was deleted long ago and removes modules that nothing stands
/// for, whatever the rules say.
async fn expire(api: Api, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match resumable::sweep(&api).await {
            Ok(0) => (),
            Ok(given_up) => tracing::info!(given_up, "uploads were abandoned"),
            Err(error) => tracing::error!(%error, "abandoned uploads cannot be found or removed"),
        }
        if let Err(error) = api.parts.dispatch.forget_gone().await {
            tracing::error!(%error, "what was deleted long ago cannot be found or forgotten");
        }
        match api.parts.registry.sweep().await {
            Ok(0) => (),
            Ok(modules) => tracing::info!(modules, "modules went that nothing stood for"),
            Err(error) => tracing::error!(%error, "modules that nothing stands for cannot be found or removed"),
        }
    }
}

async fn install(
    registry: &Registry,
    shipped: &Shipped,
    analyses: Option<PathBuf>,
) -> anyhow::Result<Option<Directory>> {
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
            tell(&changes);
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

/// The operator may revoke and approve modules beside this server.
async fn heed_marks(registry: Arc<Registry>) {
    loop {
        tokio::time::sleep(HEED_EVERY).await;
        if let Err(error) = registry.learn_marks().await {
            tracing::error!(%error, "it cannot be read which modules are revoked or approved");
        }
        match registry.release().await {
            Ok(released) => {
                for it in released {
                    tracing::info!(analysis = %it.descriptor.name, module = %it.module, "left quarantine");
                }
            }
            Err(error) => tracing::error!(%error, "an analysis cannot leave quarantine"),
        }
    }
}

/// The operator may make and revoke tokens beside this server.
async fn heed_tokens(keys: Arc<Keys>) {
    loop {
        tokio::time::sleep(HEED_EVERY).await;
        let keys = Arc::clone(&keys);
        match tokio::task::spawn_blocking(move || keys.learn()).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => tracing::error!(%error, "it cannot be read which tokens there are"),
            Err(error) => tracing::error!(%error, "it was not read which tokens there are"),
        }
    }
}

/// Follows the operator's directory.
async fn follow(mut directory: Directory, registry: Arc<Registry>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match directory.look(&registry).await {
            Ok(changes) => tell(&changes),
            Err(error) => tracing::error!(%error, "the directory of analyses cannot be read"),
        }
    }
}

fn tell(changes: &[(PathBuf, Change)]) {
    for (path, change) in changes {
        let path = path.display();
        match change {
            Change::Installed(it) => {
                tracing::info!(%path, analysis = %it.descriptor.name, module = %it.module, "installed an analysis");
            }
            Change::Quarantined(it) => {
                tracing::warn!(%path, analysis = %it.descriptor.name, module = %it.module, "in quarantine until `belljar approve`");
            }
            Change::Refused(error) => tracing::error!(%path, %error, "an analysis is refused"),
            Change::Withdrawn(name) => tracing::info!(%path, analysis = %name, "an analysis is gone"),
        }
    }
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
