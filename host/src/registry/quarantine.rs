//! Modules that nobody vouches for: what the operator has said becomes of them. In quarantine a module is checked, compiled
//! and described, and nobody can ask it until the operator approves it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use super::Origin;
use super::Owner;
use super::Registry;
use super::entry::Entry;
use super::workshop::Analysis;
use super::workshop::InstallError;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;

/// What becomes of a module that is neither signed with a trusted key nor approved; those that ship with the server are never
/// strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsigned {
    /// It is installed as any other.
    #[default]
    Allow,
    /// It waits for the operator.
    Quarantine,
    /// It is refused.
    Deny,
}

/// Whether a module can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Callable,
    Quarantined,
}

/// The modules in quarantine, by the name that each would have.
#[derive(Debug, Default)]
pub(super) struct Held(RwLock<BTreeMap<AnalysisName, (Arc<Analysis>, Origin)>>);

const STRANGER: &str = "this server takes modules only that are signed with a key it trusts, or that its operator has \
                        approved (`belljar approve`)";

impl Held {
    pub(super) fn find(&self, name: &AnalysisName) -> Option<(Arc<Analysis>, Origin)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn all(&self) -> Vec<(Arc<Analysis>, Origin)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn put(&self, analysis: Arc<Analysis>, origin: Origin) {
        let name = analysis.descriptor.name.clone();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, (analysis, origin));
    }

    fn remove(&self, name: &AnalysisName) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Registry {
    /// The modules in quarantine, by name.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Arc<Analysis>> {
        self.held.all().into_iter().map(|(analysis, _)| analysis).collect()
    }

    /// Whether a module of whom that is known can be asked.
    ///
    /// # Errors
    /// When it is refused.
    pub(super) fn standing(
        &self,
        (module, signed_by): (ModuleDigest, Option<&str>),
        origin: Origin,
    ) -> Result<Standing, InstallError> {
        let vouched = origin == Origin::Shipped || signed_by.is_some() || self.marks.is_approved(module);
        match self.rules.unsigned {
            Unsigned::Quarantine if !vouched => Ok(Standing::Quarantined),
            Unsigned::Deny if !vouched => Err(InstallError::Refused(vec![STRANGER.to_owned()])),
            Unsigned::Allow | Unsigned::Quarantine | Unsigned::Deny => Ok(Standing::Callable),
        }
    }

    /// Whether one that was installed before can still be asked.
    pub(super) fn is_callable(&self, analysis: &Analysis, origin: Origin) -> bool {
        let standing = self.standing((analysis.module, analysis.signed_by.as_deref()), origin);
        standing.is_ok_and(|it| it == Standing::Callable)
    }

    /// Puts a module into quarantine, in the place of the one of its name; durable on return where a client sent it. Whoever
    /// calls has the turn to.
    pub(super) async fn hold(&self, analysis: &Arc<Analysis>, origin: Origin) -> io::Result<()> {
        if origin == Origin::Client {
            let named = Entry::new((Arc::clone(analysis), origin), None, (self.clock.now(), 1)).named();
            let name = analysis.descriptor.name.clone();
            self.workshop.on_disk(move |store| store.point(Owner::Quarantine, &name, &named)).await?;
        }
        self.held.put(Arc::clone(analysis), origin);
        Ok(())
    }

    /// Takes a module out of quarantine. Whoever calls has the turn to.
    pub(super) async fn let_go(&self, name: &AnalysisName, origin: Origin) -> io::Result<()> {
        if origin == Origin::Client {
            let pointed = name.clone();
            self.workshop.on_disk(move |store| store.unpoint(Owner::Quarantine, &pointed)).await?;
        }
        self.held.remove(name);
        Ok(())
    }

    /// Installs what the operator has approved since; gives what that is.
    ///
    /// # Errors
    /// Of the disk; what is left is installed the next time.
    pub async fn release(&self) -> Result<Vec<Arc<Analysis>>, InstallError> {
        let mut released = Vec::new();
        for (analysis, origin) in self.held.all() {
            if self.is_callable(&analysis, origin) {
                let _one_at_a_time = self.placing.lock().await;
                // It may have been replaced or removed meanwhile.
                let name = analysis.descriptor.name.clone();
                if self.held.find(&name).is_some_and(|(it, _)| it.module == analysis.module) {
                    self.enter(Arc::clone(&analysis), origin).await?;
                    self.let_go(&name, origin).await?;
                    released.push(analysis);
                }
            }
        }
        Ok(released)
    }
}
