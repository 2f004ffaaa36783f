//! Looks through a whole data directory: everything is read and hashed again, and held against what is recorded of it.
//!
//! What cannot be read is found like what is damaged, and does not end the look: a disk that fails is when it is needed.
//!
//! What a server that was killed leaves half done, and the next start sets right, is [`Kind::Unfinished`]: it is told, and
//! is no fault. Repair destroys nothing that cannot be made again: what has no place is moved to `quarantine/`, a run whose
//! ending is not whole goes back to the queue, a program is dropped and compiled again.

mod modules;
mod notices;
mod partials;
mod runs;
#[cfg(test)]
mod tests;
mod uploads;

use std::collections::HashSet;
use std::fs;
use std::fs::DirEntry;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use super::Store;
use super::digest::Sha256Writer;
use super::disk;
use super::tenants;
use crate::id::ModuleDigest;
use crate::id::RunKey;
use crate::id::Sha256;
use crate::id::Tenant;

/// What is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Below the data directory.
    pub path: PathBuf,
    pub kind: Kind,
    pub detail: String,
    /// What [`Store::repair`] does about it.
    pub remedy: Remedy,
}

/// In which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Left half done by a server that was killed, or by a former version: does no harm.
    Unfinished,
    /// The bytes are not those that were recorded.
    Damaged,
    /// Something that belongs to it is not there.
    Incomplete,
    /// It belongs to nothing.
    Orphan,
    /// It stands for something that is not there.
    Dangling,
}

/// How that is mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// By itself, at the next start, when it is asked again, or when its time is over.
    Start,
    /// Moved to `quarantine/`, for a person to look at.
    Quarantine,
    /// All that came of it goes to `quarantine/`, and the run back to the queue.
    RunAgain(#[serde(serialize_with = "as_text")] RunKey),
    /// Removed: it can be made again.
    Remove,
    /// The link is made again, to that name.
    Relink(String),
}

/// What was looked at, and what was found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub uploads: u64,
    pub runs: u64,
    pub artifacts: u64,
    pub modules: u64,
    /// That were read and hashed.
    pub bytes: u64,
    pub findings: Vec<Finding>,
}

impl Report {
    /// Those that are none of a server's own making.
    pub fn faults(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|it| it.kind != Kind::Unfinished)
    }
}

/// The folders and files of the layout, besides the 256 of uploads.
const KNOWN: [&str; 17] = [
    "FORMAT",
    "LOCK",
    "STOPPED",
    "analyses",
    "audit",
    "gone",
    "next",
    "notify",
    "partial",
    "programs",
    "quarantine",
    "queue",
    "selftest.json",
    "spent.json",
    "staging",
    "tenants",
    "tokens",
];

struct Look<'a> {
    store: &'a Store,
    queued: HashSet<RunKey>,
    /// That runs and names stand for.
    wanted: HashSet<ModuleDigest>,
    report: Report,
}

impl Store {
    /// Looks through everything. For a data directory that this process alone works on.
    ///
    /// # Errors
    /// When the folders of the layout cannot be read; what else cannot be, or is not as it should be, is a finding.
    pub fn check(&self) -> io::Result<Report> {
        let tenants: Vec<_> = self.tenants()?.into_iter().map(|tenant| self.view_of_tenant(tenant)).collect();
        let (queued, wanted) = (HashSet::new(), HashSet::new());
        let mut look = Look { store: self, queued, wanted, report: Report::default() };
        let bare = look.modules()?;
        for store in [self].into_iter().chain(&tenants) {
            look.store = store;
            look.tenant()?;
        }
        look.store = self;
        for entry in entries(&self.base.join(tenants::TENANTS))? {
            if name_of(&entry).parse::<Tenant>().is_err() {
                look.find(&entry.path(), (Kind::Orphan, Remedy::Quarantine), "names no tenant");
            }
        }
        look.cut_off(&bare);
        Ok(look.report)
    }

    /// Mends what was found; gives where it went if it was moved.
    ///
    /// # Errors
    /// Of the disk.
    pub fn repair(&self, finding: &Finding) -> io::Result<Option<PathBuf>> {
        let path = self.base.join(&finding.path);
        match &finding.remedy {
            Remedy::Start => return Ok(None),
            Remedy::Quarantine => return self.quarantine(&path).map(Some),
            Remedy::RunAgain(key) => return self.view_of_tenant(key.tenant).run_again(*key).map(Some),
            Remedy::Remove => self.disk.remove_if_there(&path)?,
            Remedy::Relink(target) => {
                self.disk.remove_if_there(&path)?;
                self.disk.link(target, &path)?;
            }
        }
        self.disk.settle().map(|()| None)
    }

    /// Puts a run back into the queue, and sets aside all that came of it; who has been told of it has been.
    fn run_again(&self, key: RunKey) -> io::Result<PathBuf> {
        self.disk.overwrite(&self.queue_path(key), b"")?;
        let directory = self.run_dir(key);
        let aside = self.aside(&directory)?;
        self.disk.make_directory(&aside)?;
        for entry in entries(&directory)? {
            if !["config.json", "deliveries.json"].contains(&name_of(&entry).as_str()) {
                self.disk.rename(&entry.path(), &aside.join(entry.file_name()))?;
            }
        }
        self.disk.settle()?;
        Ok(aside)
    }

    fn quarantine(&self, path: &Path) -> io::Result<PathBuf> {
        let target = self.aside(path)?;
        self.disk.rename(path, &target)?;
        self.disk.settle()?;
        Ok(target)
    }

    /// A place in `quarantine/` that is free, for what lies at that path.
    fn aside(&self, path: &Path) -> io::Result<PathBuf> {
        let quarantine = self.base.join("quarantine");
        self.disk.make_directory(&quarantine)?;
        let relative = path.strip_prefix(&self.base).unwrap_or(path);
        let flat = relative.to_string_lossy().replace('/', "-");
        let target = (0..).map(|number| quarantine.join(format!("{number}-{flat}"))).find(|it| !it.exists());
        target.ok_or_else(|| io::ErrorKind::AlreadyExists.into())
    }
}

impl Look<'_> {
    fn find(&mut self, path: &Path, (kind, remedy): (Kind, Remedy), detail: impl Into<String>) {
        let path = path.strip_prefix(&self.store.base).unwrap_or(path).to_owned();
        self.report.findings.push(Finding { path, kind, detail: detail.into(), remedy });
    }

    /// What was looked at, unless it cannot be read: that is a finding, and all else is looked at.
    fn unless_read<T>(&mut self, (path, remedy): (&Path, Remedy), looked: io::Result<T>) -> Option<T> {
        looked.map_err(|error| self.find(path, (Kind::Damaged, remedy), format!("cannot be read: {error}"))).ok()
    }

    fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
        disk::read_if_there(path).map_err(|error| of_file(path, &error))
    }

    fn digest(&mut self, path: &Path) -> io::Result<Option<Sha256>> {
        let mut digest = Sha256Writer::default();
        let read = disk::open_if_there(path)
            .and_then(|opened| opened.map(|(mut file, _)| io::copy(&mut file, &mut digest)).transpose());
        let Some(bytes) = read.map_err(|error| of_file(path, &error))? else { return Ok(None) };
        self.report.bytes += bytes;
        Ok(Some(digest.finish()))
    }

    fn unfinished(&mut self, path: &Path, detail: &str) {
        self.find(path, (Kind::Unfinished, Remedy::Start), detail);
    }

    /// All that one tenant has.
    fn tenant(&mut self) -> io::Result<()> {
        self.queued.clear();
        self.queue_names()?;
        for entry in entries(&self.store.root)? {
            let name = name_of(&entry);
            if is_hex(&name, 2) && entry.file_type()?.is_dir() {
                let looked = self.uploads(&entry.path());
                self.unless_read((&entry.path(), Remedy::Quarantine), looked);
            } else if !KNOWN.contains(&name.as_str()) {
                self.find(&entry.path(), (Kind::Orphan, Remedy::Quarantine), "no part of the layout");
            }
        }
        self.queue()?;
        self.gone()?;
        self.partials()?;
        self.notices()?;
        for entry in entries(&self.store.root.join("staging"))? {
            self.unfinished(&entry.path(), "staged and never put into place");
        }
        Ok(())
    }

    fn queue_names(&mut self) -> io::Result<()> {
        for entry in entries(&self.store.root.join("queue"))? {
            match name_of(&entry).parse::<RunKey>() {
                Ok(key) => drop(self.queued.insert(key.of(self.store.tenant))),
                Err(_) => {
                    self.find(&entry.path(), (Kind::Orphan, Remedy::Quarantine), "names no run");
                }
            }
        }
        Ok(())
    }

    /// Entries that stand for nothing: the start drops them.
    fn queue(&mut self) -> io::Result<()> {
        for key in self.queued.clone() {
            // One that cannot be read was found with its run.
            if matches!(self.store.config(key), Ok(None)) {
                self.unfinished(&self.store.queue_path(key), "a run that was never answered for");
            }
        }
        Ok(())
    }

    fn gone(&mut self) -> io::Result<()> {
        for entry in entries(&self.store.root.join("gone"))? {
            let path = entry.path();
            match name_of(&entry).parse() {
                Ok(file_id) if self.store.upload_dir(file_id).exists() => {
                    let detail = "told as gone, and here: it was being deleted, or has come back";
                    self.find(&path, (Kind::Unfinished, Remedy::Remove), detail);
                }
                Ok(_) => (),
                Err(_) => self.find(&path, (Kind::Orphan, Remedy::Quarantine), "names no file"),
            }
        }
        Ok(())
    }
}

/// Tells which file it was.
fn of_file(path: &Path, error: &io::Error) -> io::Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

fn as_text<S: serde::Serializer>(key: &RunKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

/// What lies in a directory, by name; nothing when there is none.
fn entries(path: &Path) -> io::Result<Vec<DirEntry>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(of_file(path, &error)),
    };
    let entries: io::Result<Vec<_>> = entries.collect();
    let mut entries = entries.map_err(|error| of_file(path, &error))?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

fn name_of(entry: &DirEntry) -> String {
    entry.file_name().to_string_lossy().into_owned()
}

fn is_hex(name: &str, len: usize) -> bool {
    name.len() == len && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
