//! Modules by digest, the names that stand for them, and the programs made of them.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::super::names::Named;
use super::Kind;
use super::Look;
use super::Remedy;
use super::entries;
use super::is_hex;
use super::name_of;
use crate::id::ModuleDigest;
use crate::id::Sha256;

/// What is looked at of `analyses/<digest>.json`.
#[derive(Deserialize)]
struct Made {
    engine: String,
    program_sha256: Sha256,
}

/// What is recorded of a program.
enum Program {
    Of(Sha256),
    /// It can be made again only with its module.
    OfNoModule,
}

impl Look<'_> {
    /// Gives those of which nothing is known.
    pub(super) fn modules(&mut self) -> io::Result<Vec<ModuleDigest>> {
        let mut whole = HashSet::new();
        let (mut described, mut signatures) = (Vec::new(), Vec::new());
        for entry in entries(&self.store.analyses_dir())? {
            let (path, name) = (entry.path(), name_of(&entry));
            match name.split_once('.') {
                None if ["names", "own", "held", "revoked", "approved"].contains(&name.as_str()) => (),
                Some((digest, "wasm")) if is_hex(digest, 64) => {
                    let found = self.module(&path, digest);
                    whole.extend(self.unless_read((&path, Remedy::Quarantine), found).flatten());
                }
                Some((digest, "minisig")) if is_hex(digest, 64) => signatures.push((digest.to_owned(), path)),
                Some((digest, "json")) if is_hex(digest, 64) => described.push((digest.to_owned(), path)),
                _ => self.find(&path, (Kind::Orphan, Remedy::Quarantine), "no part of the layout"),
            }
        }
        for (digest, path) in signatures {
            if !digest.parse().is_ok_and(|it| whole.contains(&it)) {
                self.find(&path, (Kind::Dangling, Remedy::Remove), "signs a module that is not here, or not whole");
            }
        }
        let known: HashSet<ModuleDigest> = described.iter().filter_map(|(digest, _)| digest.parse().ok()).collect();
        let mut made = HashMap::new();
        for (digest, path) in described {
            let found = self.facts((&digest, &path), &whole);
            made.extend(self.unless_read((&path, Remedy::Quarantine), found).flatten());
        }
        self.names("names", &whole)?;
        self.names("own", &whole)?;
        self.names("held", &whole)?;
        self.programs(&made)?;
        let mut bare: Vec<_> = whole.difference(&known).copied().collect();
        bare.sort_unstable();
        Ok(bare)
    }

    /// Modules whose installation was cut off before anything was known of them, and which nothing stands for.
    pub(super) fn cut_off(&mut self, bare: &[ModuleDigest]) {
        for module in bare.iter().filter(|it| !self.wanted.contains(*it)).copied().collect::<Vec<_>>() {
            let path = self.store.analyses_dir().join(format!("{module}.wasm"));
            let detail = "a module that was being installed";
            self.find(&path, (Kind::Unfinished, Remedy::Quarantine), detail);
        }
    }

    /// Its digest, if it is the one it is called by.
    fn module(&mut self, path: &Path, name: &str) -> io::Result<Option<ModuleDigest>> {
        self.report.modules += 1;
        let digest = self.digest(path)?.filter(|it| it.to_string() == name);
        if digest.is_none() {
            let detail = "its bytes are others than its name says";
            self.find(path, (Kind::Damaged, Remedy::Quarantine), detail);
        }
        Ok(digest)
    }

    /// The program that they tell of, and what it is to be: nothing where its module is not whole.
    fn facts(
        &mut self,
        (digest, path): (&str, &Path),
        whole: &HashSet<ModuleDigest>,
    ) -> io::Result<Option<(String, Program)>> {
        let facts = Self::read(path)?.and_then(|it| serde_json::from_slice::<Made>(&it).ok());
        let has_module = digest.parse().is_ok_and(|it| whole.contains(&it));
        if !has_module {
            self.find(path, (Kind::Dangling, Remedy::Remove), "tells of a module that is not here, or not whole");
        } else if facts.is_none() {
            self.find(path, (Kind::Damaged, Remedy::Remove), "cannot be read; the module is compiled again");
        }
        Ok(facts.map(|facts| {
            let program = if has_module { Program::Of(facts.program_sha256) } else { Program::OfNoModule };
            (format!("{digest}-{}.cwasm", facts.engine), program)
        }))
    }

    fn names(&mut self, folder: &str, whole: &HashSet<ModuleDigest>) -> io::Result<()> {
        for entry in entries(&self.store.analyses_dir().join(folder))? {
            let path = entry.path();
            let text = Self::read(&path);
            let Some(text) = self.unless_read((&path, Remedy::Quarantine), text) else { continue };
            let named = text.and_then(|it| Named::read(&it));
            let modules: Vec<_> = named.iter().flat_map(|it| &it.versions).map(|it| it.module).collect();
            self.wanted.extend(&modules);
            // Former versions of it may be gone: then they are no versions any more, and only cannot be asked for.
            if named.is_none_or(|it| !whole.contains(&it.current)) {
                self.find(&path, (Kind::Dangling, Remedy::Quarantine), "stands for no module");
            }
        }
        Ok(())
    }

    /// A program that nothing is recorded of was made for another engine, or was being made.
    fn programs(&mut self, made: &HashMap<String, Program>) -> io::Result<()> {
        for entry in entries(&self.store.programs_dir())? {
            let path = entry.path();
            match made.get(&name_of(&entry)) {
                None => {
                    let detail = "a program that nothing is recorded of";
                    self.find(&path, (Kind::Unfinished, Remedy::Remove), detail);
                }
                Some(Program::OfNoModule) => {
                    let detail = "a program of a module that is not here, or not whole";
                    self.find(&path, (Kind::Dangling, Remedy::Remove), detail);
                }
                Some(Program::Of(recorded)) => {
                    let found = self.digest(&path);
                    let found = self.unless_read((&path, Remedy::Quarantine), found);
                    if found.is_some_and(|found| found != Some(*recorded)) {
                        let detail = "another than was compiled; it is compiled again";
                        self.find(&path, (Kind::Damaged, Remedy::Remove), detail);
                    }
                }
            }
        }
        Ok(())
    }
}
