//! A stretch of a file as a response body, read as the client takes it.
//!
//! What is in the page cache is read in place (`RWF_NOWAIT`), which costs less than the way to another thread; what is
//! not is read in a thread that may wait for the disk. Between blocks nothing is held but the open file.

use std::fs::File;
use std::io;
use std::io::IoSliceMut;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use bytes::BytesMut;
use futures_util::Stream;
use futures_util::stream;
use rustix::io::ReadWriteFlags;

use super::buffers::Buffer;
use super::buffers::Buffers;

struct Reading {
    file: File,
    range: Range<u64>,
    /// Its memory serves again once the block before has been sent.
    buffer: BytesMut,
    block: Buffer,
}

/// The bytes of `range`, which lies within the file, so many at a time.
pub(super) fn blocks(
    file: File,
    range: Range<u64>,
    sending: &Buffers,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    stream::try_unfold(Reading { file, range, buffer: BytesMut::new(), block: sending.take() }, |reading| async {
        if reading.range.is_empty() { Ok(None) } else { reading.next().await.map(Some) }
    })
}

impl Reading {
    async fn next(mut self) -> io::Result<(Bytes, Self)> {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        self.buffer.resize(left.min(self.block.bytes()), 0);
        let mut count = self.read_cached().unwrap_or(0);
        if count == 0 {
            (self, count) =
                tokio::task::spawn_blocking(move || self.read_anyway()).await.map_err(io::Error::other)??;
        }
        self.range.start += u64::try_from(count).unwrap_or(0);
        let block = self.buffer.split_to(count).freeze();
        Ok((block, self))
    }

    /// Reads what can be had at once; a file system that cannot tell has nothing.
    fn read_cached(&mut self) -> rustix::io::Result<usize> {
        let at = self.range.start;
        rustix::io::preadv2(&self.file, &mut [IoSliceMut::new(&mut self.buffer)], at, ReadWriteFlags::NOWAIT)
    }

    fn read_anyway(mut self) -> io::Result<(Self, usize)> {
        match self.file.read_at(&mut self.buffer, self.range.start)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok((self, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;
    use std::io::Write;

    #[tokio::test]
    async fn a_range_comes_whole_and_nothing_else() {
        let block = Buffers::default().take().bytes();
        let bytes: Vec<u8> = (0..3 * block + 7).map(|it| u8::try_from(it % 251).unwrap()).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        for range in [0..bytes.len(), 5..6, 5..5, block - 1..2 * block + 1] {
            let asked = u64::try_from(range.start).unwrap()..u64::try_from(range.end).unwrap();
            let found: Vec<Bytes> =
                blocks(file.try_clone().unwrap(), asked, &Buffers::default()).try_collect().await.unwrap();
            assert!(found.concat() == bytes[range.clone()], "{range:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_has_shrunk_is_an_error_and_no_short_answer() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(10).unwrap();
        assert!(blocks(file, 5..20, &Buffers::default()).try_collect::<Vec<_>>().await.is_err());
    }
}
