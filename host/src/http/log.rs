//! A run's log a piece at a time: from memory while its attempt is on its way, from disk once the run has ended. However
//! slowly a client reads, what is held for it is a piece.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;

use super::Api;
use crate::dispatch::board::WatchedLog;
use crate::id::RunKey;
use crate::store::Store;

/// Of a log that is sent while its run goes, bytes.
const PIECE_BYTES: usize = 64 << 10;

/// A run's log, from wherever it is.
#[derive(Debug)]
pub(super) struct Tail {
    key: RunKey,
    generation: u64,
    from: Source,
}

#[derive(Debug)]
enum Source {
    Memory(WatchedLog),
    /// Not looked for yet.
    Unopened,
    /// None when there is none.
    Disk(Option<File>),
}

impl Tail {
    /// Of that run, which may be in flight.
    pub(super) fn new(key: RunKey, generation: u64, live: Option<WatchedLog>) -> Self {
        Self { key, generation, from: live.map_or(Source::Unopened, Source::Memory) }
    }

    /// At most so many bytes of what that attempt has written so far; none when it is not on its way.
    pub(super) fn live(&self, attempt: u32, at: usize, bytes_max: usize) -> Option<Vec<u8>> {
        match &self.from {
            Source::Memory(log) => log.piece(attempt, at, bytes_max),
            Source::Unopened | Source::Disk(_) => None,
        }
    }

    /// Looks for it on disk, where it is once the run has ended by that attempt.
    pub(super) fn open(&mut self, store: &Store, attempt: u32) -> io::Result<()> {
        let opened = store.open_log(self.key)?.map(|it| it.0);
        // Looked at afterwards: whoever runs it again removes the record before another log takes the place of this one.
        let record = store.record(self.key)?;
        let same = record.is_some_and(|it| (it.generation, it.attempts) == (self.generation, attempt));
        self.from = Source::Disk(opened.filter(|_| same));
        Ok(())
    }

    /// At most so many bytes from there on, empty at the end; none unless it is open on disk.
    pub(super) fn stored(&self, at: usize, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match &self.from {
            Source::Disk(Some(file)) => file,
            Source::Disk(None) => return Ok(Some(Vec::new())),
            Source::Memory(_) | Source::Unopened => return Ok(None),
        };
        let mut piece = vec![0; bytes_max];
        let read = file.read_at(&mut piece, u64::try_from(at).unwrap_or(u64::MAX))?;
        piece.truncate(read);
        Ok(Some(piece))
    }
}

/// That range of what an attempt has written, which was there when the range was found.
pub(super) fn pieces(
    api: Api,
    tail: Tail,
    (attempt, range): (u32, Range<usize>),
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((api, tail, range), move |(api, mut tail, mut range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let bytes_max = PIECE_BYTES.min(range.len());
        let piece = match tail.live(attempt, range.start, bytes_max) {
            Some(piece) => piece,
            None => {
                if tail.stored(range.start, 0)?.is_none() {
                    tail.open(&api.store, attempt)?;
                }
                tail.stored(range.start, bytes_max)?.unwrap_or_default()
            }
        };
        if piece.is_empty() {
            // Tried again, or asked again: the rest of it is nowhere.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        range.start += piece.len();
        Ok(Some((Bytes::from(piece), (api, tail, range))))
    })
}
