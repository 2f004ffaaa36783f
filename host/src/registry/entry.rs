//! What a name stands for now, and what it stood for before.

use std::sync::Arc;

use super::selector::Wanted;
use super::workshop::Analysis;
use crate::id::ModuleDigest;
use crate::store::names::Named;
use crate::store::names::Origin;
use crate::store::names::Version;
use crate::time::Timestamp;

/// One name.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) analysis: Arc<Analysis>,
    pub(super) origin: Origin,
    /// Newest first; the current one is among them.
    pub(super) versions: Vec<Version>,
}

impl Entry {
    /// Of an analysis that is installed now, after what was known of its name; so many versions are kept.
    pub(super) fn new(
        (analysis, origin): (Arc<Analysis>, Origin),
        before: Option<Named>,
        (now, kept): (Timestamp, usize),
    ) -> Self {
        // What somebody else called so is no version of it.
        let mut versions = before.filter(|it| it.origin == origin).map_or_else(Vec::new, |it| it.versions);
        let known = versions.iter().position(|it| it.module == analysis.module);
        let since = known.map_or(now, |at| versions.remove(at).since);
        versions.insert(0, Version { module: analysis.module, version: analysis.descriptor.version.clone(), since });
        versions.truncate(kept.max(1));
        Self { analysis, origin, versions }
    }

    /// As it is kept on disk.
    pub(super) fn named(&self) -> Named {
        Named { origin: self.origin, current: self.analysis.module, versions: self.versions.clone() }
    }

    /// Which module that is; the newest where several have the same version.
    pub(super) fn find(&self, wanted: &Wanted) -> Option<ModuleDigest> {
        self.versions.iter().find(|it| wanted.means(it.module, &it.version)).map(|it| it.module)
    }

    /// The one before the current.
    pub(super) fn previous(&self) -> Option<ModuleDigest> {
        let mut versions = self.versions.iter().map(|it| it.module);
        versions.find(|it| *it == self.analysis.module)?;
        versions.next()
    }
}
