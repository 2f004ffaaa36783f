//! Modules that somebody has marked: as bad, so that they are not installed and not asked, and every result they made says
//! so, at once; or as approved, so that they leave quarantine.

use std::collections::BTreeMap;
use std::io;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;

use super::Registry;
use crate::id::ModuleDigest;
use crate::store::marks::Approval;
use crate::store::marks::Revocation;

/// Those that are known here.
#[derive(Debug, Default)]
pub(super) struct Marks(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    revoked: BTreeMap<ModuleDigest, Revocation>,
    approved: BTreeMap<ModuleDigest, Approval>,
}

impl Marks {
    pub(super) fn is_approved(&self, module: ModuleDigest) -> bool {
        self.known().approved.contains_key(&module)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Whether and why a module is not to be believed.
    #[must_use]
    pub fn revocation(&self, module: ModuleDigest) -> Option<Revocation> {
        self.marks.known().revoked.get(&module).cloned()
    }

    /// Whether no module is marked as bad: then no result has to be looked up.
    #[must_use]
    pub fn believes_all(&self) -> bool {
        self.marks.known().revoked.is_empty()
    }

    /// Marks a module as bad, for this server and those after it; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn revoke(&self, module: ModuleDigest, reason: String) -> io::Result<Revocation> {
        let revocation = Revocation { reason, since: self.clock.now() };
        let kept = revocation.clone();
        self.workshop.on_disk(move |store| store.mark(module, &kept)).await?;
        self.learn_marks().await?;
        Ok(revocation)
    }

    /// Takes the mark away.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn reinstate(&self, module: ModuleDigest) -> io::Result<()> {
        self.workshop.on_disk(move |store| store.unmark::<Revocation>(module)).await?;
        self.learn_marks().await
    }

    /// Reads the marks anew: somebody may have made one beside this server.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn learn_marks(&self) -> io::Result<()> {
        let known = self.workshop.on_disk(|store| Ok(Known { revoked: store.marks()?, approved: store.marks()? }));
        let known = known.await?;
        *self.marks.0.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }
}
