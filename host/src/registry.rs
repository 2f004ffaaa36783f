//! The analyses that can be run, by name.

mod package;
pub mod workshop;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use futures_util::StreamExt;
use futures_util::stream;

use self::workshop::Analysis;
use self::workshop::Workshop;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;

/// Compiling processes at the same time.
pub const INSTALLS_AT_ONCE: usize = 2;

/// All of them.
#[derive(Debug)]
pub struct Registry {
    workshop: Workshop,
    by_name: RwLock<BTreeMap<AnalysisName, Arc<Analysis>>>,
}

impl Registry {
    /// None yet.
    #[must_use]
    pub fn new(workshop: Workshop) -> Self {
        Self { workshop, by_name: RwLock::new(BTreeMap::new()) }
    }

    /// Which engine programs are made for.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.workshop.fingerprint
    }

    /// The analysis that answers to a name, by itself or by number.
    #[must_use]
    pub fn find(&self, name: &AnalysisName) -> Option<Arc<Analysis>> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.get(name).cloned().or_else(|| {
            let stem = name.without_number()?;
            by_name.get(&stem).filter(|it| it.descriptor.numbered).cloned()
        })
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Analysis>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Installs every `.wasm` of a directory; those refused are told with their reasons.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn install_directory(&self, directory: &Path) -> io::Result<Vec<(PathBuf, Vec<String>)>> {
        let mut paths = std::fs::read_dir(directory)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| path.extension().is_some_and(|it| it == "wasm"));
        paths.sort();
        let installing = paths.into_iter().map(async |path| {
            let reasons = self.install_file(&path).await.err()?;
            Some((path, reasons))
        });
        Ok(stream::iter(installing).buffered(INSTALLS_AT_ONCE).filter_map(std::future::ready).collect().await)
    }

    async fn install_file(&self, path: &Path) -> Result<Arc<Analysis>, Vec<String>> {
        let fault = |error: io::Error| vec![format!("cannot be read: {error}")];
        let path = path.to_owned();
        let packed = tokio::task::spawn_blocking(move || package::read(&path)).await;
        let packed = packed.map_err(io::Error::other).and_then(|it| it).map_err(fault)?;
        self.install(&packed).await
    }

    /// Checks, compiles and installs one module.
    ///
    /// # Errors
    /// Every reason to refuse it.
    pub async fn install(&self, module: &[u8]) -> Result<Arc<Analysis>, Vec<String>> {
        let analysis = Arc::new(self.workshop.make(module).await?);
        let name = analysis.descriptor.name.clone();
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&analysis));
        Ok(analysis)
    }

    /// A module that was installed once and need not be any more, for the runs that were promised it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn revive(&self, module: ModuleDigest) -> Result<Arc<Analysis>, Vec<String>> {
        if let Some(current) = self.all().into_iter().find(|it| it.module == module) {
            return Ok(current);
        }
        self.workshop.remake(module).await.map(Arc::new)
    }
}
