//! The pages of a chunk, one in memory at a time.

use std::io::ErrorKind;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Sample;

use crate::parquet::codec;
use crate::parquet::footer::Chunk;
use crate::parquet::thrift::Thrift;

/// Longer pages are not read. Writers make them of 1 MiB, or of some 100,000 values.
const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// More values than any page has.
const PAGE_VALUES_MAX: u64 = 1 << 26;
/// Where a header is looked for at first; and when it is longer, for it may hold extremes of any length.
const HEADER_BYTES: [u64; 2] = [4096, 1024 * 1024];

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Kind {
    Data,
    DataV2,
    Dictionary,
    #[default]
    Other,
}

/// What comes before a page.
#[derive(Debug, Default)]
pub struct Header {
    pub kind: Kind,
    pub values: u64,
    pub encoding: i64,
    /// How levels are encoded.
    pub levels: i64,
    /// How long levels are, those of repetition first, where the header says so.
    pub level_bytes: (usize, usize),
    stored_bytes: usize,
    plain_bytes: usize,
    is_stored_plain: bool,
}

#[derive(Debug)]
pub struct Pages<'a> {
    sample: &'a mut Sample,
    codec: i64,
    at: u64,
    end: u64,
    stored: Vec<u8>,
    /// The page, not compressed.
    pub page: Vec<u8>,
}

impl<'a> Pages<'a> {
    pub fn new(sample: &'a mut Sample, chunk: &Chunk) -> Self {
        let end = chunk.start.saturating_add(chunk.length).min(sample.size_bytes());
        Self { sample, codec: chunk.codec, at: chunk.start, end, stored: Vec::new(), page: Vec::new() }
    }

    /// Reads the next one; `None` after the last.
    pub fn next(&mut self) -> Result<Option<Header>, Failure> {
        if self.at >= self.end {
            return Ok(None);
        }
        let header = self.header()?;
        if header.stored_bytes.max(header.plain_bytes) > PAGE_BYTES_MAX {
            let length = header.stored_bytes.max(header.plain_bytes);
            return Err(Failure::new(format!("a page has {length} bytes; {PAGE_BYTES_MAX} are the most this reads")));
        }
        let stored_bytes = u64::try_from(header.stored_bytes)?;
        if stored_bytes > self.end - self.at {
            return Err(Failure::new("a page is longer than its column"));
        }
        self.stored.resize(header.stored_bytes, 0);
        read_at(self.sample, self.at, &mut self.stored)?;
        self.at += stored_bytes;
        self.page.clear();
        let (repetition, definition) = header.level_bytes;
        let (levels, values) =
            self.stored.split_at_checked(repetition.saturating_add(definition)).ok_or_else(damaged)?;
        self.page.extend_from_slice(levels);
        let plain = header.plain_bytes.checked_sub(levels.len()).ok_or_else(damaged)?;
        let codec = if header.is_stored_plain { 0 } else { self.codec };
        codec::decompress(codec, values, (plain, &mut self.page))?;
        Ok(Some(header))
    }

    fn header(&mut self) -> Result<Header, Failure> {
        let left = self.end - self.at;
        let mut result = Err(damaged());
        for window in HEADER_BYTES {
            self.stored.resize(usize::try_from(window.min(left))?, 0);
            read_at(self.sample, self.at, &mut self.stored)?;
            let mut thrift = Thrift::new(&self.stored);
            result = Header::parse(&mut thrift).map_err(|_| damaged());
            if result.is_ok() {
                self.at += u64::try_from(self.stored.len() - thrift.left())?;
                break;
            }
            if window >= left {
                break;
            }
        }
        result
    }
}

impl Header {
    fn parse(thrift: &mut Thrift<'_>) -> Result<Self, Failure> {
        let mut header = Self::default();
        let length = |number: i64| usize::try_from(number).map_err(|_| damaged());
        thrift.structure(|thrift, field| {
            match field.id {
                1 => {
                    header.kind = match thrift.integer(field)? {
                        0 => Kind::Data,
                        2 => Kind::Dictionary,
                        3 => Kind::DataV2,
                        _ => Kind::Other,
                    }
                }
                2 => header.plain_bytes = length(thrift.integer(field)?)?,
                3 => header.stored_bytes = length(thrift.integer(field)?)?,
                5 | 7 | 8 => thrift.structure_of(field, |thrift, inner| {
                    match (field.id, inner.id) {
                        (_, 1) => header.values = thrift.integer(inner)?.try_into().map_err(|_| damaged())?,
                        (5 | 7, 2) | (8, 4) => header.encoding = thrift.integer(inner)?,
                        (5, 3) => header.levels = thrift.integer(inner)?,
                        (8, 5) => header.level_bytes.1 = length(thrift.integer(inner)?)?,
                        (8, 6) => header.level_bytes.0 = length(thrift.integer(inner)?)?,
                        (8, 7) => header.is_stored_plain = !thrift.boolean(inner)?,
                        _ => thrift.skip(inner)?,
                    }
                    Ok(())
                })?,
                _ => thrift.skip(field)?,
            }
            Ok(())
        })?;
        if header.values > PAGE_VALUES_MAX {
            return Err(damaged());
        }
        if header.kind != Kind::DataV2 {
            header.level_bytes = (0, 0);
        }
        Ok(header)
    }
}

fn read_at(sample: &mut Sample, at: u64, bytes: &mut [u8]) -> Result<(), Failure> {
    sample.seek(SeekFrom::Start(at))?;
    sample.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Failure::new("a page goes on after the end of the file"),
        _ => error.into(),
    })
}

fn damaged() -> Failure {
    Failure::new("the header of a page is damaged")
}
