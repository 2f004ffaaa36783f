//! `next/`: what a server of another version will need, made while this one works: a data directory of its own, in which
//! nothing but modules and their programs lies. The next start takes them over and removes the rest.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;

use super::OpenError;
use super::Store;
use super::lists;
use super::lock;
use super::names::Owner;
use crate::id::ModuleDigest;

const NEXT: &str = "next";

/// Where to make it, for the server of that data directory; nothing is left there of what was made before.
///
/// # Errors
/// Of the disk, or when somebody is at it.
pub fn begin(data: &Path) -> Result<PathBuf, OpenError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    let next = data.join(NEXT);
    match lock(&next).and_then(|_lock| Ok(fs::remove_dir_all(&next)?)) {
        // There was none, or a server that starts has just taken it over.
        Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(next),
        done => done.map(|()| next),
    }
}

impl Store {
    /// The modules that a start needs besides those that come with it: clients' analyses, and those that are in the queue.
    ///
    /// # Errors
    /// Of the disk.
    pub fn needed_at_start(&self) -> io::Result<BTreeSet<ModuleDigest>> {
        let mut needed = BTreeSet::new();
        for owner in [Owner::Clients, Owner::Quarantine] {
            needed.extend(self.names(owner)?.into_iter().map(|(_, named)| named.current));
        }
        self.add_queued(&mut needed)?;
        for tenant in self.tenants()? {
            self.view_of_tenant(tenant).add_queued(&mut needed)?;
        }
        Ok(needed)
    }

    fn add_queued(&self, needed: &mut BTreeSet<ModuleDigest>) -> io::Result<()> {
        for key in self.queued()? {
            needed.extend(self.config(key)?.map(|it| it.module));
        }
        Ok(())
    }

    /// Gives the programs that are here for that engine to what is being made, which need not make them.
    ///
    /// # Errors
    /// Of the disk.
    pub fn lend_programs(&self, next: &Self, engine: &str) -> io::Result<()> {
        for (module, name) in programs(&self.programs_dir(), engine)? {
            let facts = format!("{module}.json");
            let known = self.analyses_dir().join(&facts);
            if known.exists() {
                fs::copy(known, next.analyses_dir().join(facts))?;
                fs::hard_link(self.programs_dir().join(&name), next.programs_dir().join(name))?;
            }
        }
        Ok(())
    }

    /// Takes over the programs that were made for that engine; gives how many. Each is believed as any stored program is:
    /// when its digest is the one that whoever compiled it wrote down.
    ///
    /// # Errors
    /// Of the disk, or when they are still being made; what is not taken over is compiled when it is needed.
    pub fn take_over(&self, engine: &str) -> Result<usize, OpenError> {
        let next = self.root.join(NEXT);
        if !next.exists() {
            return Ok(0);
        }
        let _lock = lock(&next)?;
        let mut count = 0;
        for (module, name) in programs(&next.join("programs"), engine)? {
            let facts = format!("{module}.json");
            let from = next.join("analyses").join(&facts);
            if from.exists() {
                self.disk.publish(&next.join("programs").join(&name), &self.programs_dir().join(&name))?;
                self.disk.publish(&from, &self.analyses_dir().join(facts))?;
                count += 1;
            }
        }
        self.disk.remove_tree(&next)?;
        Ok(count)
    }
}

/// Those for that engine, each with the name of its file.
fn programs(directory: &Path, engine: &str) -> io::Result<Vec<(ModuleDigest, String)>> {
    let end = format!("-{engine}.cwasm");
    let of_engine = |name: String| Some((name.strip_suffix(&end)?.parse().ok()?, name));
    let names = lists::names(directory)?.collect::<io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter_map(of_engine).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_a_server_takes_over_meanwhile_is_out_of_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let next = dir.path().join(NEXT);
        fs::create_dir(&next).unwrap();
        let held = lock(&next).unwrap();
        std::thread::scope(|scope| {
            let begun = scope.spawn(|| begin(dir.path()));
            // It waits for the lock by then; if not, it finds nothing, which is as good.
            std::thread::park_timeout(Duration::from_millis(200));
            fs::remove_dir_all(&next).unwrap();
            drop(held);
            assert_eq!(begun.join().unwrap().unwrap(), next);
        });
        assert!(!next.exists());
    }
}
