//! Makes an analysis out of a module: stored under its digest, compiled in a confined process, described.
//!
//! What was found out stays beside the module, so that a restart compiles nothing. A stored program is believed only
//! when it is, byte for byte, what the compiling process wrote for this very engine.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;

use super::package::Parcel;
use crate::analysis::contract::Contract;
use crate::analysis::descriptor::Descriptor;
use crate::analysis::module::Effort;
use crate::analysis::module::Manner;
use crate::analysis::module::ModuleFacts;
use crate::analysis::module::ModuleKind;
use crate::analysis::module::Span;
use crate::analysis::module::WITHOUT_WASI_03;
use crate::analysis::module::Wasi03;
use crate::analysis::schema::Schema;
use crate::analysis::signature::BadSignature;
use crate::analysis::signature::TrustedKeys;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::id::Sha256;
use crate::limits::CompileLimits;
use crate::pool::compile;
use crate::pool::nursery::Nursery;
use crate::pool::worker;
use crate::pool::worker::Cargo;
use crate::pool::worker::Terms;
use crate::store::Store;
use crate::store::cache::ProgramCache;
use crate::store::digest::Sha256Writer;
use crate::store::disk;
use crate::wire::LoadSpec;

/// One installed analysis.
#[derive(Debug)]
pub struct Analysis {
    pub descriptor: Descriptor,
    pub args: Schema,
    pub result: Option<Schema>,
    pub module: ModuleDigest,
    /// What it imports, as `module.name`.
    pub capabilities: Vec<String>,
    pub kind: ModuleKind,
    /// The trusted key that it is signed with, by the operator's name for it.
    pub signed_by: Option<String>,
    /// Names all that its program was made by.
    pub engine: String,
    files: Option<Span>,
    wasm: PathBuf,
    program: PathBuf,
}

impl Analysis {
    /// What a worker needs to run it.
    ///
    /// # Errors
    /// Of the disk.
    pub fn cargo(&self) -> io::Result<Cargo> {
        let files = self.files.zip(self.descriptor.files.clone());
        let module = files.as_ref().map(|_| File::open(&self.wasm)).transpose()?.map(OwnedFd::from);
        Ok(Cargo { spec: LoadSpec { kind: self.kind, files }, program: File::open(&self.program)?.into(), module })
    }
}

/// Where analyses are made.
#[derive(Debug)]
pub struct Workshop {
    pub store: Arc<Store>,
    pub nursery: Nursery,
    /// Names the engine that programs are made for.
    pub fingerprint: String,
    pub limits: CompileLimits,
    pub manner: Manner,
    /// What a worker is held to, and hence what a program must fit; whoever compiles has the same walls.
    pub terms: Terms,
    /// Whose signatures count.
    pub keys: Arc<TrustedKeys>,
    /// What was compiled before, for a store that vanishes.
    pub cache: Option<ProgramCache>,
}

/// A module of which it is known who vouches for it, and nothing else.
#[derive(Debug)]
pub(super) struct Vetted {
    pub(super) digest: ModuleDigest,
    pub(super) signed_by: Option<String>,
    parcel: Parcel,
}

/// Why a module is not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Every reason that lies in the module.
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
    /// The module may be as good as any.
    #[error("it cannot be stored or compiled now: {0}")]
    Io(#[from] io::Error),
}

/// Older ones were written before a worker had loaded the program.
const FACTS_VERSION: u32 = 3;
const NO_DESCRIPTOR: &str = "no descriptor: neither a section `belljar:analysis` inside nor `<name>.json` beside it";

/// `data/analyses/<digest>.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    version: u32,
    /// The engine that the program was made for.
    engine: String,
    program_sha256: Sha256,
    /// Which of two hangs on how much time there was: two servers may differ in it.
    effort: Effort,
    module: ModuleFacts,
}

impl Workshop {
    /// Looks who signed a module.
    ///
    /// # Errors
    /// When it is too long, or its signature is worse than none.
    pub(super) async fn vet(&self, parcel: Parcel) -> Result<Vetted, InstallError> {
        let bytes = parcel.module.len();
        if u64::try_from(bytes).unwrap_or(u64::MAX) > self.limits.module_bytes {
            let detail = format!("a module of {bytes} bytes; at most {}", self.limits.module_bytes);
            return Err(InstallError::Refused(vec![detail]));
        }
        let keys = Arc::clone(&self.keys);
        let vetting = tokio::task::spawn_blocking(move || {
            let digest = ModuleDigest::new(sha2::Sha256::digest(&parcel.module).into());
            let signed_by = keys.signer(&parcel.module, parcel.signature.as_deref())?;
            Ok(Vetted { digest, signed_by, parcel })
        });
        let vetted: Result<_, BadSignature> = vetting.await.map_err(io::Error::other)?;
        vetted.map_err(|error| InstallError::Refused(vec![error.to_string()]))
    }

    /// Stores, compiles and describes a module, which is to have that name where one is given.
    ///
    /// # Errors
    /// Every reason to refuse it; nothing of it is then left that was not here before.
    pub(super) async fn make(&self, vetted: Vetted, name: Option<&AnalysisName>) -> Result<Analysis, InstallError> {
        let Vetted { digest, signed_by, parcel: Parcel { module, signature } } = vetted;
        let analysis = self.make_of(digest, module, name).await?;
        if let Some(signature) = signature {
            self.on_disk(move |store| match store.signature(digest)? {
                Some(kept) if kept == signature => Ok(()),
                Some(_) | None => store.keep_signature(digest, &signature),
            })
            .await?;
        }
        Ok(Analysis { signed_by, ..analysis })
    }

    async fn make_of(
        &self,
        digest: ModuleDigest,
        module: Bytes,
        name: Option<&AnalysisName>,
    ) -> Result<Analysis, InstallError> {
        let facts = match self.recall(digest).await? {
            // Taken by a server that had the switch.
            Some(Facts { module: ModuleFacts { kind: ModuleKind::AsyncCommandComponent, .. }, .. })
                if self.manner.wasi_03 == Wasi03::Refused =>
            {
                return Err(InstallError::Refused(vec![WITHOUT_WASI_03.to_owned()]));
            }
            Some(facts) => {
                // Workers read the files that ship with it there, and whoever does a run again all of it.
                self.put(digest, module).await?;
                facts
            }
            None => self.compile(digest, module, name).await?,
        };
        self.describe((facts.module, facts.effort), digest, name).await
    }

    /// Makes an analysis out of what is stored of it, under that name where one is given.
    ///
    /// # Errors
    /// Why that cannot be.
    pub async fn remake(&self, digest: ModuleDigest, name: Option<&AnalysisName>) -> Result<Analysis, InstallError> {
        let gone = || InstallError::Refused(vec!["the module is no longer stored".to_owned()]);
        let stored = self.on_disk(move |store| Ok((store.module(digest)?, store.signature(digest)?))).await?;
        let (Some(module), signature) = stored else { return Err(gone()) };
        self.make(self.vet(Parcel { module: module.into(), signature }).await?, name).await
    }

    /// What is known of a module here, or by the cache.
    async fn recall(&self, digest: ModuleDigest) -> io::Result<Option<Facts>> {
        let known = self.known(digest).await?;
        if known.is_some() || self.cache.is_none() {
            return Ok(known);
        }
        self.by_cache(digest, ProgramCache::lend).await?;
        self.known(digest).await
    }

    /// What is known of a module if its program is at hand and untouched.
    async fn known(&self, digest: ModuleDigest) -> io::Result<Option<Facts>> {
        let engine = self.fingerprint.clone();
        self.on_disk(move |store| {
            let facts = disk::read_if_there(&store.module_path(digest, "json"))?;
            let facts = facts.and_then(|json| serde_json::from_slice::<Facts>(&json).ok());
            let facts = facts.filter(|it| it.engine == engine && it.version == FACTS_VERSION);
            let Some(facts) = facts else { return Ok(None) };
            let mut found = Sha256Writer::default();
            match File::open(store.program_path(digest, &engine))
                .and_then(|mut program| io::copy(&mut program, &mut found))
            {
                Ok(_) => Ok(Some(facts).filter(|facts| found.finish() == facts.program_sha256)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn compile(
        &self,
        digest: ModuleDigest,
        module: Bytes,
        name: Option<&AnalysisName>,
    ) -> Result<Facts, InstallError> {
        let wasm = self.path(digest, "wasm");
        let first = !wasm.exists();
        self.put(digest, module).await?;
        let facts = self.build(digest, &wasm, name).await.inspect_err(|_| {
            // A refused module leaves neither a program nor its bytes.
            drop(self.store.disk().remove_if_there(&self.program_path(digest)));
            drop(first.then(|| self.store.disk().remove_if_there(&wasm)));
        })?;
        self.remember(digest, &facts).await?;
        self.by_cache(digest, ProgramCache::keep).await?;
        Ok(facts)
    }

    /// Stores a module's bytes, unless they stand as they should.
    async fn put(&self, digest: ModuleDigest, module: Bytes) -> io::Result<()> {
        let wasm = self.path(digest, "wasm");
        if self.on_disk(move |store| store.has_module(digest)).await? {
            return Ok(());
        }
        self.on_disk(move |store| store.disk().replace(&store.staging_path(), &wasm, &module)).await
    }

    /// Compiles a module, and has a worker load what came of it: what no worker can load would fail at every run.
    async fn build(
        &self,
        digest: ModuleDigest,
        wasm: &Path,
        name: Option<&AnalysisName>,
    ) -> Result<Facts, InstallError> {
        let staged = self.store.staging_path();
        let program = self.store.disk().lend(&staged)?.into();
        let module = File::open(wasm)?.into();
        let terms = compile::Terms {
            limits: self.limits,
            manner: self.manner,
            walls: self.terms.walls,
            reserve_bytes: self.store.reserve_bytes(),
        };
        let compiled = compile::compile(&self.nursery, &module, &program, terms).await;
        let compiled = compiled.map_err(InstallError::Io).and_then(|it| it.map_err(InstallError::Refused));
        let described = async |(facts, effort): (ModuleFacts, Effort)| {
            Ok((self.describe((facts.clone(), effort), digest, name).await?, facts, effort))
        };
        let described = match compiled {
            Ok(compiled) => described(compiled).await,
            Err(error) => Err(error),
        };
        let (analysis, compiled, effort) = described.inspect_err(|_| {
            drop(self.store.disk().remove_if_there(&staged));
        })?;
        let target = self.program_path(digest);
        let program_sha256 = self
            .on_disk(move |store| {
                let mut sha256 = Sha256Writer::default();
                io::copy(&mut File::open(&staged)?, &mut sha256)?;
                store.disk().publish(&staged, &target)?;
                Ok(sha256.finish())
            })
            .await?;
        let loaded = worker::try_load(&self.nursery, &self.terms, analysis.cargo()?).await?;
        loaded.map_err(|why| InstallError::Refused(vec![format!("no worker can load it: {why}")]))?;
        Ok(Facts { version: FACTS_VERSION, engine: self.fingerprint.clone(), program_sha256, effort, module: compiled })
    }

    async fn remember(&self, digest: ModuleDigest, facts: &Facts) -> io::Result<()> {
        let json = serde_json::to_vec_pretty(facts)?;
        let target = self.path(digest, "json");
        self.on_disk(move |store| store.disk().replace(&store.staging_path(), &target, &json)).await
    }

    /// What comes of it says nothing: without a cache a module is only compiled again.
    async fn by_cache(
        &self,
        digest: ModuleDigest,
        work: impl FnOnce(&ProgramCache, &Store, ModuleDigest, &str) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let Some(cache) = self.cache.clone() else { return Ok(()) };
        let engine = self.fingerprint.clone();
        self.on_disk(move |store| {
            drop(work(&cache, store, digest, &engine));
            Ok(())
        })
        .await
    }

    /// What waits for the disk does so on a thread that may.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.map_err(io::Error::other).and_then(|it| it)
    }

    async fn describe(
        &self,
        (facts, effort): (ModuleFacts, Effort),
        module: ModuleDigest,
        name: Option<&AnalysisName>,
    ) -> Result<Analysis, InstallError> {
        let wrong = |them: Vec<String>| {
            InstallError::Refused(them.into_iter().map(|detail| format!("the descriptor: {detail}")).collect())
        };
        let text = facts.descriptor.ok_or_else(|| InstallError::Refused(vec![NO_DESCRIPTOR.to_owned()]))?;
        // Schemas of strangers take their time.
        let reading = tokio::task::spawn_blocking(move || Contract::read(&text)).await.map_err(io::Error::other)?;
        let Contract { descriptor, args, result } = reading.map_err(wrong)?;
        if let Some(name) = name.filter(|it| **it != descriptor.name) {
            return Err(wrong(vec![format!("`name` is `{}`, but it was sent as `{name}`", descriptor.name)]));
        }
        if descriptor.files.is_some() != facts.files.is_some() {
            return Err(wrong(vec![
                "`files` is where the files that ship are mounted: give both or neither".to_owned(),
            ]));
        }
        Ok(Analysis {
            descriptor,
            args,
            result,
            module,
            capabilities: facts.imports,
            kind: facts.kind,
            signed_by: None,
            engine: match effort {
                Effort::Full => self.fingerprint.clone(),
                Effort::Least => format!("{}-least", self.fingerprint),
            },
            files: facts.files,
            wasm: self.path(module, "wasm"),
            program: self.program_path(module),
        })
    }

    fn path(&self, digest: ModuleDigest, extension: &str) -> PathBuf {
        self.store.module_path(digest, extension)
    }

    fn program_path(&self, digest: ModuleDigest) -> PathBuf {
        self.store.program_path(digest, &self.fingerprint)
    }
}
