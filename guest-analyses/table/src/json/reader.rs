//! The text of a file in any encoding, as bytes of UTF-8 to read.

use std::cell::Cell;
use std::io;
use std::io::BufRead;
use std::io::Read;
use std::rc::Rc;

use profile::encoding::Text;

/// What a row may take where rows are no lines: what is parsed of it may stay in memory until its end.
const ROW_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Text, chunk by chunk.
pub struct Reader<R> {
    pub text: Text<R>,
    chunk: Vec<u8>,
    at: usize,
}

/// A reader that fails where a row has no end.
pub struct Bounded<'a, R> {
    reader: &'a mut Reader<R>,
    room: Room,
}

/// What is left for the row.
#[derive(Debug, Clone)]
pub struct Room(Rc<Cell<u64>>);

impl<R: Read> Reader<R> {
    pub fn new(source: R) -> Self {
        Self { text: Text::new(source), chunk: Vec::new(), at: 0 }
    }

    /// Goes behind the end of the line.
    pub fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = self.fill_buf()?;
            let (length, end) = (rest.len(), rest.iter().position(|byte| *byte == b'\n'));
            self.consume(end.map_or(length, |end| end + 1));
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }
}

impl<R: Read> BufRead for Reader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.chunk.len() {
            let Some(chunk) = self.text.next_chunk()? else { break };
            self.at = 0;
            self.chunk.clear();
            self.chunk.extend_from_slice(chunk);
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.chunk.len());
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<'a, R> Bounded<'a, R> {
    pub fn new(reader: &'a mut Reader<R>) -> Self {
        let room = Room(Rc::default());
        room.renew();
        Self { reader, room }
    }

    pub fn room(&self) -> Room {
        self.room.clone()
    }
}

impl Room {
    /// For the next row.
    pub fn renew(&self) {
        self.0.set(ROW_BYTES_MAX);
    }
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let read_bytes = u64::try_from(count).unwrap_or(u64::MAX);
        let left = self.room.0.get().checked_sub(read_bytes);
        self.room.0.set(left.ok_or_else(|| io::Error::other("a row is longer than 16 MiB"))?);
        Ok(count)
    }
}
