//! The analyses that can be run: by name, each with its module's digest, its descriptor and its compiled program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use sha2::Digest;

use crate::analysis::args::Schema;
use crate::analysis::descriptor::Descriptor;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::limits::CompileLimits;
use crate::pool;
use crate::store::Store;

/// One installed analysis.
#[derive(Debug)]
pub struct Analysis {
    pub descriptor: Descriptor,
    pub args: Schema,
    pub result: Option<Schema>,
    pub module: ModuleDigest,
    /// What it imports, as `module.name`.
    pub capabilities: Vec<String>,
    program: PathBuf,
}

impl Analysis {
    /// Opens its compiled program.
    ///
    /// # Errors
    /// Of the disk.
    pub fn open_program(&self) -> io::Result<File> {
        File::open(&self.program)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Registry {
    store: Arc<Store>,
    fingerprint: String,
    by_name: RwLock<BTreeMap<AnalysisName, Arc<Analysis>>>,
}

impl Registry {
    /// None yet; `fingerprint` names the engine that programs are made for.
    #[must_use]
    pub fn new(store: Arc<Store>, fingerprint: String) -> Self {
        Self { store, fingerprint, by_name: RwLock::new(BTreeMap::new()) }
    }

    /// Which engine programs are made for.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
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
        let mut refused = Vec::new();
        for path in paths {
            let sidecar = std::fs::read_to_string(path.with_extension("json")).ok();
            let installed = match std::fs::read(&path) {
                Ok(module) => self.install(&module, sidecar.as_deref()).await,
                Err(error) => Err(vec![error.to_string()]),
            };
            if let Err(reasons) = installed {
                refused.push((path, reasons));
            }
        }
        Ok(refused)
    }

    /// Checks, compiles and installs one module; a sidecar wins over the descriptor inside.
    ///
    /// # Errors
    /// Every reason to refuse it.
    pub async fn install(&self, module: &[u8], sidecar: Option<&str>) -> Result<Arc<Analysis>, Vec<String>> {
        let digest = ModuleDigest::new(sha2::Sha256::digest(module).into());
        let limits = CompileLimits::DEFAULT;
        if u64::try_from(module.len()).unwrap_or(u64::MAX) > limits.module_bytes {
            return Err(vec![format!("a module of {} bytes; at most {}", module.len(), limits.module_bytes)]);
        }
        let fault = |error: io::Error| vec![format!("cannot be stored: {error}")];
        let wasm = self.store.analyses_dir().join(format!("{digest}.wasm"));
        if !wasm.exists() {
            self.store.disk().replace(&self.store.staging_path(), &wasm, module).map_err(fault)?;
        }
        let program = self.store.programs_dir().join(format!("{digest}-{}.cwasm", self.fingerprint));
        // Compiled anew at every start: facts and program come from one confined look at the bytes.
        let staged = self.store.staging_path();
        let made = File::options().create_new(true).write(true).open(&staged).map_err(fault)?;
        let compiled = pool::compile(&File::open(&wasm).map_err(fault)?.into(), &made.into(), limits).await?;
        let text = sidecar.or(compiled.descriptor.as_deref());
        let text =
            text.ok_or_else(|| vec!["no descriptor: neither a section inside nor a sidecar beside".to_owned()])?;
        let analysis = Arc::new(describe(text, digest, compiled.imports.clone(), program.clone())?);
        self.store.disk().publish(&staged, &program).map_err(fault)?;
        let name = analysis.descriptor.name.clone();
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&analysis));
        Ok(analysis)
    }
}

fn describe(
    text: &str,
    module: ModuleDigest,
    capabilities: Vec<String>,
    program: PathBuf,
) -> Result<Analysis, Vec<String>> {
    let wrong = |detail: String| vec![format!("the descriptor: {detail}")];
    let descriptor: Descriptor = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let args = Schema::new(descriptor.args.clone()).map_err(|error| wrong(format!("args: {error}")))?;
    let result = descriptor.result.clone().map(Schema::new).transpose().map_err(|it| wrong(format!("result: {it}")))?;
    Ok(Analysis { descriptor, args, result, module, capabilities, program })
}
