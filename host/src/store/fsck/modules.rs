//! Modules by digest, the names that stand for them, and the programs made of them.

use std::collections::HashMap;
use std::io;

use serde::Deserialize;

use super::Kind;
use super::Look;
use super::Remedy;
use super::entries;
use super::is_hex;
use super::name_of;
use crate::id::ModuleDigest;
use crate::id::Sha256;
use crate::store::disk;

/// What is looked at of `analyses/<digest>.json`.
#[derive(Deserialize)]
struct Made {
    engine: String,
    program_sha256: Sha256,
}

impl Look<'_> {
    pub(super) fn modules(&mut self) -> io::Result<()> {
        let mut made = HashMap::new();
        for entry in entries(&self.store.analyses_dir())? {
            let (path, name) = (entry.path(), name_of(&entry));
            match name.split_once('.') {
                None if name == "names" => (),
                Some((digest, "wasm")) if is_hex(digest, 64) => {
                    self.report.modules += 1;
                    if self.digest(&path)?.is_none_or(|it| it.to_string() != digest) {
                        let detail = "its bytes are others than its name says";
                        self.find(&path, (Kind::Damaged, Remedy::Quarantine), detail);
                    }
                }
                Some((digest, "json")) if is_hex(digest, 64) => {
                    let facts = disk::read_if_there(&path)?.and_then(|it| serde_json::from_slice::<Made>(&it).ok());
                    match facts {
                        Some(facts) => {
                            made.insert(format!("{digest}-{}.cwasm", facts.engine), facts.program_sha256);
                        }
                        None => {
                            let detail = "cannot be read; the module is compiled again";
                            self.find(&path, (Kind::Damaged, Remedy::Remove), detail);
                        }
                    }
                }
                _ => self.find(&path, (Kind::Orphan, Remedy::Quarantine), "no part of the layout"),
            }
        }
        self.names()?;
        self.programs(&made)
    }

    fn names(&mut self) -> io::Result<()> {
        for entry in entries(&self.store.analyses_dir().join("names"))? {
            let path = entry.path();
            let module = disk::read_if_there(&path)?.and_then(|it| String::from_utf8(it).ok());
            let module = module.and_then(|it| it.trim().parse::<ModuleDigest>().ok());
            let stands = module.is_some_and(|it| self.store.analyses_dir().join(format!("{it}.wasm")).exists());
            if !stands {
                self.find(&path, (Kind::Dangling, Remedy::Quarantine), "stands for no module");
            }
        }
        Ok(())
    }

    /// A program that nothing is recorded of was made for another engine, or was being made.
    fn programs(&mut self, made: &HashMap<String, Sha256>) -> io::Result<()> {
        for entry in entries(&self.store.programs_dir())? {
            let path = entry.path();
            match made.get(&name_of(&entry)) {
                None => {
                    let detail = "a program that nothing is recorded of";
                    self.find(&path, (Kind::Unfinished, Remedy::Remove), detail);
                }
                Some(recorded) if self.digest(&path)? != Some(*recorded) => {
                    let detail = "another than was compiled; it is compiled again";
                    self.find(&path, (Kind::Damaged, Remedy::Remove), detail);
                }
                Some(_) => (),
            }
        }
        Ok(())
    }
}
