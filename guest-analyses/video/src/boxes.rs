//! Boxes: those of the file, whose payloads stay where they are, and those inside a payload already in memory.
//!
//! Invariants: a box never reaches past what holds it, and every step is at least a header long, so that a walk ends.
//! Nothing recurses: callers name the boxes on their way down, so a file that nests deeper is not followed.

use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use crate::fault::Fault;
use crate::fields::FourCc;

const HEADER_BYTES: u64 = 8;
const LARGE_HEADER_BYTES: u64 = 16;

/// A box of the file and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub kind: FourCc,
    pub start: u64,
    pub payload_start: u64,
    pub end: u64,
    /// It says that it is longer than the file.
    pub is_cut_off: bool,
}

impl Placed {
    /// The box that starts at `start` of a file of `file_bytes`; none where no header fits any more.
    pub fn read(source: &mut (impl Read + Seek), start: u64, file_bytes: u64) -> Result<Option<Self>, Fault> {
        let room = file_bytes.saturating_sub(start);
        if room < HEADER_BYTES {
            return Ok(None);
        }
        source.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        source.take(room.min(LARGE_HEADER_BYTES)).read_to_end(&mut bytes)?;
        let Some(header) = Header::of(&bytes, room)? else { return Ok(None) };
        let end = start.checked_add(header.size).filter(|end| *end <= file_bytes);
        let is_cut_off = end.is_none();
        let end = end.unwrap_or(file_bytes);
        let payload_start = start.saturating_add(header.bytes);
        Ok(Some(Self { kind: header.kind, start, payload_start, end, is_cut_off }))
    }

    /// Its payload, which must be in the file in full and no longer than `bytes_max`.
    pub fn payload(&self, source: &mut (impl Read + Seek), bytes_max: u64) -> Result<Vec<u8>, Fault> {
        if self.is_cut_off {
            return Err(Fault::Malformed { at: self.kind, what: "is cut off by the end of the file" });
        }
        let size = self.end.saturating_sub(self.payload_start);
        if size > bytes_max {
            return Err(Fault::TooMuch { what: "bytes in one box of tables", max: bytes_max });
        }
        let mut payload = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        source.seek(SeekFrom::Start(self.payload_start))?;
        source.take(size).read_to_end(&mut payload)?;
        Ok(payload)
    }
}

/// A box inside a payload.
#[derive(Debug, Clone, Copy)]
pub struct Child<'a> {
    pub kind: FourCc,
    pub payload: &'a [u8],
}

/// The boxes that a payload consists of; fewer bytes than a header at its end are padding (QuickTime ends lists so).
#[derive(Debug, Clone)]
pub struct Children<'a>(&'a [u8]);

impl<'a> Children<'a> {
    /// Those of that payload.
    pub fn of(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    fn step(&mut self) -> Result<Option<Child<'a>>, Fault> {
        let room = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        let Some(header) = Header::of(self.0, room)? else { return Ok(None) };
        let too_long = Fault::Malformed { at: header.kind, what: "is longer than the box around it" };
        let size = usize::try_from(header.size).unwrap_or(usize::MAX);
        let head = usize::try_from(header.bytes).unwrap_or(usize::MAX);
        let (whole, rest) = self.0.split_at_checked(size).ok_or(too_long)?;
        self.0 = rest;
        Ok(Some(Child { kind: header.kind, payload: whole.get(head..).unwrap_or_default() }))
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<Child<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.0 = &[];
        }
        step.transpose()
    }
}

/// The payload of the first box of that kind in `payload`.
pub fn find<'a>(payload: &'a [u8], kind: &[u8; 4]) -> Result<Option<&'a [u8]>, Fault> {
    for child in Children::of(payload) {
        let child = child?;
        if child.kind.0 == *kind {
            return Ok(Some(child.payload));
        }
    }
    Ok(None)
}

/// As [`find`], for a box that must be there.
pub fn require<'a>(payload: &'a [u8], kind: &[u8; 4]) -> Result<&'a [u8], Fault> {
    find(payload, kind)?.ok_or(Fault::Malformed { at: FourCc(*kind), what: "is missing" })
}

struct Header {
    kind: FourCc,
    /// Of the whole box.
    size: u64,
    /// Of this header.
    bytes: u64,
}

impl Header {
    /// The one that `bytes` start with, in a place of `room` bytes; none when no header fits.
    fn of(bytes: &[u8], room: u64) -> Result<Option<Self>, Fault> {
        let Some((size, after_size)) = bytes.split_first_chunk() else { return Ok(None) };
        let Some((kind, after_kind)) = after_size.split_first_chunk() else { return Ok(None) };
        let kind = FourCc(*kind);
        let impossible = |what| Fault::Malformed { at: kind, what };
        let header = match u32::from_be_bytes(*size) {
            0 => Self { kind, size: room, bytes: HEADER_BYTES },
            1 => {
                let large = after_kind.first_chunk().ok_or(impossible("ends within its size"))?;
                Self { kind, size: u64::from_be_bytes(*large), bytes: LARGE_HEADER_BYTES }
            }
            small => Self { kind, size: u64::from(small), bytes: HEADER_BYTES },
        };
        if header.size < header.bytes {
            return Err(impossible("is shorter than its own header"));
        }
        Ok(Some(header))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn kinds(payload: &[u8]) -> Result<Vec<String>, Fault> {
        Children::of(payload).map(|child| Ok(child?.kind.to_string())).collect()
    }

    #[test]
    fn children_follow_one_another_and_padding_ends_them() {
        assert_eq!(kinds(b"\0\0\0\x09aaaa!\0\0\0\x08bbbb\0\0\0\0").unwrap(), ["aaaa", "bbbb"]);
        assert_eq!(kinds(b"\0\0\0\0aaaato the end").unwrap(), ["aaaa"]);
        assert_eq!(kinds(b"\0\0\0\x01aaaa\0\0\0\0\0\0\0\x10\0\0\0\x08bbbb").unwrap(), ["aaaa", "bbbb"]);
        assert!(kinds(b"").unwrap().is_empty());
    }

    #[test]
    fn a_child_stays_within_its_parent_and_moves_on() {
        assert!(kinds(b"\0\0\0\x09aaaa").is_err());
        assert!(kinds(b"\0\0\0\x07aaaa").is_err());
        assert!(kinds(b"\0\0\0\x01aaaa\0\0\0\0\0\0\0\x0f").is_err());
        assert!(kinds(b"\0\0\0\x01aaaa\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(kinds(b"\0\0\0\x01aaaa\0").is_err());
    }

    #[test]
    fn a_box_of_the_file_may_be_cut_off_but_is_then_not_read() {
        let file = b"\0\0\0\x0cmoovabcd\0\0\0\x0cmoovab";
        let mut source = Cursor::new(file);
        let size = file.len() as u64;
        let whole = Placed::read(&mut source, 0, size).unwrap().unwrap();
        assert_eq!(whole.payload(&mut source, 4).unwrap(), b"abcd");
        assert!(whole.payload(&mut source, 3).is_err());
        let cut_off = Placed::read(&mut source, whole.end, size).unwrap().unwrap();
        assert!(cut_off.is_cut_off);
        assert_eq!(cut_off.end, size);
        assert!(cut_off.payload(&mut source, 100).is_err());
        assert!(Placed::read(&mut source, size - 7, size).unwrap().is_none());
        assert!(Placed::read(&mut source, u64::MAX, size).unwrap().is_none());
    }
}
