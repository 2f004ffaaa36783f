//! `partial/<id>/`: uploads that come in pieces, until they are whole or given up.
//!
//! `upload/` in it is the directory that becomes the upload; the bytes lie there under their final name from the first on,
//! so that none is copied when the last has come. `info.json` says how many of them count. It is replaced when they are on
//! disk, never before; what lies beyond is cut off before others are added. Once the bytes are whole their id is noted
//! ([`State::Placing`]) before they are put into place, so that whoever finds them gone knows where they went.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::Store;
use super::digest::Digests;
use super::disk;
use super::disk::NewFile;
use super::uploads::StagedUpload;
use crate::id::ClientId;
use crate::id::FileId;
use crate::id::PartialId;
use crate::id::SafeName;
use crate::time::Timestamp;

/// Read at once to digest what has come, bytes.
const READ_BYTES: usize = 256 << 10;

/// `info.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    pub version: u32,
    /// As the client named it.
    pub filename: String,
    /// As it lies on disk.
    pub safe_name: SafeName,
    /// What the client said of it, as it came.
    pub metadata: String,
    /// Of the whole file.
    pub length_bytes: u64,
    /// That have come and count.
    pub offset_bytes: u64,
    pub state: State,
    /// Whose it is, also for a server that takes it up.
    #[serde(default)]
    pub client: ClientId,
    pub created: Timestamp,
    /// When bytes came last, or the state changed.
    pub used: Timestamp,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Receiving,
    /// Whole, and on its way to be that upload.
    Placing(FileId),
    /// It is that upload.
    Stored(FileId),
    /// Given up by its client, or by this server.
    Gone,
}

impl Partial {
    /// When it goes if no further piece comes within so long.
    #[must_use]
    pub fn expires(&self, within: Duration) -> Timestamp {
        self.used.plus_ms(u64::try_from(within.as_millis()).unwrap_or(u64::MAX))
    }
}

impl State {
    /// Whether there are bytes to be kept.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Receiving | Self::Placing(_) => true,
            Self::Stored(_) | Self::Gone => false,
        }
    }
}

/// What came, read whole.
#[derive(Debug)]
pub struct Whole {
    pub digests: Digests,
    /// The first bytes.
    pub head: Vec<u8>,
}

impl Store {
    /// A new id, that nobody can guess.
    ///
    /// # Errors
    /// When the kernel gives no random bytes.
    pub fn draw_partial_id(&self) -> io::Result<PartialId> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(PartialId::new(bytes))
    }

    /// Begins one, without bytes; durable on return.
    ///
    /// # Errors
    /// Of the disk; there is none then.
    pub fn begin_partial(&self, id: PartialId, partial: &Partial) -> io::Result<()> {
        let staged = self.staging_path();
        let begin = || {
            self.disk.make_directory(&staged)?;
            self.disk.make_directory(&staged.join("upload"))?;
            self.disk.create_to_resume(&staged.join("upload").join(partial.safe_name.as_str()))?;
            self.disk.write_new(&staged.join("info.json"), &serde_json::to_vec_pretty(partial)?)?;
            self.disk.publish(&staged, &self.partial_dir(id))
        };
        begin().inspect_err(|_| drop(self.disk.remove_tree(&staged)))
    }

    /// What is known of one.
    ///
    /// # Errors
    /// Of the disk.
    pub fn partial(&self, id: PartialId) -> io::Result<Option<Partial>> {
        let Some(bytes) = disk::read_if_there(&self.partial_dir(id).join("info.json"))? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// The id of every one, whatever its state, in no order.
    ///
    /// # Errors
    /// Of the disk.
    pub fn partial_ids(&self) -> io::Result<Vec<PartialId>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.root.join("partial"))? {
            ids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<PartialId>().ok()));
        }
        Ok(ids)
    }

    /// Opens its bytes for more; what does not count goes.
    ///
    /// # Errors
    /// Of the disk; `InvalidData` when fewer are there than count.
    pub fn resume_partial(&self, id: PartialId, partial: &Partial) -> io::Result<NewFile> {
        self.disk.resume(&self.partial_file(id, partial), partial.offset_bytes)
    }

    /// Lets bytes that were written count. They are on disk before; whoever is to be told lets the disk settle after.
    ///
    /// # Errors
    /// Of the disk; as many count then as before.
    pub fn count_partial(&self, id: PartialId, file: &NewFile, partial: &Partial) -> io::Result<()> {
        self.disk.sync_alone(file)?;
        self.note_partial(id, partial)
    }

    /// Notes a state.
    ///
    /// # Errors
    /// Of the disk; it has the former one then.
    pub fn note_partial(&self, id: PartialId, partial: &Partial) -> io::Result<()> {
        let target = self.partial_dir(id).join("info.json");
        self.disk.swap_in_synced(&self.staging_path(), &target, &serde_json::to_vec_pretty(partial)?)
    }

    /// Reads its bytes; `None` when they are no longer here. `head_bytes` of the first are kept.
    ///
    /// # Errors
    /// Of the disk; `InvalidData` when they are not as many as they should be.
    pub fn read_partial(&self, id: PartialId, partial: &Partial, head_bytes: usize) -> io::Result<Option<Whole>> {
        let path = self.partial_file(id, partial);
        // A crash may have left more than counted when it was whole, never less.
        match self.disk.resume(&path, partial.length_bytes) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            resumed => drop(resumed?),
        }
        let mut file = File::open(&path)?;
        let mut whole = Whole { digests: Digests::default(), head: Vec::new() };
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = file.read(&mut buffer)?;
            let bytes = &buffer[..read];
            if bytes.is_empty() {
                return Ok(Some(whole));
            }
            whole.digests.update(bytes);
            whole.head.extend_from_slice(&bytes[..read.min(head_bytes - whole.head.len())]);
        }
    }

    /// Its bytes as an upload that can be published; they stay here if that fails.
    ///
    /// # Errors
    /// Of the disk.
    pub fn stage_partial(&self, id: PartialId, partial: &Partial) -> io::Result<StagedUpload> {
        let directory = self.partial_dir(id).join("upload");
        // Of an attempt before this one.
        for name in ["upload.json", "the_file"] {
            self.disk.remove_if_there(&directory.join(name))?;
        }
        self.disk.remove_tree(&directory.join("analysis"))?;
        let file = self.disk.resume(&self.partial_file(id, partial), partial.length_bytes)?;
        self.disk.seal(&file)?;
        Ok(StagedUpload::kept(directory, (partial.safe_name.clone(), file), Arc::clone(&self.disk)))
    }

    /// Notes that it is an upload, and drops bytes that were stored before; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn close_partial(&self, id: PartialId, partial: &Partial) -> io::Result<()> {
        self.disk.remove_tree(&self.partial_dir(id).join("upload"))?;
        self.note_partial(id, partial)?;
        self.disk.settle()
    }

    /// Gives one up: its bytes go, and for a while it is told that there was one; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn give_up_partial(&self, id: PartialId, partial: Partial, now: Timestamp) -> io::Result<()> {
        let gone = Partial { state: State::Gone, used: now, ..partial };
        match self.note_partial(id, &gone) {
            // What makes room must not want any.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return self.forget_partial(id),
            noted => noted?,
        }
        self.disk.settle()?;
        self.drop_partial_bytes(id)
    }

    /// Its time is over: it is given up, or forgotten if it had ended before.
    ///
    /// # Errors
    /// Of the disk.
    pub fn expire_partial(&self, id: PartialId, partial: Partial, now: Timestamp) -> io::Result<()> {
        if partial.state.is_open() { self.give_up_partial(id, partial, now) } else { self.forget_partial(id) }
    }

    /// Drops the bytes of one that was given up.
    ///
    /// # Errors
    /// Of the disk.
    pub fn drop_partial_bytes(&self, id: PartialId) -> io::Result<()> {
        self.disk.remove_tree(&self.partial_dir(id).join("upload"))
    }

    /// Forgets one, with all that is left of it.
    ///
    /// # Errors
    /// Of the disk.
    pub fn forget_partial(&self, id: PartialId) -> io::Result<()> {
        let trash = self.staging_path();
        self.disk.rename(&self.partial_dir(id), &trash)?;
        self.discard(&trash);
        Ok(())
    }

    pub(super) fn partial_dir(&self, id: PartialId) -> PathBuf {
        self.root.join("partial").join(id.to_string())
    }

    pub(super) fn partial_file(&self, id: PartialId, partial: &Partial) -> PathBuf {
        self.partial_dir(id).join("upload").join(partial.safe_name.as_str())
    }
}
