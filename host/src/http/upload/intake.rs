//! From frames of the network to a staged file with its digests, in constant memory.
//!
//! Frames are gathered into blocks; while one block arrives, the one before is written in one thread and digested in
//! another. A thread is held only while it works, so that slow clients hold none; a block that is slow to fill is handed on
//! as it is, so that they hold no memory either. A small file takes no thread at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::TryStreamExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::store::Store;
use crate::store::digest::Digests;
use crate::store::media_type::HEAD_BYTES;
use crate::store::uploads::StagedUpload;

/// Bytes gathered before they are handed on; two such blocks are in memory at once.
const BLOCK_BYTES: usize = 1 << 20;
/// Up to this size a file is written where it is received: into the page cache, that costs less than the way there.
const INLINE_BYTES_MAX: usize = 64 << 10;
/// How long the first bytes of a block wait for the others.
const GATHER_WITHIN: Duration = Duration::from_millis(100);
/// A frame below this is copied: it may be a byte that keeps a whole buffer of the network's.
const COPIED_BYTES_MAX: usize = 16 << 10;

/// A file that is staged whole.
#[derive(Debug)]
pub(in super::super) struct Received {
    pub(in super::super) staged: StagedUpload,
    pub(in super::super) digests: Digests,
    pub(in super::super) head: Vec<u8>,
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
    loop {
        let frame = tokio::select! {
            biased;
            frame = frames.try_next() => frame?,
            () = block.is_due() => {
                lanes = lanes.take(std::mem::take(&mut block)).await?;
                continue;
            }
        };
        let Some(frame) = frame else { break };
        head.extend_from_slice(&frame[..frame.len().min(HEAD_BYTES - head.len())]);
        size_bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX);
        block.push(frame);
        if block.is_whole() {
            lanes = lanes.take(std::mem::take(&mut block)).await?;
        }
    }
    let (staged, digests) = lanes.finish(block).await?;
    Ok(Received { staged, digests, head, size_bytes })
}

/// Frames in their order; small ones are together.
#[derive(Debug, Default, Clone)]
pub(in super::super) struct Block {
    frames: Vec<Bytes>,
    /// What came after them.
    small: Vec<u8>,
    pub(in super::super) bytes: usize,
    /// When it is to be handed on as it is; none while it has no bytes.
    due: Option<Instant>,
}

impl Block {
    pub(in super::super) fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.due.get_or_insert_with(|| Instant::now() + GATHER_WITHIN);
        if frame.len() < COPIED_BYTES_MAX {
            self.small.extend_from_slice(&frame);
        } else {
            self.flush();
            self.frames.push(frame);
        }
    }

    /// Whether it is to be handed on, because it is long or because it has waited.
    pub(in super::super) fn is_whole(&self) -> bool {
        self.bytes >= BLOCK_BYTES || self.due.is_some_and(|due| due <= Instant::now())
    }

    /// Returns once it has waited long enough.
    pub(in super::super) async fn is_due(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.frames.push(std::mem::take(&mut self.small).into());
        }
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().map(|frame| &frame[..]).chain([&self.small[..]])
    }

    /// Gives it to `write` part by part, if there is room for it.
    pub(in super::super) fn write(&self, store: &Store, write: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        store.check_room(u64::try_from(self.bytes).unwrap_or(u64::MAX))?;
        self.parts().filter(|part| !part.is_empty()).try_for_each(write)
    }

    fn stage(&self, store: &Store, mut staged: StagedUpload) -> io::Result<StagedUpload> {
        self.write(store, |part| staged.write(part))?;
        Ok(staged)
    }

    fn digest(&self, mut digests: Digests) -> Digests {
        self.parts().for_each(|part| digests.update(part));
        digests
    }
}

/// Something that is worked on by one thread at a time.
pub(in super::super) enum Lane<T> {
    Idle(T),
    Busy(JoinHandle<io::Result<T>>),
}

impl<T: Send + 'static> Lane<T> {
    /// Hands it on to a thread; waits until the one before is done.
    pub(in super::super) async fn work(
        self,
        work: impl FnOnce(T) -> io::Result<T> + Send + 'static,
    ) -> io::Result<Self> {
        let it = self.idle().await?;
        Ok(Self::Busy(tokio::task::spawn_blocking(move || work(it))))
    }

    pub(in super::super) async fn idle(self) -> io::Result<T> {
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
    async fn take(self, mut block: Block) -> io::Result<Self> {
        // The two copies share what they have.
        block.flush();
        let (staged, digests) = (self.writing.idle().await?, self.digesting.idle().await?);
        if block.bytes <= INLINE_BYTES_MAX {
            let (writing, digesting) = (block.stage(&self.store, staged)?, block.digest(digests));
            return Ok(Self { writing: Lane::Idle(writing), digesting: Lane::Idle(digesting), store: self.store });
        }
        let (same, store) = (block.clone(), Arc::clone(&self.store));
        let writing = Lane::Busy(tokio::task::spawn_blocking(move || block.stage(&store, staged)));
        let digesting = Lane::Busy(tokio::task::spawn_blocking(move || Ok(same.digest(digests))));
        Ok(Self { writing, digesting, store: self.store })
    }

    async fn finish(self, last: Block) -> io::Result<(StagedUpload, Digests)> {
        let lanes = self.take(last).await?;
        Ok((lanes.writing.idle().await?, lanes.digesting.idle().await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_come_one_by_one_take_no_more_room_than_they_are() {
        let mut block = Block::default();
        let network = Bytes::from(vec![7; 8 << 10]);
        (0..1000).for_each(|at| block.push(network.slice(at..=at)));
        block.push(Bytes::from(vec![8; COPIED_BYTES_MAX]));
        block.push(Bytes::from_static(b"9"));
        assert_eq!((block.bytes, block.frames.len()), (1001 + COPIED_BYTES_MAX, 2));
        assert!(network.is_unique(), "nothing keeps the buffer");
        let whole = block.parts().collect::<Vec<_>>().concat();
        assert!(whole == [vec![7; 1000], vec![8; COPIED_BYTES_MAX], b"9".to_vec()].concat());
    }
}
