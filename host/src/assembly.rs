//! Store, registry and dispatch put together over one data directory: what a server works with, and what the self-test
//! works with in its place. Nothing is installed and nothing runs yet.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::module::Manner;
use crate::analysis::module::Nan;
use crate::analysis::signature::TrustedKeys;
use crate::dispatch::Dispatch;
use crate::dispatch::Ports;
use crate::dispatch::Reuse;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::notify;
use crate::notify::Notifier;
use crate::pool::nursery::Nursery;
use crate::pool::process::Process;
use crate::pool::worker::Terms;
use crate::quota::Ledger;
use crate::registry;
use crate::registry::Registry;
use crate::registry::quarantine::Unsigned;
use crate::registry::workshop::Workshop;
use crate::sandbox::engine;
use crate::store;
use crate::store::OpenError;
use crate::store::Store;
use crate::store::audit::AuditLog;
use crate::store::cache::ProgramCache;
use crate::store::disk::Durability;
use crate::store::tenants::Stores;
use crate::telemetry::Metrics;
use crate::telemetry::spans::Spans;
use crate::time::Clock;
use crate::time::SystemClock;
use crate::wire::Walls;

/// What has to be decided first.
#[derive(Debug, Clone)]
pub struct Options {
    pub data: PathBuf,
    pub store: store::Options,
    /// Runs at the same time.
    pub workers: usize,
    /// Runs accepted and not ended.
    pub queue_max: usize,
    /// Servers that may die while a run has a worker, before it is given up.
    pub crashes_max: u32,
    pub registry: registry::Rules,
    /// Whose signatures on modules count.
    pub keys: Arc<TrustedKeys>,
    pub reuse: Reuse,
    pub caps: Limits,
    pub compile_limits: CompileLimits,
    pub manner: Manner,
    pub notify: notify::Options,
    pub audit: Audit,
    /// Who is told of requests and runs that have ended.
    pub spans: Option<Arc<dyn Spans>>,
    /// Programs from before, for a data directory that vanishes.
    pub cache: Option<ProgramCache>,
}

/// Whether it is noted who asks what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audit {
    Kept,
    Not,
}

impl Options {
    /// For one run at a time in a directory that vanishes afterwards.
    #[must_use]
    pub fn for_one(data: PathBuf) -> Self {
        Self {
            data,
            store: store::Options { durability: Durability::Process, reserve_bytes: 0, probe: None },
            workers: 1,
            queue_max: 1,
            crashes_max: 1,
            registry: registry::Rules { clients_max: 0, versions_kept: 1, unsigned: Unsigned::Allow },
            keys: Arc::default(),
            reuse: Reuse::Warm,
            caps: Limits::CAP,
            compile_limits: CompileLimits::DEFAULT,
            manner: Manner::DEFAULT,
            notify: notify::Options::none(),
            audit: Audit::Not,
            spans: None,
            cache: None,
        }
    }
}

/// The parts, each knowing those that it needs.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// Of the tenant that it works for.
    pub store: Arc<Store>,
    pub stores: Arc<Stores>,
    pub registry: Arc<Registry>,
    pub dispatch: Arc<Dispatch>,
    pub notifier: Arc<Notifier>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    /// What holders of tokens have used.
    pub ledger: Arc<Ledger>,
    pub audit: Option<Arc<AuditLog>>,
    pub caps: Limits,
    pub compile_limits: CompileLimits,
    /// What confined a worker just now.
    pub walls: Walls,
}

/// Why they cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    #[error("cannot open {}", .0.display())]
    Store(PathBuf, #[source] OpenError),
    #[error("the engine does not work on this machine: {0}")]
    Engine(String),
    #[error("no worker comes up")]
    Worker(#[source] io::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Puts them together; starts one worker, to see what will confine the others.
///
/// # Errors
/// [`AssemblyError`].
pub async fn assemble(options: Options) -> Result<Assembly, AssemblyError> {
    let (data, store_options) = (options.data.clone(), options.store.clone());
    let opened = tokio::task::spawn_blocking(move || Store::open(&data, store_options)).await;
    let opened = opened.map_err(io::Error::other)?;
    let store = Arc::new(opened.map_err(|error| AssemblyError::Store(options.data, error))?);
    let fingerprint = engine::fingerprint().map_err(|error| AssemblyError::Engine(format!("{error:#}")))?;
    // Programs of one manner are not taken for programs of the other.
    let fingerprint = if options.manner.nan == Nan::Canonical { format!("{fingerprint}-nan") } else { fingerprint };
    let nursery = Nursery::open()?;
    let walls = Process::start(&nursery, &["worker"]).await.map_err(AssemblyError::Worker)?.walls;
    let compile_limits = CompileLimits {
        memory_initial_bytes: options.caps.memory_bytes.min(options.compile_limits.memory_initial_bytes),
        table_elements_initial: options.caps.table_elements.min(options.compile_limits.table_elements_initial),
        ..options.compile_limits
    };
    let metrics = Arc::new(Metrics::new(&fingerprint, options.spans));
    let terms = Terms { caps: options.caps, walls };
    let workshop = Workshop {
        store: Arc::clone(&store),
        nursery: nursery.clone(),
        fingerprint,
        limits: compile_limits,
        manner: options.manner,
        terms,
        keys: options.keys,
        cache: options.cache,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let registry = Arc::new(Registry::new(workshop, options.registry, Arc::clone(&clock)));
    let ports = (Arc::clone(&clock), Arc::clone(&metrics));
    let stores = Arc::new(Stores::new(Arc::clone(&store))?);
    let notifier = Arc::new(Notifier::open(options.notify, Arc::clone(&stores), ports)?);
    let ledger = Arc::new(Ledger::default());
    ledger.restore(store.spent()?);
    let audit = match options.audit {
        Audit::Kept => Some(Arc::new(store.audit_log()?)),
        Audit::Not => None,
    };
    let dispatch = Arc::new(Dispatch::new(Ports {
        stores: Arc::clone(&stores),
        registry: Arc::clone(&registry),
        nursery,
        clock: Arc::clone(&clock),
        workers_max: options.workers,
        queue_max: options.queue_max,
        crashes_max: options.crashes_max,
        reuse: options.reuse,
        terms,
        metrics: Arc::clone(&metrics),
        notifier: Arc::clone(&notifier),
        ledger: Arc::clone(&ledger),
        audit: audit.clone(),
    }));
    Ok(Assembly {
        store,
        stores,
        registry,
        dispatch,
        notifier,
        clock,
        metrics,
        ledger,
        audit,
        caps: options.caps,
        compile_limits,
        walls,
    })
}
