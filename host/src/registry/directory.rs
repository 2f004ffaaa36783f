//! The operator's directory: what lies in it is installed, what changes is installed anew, what goes is taken off the list.
//!
//! By looking, not by being told: that works on every file system, also on mounted ones, and some looks a second cost
//! nothing. A file counts once it has stood still from one look to the next, so one that is being written is left alone;
//! one that is refused is tried again when it changes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use super::INSTALLS_AT_ONCE;
use super::Registry;
use super::package;
use super::package::Stamp;
use super::quarantine::Standing;
use super::workshop::Analysis;
use super::workshop::InstallError;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;

/// A directory of `.wasm` files.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    files: BTreeMap<PathBuf, Known>,
}

/// What is known of a file.
#[derive(Debug)]
struct Known {
    stamps: [Stamp; 4],
    /// Whether what lies there now was looked at, what is installed of it, and what is in quarantine.
    tried: bool,
    installed: Option<(AnalysisName, ModuleDigest)>,
    held: Option<(AnalysisName, ModuleDigest)>,
}

/// Whether a file counts at once, or has to stand still first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    None,
    OneLook,
}

/// What became of a file.
#[derive(Debug)]
pub enum Change {
    Installed(Arc<Analysis>),
    /// It stays as it was, if it was anything, until the operator approves it.
    Quarantined(Arc<Analysis>),
    /// It stays as it was, if it was anything.
    Refused(InstallError),
    Withdrawn(AnalysisName),
}

impl Directory {
    /// One that nobody has looked into.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, files: BTreeMap::new() }
    }

    /// Installs what is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn open(&mut self, registry: &Registry) -> io::Result<Vec<(PathBuf, Change)>> {
        self.follow(registry, Patience::None).await
    }

    /// Installs what has changed and stands still, and takes off the list what has gone.
    ///
    /// # Errors
    /// When it cannot be read; nothing is taken off the list then.
    pub async fn look(&mut self, registry: &Registry) -> io::Result<Vec<(PathBuf, Change)>> {
        self.follow(registry, Patience::OneLook).await
    }

    async fn follow(&mut self, registry: &Registry, patience: Patience) -> io::Result<Vec<(PathBuf, Change)>> {
        let path = self.path.clone();
        let found = tokio::task::spawn_blocking(move || stamps(&path)).await.map_err(io::Error::other)??;
        let mut changes = self.withdraw(registry, &found).await?;
        let mut ready = Vec::new();
        for (path, stamps) in found {
            let known = self.files.entry(path.clone());
            let known = known.or_insert(Known { stamps: [None; 4], tried: true, installed: None, held: None });
            if known.stamps != stamps {
                (known.stamps, known.tried) = (stamps, false);
                if patience == Patience::OneLook {
                    continue;
                }
            }
            if !known.tried {
                known.tried = true;
                ready.push(path);
            }
        }
        let installing = ready.into_iter().map(async |path| (registry.install_file(&path).await, path));
        let installed: Vec<_> = stream::iter(installing).buffered(INSTALLS_AT_ONCE).collect().await;
        for (outcome, path) in installed {
            changes.push((path.clone(), self.note(registry, path, outcome).await?));
        }
        Ok(changes)
    }

    async fn note(
        &mut self,
        registry: &Registry,
        path: PathBuf,
        outcome: Result<(Arc<Analysis>, Standing), InstallError>,
    ) -> io::Result<Change> {
        let Some(known) = self.files.get_mut(&path) else { return Err(io::ErrorKind::NotFound.into()) };
        match outcome {
            Ok((analysis, Standing::Quarantined)) => {
                let now = (analysis.descriptor.name.clone(), analysis.module);
                if let Some((name, module)) = known.held.replace(now.clone()).filter(|it| it.0 != now.0) {
                    registry.withdraw(&name, module).await?;
                }
                Ok(Change::Quarantined(analysis))
            }
            Ok((analysis, Standing::Callable)) => {
                let now = (analysis.descriptor.name.clone(), analysis.module);
                let before = known.installed.replace(now.clone()).filter(|it| it.0 != now.0);
                if let Some((name, module)) = before {
                    registry.withdraw(&name, module).await?;
                }
                Ok(Change::Installed(analysis))
            }
            Err(error) => Ok(Change::Refused(error)),
        }
    }

    async fn withdraw(
        &mut self,
        registry: &Registry,
        found: &BTreeMap<PathBuf, [Stamp; 4]>,
    ) -> io::Result<Vec<(PathBuf, Change)>> {
        let gone: Vec<_> = self.files.keys().filter(|path| !found.contains_key(*path)).cloned().collect();
        let mut changes = Vec::new();
        for path in gone {
            let known = self.files.get(&path).map(|it| [it.installed.clone(), it.held.clone()]);
            for (name, module) in known.into_iter().flatten().flatten() {
                registry.withdraw(&name, module).await?;
                changes.push((path.clone(), Change::Withdrawn(name)));
            }
            self.files.remove(&path);
        }
        Ok(changes)
    }
}

fn stamps(directory: &Path) -> io::Result<BTreeMap<PathBuf, [Stamp; 4]>> {
    let mut stamps = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "wasm") {
            let stands = package::stamps(&path);
            stamps.insert(path, stands);
        }
    }
    Ok(stamps)
}
