//! From frames of the network to a staged file with its digests, in constant memory.
//!
//! Frames are gathered into blocks; while one block arrives, the one before is written in one thread and digested in
//! another. A thread is held only while it works, so that slow clients hold none. A small file takes no thread at all.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::TryStreamExt;
use tokio::task::JoinHandle;

use crate::store::Store;
use crate::store::digest::Digests;
use crate::store::uploads::StagedUpload;

/// Bytes gathered before they are handed on; two such blocks are in memory at once.
const BLOCK_BYTES: usize = 1 << 20;
/// Up to this size a file is written where it is received: into the page cache, that costs less than the way there.
const INLINE_BYTES_MAX: usize = 64 << 10;
/// What the media type is found from, bytes.
const HEAD_BYTES: usize = 4096;

/// A file that is staged whole.
#[derive(Debug)]
pub(in super::super) struct Received {
    pub(super) staged: StagedUpload,
    pub(super) digests: Digests,
    pub(super) head: Vec<u8>,
    pub(in super::super) size_bytes: u64,
}

/// Stages a file; what is staged vanishes when this fails or is dropped.
pub(super) async fn receive<E: From<io::Error>>(
    store: &Arc<Store>,
    filename: &str,
    frames: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Received, E> {
    let mut lanes = Lanes {
        writing: Lane::Idle(store.stage_upload(filename)?),
        digesting: Lane::Idle(Digests::default()),
        store: Arc::clone(store),
    };
    let (mut head, mut size_bytes) = (Vec::new(), 0);
    let mut block = Block::default();
    let mut frames = std::pin::pin!(frames);
    while let Some(frame) = frames.try_next().await? {
        head.extend_from_slice(&frame[..frame.len().min(HEAD_BYTES - head.len())]);
        size_bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX);
        block.push(frame);
        if block.bytes >= BLOCK_BYTES {
            lanes = lanes.take(std::mem::take(&mut block)).await?;
        }
    }
    let (staged, digests) = lanes.finish(block).await?;
    Ok(Received { staged, digests, head, size_bytes })
}

#[derive(Debug, Default, Clone)]
struct Block {
    frames: Vec<Bytes>,
    bytes: usize,
}

impl Block {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push(frame);
    }

    fn write(&self, store: &Store, mut staged: StagedUpload) -> io::Result<StagedUpload> {
        store.check_room(u64::try_from(self.bytes).unwrap_or(u64::MAX))?;
        self.frames.iter().try_for_each(|frame| staged.write(frame))?;
        Ok(staged)
    }

    fn digest(&self, mut digests: Digests) -> Digests {
        self.frames.iter().for_each(|frame| digests.update(frame));
        digests
    }
}

/// Something that is worked on by one thread at a time.
enum Lane<T> {
    Idle(T),
    Busy(JoinHandle<io::Result<T>>),
}

impl<T> Lane<T> {
    async fn idle(self) -> io::Result<T> {
        match self {
            Self::Idle(it) => Ok(it),
            Self::Busy(work) => work.await.map_err(io::Error::other)?,
        }
    }
}

struct Lanes {
    writing: Lane<StagedUpload>,
    digesting: Lane<Digests>,
    store: Arc<Store>,
}

impl Lanes {
    /// Hands a block on; waits until the one before is done.
    async fn take(self, block: Block) -> io::Result<Self> {
        let (staged, digests) = (self.writing.idle().await?, self.digesting.idle().await?);
        let (same, store) = (block.clone(), Arc::clone(&self.store));
        let writing = Lane::Busy(tokio::task::spawn_blocking(move || block.write(&store, staged)));
        let digesting = Lane::Busy(tokio::task::spawn_blocking(move || Ok(same.digest(digests))));
        Ok(Self { writing, digesting, store: self.store })
    }

    async fn finish(mut self, last: Block) -> io::Result<(StagedUpload, Digests)> {
        if last.bytes > INLINE_BYTES_MAX {
            self = self.take(last).await?;
            return Ok((self.writing.idle().await?, self.digesting.idle().await?));
        }
        let (staged, digests) = (self.writing.idle().await?, self.digesting.idle().await?);
        Ok((last.write(&self.store, staged)?, last.digest(digests)))
    }
}
