//! Programs that one person's commands keep for each other, so that `belljar run` compiles a module once. What lies there is
//! machine code that is run: the directory is that person's alone, and a store believes what it is lent only as it believes its
//! own, when it is what whoever compiled it wrote down.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use rustix::fs::Timespec;
use rustix::fs::Timestamps;

use super::Store;
use super::disk;
use super::lists;
use crate::id::ModuleDigest;

/// What is kept, bytes; what was used last stays.
const BYTES_MAX: u64 = 1 << 30;

/// `<module>-<engine>.json` and `.cwasm`: what is known of a module, and its program.
#[derive(Debug, Clone)]
pub struct ProgramCache(PathBuf);

impl ProgramCache {
    /// Opens one, and makes it where there is none.
    ///
    /// # Errors
    /// Of the disk, when somebody else may write there, and within a server's data, as where that is its user's home.
    pub fn open(directory: PathBuf) -> io::Result<Self> {
        if directory.ancestors().any(|it| it.join("FORMAT").is_file()) {
            let detail = format!("{} is within a data directory", directory.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, detail));
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let found = fs::symlink_metadata(&directory)?;
        if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0 {
            let detail = format!("{} is not this user's alone to write", directory.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, detail));
        }
        Ok(Self(directory))
    }

    /// Puts what is known of a module, and its program for that engine, into a store.
    ///
    /// # Errors
    /// Of the disk; nothing where nothing is kept.
    pub fn lend(&self, store: &Store, module: ModuleDigest, engine: &str) -> io::Result<()> {
        let [facts, program] = self.kept(module, engine);
        let Some(known) = disk::read_if_there(&facts)? else { return Ok(()) };
        fs::copy(&program, store.program_path(module, engine))?;
        fs::write(store.module_path(module, "json"), known)?;
        for used in [facts, program] {
            let now = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
            rustix::fs::futimens(File::open(used)?, &Timestamps { last_access: now, last_modification: now })?;
        }
        Ok(())
    }

    /// Keeps what a store has made of a module for that engine.
    ///
    /// # Errors
    /// Of the disk.
    pub fn keep(&self, store: &Store, module: ModuleDigest, engine: &str) -> io::Result<()> {
        let [facts, program] = self.kept(module, engine);
        // What is known comes last: it says that there is a program.
        self.put(&store.program_path(module, engine), &program)?;
        self.put(&store.module_path(module, "json"), &facts)?;
        self.shrink(BYTES_MAX)
    }

    fn kept(&self, module: ModuleDigest, engine: &str) -> [PathBuf; 2] {
        ["json", "cwasm"].map(|extension| self.0.join(format!("{module}-{engine}.{extension}")))
    }

    /// Whole, or not at all: other commands look at the same time.
    fn put(&self, from: &Path, to: &Path) -> io::Result<()> {
        let staged = self.0.join(format!("{}.part", std::process::id()));
        let put = fs::copy(from, &staged).and_then(|_| fs::rename(&staged, to));
        put.inspect_err(|_| drop(fs::remove_file(staged)))
    }

    /// Removes what was not used for longest.
    fn shrink(&self, bytes_max: u64) -> io::Result<()> {
        let mut found: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for name in lists::names(&self.0)? {
            let path = self.0.join(name?);
            // Another command may have removed it.
            if let Ok(it) = fs::symlink_metadata(&path) {
                found.push((it.modified()?, it.len(), path));
            }
        }
        found.sort_by(|one, other| other.cmp(one));
        let mut bytes = 0;
        for (_, size_bytes, path) in found {
            bytes += size_bytes;
            if bytes > bytes_max {
                drop(fs::remove_file(path));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::Options;
    use crate::store::disk::Durability;

    const ENGINE: &str = "e";

    fn store(dir: &Path) -> Store {
        let options = Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
        Store::open(dir, options).unwrap()
    }

    fn made(store: &Store, module: ModuleDigest) {
        fs::write(store.program_path(module, ENGINE), [7; 1000]).unwrap();
        fs::write(store.module_path(module, "json"), "{}").unwrap();
    }

    #[test]
    fn what_one_store_made_another_is_lent() {
        let dir = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|it| store(&dir.path().join(it)));
        let cache = ProgramCache::open(dir.path().join("deep/cache")).unwrap();
        let module = ModuleDigest::new([1; 32]);
        cache.lend(&other, module, ENGINE).unwrap();
        assert_eq!(lists::names(&other.programs_dir()).unwrap().count(), 0);
        made(&one, module);
        cache.keep(&one, module, ENGINE).unwrap();
        cache.lend(&other, module, "another").unwrap();
        assert_eq!(lists::names(&other.programs_dir()).unwrap().count(), 0);
        cache.lend(&other, module, ENGINE).unwrap();
        assert_eq!(fs::read(other.program_path(module, ENGINE)).unwrap(), [7; 1000]);
        assert_eq!(fs::read(other.module_path(module, "json")).unwrap(), b"{}");
    }

    #[test]
    fn what_was_used_last_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir.path().join("store"));
        let cache = ProgramCache::open(dir.path().join("cache")).unwrap();
        for number in 1..=3 {
            let module = ModuleDigest::new([number; 32]);
            made(&store, module);
            cache.keep(&store, module, ENGINE).unwrap();
        }
        let first = ModuleDigest::new([1; 32]);
        cache.lend(&store, first, ENGINE).unwrap();
        cache.shrink(1500).unwrap();
        let mut left: Vec<_> = lists::names(&cache.0).unwrap().map(Result::unwrap).collect();
        left.retain(|it| it.ends_with(".cwasm"));
        assert_eq!(left, [format!("{first}-{ENGINE}.cwasm")]);
    }

    #[test]
    fn where_others_may_write_nothing_is_believed() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("cache");
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(ProgramCache::open(place).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(ProgramCache::open(link).is_err());
        let data = dir.path().join("data");
        drop(store(&data));
        assert!(ProgramCache::open(data.join(".cache/belljar")).is_err() && !data.join(".cache").exists());
    }
}
