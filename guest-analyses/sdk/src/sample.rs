//! The file to analyse.

use std::io;
use std::io::Cursor;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use crate::block::Block;
use crate::face;
use crate::failure::Failure;
use crate::progress::Progress;

/// The file to analyse; it reads and seeks like a file.
#[derive(Debug)]
pub struct Sample {
    source: Source,
    size_bytes: u64,
}

#[derive(Debug)]
enum Source {
    Given(face::Given),
    Bytes(Cursor<Vec<u8>>),
}

impl Sample {
    pub(crate) fn open() -> io::Result<Self> {
        let (given, size_bytes) = face::Given::open()?;
        Ok(Self { source: Source::Given(given), size_bytes })
    }

    /// One with those bytes, for tests.
    #[must_use]
    pub fn of_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let size_bytes = bytes.len() as u64;
        Self { source: Source::Bytes(Cursor::new(bytes)), size_bytes }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Gives all of it to `each` in blocks, full ones but for the last, and tells the progress along the way.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn blocks(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut block = Block::new();
        let mut progress = Progress::new(self.size_bytes, "reading");
        let mut read_bytes = 0;
        loop {
            let count = fill(self, block.as_mut_slice())?;
            if count == 0 {
                return Ok(());
            }
            each(&block.as_slice()[..count]);
            read_bytes += count as u64;
            progress.at(read_bytes);
        }
    }

    /// All of it, for parsers that want a file in memory.
    ///
    /// # Errors
    /// When it is longer than that, and when it cannot be read.
    pub fn whole(&mut self, bytes_max: u64) -> Result<Vec<u8>, Failure> {
        if self.size_bytes > bytes_max {
            let size_bytes = self.size_bytes;
            return Err(Failure::new(format!("the file has {size_bytes} bytes; {bytes_max} are the most this takes")));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.size_bytes)?);
        self.blocks(|block| bytes.extend_from_slice(block))?;
        Ok(bytes)
    }
}

impl Read for Sample {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Given(given) => given.read(buffer),
            Source::Bytes(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Sample {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match &mut self.source {
            Source::Given(given) => given.seek(position),
            Source::Bytes(bytes) => bytes.seek(position),
        }
    }
}

/// Reads until the buffer is full or the source at its end; how many bytes that were.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BLOCK_BYTES;

    #[test]
    fn blocks_are_full_but_for_the_last() {
        for (size, expected) in [
            (0, vec![]),
            (1, vec![1]),
            (BLOCK_BYTES, vec![BLOCK_BYTES]),
            (2 * BLOCK_BYTES + 3, vec![BLOCK_BYTES, BLOCK_BYTES, 3]),
        ] {
            let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let (mut sample, mut lengths, mut all) = (Sample::of_bytes(bytes.clone()), Vec::new(), Vec::new());
            let each = |block: &[u8]| {
                lengths.push(block.len());
                all.extend_from_slice(block);
            };
            sample.blocks(each).unwrap();
            assert_eq!((sample.size_bytes(), lengths), (size as u64, expected));
            assert!(all == bytes);
        }
    }

    #[test]
    fn a_sample_seeks() {
        let mut sample = Sample::of_bytes(*b"abcdef");
        let mut two = [0; 2];
        sample.seek(SeekFrom::End(-3)).unwrap();
        sample.read_exact(&mut two).unwrap();
        assert_eq!(&two, b"de");
        assert_eq!(sample.read_exact(&mut two).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_sample_is_read_whole_up_to_a_limit() {
        assert_eq!(Sample::of_bytes(*b"abc").whole(3).unwrap(), b"abc");
        assert!(Sample::of_bytes(*b"abcd").whole(3).unwrap_err().message().contains("4 bytes; 3 are"));
    }

    #[test]
    fn a_source_that_gives_little_at_a_time_still_fills() {
        struct Little(u8);
        impl Read for Little {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 {
                    2 => Err(ErrorKind::Interrupted.into()),
                    5 => Err(ErrorKind::Other.into()),
                    number => {
                        buffer[0] = number;
                        Ok(1)
                    }
                }
            }
        }
        let mut buffer = [0; 3];
        assert_eq!(fill(&mut Little(0), &mut buffer).unwrap(), 3);
        assert_eq!(buffer, [1, 3, 4]);
        assert!(fill(&mut Little(0), &mut [0; 4]).is_err());
    }
}
