//! Modules that are marked as bad: they are not installed and not asked, and every result they made says so, at once.

use std::collections::BTreeMap;
use std::io;
use std::sync::PoisonError;
use std::sync::RwLock;

use super::Registry;
use crate::id::ModuleDigest;
use crate::store::revoked::Revocation;

/// Those that are known here.
#[derive(Debug, Default)]
pub(super) struct Revoked(RwLock<BTreeMap<ModuleDigest, Revocation>>);

impl Revoked {
    pub(super) fn find(&self, module: ModuleDigest) -> Option<Revocation> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&module).cloned()
    }

    fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn put(&self, all: BTreeMap<ModuleDigest, Revocation>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
    }
}

impl Registry {
    /// Whether and why a module is not to be believed.
    #[must_use]
    pub fn revocation(&self, module: ModuleDigest) -> Option<Revocation> {
        self.revoked.find(module)
    }

    /// Whether no module is marked: then no result has to be looked up.
    #[must_use]
    pub fn believes_all(&self) -> bool {
        self.revoked.is_empty()
    }

    /// Marks a module, for this server and those after it; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn revoke(&self, module: ModuleDigest, reason: String) -> io::Result<Revocation> {
        let revocation = Revocation { reason, since: self.clock.now() };
        let kept = revocation.clone();
        self.workshop.on_disk(move |store| store.revoke(module, &kept)).await?;
        self.learn_revocations().await?;
        Ok(revocation)
    }

    /// Takes the mark away.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn reinstate(&self, module: ModuleDigest) -> io::Result<()> {
        self.workshop.on_disk(move |store| store.reinstate(module)).await?;
        self.learn_revocations().await
    }

    /// Reads the marks anew: somebody may have made one beside this server.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn learn_revocations(&self) -> io::Result<()> {
        self.revoked.put(self.workshop.on_disk(|store| store.revocations()).await?);
        Ok(())
    }
}
