//! Uploads: staged while their bytes arrive, then renamed into place as one directory with all that belongs to it.

use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Store;
use super::disk;
use super::disk::Disk;
use super::disk::NewFile;
use super::retention::Held;
use crate::id::FileId;
use crate::id::SafeName;
use crate::id::Sha256;
use crate::time::Timestamp;

/// How long a deleted upload answers as gone.
const GONE_MS: u64 = 24 * 3600 * 1000;
/// A file above this is written out by itself before the group commit, which then has little to do.
const ALONE_BYTES_MIN: u64 = 1 << 20;

/// `upload.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadFacts {
    pub version: u32,
    /// As the client named it.
    pub filename: String,
    /// As it lies on disk, and below `/input`.
    pub safe_name: SafeName,
    pub size_bytes: u64,
    pub media_type: String,
    pub sha1: FileId,
    pub sha256: Sha256,
    pub created: Timestamp,
}

/// What became of staged bytes.
#[derive(Debug)]
pub enum Stored {
    New,
    /// The same bytes were here.
    Already(UploadFacts),
    /// Other bytes of the same SHA-1 are here.
    Collision,
}

/// What stands where bytes are to go.
#[derive(Debug)]
enum There {
    Nothing,
    /// Others of the same SHA-1.
    Other,
    Same(UploadFacts),
    /// What is known of them, but not as many as were stored.
    WithoutBytes(UploadFacts),
    /// A directory, of which nothing is known any more.
    WithoutFacts,
}

/// A directory that is to become an upload; below `staging/` it vanishes unless it is published.
#[derive(Debug)]
pub struct StagedUpload {
    directory: PathBuf,
    safe_name: SafeName,
    file: NewFile,
    disk: Arc<Disk>,
    unless_published: Unless,
}

/// What becomes of a staged directory when it is let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unless {
    Vanish,
    Stay,
}

impl StagedUpload {
    /// What lies in a directory of somebody else's, who keeps it if it is not published.
    pub(super) fn kept(directory: PathBuf, (safe_name, file): (SafeName, NewFile), disk: Arc<Disk>) -> Self {
        Self { directory, safe_name, file, disk, unless_published: Unless::Stay }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Of the disk.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.write(&mut self.file, bytes)
    }

    /// The name that the file has on disk.
    #[must_use]
    pub fn safe_name(&self) -> &SafeName {
        &self.safe_name
    }
}

impl Drop for StagedUpload {
    fn drop(&mut self) {
        if self.unless_published == Unless::Vanish {
            // What cannot be removed now is swept at the next start.
            drop(self.disk.remove_tree(&self.directory));
        }
    }
}

impl Store {
    /// Begins an upload.
    ///
    /// # Errors
    /// Of the disk.
    pub fn stage_upload(&self, filename: &str) -> io::Result<StagedUpload> {
        let directory = self.staging_path();
        let safe_name = SafeName::from_untrusted(filename);
        self.disk.make_directory(&directory)?;
        let file = self.disk.create(&directory.join(safe_name.as_str()));
        let file = file.inspect_err(|_| drop(self.disk.remove_tree(&directory)))?;
        Ok(StagedUpload { directory, safe_name, file, disk: Arc::clone(&self.disk), unless_published: Unless::Vanish })
    }

    /// Puts an upload into place, unless the same bytes are there; durable when it returns.
    ///
    /// # Errors
    /// Of the disk; nothing appears then.
    pub async fn publish_upload(&self, mut staged: StagedUpload, facts: &UploadFacts) -> io::Result<Stored> {
        let stored = match self.there(facts)? {
            There::Same(there) => Some(Stored::Already(there)),
            There::Other => Some(Stored::Collision),
            There::Nothing | There::WithoutBytes(_) | There::WithoutFacts => None,
        };
        if let Some(stored) = stored
            && self.is_used_again(facts)?
        {
            // Whoever put it here may not have waited for the disk yet.
            self.disk.settled().await?;
            return Ok(stored);
        }
        if facts.size_bytes > ALONE_BYTES_MIN {
            let synced = tokio::task::spawn_blocking(move || staged.disk.sync_alone(&staged.file).map(|()| staged));
            staged = synced.await.map_err(io::Error::other)??;
        }
        let target = self.upload_dir(facts.sha1);
        self.disk.write_new(&staged.directory.join("upload.json"), &serde_json::to_vec_pretty(facts)?)?;
        self.disk.link(staged.safe_name.as_str(), &staged.directory.join("the_file"))?;
        self.disk.make_directory(&staged.directory.join("analysis"))?;
        self.disk.make_directory(target.parent().unwrap_or(&self.root))?;
        // Whole on disk before it has its name; its name on disk before anyone is told.
        self.disk.settled().await?;
        let stored = self.place_upload(&mut staged, facts, &target)?;
        self.disk.settled().await?;
        Ok(stored)
    }

    /// Notes that what is here is wanted; false when it has just gone.
    fn is_used_again(&self, facts: &UploadFacts) -> io::Result<bool> {
        let _turn = self.lock_file(facts.sha1);
        match self.note_use(facts.sha1, facts.created) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            noted => noted.map(|()| true),
        }
    }

    fn there(&self, facts: &UploadFacts) -> io::Result<There> {
        let there = match self.upload(facts.sha1) {
            Ok(Some(there)) => there,
            Ok(None) if self.upload_dir(facts.sha1).exists() => return Ok(There::WithoutFacts),
            Ok(None) => return Ok(There::Nothing),
            // No JSON, or cut off.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                return Ok(There::WithoutFacts);
            }
            Err(error) => return Err(error),
        };
        if there.sha256 != facts.sha256 {
            return Ok(There::Other);
        }
        let file = fs::symlink_metadata(self.upload_dir(there.sha1).join(there.safe_name.as_str()));
        let whole = file.is_ok_and(|it| it.is_file() && it.len() == there.size_bytes);
        Ok(if whole { There::Same(there) } else { There::WithoutBytes(there) })
    }

    /// The first of several who bring the same bytes puts them there.
    fn place_upload(&self, staged: &mut StagedUpload, facts: &UploadFacts, target: &Path) -> io::Result<Stored> {
        let _turn = self.lock_file(facts.sha1);
        match self.there(facts)? {
            There::Nothing => (),
            // All else that belongs to it stays as it is.
            There::WithoutBytes(there) => {
                let file = staged.directory.join(staged.safe_name.as_str());
                self.disk.rename(&file, &target.join(there.safe_name.as_str()))?;
                tracing::warn!(file.id = %facts.sha1, "the bytes of an upload were not there, and came again");
                return Ok(Stored::Already(there));
            }
            There::WithoutFacts => {
                self.put_facts_anew(staged, target)?;
                tracing::warn!(file.id = %facts.sha1, "what was known of an upload was not there, and came again");
                self.listing.enter(facts);
                return Ok(Stored::New);
            }
            There::Same(there) => return Ok(Stored::Already(there)),
            There::Other => return Ok(Stored::Collision),
        }
        self.disk.rename(&staged.directory, target)?;
        staged.unless_published = Unless::Stay;
        self.listing.enter(facts);
        self.disk.remove_if_there(&self.gone_path(facts.sha1))?;
        Ok(Stored::New)
    }

    /// Puts bytes, and what is known of them, where a directory has lost the latter. Its results stay: they are of these
    /// bytes, by its name.
    fn put_facts_anew(&self, staged: &StagedUpload, target: &Path) -> io::Result<()> {
        let name = staged.safe_name.as_str();
        if let Ok(former) = fs::read_link(target.join("the_file"))
            && let Ok(former) = SafeName::try_from(former.to_string_lossy().into_owned())
        {
            self.disk.remove_if_there(&target.join(former.as_str()))?;
        }
        // What is known comes last: until then they lack it as before.
        for part in [name, "the_file", "upload.json"] {
            self.disk.rename(&staged.directory.join(part), &target.join(part))?;
        }
        self.disk.make_directory(&target.join("analysis")).map(drop)
    }

    /// What is known of an upload.
    ///
    /// # Errors
    /// Of the disk.
    pub fn upload(&self, file_id: FileId) -> io::Result<Option<UploadFacts>> {
        let Some(bytes) = disk::read_if_there(&self.upload_dir(file_id).join("upload.json"))? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// Opens an upload's bytes.
    ///
    /// # Errors
    /// Of the disk.
    pub fn open_upload(&self, facts: &UploadFacts) -> io::Result<File> {
        File::open(self.upload_dir(facts.sha1).join(facts.safe_name.as_str()))
    }

    /// Removes an upload with its results, at once for every reader. Its runs have been ended before.
    ///
    /// # Errors
    /// Of the disk.
    pub fn delete_upload(&self, file_id: FileId, now: Timestamp) -> io::Result<()> {
        self.delete_if(file_id, now, || Ok(true)).map(drop)
    }

    /// The same, unless it was used or pinned since it was looked at; whether it went.
    ///
    /// # Errors
    /// Of the disk.
    pub fn delete_unused(&self, held: &Held, now: Timestamp) -> io::Result<bool> {
        self.delete_if(held.file_id, now, || Ok(self.held(held.file_id)?.as_ref() == Some(held)))
    }

    fn delete_if(&self, file_id: FileId, now: Timestamp, goes: impl FnOnce() -> io::Result<bool>) -> io::Result<bool> {
        let trash = self.staging_path();
        {
            let _turn = self.lock_file(file_id);
            if !goes()? {
                return Ok(false);
            }
            let directory = self.upload_dir(file_id);
            if !directory.exists() {
                return Err(io::ErrorKind::NotFound.into());
            }
            match self.disk.swap_in(&self.staging_path(), &self.gone_path(file_id), now.to_string().as_bytes()) {
                // What makes room must not want any: it is forgotten at once instead.
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    self.disk.remove_if_there(&self.gone_path(file_id))?;
                }
                told => told?,
            }
            // What cannot be read was never listed.
            let listed = self.upload(file_id).ok().flatten();
            self.disk.rename(&directory, &trash)?;
            if let Some(facts) = listed {
                self.listing.leave(&facts);
            }
        }
        self.disk.settle()?;
        self.discard(&trash);
        Ok(true)
    }

    /// Whether an upload was here not long ago.
    ///
    /// # Errors
    /// Of the disk.
    pub fn is_gone(&self, file_id: FileId, now: Timestamp) -> io::Result<bool> {
        let path = self.gone_path(file_id);
        let Some(bytes) = disk::read_if_there(&path)? else { return Ok(false) };
        let deleted = String::from_utf8(bytes).ok().and_then(|text| Timestamp::try_from(text).ok());
        if deleted.is_some_and(|deleted| now.since(deleted) < GONE_MS) {
            return Ok(true);
        }
        self.disk.remove_if_there(&path)?;
        Ok(false)
    }

    pub(super) fn gone_path(&self, file_id: FileId) -> PathBuf {
        self.root.join("gone").join(file_id.to_string())
    }
}
