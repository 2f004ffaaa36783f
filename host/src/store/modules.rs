//! `analyses/<digest>.wasm` with what is known of it beside, and `programs/<digest>-<engine>.cwasm`: by digest, so that
//! whoever stores one twice stores it once. Some name, some result or the operator's directory stands for each; one that
//! nothing stands for any more goes.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use sha2::Digest;

use super::Store;
use super::digest::Sha256Writer;
use super::disk;
use super::lists;
use super::names::Owner;
use crate::id::FileId;
use crate::id::ModuleDigest;

impl Store {
    /// Where what belongs to a module lies: itself (`wasm`), what is known of it (`json`), its signature (`minisig`).
    #[must_use]
    pub fn module_path(&self, digest: ModuleDigest, extension: &str) -> PathBuf {
        self.analyses_dir().join(format!("{digest}.{extension}"))
    }

    /// Where its program for that engine lies.
    #[must_use]
    pub fn program_path(&self, digest: ModuleDigest, engine: &str) -> PathBuf {
        self.programs_dir().join(format!("{digest}-{engine}.cwasm"))
    }

    /// The module of that digest, if its bytes are still those.
    ///
    /// # Errors
    /// Of the disk.
    pub fn module(&self, digest: ModuleDigest) -> io::Result<Option<Vec<u8>>> {
        let bytes = disk::read_if_there(&self.module_path(digest, "wasm"))?;
        Ok(bytes.filter(|bytes| ModuleDigest::new(sha2::Sha256::digest(bytes).into()) == digest))
    }

    /// Whether a module stands whole.
    ///
    /// # Errors
    /// Of the disk, but not of those bytes: what cannot be read is not whole.
    pub fn has_module(&self, digest: ModuleDigest) -> io::Result<bool> {
        let Some((mut module, _)) = disk::open_if_there(&self.module_path(digest, "wasm"))? else { return Ok(false) };
        let mut found = Sha256Writer::default();
        Ok(io::copy(&mut module, &mut found).is_ok_and(|_| found.finish() == digest))
    }

    /// The signature that came with a module.
    ///
    /// # Errors
    /// Of the disk.
    pub fn signature(&self, digest: ModuleDigest) -> io::Result<Option<Vec<u8>>> {
        disk::read_if_there(&self.module_path(digest, "minisig"))
    }

    /// Keeps the signature that came with a module; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn keep_signature(&self, digest: ModuleDigest, signature: &[u8]) -> io::Result<()> {
        self.disk.replace(&self.staging_path(), &self.module_path(digest, "minisig"), signature)
    }

    /// Every module of which something is here.
    ///
    /// # Errors
    /// Of the disk.
    pub fn modules(&self) -> io::Result<HashSet<ModuleDigest>> {
        let of = |name: &str, end: char| name.split_once(end)?.0.parse::<ModuleDigest>().ok();
        let mut all = HashSet::new();
        for (directory, end) in [(self.analyses_dir(), '.'), (self.programs_dir(), '-')] {
            for name in lists::names(&directory)? {
                all.extend(of(&name?, end));
            }
        }
        Ok(all)
    }

    /// Those of them that neither a name nor a run stands for. Looks through the runs of every upload, unless each is
    /// found to be stood for before.
    ///
    /// # Errors
    /// Of the disk.
    pub fn unused(&self, mut modules: HashSet<ModuleDigest>) -> io::Result<HashSet<ModuleDigest>> {
        for owner in Owner::ALL {
            for (_, named) in self.names(owner)? {
                for version in &named.versions {
                    modules.remove(&version.module);
                }
            }
        }
        self.strike_used_by_runs(&mut modules)?;
        for tenant in self.tenants()? {
            self.view_of_tenant(tenant).strike_used_by_runs(&mut modules)?;
        }
        Ok(modules)
    }

    fn strike_used_by_runs(&self, modules: &mut HashSet<ModuleDigest>) -> io::Result<()> {
        for file_id in self.file_ids() {
            if modules.is_empty() {
                break;
            }
            self.strike_used(file_id?, modules)?;
        }
        Ok(())
    }

    fn strike_used(&self, file_id: FileId, modules: &mut HashSet<ModuleDigest>) -> io::Result<()> {
        let mut after = None;
        loop {
            let page = self.runs_of(file_id, after, RUNS_AT_ONCE)?;
            for (_, config) in page.entries {
                modules.remove(&config.module);
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Removes a module with all that was made of it. What is left when this is cut off is removed by the next.
    ///
    /// # Errors
    /// Of the disk.
    pub fn remove_module(&self, digest: ModuleDigest) -> io::Result<()> {
        let begin = format!("{digest}-");
        self.remove_programs(|name| name.starts_with(&begin))?;
        for extension in ["json", "minisig", "wasm"] {
            self.disk.remove_if_there(&self.module_path(digest, extension))?;
        }
        self.disk.settle()
    }

    /// Removes the programs that were made for other engines than that.
    ///
    /// # Errors
    /// Of the disk.
    pub fn remove_programs_but(&self, engine: &str) -> io::Result<()> {
        let end = format!("-{engine}.cwasm");
        self.remove_programs(|name| !name.ends_with(&end))
    }

    fn remove_programs(&self, go: impl Fn(&str) -> bool) -> io::Result<()> {
        for name in lists::names(&self.programs_dir())? {
            let name = name?;
            if go(&name) {
                self.disk.remove_if_there(&self.programs_dir().join(name))?;
            }
        }
        Ok(())
    }
}

/// Of an upload, held in memory.
const RUNS_AT_ONCE: usize = 1000;
