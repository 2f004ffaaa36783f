//! The analyses that can be run, by name.

pub mod directory;
mod entry;
mod installing;
mod marks;
pub mod package;
pub mod quarantine;
pub mod selector;
mod sweep;
pub mod workshop;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockWriteGuard;

use tokio::sync::Mutex;

use self::entry::Entry;
use self::marks::Marks;
use self::package::Parcel;
use self::quarantine::Held;
use self::quarantine::Unsigned;
use self::selector::Selector;
use self::selector::Wanted;
use self::sweep::InHand;
use self::workshop::Analysis;
use self::workshop::InstallError;
use self::workshop::Workshop;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::store::marks::Revocation;
pub use crate::store::names::Origin;
use crate::store::names::Owner;
use crate::store::names::Version;
use crate::time::Clock;

/// Compiling processes at the same time.
pub const INSTALLS_AT_ONCE: usize = 2;

/// All of them.
#[derive(Debug)]
pub struct Registry {
    workshop: Workshop,
    rules: Rules,
    clock: Arc<dyn Clock>,
    by_name: RwLock<BTreeMap<AnalysisName, Entry>>,
    /// One module at a time, from its bytes to its name: so that the name on disk is the name in memory.
    placing: Mutex<()>,
    in_hand: InHand,
    marks: Marks,
    held: Held,
}

/// How much is kept, and of whom.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Analyses that clients may have installed at the same time.
    pub clients_max: usize,
    /// Versions of each that can be asked for and gone back to, the current one among them.
    pub versions_kept: usize,
    /// Of strangers.
    pub unsigned: Unsigned,
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
    /// It means what it did.
    Quarantined,
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
    #[error("`{0}` has no version `{1}` here; GET /analyses/{0}/versions lists those it has")]
    NoVersion(AnalysisName, Wanted),
    #[error("`{0}` has no version before this one here")]
    NoneBefore(AnalysisName),
    #[error(
        "module {1} of `{0}` is in quarantine: nobody can ask it until the operator approves it (`belljar approve`)"
    )]
    Quarantined(AnalysisName, ModuleDigest),
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl Registry {
    /// None yet.
    #[must_use]
    pub fn new(workshop: Workshop, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        Self {
            workshop,
            rules,
            clock,
            by_name: RwLock::default(),
            placing: Mutex::default(),
            in_hand: InHand::default(),
            marks: Marks::default(),
            held: Held::default(),
        }
    }

    /// Which engine programs are made for.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.workshop.fingerprint
    }

    /// How much is kept.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Compiles a module that is to have no name here.
    ///
    /// # Errors
    /// [`InstallError`].
    pub async fn prepare(&self, module: Parcel) -> Result<(), InstallError> {
        drop(self.workshop.make(self.workshop.vet(module).await?, None).await?);
        Ok(())
    }

    /// The analysis that answers to a name, by itself or by number.
    #[must_use]
    pub fn find(&self, name: &AnalysisName) -> Option<Arc<Analysis>> {
        self.entry(name).map(|it| it.analysis)
    }

    /// The versions that a name has, newest first, and which module it stands for.
    #[must_use]
    pub fn versions(&self, name: &AnalysisName) -> Option<(Vec<Version>, ModuleDigest)> {
        self.entry(name).map(|it| (it.versions, it.analysis.module))
    }

    /// The names that stand for a module, or stood for it before.
    #[must_use]
    pub fn names_of(&self, module: ModuleDigest) -> Vec<AnalysisName> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let of_it = by_name.iter().filter(|(_, entry)| entry.versions.iter().any(|it| it.module == module));
        of_it.map(|(name, _)| name.clone()).collect()
    }

    /// What a name alone means; None where there is no such analysis.
    ///
    /// # Errors
    /// That all there is of that name is in quarantine.
    pub fn current(&self, name: &AnalysisName) -> Result<Option<Arc<Analysis>>, PlaceError> {
        match (self.find(name), self.held.find(name)) {
            (None, Some((held, _))) => Err(PlaceError::Quarantined(name.clone(), held.module)),
            (found, _) => Ok(found),
        }
    }

    /// The version that is meant; None where there is no such analysis.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn select(&self, selector: &Selector) -> Result<Option<Arc<Analysis>>, PlaceError> {
        let name = &selector.name;
        let held = self.held.find(name).map(|(it, _)| it);
        let quarantined = |it: &Analysis| PlaceError::Quarantined(name.clone(), it.module);
        let Some(wanted) = &selector.version else { return self.current(name) };
        let Some(entry) = self.entry(name) else { return held.map_or(Ok(None), |it| Err(quarantined(&it))) };
        let is_meant = |it: &Arc<Analysis>| wanted.means(it.module, &it.descriptor.version);
        match (entry.find(wanted), held.filter(is_meant)) {
            (Some(module), _) => Ok(Some(self.former(name, module, entry.origin).await?)),
            (None, Some(held)) => Err(quarantined(&held)),
            (None, None) => Err(PlaceError::NoVersion(name.clone(), wanted.clone())),
        }
    }

    /// A version of a name, unless there is quarantine for it by now.
    async fn former(
        &self,
        name: &AnalysisName,
        module: ModuleDigest,
        origin: Origin,
    ) -> Result<Arc<Analysis>, PlaceError> {
        let analysis = self.revive(module).await?;
        let callable = self.is_callable(&analysis, origin);
        if callable { Ok(analysis) } else { Err(PlaceError::Quarantined(name.clone(), module)) }
    }

    fn entry(&self, name: &AnalysisName) -> Option<Entry> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        answering(&by_name, name).cloned()
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

    /// Lets a client's name stand for a version that it stood for before; for the one before the current if none is said.
    /// Durable on return.
    ///
    /// # Errors
    /// [`PlaceError`]; the name then stands for what it did.
    pub async fn roll_back(&self, name: &AnalysisName, to: Option<&Wanted>) -> Result<Arc<Analysis>, PlaceError> {
        let _one_at_a_time = self.placing.lock().await;
        if self.free(name)? == Placed::New {
            return Err(PlaceError::NoSuch);
        }
        let entry = self.entry(name).ok_or(PlaceError::NoSuch)?;
        let module = match to {
            Some(wanted) => entry.find(wanted).ok_or_else(|| PlaceError::NoVersion(name.clone(), wanted.clone()))?,
            None => entry.previous().ok_or_else(|| PlaceError::NoneBefore(name.clone()))?,
        };
        if let Some(revocation) = self.revocation(module) {
            return Err(refused_as(&revocation).into());
        }
        let analysis = self.former(name, module, entry.origin).await?;
        let entry = Entry { analysis: Arc::clone(&analysis), ..entry };
        self.point(name, entry).await.map_err(InstallError::Io)?;
        Ok(analysis)
    }

    /// A module that was installed once and need not be any more, for the runs that were promised it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn revive(&self, module: ModuleDigest) -> Result<Arc<Analysis>, InstallError> {
        if let Some(current) = self.all().into_iter().find(|it| it.module == module) {
            return Ok(current);
        }
        Ok(self.noted(self.workshop.remake(module, None).await?))
    }

    fn of_clients(&self) -> usize {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let installed = by_name.values().filter(|it| it.origin == Origin::Client).count();
        let held = self
            .held
            .all()
            .into_iter()
            .filter(|(it, origin)| *origin == Origin::Client && !by_name.contains_key(&it.descriptor.name));
        installed + held.count()
    }

    /// Whether a client may give or take that name, and whether it means something.
    fn free(&self, name: &AnalysisName) -> Result<Placed, PlaceError> {
        if let Some((_, origin @ Origin::Directory)) = self.held.find(name) {
            return Err(PlaceError::Taken(name.clone(), origin));
        }
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        match answering(&by_name, name).map(|it| it.origin) {
            Some(origin @ (Origin::Shipped | Origin::Directory)) => Err(PlaceError::Taken(name.clone(), origin)),
            Some(Origin::Client) | None if !by_name.contains_key(name) => Ok(Placed::New),
            Some(Origin::Client) | None => Ok(Placed::InsteadOf),
        }
    }

    /// Gives an analysis its name; whoever calls has the turn to.
    async fn enter(&self, analysis: Arc<Analysis>, origin: Origin) -> Result<(), InstallError> {
        if let Some(revocation) = self.revocation(analysis.module) {
            return Err(refused_as(&revocation));
        }
        let name = analysis.descriptor.name.clone();
        let asked = name.clone();
        let before = self.workshop.on_disk(move |store| store.named(origin.owner(), &asked)).await?;
        let kept = (self.clock.now(), self.rules.versions_kept);
        let entry = Entry::new((analysis, origin), before.clone(), kept);
        if before.is_some_and(|before| before == entry.named()) {
            self.write().insert(name, entry);
        } else {
            self.point(&name, entry).await?;
        }
        Ok(())
    }

    async fn point(&self, name: &AnalysisName, entry: Entry) -> io::Result<()> {
        let (pointed, named) = (name.clone(), entry.named());
        self.workshop.on_disk(move |store| store.point(named.origin.owner(), &pointed, &named)).await?;
        self.write().insert(name.clone(), entry);
        Ok(())
    }

    fn noted(&self, analysis: Analysis) -> Arc<Analysis> {
        let analysis = Arc::new(analysis);
        self.in_hand.note(&analysis);
        analysis
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<AnalysisName, Entry>> {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused_as(revocation: &Revocation) -> InstallError {
    InstallError::Refused(vec![format!("this module was revoked: {}", revocation.reason)])
}

/// What a name means, by itself or by number.
fn answering<'a>(by_name: &'a BTreeMap<AnalysisName, Entry>, name: &AnalysisName) -> Option<&'a Entry> {
    by_name.get(name).or_else(|| {
        let stem = name.without_number()?;
        by_name.get(&stem).filter(|it| it.analysis.descriptor.numbered)
    })
}
