//! Fields of a box, read one after the other from its bytes. Nothing here believes a count before the bytes are there.

use std::fmt::Display;
use std::fmt::Formatter;

use crate::fault::Fault;

/// The four characters that name a box, a codec, a brand or a handler. They need not be printable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FourCc(pub [u8; 4]);

impl Display for FourCc {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.escape_ascii().fmt(formatter)
    }
}

/// A row of a table whose columns are `N` big-endian words.
pub type Row<const N: usize> = [[u8; 4]; N];

/// What is left to read of a box.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    at: FourCc,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Those of the box named `at` with that payload.
    pub fn new(at: FourCc, payload: &'a [u8]) -> Self {
        Self { at, rest: payload }
    }

    /// The next bytes, as many as asked for.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(self.short())?;
        self.rest = rest;
        Ok(head)
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(self.short())?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next 16 bits.
    pub fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next 32 bits.
    pub fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_be_bytes)
    }

    /// 32 bits in version 0 of a box, 64 in the later ones.
    pub fn versioned(&mut self, version: u8) -> Result<u64, Fault> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }

    /// Passes over fields that nobody asks for.
    pub fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.bytes(count).map(drop)
    }

    /// The head of a full box: its version and its 24 flags.
    pub fn version_and_flags(&mut self) -> Result<(u8, u32), Fault> {
        let [version, flags @ ..] = self.array::<4>()?;
        let [high, middle, low] = flags;
        Ok((version, u32::from_be_bytes([0, high, middle, low])))
    }

    /// A table of that many rows, which must be there in full.
    pub fn rows<const N: usize>(&mut self, count: u32) -> Result<&'a [Row<N>], Fault> {
        let bytes = usize::try_from(count).ok().and_then(|it| it.checked_mul(4 * N)).ok_or(self.short())?;
        let (words, _) = self.bytes(bytes)?.as_chunks::<4>();
        Ok(words.as_chunks::<N>().0)
    }

    /// All that was not read.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// The fault of this box, in those words.
    pub fn malformed(&self, what: &'static str) -> Fault {
        Fault::Malformed { at: self.at, what }
    }

    fn short(&self) -> Fault {
        self.malformed("ends before its last field")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: FourCc = FourCc(*b"test");

    #[test]
    fn fields_come_in_order_and_end_with_a_fault() {
        let mut fields = Fields::new(TEST, &[1, 0, 0, 7, 0, 9, 1, 2]);
        assert_eq!(fields.version_and_flags().unwrap(), (1, 7));
        assert_eq!(fields.u16().unwrap(), 9);
        assert!(fields.u32().is_err());
        assert_eq!(fields.rest(), [1, 2]);
    }

    #[test]
    fn a_table_is_there_in_full_or_not_at_all() {
        let bytes = [0, 0, 0, 1, 0, 0, 0, 2];
        assert_eq!(Fields::new(TEST, &bytes).rows::<2>(1).unwrap(), [[[0, 0, 0, 1], [0, 0, 0, 2]]]);
        assert!(Fields::new(TEST, &bytes).rows::<2>(2).is_err());
        assert!(Fields::new(TEST, &bytes).rows::<3>(u32::MAX).is_err());
    }

    #[test]
    fn names_of_boxes_are_printable() {
        assert_eq!(FourCc(*b"avc1").to_string(), "avc1");
        assert_eq!(FourCc([0, b'"', 0xff, b'a']).to_string(), r#"\x00\"\xffa"#);
    }
}
