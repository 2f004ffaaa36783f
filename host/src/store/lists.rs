//! Lists of what is stored, a page at a time. A page begins after a key, not after a number of entries, so a place in a
//! list stays good whatever comes and goes meanwhile.
//!
//! Uploads are listed newest first, which no name on disk tells. Nothing is read for that at start: the first who wants
//! the list has every `upload.json` read once (some 20 µs each when the page cache has them, a seek each when not); from
//! then on who comes and who goes keeps an index of time, id and size, some 60 bytes of memory an upload. A page then
//! costs a look into the index and a read for each of its own entries. While that first reading goes on uploads come and
//! go as ever: each is looked at and entered under the lock that its leaving takes, so none is entered after it has left.
//!
//! Runs of a file are listed by id: a page costs the names of all of that file's runs, and a read for each of its own.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

use super::Store;
use super::runs::RunConfig;
use super::uploads::UploadFacts;
use crate::id::AnalysisId;
use crate::id::FileId;
use crate::id::RunKey;
use crate::id::UploadPlace;

/// A stretch of a list.
#[derive(Debug)]
pub struct Page<T, K> {
    /// What has gone while the page was made is left out.
    pub entries: Vec<T>,
    /// After which key the next page begins, when there is more.
    pub next: Option<K>,
}

impl<K: Copy> Page<K, K> {
    /// The first keys, of one more than there may be on a page where there are so many.
    fn of(mut keys: Vec<K>, limit: usize) -> Self {
        let more = keys.len() > limit;
        keys.truncate(limit);
        let next = keys.last().copied().filter(|_| more);
        Self { entries: keys, next }
    }

    fn look_up<T>(self, entry: impl FnMut(K) -> io::Result<Option<T>>) -> io::Result<Page<T, K>> {
        let entries = self.entries.into_iter().map(entry).filter_map(Result::transpose).collect::<io::Result<_>>()?;
        Ok(Page { entries, next: self.next })
    }
}

/// All uploads together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inventory {
    pub uploads: u64,
    pub bytes: u64,
}

/// The index of uploads.
#[derive(Debug, Default)]
pub(super) struct Listing {
    index: Mutex<Index>,
    /// Held by who reads the disk for it.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
enum Index {
    /// Nobody has asked.
    #[default]
    None,
    /// What is on disk is being read.
    Partial(Entries),
    Whole(Entries),
}

#[derive(Debug, Default)]
struct Entries {
    /// With sizes, in bytes.
    by_place: BTreeMap<UploadPlace, u64>,
    /// All sizes together.
    bytes: u64,
}

impl Entries {
    fn enter(&mut self, facts: &UploadFacts) {
        let before = self.by_place.insert(place(facts), facts.size_bytes);
        self.bytes = self.bytes + facts.size_bytes - before.unwrap_or(0);
    }

    fn leave(&mut self, facts: &UploadFacts) {
        self.bytes -= self.by_place.remove(&place(facts)).unwrap_or(0);
    }
}

impl Listing {
    /// An upload has come.
    pub(super) fn enter(&self, facts: &UploadFacts) {
        if let Some(entries) = self.index().entries() {
            entries.enter(facts);
        }
    }

    /// An upload has gone.
    pub(super) fn leave(&self, facts: &UploadFacts) {
        if let Some(entries) = self.index().entries() {
            entries.leave(facts);
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // A panic leaves the map whole.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn entries(&mut self) -> Option<&mut Entries> {
        match self {
            Self::None => None,
            Self::Partial(entries) | Self::Whole(entries) => Some(entries),
        }
    }

    fn whole(&self) -> Option<&Entries> {
        match self {
            Self::None | Self::Partial(_) => None,
            Self::Whole(entries) => Some(entries),
        }
    }
}

fn place(facts: &UploadFacts) -> UploadPlace {
    UploadPlace::at(facts.created.unix_ms(), facts.sha1)
}

impl Store {
    /// Uploads that came before that place, newest first.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn uploads(
        self: &Arc<Self>,
        before: Option<UploadPlace>,
        limit: usize,
    ) -> io::Result<Page<UploadFacts, UploadPlace>> {
        self.index_uploads().await?;
        let store = Arc::clone(self);
        let page = tokio::task::spawn_blocking(move || store.page_of_uploads(before, limit)).await;
        page.map_err(io::Error::other)?
    }

    /// How much is stored, once somebody has had it counted.
    #[must_use]
    pub fn inventory(&self) -> Option<Inventory> {
        let index = self.listing.index();
        let entries = index.whole()?;
        let uploads = u64::try_from(entries.by_place.len()).unwrap_or(u64::MAX);
        Some(Inventory { uploads, bytes: entries.bytes })
    }

    /// Reads every upload's facts, unless that is done. Whoever comes meanwhile waits, and holds no thread.
    ///
    /// # Errors
    /// Of the disk; the next who comes tries again.
    pub async fn index_uploads(self: &Arc<Self>) -> io::Result<()> {
        if self.listing.index().whole().is_some() {
            return Ok(());
        }
        // The thread keeps its turn when the client that caused it has gone: two never read at once.
        let turn = Arc::clone(&self.listing.reading).lock_owned().await;
        if self.listing.index().whole().is_some() {
            return Ok(());
        }
        self.reading(turn).await.map_err(io::Error::other)?
    }

    /// Sees to it that every upload's facts get read, and does not wait for that.
    pub fn begin_index(self: &Arc<Self>) {
        // Who has the turn reads, or is told that it is done.
        if let Ok(turn) = Arc::clone(&self.listing.reading).try_lock_owned()
            && self.listing.index().whole().is_none()
        {
            drop(self.reading(turn));
        }
    }

    fn reading(self: &Arc<Self>, turn: OwnedMutexGuard<()>) -> JoinHandle<io::Result<()>> {
        let store = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let read = store.read_uploads();
            let read = read.inspect_err(|error| tracing::error!(%error, "the list of uploads cannot be made"));
            drop(turn);
            read
        })
    }

    fn read_uploads(&self) -> io::Result<()> {
        *self.listing.index() = Index::Partial(Entries::default());
        for first in 0..=u8::MAX {
            let first = format!("{first:02x}");
            for rest in names(&self.root.join(&first))? {
                // What is no id is nothing of ours.
                let Ok(file_id) = format!("{first}{}", rest?).parse::<FileId>() else { continue };
                let mut index = self.listing.index();
                if let Some(facts) = self.listable(file_id)?
                    && let Some(entries) = index.entries()
                {
                    entries.enter(&facts);
                }
            }
        }
        let mut index = self.listing.index();
        if let Index::Partial(entries) = &mut *index {
            *index = Index::Whole(std::mem::take(entries));
        }
        Ok(())
    }

    fn page_of_uploads(&self, before: Option<UploadPlace>, limit: usize) -> io::Result<Page<UploadFacts, UploadPlace>> {
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = {
            let index = self.listing.index();
            let entries = index.whole().map(|it| it.by_place.range((Bound::Unbounded, end)).rev());
            entries.into_iter().flatten().map(|(place, _)| *place).take(limit.saturating_add(1)).collect()
        };
        Page::of(keys, limit).look_up(|key| Ok(self.listable(key.file_id())?.filter(|facts| place(facts) == key)))
    }

    /// The facts of an upload, unless they cannot be made out: one that is broken does not keep others off the list.
    fn listable(&self, file_id: FileId) -> io::Result<Option<UploadFacts>> {
        match self.upload(file_id) {
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                tracing::warn!(file.id = %file_id, %error, "an upload's facts cannot be read; it is not listed");
                Ok(None)
            }
            read => read,
        }
    }

    /// Runs of a file whose ids are greater than that, by id.
    ///
    /// # Errors
    /// Of the disk.
    pub fn runs_of(
        &self,
        file_id: FileId,
        after: Option<AnalysisId>,
        limit: usize,
    ) -> io::Result<Page<(RunKey, RunConfig), AnalysisId>> {
        let mut least = BTreeSet::new();
        for name in names(&self.upload_dir(file_id).join("analysis"))? {
            let Ok(analysis_id) = name?.parse::<AnalysisId>() else { continue };
            if after.is_none_or(|after| analysis_id > after) {
                least.insert(analysis_id);
            }
            if least.len() > limit.saturating_add(1) {
                least.pop_last();
            }
        }
        Page::of(least.into_iter().collect(), limit).look_up(|analysis_id| {
            let key = RunKey { tenant: self.tenant, file_id, analysis_id };
            Ok(self.config(key)?.map(|config| (key, config)))
        })
    }
}

/// What lies in a directory, which need not be there.
pub(super) fn names(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        read => Some(read?),
    };
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|it| it.file_name().into_string().ok()).transpose();
    Ok(entries.into_iter().flatten().filter_map(name))
}
