//! How analyses come onto the list, from the server itself, from the operator's directory and from clients, and how they go.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Origin;
use super::Owner;
use super::PlaceError;
use super::Placed;
use super::Registry;
use super::entry::Entry;
use super::package;
use super::package::Parcel;
use super::quarantine::Standing;
use super::refused_as;
use super::workshop::Analysis;
use super::workshop::InstallError;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::store::names::Named;

impl Registry {
    /// Installs one file of the operator's directory, with what lies beside it.
    ///
    /// # Errors
    /// [`InstallError`].
    pub async fn install_file(&self, path: &Path) -> Result<(Arc<Analysis>, Standing), InstallError> {
        let path = path.to_owned();
        let packed = tokio::task::spawn_blocking(move || package::read(&path)).await;
        let packed = packed.map_err(io::Error::other).and_then(|it| it)?;
        self.take_in(packed, Origin::Directory).await
    }

    /// Installs what clients sent to a former server, where its name is still free; those that cannot be had any more
    /// are told with why.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn install_named(&self) -> io::Result<Vec<(AnalysisName, PlaceError)>> {
        let mut refused = Vec::new();
        for (name, named) in self.workshop.store.names(Owner::Clients)? {
            match self.restore(&name, &named).await {
                // It keeps its name on disk, for a server that takes it again.
                Ok((analysis, Standing::Quarantined)) => self.held.put(analysis, Origin::Client),
                Ok((analysis, Standing::Callable)) => {
                    let entry = Entry { analysis, origin: Origin::Client, versions: named.versions };
                    self.write().insert(name, entry);
                }
                Err(error) => refused.push((name, error)),
            }
        }
        for (name, named) in self.workshop.store.names(Owner::Quarantine)? {
            match self.restore(&name, &named).await {
                Ok((analysis, _)) => self.held.put(analysis, Origin::Client),
                Err(error) => refused.push((name, error)),
            }
        }
        Ok(refused)
    }

    async fn restore(&self, name: &AnalysisName, named: &Named) -> Result<(Arc<Analysis>, Standing), PlaceError> {
        self.free(name)?;
        let analysis = self.noted(self.workshop.remake(named.current, Some(name)).await?);
        let standing = self.standing((analysis.module, analysis.signed_by.as_deref()), Origin::Client)?;
        Ok((analysis, standing))
    }

    /// Checks, compiles and installs one module under its own name.
    ///
    /// # Errors
    /// [`InstallError`].
    pub async fn install(&self, module: Parcel, origin: Origin) -> Result<Arc<Analysis>, InstallError> {
        Ok(self.take_in(module, origin).await?.0)
    }

    async fn take_in(&self, module: Parcel, origin: Origin) -> Result<(Arc<Analysis>, Standing), InstallError> {
        let (analysis, standing) = self.made(module, origin, None).await?;
        let _one_at_a_time = self.placing.lock().await;
        self.admit((&analysis, standing), origin).await?;
        Ok((analysis, standing))
    }

    /// Checks and compiles a module, unless it is refused for whose it is.
    async fn made(
        &self,
        module: Parcel,
        origin: Origin,
        name: Option<&AnalysisName>,
    ) -> Result<(Arc<Analysis>, Standing), InstallError> {
        let vetted = self.workshop.vet(module).await?;
        if let Some(revocation) = self.revocation(vetted.digest) {
            return Err(refused_as(&revocation));
        }
        let standing = self.standing((vetted.digest, vetted.signed_by.as_deref()), origin)?;
        Ok((self.noted(self.workshop.make(vetted, name).await?), standing))
    }

    /// A client's module as it would be under that name, which keeps what it has.
    ///
    /// # Errors
    /// [`PlaceError`]; also for one that would go into quarantine.
    pub async fn candidate(&self, name: &AnalysisName, module: Parcel) -> Result<Arc<Analysis>, PlaceError> {
        match self.made(module, Origin::Client, Some(name)).await? {
            (analysis, Standing::Callable) => Ok(analysis),
            (analysis, Standing::Quarantined) => Err(PlaceError::Quarantined(name.clone(), analysis.module)),
        }
    }

    /// Gives an analysis its name, or puts it into quarantine; whoever calls has the turn to.
    async fn admit(
        &self,
        (analysis, standing): (&Arc<Analysis>, Standing),
        origin: Origin,
    ) -> Result<(), InstallError> {
        match standing {
            Standing::Quarantined => Ok(self.hold(analysis, origin).await?),
            Standing::Callable => {
                self.enter(Arc::clone(analysis), origin).await?;
                // Of the same name, it is the one before this.
                match self.held.find(&analysis.descriptor.name) {
                    Some((_, of)) if of == origin => Ok(self.let_go(&analysis.descriptor.name, origin).await?),
                    Some(_) | None => Ok(()),
                }
            }
        }
    }

    /// Installs a client's module, for this server and those after it; durable on return.
    ///
    /// # Errors
    /// [`PlaceError`]; the name then stands for what it did.
    pub async fn place(&self, name: &AnalysisName, module: Parcel) -> Result<(Arc<Analysis>, Placed), PlaceError> {
        let _one_at_a_time = self.placing.lock().await;
        let placed = self.free(name)?;
        if placed == Placed::New && self.held.find(name).is_none() && self.of_clients() >= self.rules.clients_max {
            return Err(PlaceError::Full(self.rules.clients_max));
        }
        let (analysis, standing) = self.made(module, Origin::Client, Some(name)).await?;
        self.admit((&analysis, standing), Origin::Client).await?;
        Ok(match standing {
            Standing::Callable => (analysis, placed),
            Standing::Quarantined => (analysis, Placed::Quarantined),
        })
    }

    /// Takes a client's analysis off the list; its results stay, and so do the runs that were promised it.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn displace(&self, name: &AnalysisName) -> Result<(), PlaceError> {
        let _one_at_a_time = self.placing.lock().await;
        let placed = self.free(name)?;
        let held = self.held.find(name).is_some();
        if placed == Placed::New && !held {
            return Err(PlaceError::NoSuch);
        }
        if held {
            self.let_go(name, Origin::Client).await.map_err(InstallError::Io)?;
        }
        // In quarantine it may have its name on disk all the same, from before the operator was so strict.
        Ok(self.forget(Owner::Clients, name).await.map_err(InstallError::Io)?)
    }

    /// Takes an analysis of the operator's directory off the list, unless something else has its name by now.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn withdraw(&self, name: &AnalysisName, module: ModuleDigest) -> io::Result<()> {
        let _one_at_a_time = self.placing.lock().await;
        let meant = |it: &Analysis, origin| origin == Origin::Directory && it.module == module;
        if self.held.find(name).is_some_and(|(it, origin)| meant(&it, origin)) {
            self.let_go(name, Origin::Directory).await?;
        }
        let stands = self.entry(name).is_some_and(|it| meant(&it.analysis, it.origin));
        if stands { self.forget(Owner::Operator, name).await } else { Ok(()) }
    }

    async fn forget(&self, owner: Owner, name: &AnalysisName) -> io::Result<()> {
        let pointed = name.clone();
        self.workshop.on_disk(move |store| store.unpoint(owner, &pointed)).await?;
        self.write().remove(name);
        Ok(())
    }
}
