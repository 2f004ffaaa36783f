//! What may go, and what goes first: by age, by how long nobody has used it, and to keep room on the disk.
//!
//! An upload goes with all that belongs to it. When it was stored is the time of its link `the_file`, when it was used
//! last the time of its `upload.json`, whose bytes never change: looking through a million uploads is a million looks at
//! two times each, and reads no file. A file `.pinned` beside them keeps an upload whatever the rules say: no file that a
//! client names can be called so.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fs;
use std::fs::File;
use std::fs::FileTimes;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Serialize;

use super::Store;
use crate::id::FileId;
use crate::id::Tenant;
use crate::time::Timestamp;

/// A use is noted if the last one noted is longer ago, milliseconds: that is often enough, and cheap. So long after the
/// one noted last there may have been another.
const NOTED_EVERY_MS: u64 = 60_000;
/// Beside an upload: it is kept. No [`SafeName`](crate::id::SafeName) begins so.
pub(super) const PIN: &str = ".pinned";
/// What former versions wrote instead, empty. An upload's own file may be called so.
pub(super) const FORMER_PIN: &str = "pinned";

/// When uploads go. What is not said does not make any go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Retention")]
pub struct Rules {
    /// So long after it was stored, milliseconds.
    pub age_ms: Option<u64>,
    /// So long after it was used last, milliseconds, and at most a minute more.
    pub idle_ms: Option<u64>,
    /// Bytes kept free.
    pub bytes: Watermarks,
    /// Files kept free, where the file system counts them.
    pub files: Watermarks,
}

/// Below the low one, those used longest ago go until the high one is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Watermarks {
    pub low: u64,
    pub high: u64,
}

impl Rules {
    /// When an upload goes by itself; None where no rule of time says so.
    #[must_use]
    pub fn expires(&self, held: &Held) -> Option<Timestamp> {
        if held.pinned {
            return None;
        }
        let after = |since: Timestamp, ms: Option<u64>| ms.map(|ms| since.plus_ms(ms));
        let idle_ms = self.idle_ms.map(|idle_ms| idle_ms.saturating_add(NOTED_EVERY_MS));
        [after(held.created, self.age_ms), after(held.used, idle_ms)].into_iter().flatten().min()
    }

    /// Whether anything ever goes.
    #[must_use]
    pub fn say_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What retention looks at of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub tenant: Tenant,
    pub file_id: FileId,
    pub created: Timestamp,
    pub used: Timestamp,
    pub pinned: bool,
}

/// How much is free, in bytes and in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    pub bytes: u64,
    /// The most there can be where the file system does not count them: it has as many as it has room for, and says so
    /// by a total of 0.
    pub files: u64,
}

impl Free {
    /// Whether room has to be made.
    #[must_use]
    pub fn is_low(&self, rules: &Rules) -> bool {
        self.bytes < rules.bytes.low || self.files < rules.files.low
    }

    /// Whether enough room was made.
    #[must_use]
    pub fn is_high(&self, rules: &Rules) -> bool {
        self.bytes >= rules.bytes.high.max(rules.bytes.low) && self.files >= rules.files.high.max(rules.files.low)
    }
}

/// What goes, and in which order; nothing with a run that has not ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Their time is over.
    pub expired: Vec<Held>,
    /// If room is low: all others that may go, those used longest ago first.
    pub for_room: Vec<Held>,
}

impl Plan {
    /// Looks at every upload of these; so much is free.
    ///
    /// # Errors
    /// Of the disk.
    pub fn make(stores: &[impl Borrow<Store>], rules: &Rules, (now, free): (Timestamp, Free)) -> io::Result<Self> {
        let mut plan = Self::default();
        let low = free.is_low(rules);
        for store in stores.iter().map(Borrow::borrow) {
            let live: HashSet<FileId> = store.queued()?.into_iter().map(|key| key.file_id).collect();
            for held in store.all_held() {
                let held = held?;
                if live.contains(&held.file_id) {
                    continue;
                }
                match rules.expires(&held) {
                    Some(end) if end <= now => plan.expired.push(held),
                    Some(_) | None if low && !held.pinned => plan.for_room.push(held),
                    Some(_) | None => (),
                }
            }
        }
        plan.for_room.sort_by_key(|held| held.used);
        Ok(plan)
    }
}

impl Store {
    /// What retention looks at of one upload; None when it is not here.
    ///
    /// # Errors
    /// Of the disk.
    pub fn held(&self, file_id: FileId) -> io::Result<Option<Held>> {
        let directory = self.upload_dir(file_id);
        let missing =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        let times = fs::symlink_metadata(directory.join("the_file"))
            .and_then(|link| fs::metadata(directory.join("upload.json")).map(|facts| (link, facts)));
        match times {
            Ok((link, facts)) => Ok(Some(Held {
                tenant: self.tenant,
                file_id,
                created: modified(&link),
                used: modified(&facts),
                pinned: self.is_pinned(file_id)?,
            })),
            Err(error) if missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every upload, in no order.
    ///
    /// # Errors
    /// Of the disk, at whichever it came up.
    pub fn all_held(&self) -> impl Iterator<Item = io::Result<Held>> {
        self.file_ids().filter_map(|file_id| file_id.and_then(|file_id| self.held(file_id)).transpose())
    }

    /// The id of every upload, in no order: two levels of directories are read, and no file.
    pub(super) fn file_ids(&self) -> impl Iterator<Item = io::Result<FileId>> {
        let root = self.root.clone();
        let folders = (0..=u8::MAX).map(move |byte| (format!("{byte:02x}"), root.join(format!("{byte:02x}"))));
        folders.flat_map(|(begin, path)| names_in(&path, &begin))
    }

    /// Notes that an upload is used now.
    ///
    /// # Errors
    /// Of the disk.
    pub fn note_use(&self, file_id: FileId, now: Timestamp) -> io::Result<()> {
        let path = self.upload_dir(file_id).join("upload.json");
        let used = modified(&fs::metadata(&path)?);
        if now.since(used) >= NOTED_EVERY_MS {
            File::open(path)?.set_times(FileTimes::new().set_modified(SystemTime::from(now)))?;
        }
        Ok(())
    }

    /// Keeps an upload whatever the rules say; durable on return.
    ///
    /// # Errors
    /// Of the disk; `NotFound` when there is no such upload.
    pub fn pin(&self, file_id: FileId) -> io::Result<()> {
        let _turn = self.lock_file(file_id);
        let path = self.upload_dir(file_id).join(PIN);
        if !path.exists() {
            self.disk.overwrite(&path, b"")?;
        }
        self.disk.settle()
    }

    /// Lets the rules say what becomes of an upload; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn unpin(&self, file_id: FileId) -> io::Result<()> {
        let _turn = self.lock_file(file_id);
        self.disk.remove_if_there(&self.upload_dir(file_id).join(PIN))?;
        if self.has_former_pin(file_id)? {
            self.disk.remove_if_there(&self.upload_dir(file_id).join(FORMER_PIN))?;
        }
        self.disk.settle()
    }

    fn is_pinned(&self, file_id: FileId) -> io::Result<bool> {
        Ok(self.upload_dir(file_id).join(PIN).exists() || self.has_former_pin(file_id)?)
    }

    /// Whether a former version has marked it: by an empty file that is not the upload itself.
    pub(super) fn has_former_pin(&self, file_id: FileId) -> io::Result<bool> {
        let found = fs::symlink_metadata(self.upload_dir(file_id).join(FORMER_PIN));
        if !found.is_ok_and(|it| it.is_file() && it.len() == 0) {
            return Ok(false);
        }
        Ok(self.upload(file_id)?.is_some_and(|facts| facts.safe_name.as_str() != FORMER_PIN))
    }

    /// How much room there is.
    ///
    /// # Errors
    /// Of the disk.
    pub fn free(&self) -> io::Result<Free> {
        let facts = rustix::fs::statvfs(&self.root)?;
        let files = if facts.f_files > 0 { facts.f_favail } else { u64::MAX };
        Ok(Free { bytes: facts.f_bavail.saturating_mul(facts.f_frsize), files })
    }

    /// What an upload takes with all that belongs to it.
    ///
    /// # Errors
    /// Of the disk.
    pub fn taken_by(&self, file_id: FileId) -> io::Result<Free> {
        let mut taken = Free { bytes: 0, files: 0 };
        add_up(&self.upload_dir(file_id), &mut taken)?;
        Ok(taken)
    }

    /// Forgets uploads that were deleted longer ago than anybody is told of it; gives how many.
    ///
    /// # Errors
    /// Of the disk.
    pub fn forget_gone(&self, now: Timestamp) -> io::Result<usize> {
        let mut forgotten = 0;
        for file_id in names_in(&self.root.join("gone"), "") {
            let file_id = file_id?;
            forgotten += usize::from(self.gone_path(file_id).exists() && !self.is_gone(file_id, now)?);
        }
        Ok(forgotten)
    }
}

fn modified(metadata: &fs::Metadata) -> Timestamp {
    Timestamp::from_unix_ms(metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000))
}

/// The ids that names in a directory are, put after `begin`.
fn names_in(path: &Path, begin: &str) -> Vec<io::Result<FileId>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![Err(error)],
    };
    let id = |entry: io::Result<fs::DirEntry>| {
        let id = entry.map(|entry| format!("{begin}{}", entry.file_name().to_string_lossy()).parse().ok());
        id.transpose()
    };
    entries.filter_map(id).collect()
}

fn add_up(path: &Path, taken: &mut Free) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    taken.files += 1;
    taken.bytes += metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            add_up(&entry?.path(), taken)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Options;
    use crate::store::disk::Durability;

    const AT: i64 = 1_000_000_000_000;

    fn held() -> Held {
        let at = |ms| Timestamp::from_unix_ms(AT + ms);
        Held { tenant: Tenant::MAIN, file_id: FileId::new([1; 20]), created: at(0), used: at(500), pinned: false }
    }

    #[test]
    fn the_earlier_of_two_ends_is_the_end_and_a_pin_is_none() {
        let expires = |age_ms, idle_ms, pinned| {
            let rules = Rules { age_ms, idle_ms, ..Rules::default() };
            rules.expires(&Held { pinned, ..held() }).map(|it| it.unix_ms() - AT)
        };
        assert_eq!(expires(None, None, false), None);
        assert_eq!(expires(Some(1000), None, false), Some(1000));
        assert_eq!(expires(None, Some(100), false), Some(60_600), "it may have been used when that was not noted");
        assert_eq!(expires(Some(100_000), Some(100), false), Some(60_600));
        assert_eq!(expires(Some(100), Some(100), false), Some(100));
        assert_eq!(expires(Some(1000), Some(100), true), None);
        assert!(expires(Some(u64::MAX), Some(u64::MAX), false).is_some_and(|it| it > 0));
    }

    /// Somebody uses it each second, which is noted once a minute.
    #[test]
    fn what_is_used_all_the_time_does_not_go_however_short_the_idle_time_is() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
        let store = Store::open(dir.path(), options).unwrap();
        let file_id = held().file_id;
        let directory = store.upload_dir(file_id);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("upload.json"), b"").unwrap();
        std::os::unix::fs::symlink("a", directory.join("the_file")).unwrap();
        let rules = Rules { idle_ms: Some(5000), ..Rules::default() };
        let goes = |now| !Plan::make(&[&store], &rules, (now, store.free().unwrap())).unwrap().expired.is_empty();
        let mut now = store.held(file_id).unwrap().unwrap().used;
        for _ in 0..200 {
            store.note_use(file_id, now).unwrap();
            now = now.plus_ms(1000);
            assert!(!goes(now));
        }
        assert!(!goes(now.plus_ms(3999)), "nor before its time");
        assert!(goes(now.plus_ms(64_000)), "but then");
    }

    #[test]
    fn room_is_made_from_the_low_mark_to_the_high_one() {
        let rules = Rules { bytes: Watermarks { low: 10, high: 20 }, ..Rules::default() };
        let free = |bytes| Free { bytes, files: u64::MAX };
        assert!(free(9).is_low(&rules) && !free(10).is_low(&rules));
        assert!(!free(19).is_high(&rules) && free(20).is_high(&rules));
        let odd = Rules { files: Watermarks { low: 5, high: 0 }, ..Rules::default() };
        assert!(Free { bytes: 0, files: 4 }.is_low(&odd) && Free { bytes: 0, files: 5 }.is_high(&odd));
    }
}
