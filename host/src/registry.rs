//! The analyses that can be run, by name.

pub mod package;
mod sweep;
pub mod workshop;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Mutex;

use self::sweep::InHand;
use self::workshop::Analysis;
use self::workshop::InstallError;
use self::workshop::Workshop;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;

/// Compiling processes at the same time, at start.
pub const INSTALLS_AT_ONCE: usize = 2;

/// All of them.
#[derive(Debug)]
pub struct Registry {
    workshop: Workshop,
    by_name: RwLock<BTreeMap<AnalysisName, Installed>>,
    /// One client's module at a time, from its bytes to its name: so that the name on disk is the name in memory.
    placing: Mutex<()>,
    /// See [`Self::clients_max`].
    clients_max: usize,
    in_hand: InHand,
}

#[derive(Debug)]
struct Installed {
    analysis: Arc<Analysis>,
    origin: Origin,
}

/// Where an analysis came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// With this server.
    Shipped,
    /// From the operator's directory.
    Directory,
    /// From a client.
    Client,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shipped => "ships with this server",
            Self::Directory => "comes from the operator's directory",
            Self::Client => "was sent by a client",
        })
    }
}

/// Whether a name meant something before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    New,
    InsteadOf,
}

/// Why a client's module gets no name, or keeps it.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("`{0}` {1}, and only there can be changed")]
    Taken(AnalysisName, Origin),
    #[error("no such analysis is installed")]
    NoSuch,
    #[error("{0} analyses of clients are installed, and there may be no more; remove one first")]
    Full(usize),
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl Registry {
    /// None yet; of clients, there will be at most so many.
    #[must_use]
    pub fn new(workshop: Workshop, clients_max: usize) -> Self {
        Self {
            workshop,
            by_name: RwLock::default(),
            placing: Mutex::default(),
            clients_max,
            in_hand: InHand::default(),
        }
    }

    /// Which engine programs are made for.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.workshop.fingerprint
    }

    /// Analyses that clients may have installed at the same time.
    #[must_use]
    pub fn clients_max(&self) -> usize {
        self.clients_max
    }

    /// The analysis that answers to a name, by itself or by number.
    #[must_use]
    pub fn find(&self, name: &AnalysisName) -> Option<Arc<Analysis>> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        answering(&by_name, name).map(|it| Arc::clone(&it.analysis))
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Analysis>> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.values().map(|it| Arc::clone(&it.analysis)).collect()
    }

    /// Those that take files of that media type, by name.
    #[must_use]
    pub fn accepting(&self, media_type: &str) -> Vec<Arc<Analysis>> {
        let mut all = self.all();
        all.retain(|it| it.descriptor.accepts(media_type));
        all
    }

    /// Installs every `.wasm` of a directory; those refused are told with their reasons.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn install_directory(&self, directory: &Path) -> io::Result<Vec<(PathBuf, InstallError)>> {
        let mut paths = std::fs::read_dir(directory)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| path.extension().is_some_and(|it| it == "wasm"));
        paths.sort();
        let installing = paths.into_iter().map(async |path| {
            let error = self.install_file(&path).await.err()?;
            Some((path, error))
        });
        Ok(stream::iter(installing).buffered(INSTALLS_AT_ONCE).filter_map(std::future::ready).collect().await)
    }

    async fn install_file(&self, path: &Path) -> Result<Arc<Analysis>, InstallError> {
        let path = path.to_owned();
        let packed = tokio::task::spawn_blocking(move || package::read(&path)).await;
        let packed = packed.map_err(io::Error::other).and_then(|it| it)?;
        self.install(packed.into(), Origin::Directory).await
    }

    /// Installs what clients sent to a former server, where its name is still free; those that cannot be had any more
    /// are told with why.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn install_named(&self) -> io::Result<Vec<(AnalysisName, PlaceError)>> {
        let mut refused = Vec::new();
        for (name, module) in self.workshop.store.names()? {
            let restored = match self.free(&name) {
                Ok(_) => self.workshop.remake(module, Some(&name)).await.map_err(PlaceError::from),
                Err(error) => Err(error),
            };
            match restored {
                Ok(analysis) => drop(self.enter(analysis, Origin::Client)),
                Err(error) => refused.push((name, error)),
            }
        }
        Ok(refused)
    }

    /// Checks, compiles and installs one module under its own name.
    ///
    /// # Errors
    /// [`InstallError`].
    pub async fn install(&self, module: Bytes, origin: Origin) -> Result<Arc<Analysis>, InstallError> {
        let analysis = self.workshop.make(module, None).await?;
        Ok(self.enter(analysis, origin))
    }

    /// Installs a client's module, for this server and those after it; durable on return.
    ///
    /// # Errors
    /// [`PlaceError`]; the name then stands for what it did.
    pub async fn place(&self, name: &AnalysisName, module: Bytes) -> Result<(Arc<Analysis>, Placed), PlaceError> {
        let _one_at_a_time = self.placing.lock().await;
        let placed = self.free(name)?;
        if placed == Placed::New && self.of_clients() >= self.clients_max {
            return Err(PlaceError::Full(self.clients_max));
        }
        let analysis = self.workshop.make(module, Some(name)).await?;
        let (pointed, module) = (name.clone(), analysis.module);
        self.workshop.on_disk(move |store| store.point(&pointed, module)).await.map_err(InstallError::Io)?;
        Ok((self.enter(analysis, Origin::Client), placed))
    }

    /// Takes a client's analysis off the list; its results stay, and so do the runs that were promised it.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn displace(&self, name: &AnalysisName) -> Result<(), PlaceError> {
        let _one_at_a_time = self.placing.lock().await;
        if self.free(name)? == Placed::New {
            return Err(PlaceError::NoSuch);
        }
        let pointed = name.clone();
        self.workshop.on_disk(move |store| store.unpoint(&pointed)).await.map_err(InstallError::Io)?;
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }

    /// A module that was installed once and need not be any more, for the runs that were promised it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn revive(&self, module: ModuleDigest) -> Result<Arc<Analysis>, InstallError> {
        if let Some(current) = self.all().into_iter().find(|it| it.module == module) {
            return Ok(current);
        }
        let analysis = self.workshop.remake(module, None).await.map(Arc::new)?;
        self.in_hand.note(&analysis);
        Ok(analysis)
    }

    fn of_clients(&self) -> usize {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.values().filter(|it| it.origin == Origin::Client).count()
    }

    /// Whether a client may give or take that name, and whether it means something.
    fn free(&self, name: &AnalysisName) -> Result<Placed, PlaceError> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        match answering(&by_name, name).map(|it| it.origin) {
            Some(origin @ (Origin::Shipped | Origin::Directory)) => Err(PlaceError::Taken(name.clone(), origin)),
            Some(Origin::Client) | None if !by_name.contains_key(name) => Ok(Placed::New),
            Some(Origin::Client) | None => Ok(Placed::InsteadOf),
        }
    }

    fn enter(&self, analysis: Analysis, origin: Origin) -> Arc<Analysis> {
        let analysis = Arc::new(analysis);
        self.in_hand.note(&analysis);
        let installed = Installed { analysis: Arc::clone(&analysis), origin };
        let name = analysis.descriptor.name.clone();
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name, installed);
        analysis
    }
}

/// What a name means, by itself or by number.
fn answering<'a>(by_name: &'a BTreeMap<AnalysisName, Installed>, name: &AnalysisName) -> Option<&'a Installed> {
    by_name.get(name).or_else(|| {
        let stem = name.without_number()?;
        by_name.get(&stem).filter(|it| it.analysis.descriptor.numbered)
    })
}
