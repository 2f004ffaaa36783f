//! Numbers in a few bits each: runs and packs (the hybrid of levels, indexes and booleans), and differences in blocks.

use belljar_sdk::Failure;

use crate::parquet::thrift::Thrift;
use crate::parquet::thrift::unzigzag;

/// Numbers of up to 32 bits, repeated or packed.
#[derive(Debug)]
pub struct Hybrid<'a> {
    rest: &'a [u8],
    width: u32,
    repeated: (u64, u32),
    packed: Packed<'a>,
}

/// Each number as the difference to the one before (`DELTA_BINARY_PACKED`).
#[derive(Debug)]
pub struct Delta<'a> {
    rest: &'a [u8],
    /// Numbers in each part of a block, and parts.
    shape: (usize, usize),
    left: u64,
    is_first: bool,
    value: i64,
    least: i64,
    widths: &'a [u8],
    packed: Packed<'a>,
}

#[derive(Debug, Default)]
struct Packed<'a> {
    bytes: &'a [u8],
    at: usize,
    width: u32,
    left: u64,
}

impl<'a> Hybrid<'a> {
    pub fn new(bytes: &'a [u8], width: u32) -> Result<Self, Failure> {
        if width > 32 {
            return Err(damaged());
        }
        Ok(Self { rest: bytes, width, repeated: (0, 0), packed: Packed::default() })
    }

    #[inline]
    pub fn next(&mut self) -> Result<u32, Failure> {
        loop {
            if self.repeated.0 > 0 {
                self.repeated.0 -= 1;
                return Ok(self.repeated.1);
            }
            if let Some(number) = self.packed.next() {
                return Ok(u32::try_from(number)?);
            }
            self.next_run()?;
        }
    }

    fn next_run(&mut self) -> Result<(), Failure> {
        let mut head = Thrift::new(self.rest);
        let run = head.varint()?;
        self.rest = &self.rest[self.rest.len() - head.left()..];
        if run & 1 == 0 {
            let (value, rest) =
                self.rest.split_at_checked(usize::try_from(self.width.div_ceil(8))?).ok_or_else(damaged)?;
            let mut bytes = [0; 4];
            bytes[..value.len()].copy_from_slice(value);
            (self.repeated, self.rest) = ((run >> 1, u32::from_le_bytes(bytes)), rest);
            return Ok(());
        }
        // Writers may leave out the end of the last pack.
        let wanted = (run >> 1).saturating_mul(self.width.into());
        let length = usize::try_from(wanted)?.min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.packed = Packed { bytes, at: 0, width: self.width, left: (run >> 1).saturating_mul(8) };
        self.rest = rest;
        Ok(())
    }
}

impl<'a> Delta<'a> {
    /// With that many numbers at most.
    pub fn new(bytes: &'a [u8], count_max: u64) -> Result<Self, Failure> {
        let mut head = Thrift::new(bytes);
        let (block, parts, left) = (usize::try_from(head.varint()?)?, usize::try_from(head.varint()?)?, head.varint()?);
        let value = unzigzag(head.varint()?);
        let is_sound = (1..=4096).contains(&parts) && block <= 1 << 20 && block > 0 && block % (8 * parts) == 0;
        if !is_sound || left > count_max {
            return Err(damaged());
        }
        let rest = &bytes[bytes.len() - head.left()..];
        let shape = (block / parts, parts);
        Ok(Self { rest, shape, left, is_first: true, value, least: 0, widths: &[], packed: Packed::default() })
    }

    #[inline]
    pub fn next(&mut self) -> Result<i64, Failure> {
        self.left = self.left.checked_sub(1).ok_or_else(damaged)?;
        if std::mem::take(&mut self.is_first) {
            return Ok(self.value);
        }
        let difference = loop {
            if let Some(number) = self.packed.next() {
                break number;
            }
            if self.packed.left > 0 {
                return Err(damaged());
            }
            self.next_part()?;
        };
        self.value = self.value.wrapping_add(self.least).wrapping_add(difference.cast_signed());
        Ok(self.value)
    }

    /// What comes after the last number.
    pub fn after(mut self) -> Result<&'a [u8], Failure> {
        while self.left > 0 {
            self.next()?;
        }
        Ok(self.rest)
    }

    fn next_part(&mut self) -> Result<(), Failure> {
        let (numbers, parts) = self.shape;
        if self.widths.is_empty() {
            let mut head = Thrift::new(self.rest);
            self.least = unzigzag(head.varint()?);
            let rest = &self.rest[self.rest.len() - head.left()..];
            (self.widths, self.rest) = rest.split_at_checked(parts).ok_or_else(damaged)?;
        }
        let (width, widths) = self.widths.split_first().ok_or_else(damaged)?;
        self.widths = widths;
        let length = numbers / 8 * usize::from(*width);
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(damaged)?;
        self.rest = rest;
        if *width > 64 {
            return Err(damaged());
        }
        self.packed = Packed { bytes, at: 0, width: (*width).into(), left: u64::try_from(numbers)? };
        Ok(())
    }
}

impl Packed<'_> {
    /// `None` when there are no more, or not the bytes for one more.
    #[inline]
    fn next(&mut self) -> Option<u64> {
        if self.left == 0 {
            return None;
        }
        let width = usize::try_from(self.width).ok()?;
        if self.at + width > self.bytes.len() * 8 {
            self.left = 0;
            return None;
        }
        let number = number(self.bytes, self.at, self.width);
        self.at += width;
        self.left -= 1;
        Some(number)
    }
}

/// The number in so many bits from that bit on, the lowest first.
#[inline]
fn number(bytes: &[u8], at: usize, width: u32) -> u64 {
    let rest = &bytes[(at / 8).min(bytes.len())..];
    let shift = at % 8;
    let low = match rest.first_chunk() {
        Some(low) => u64::from_le_bytes(*low),
        None => {
            let mut low = [0; 8];
            low[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(low)
        }
    };
    let high = rest.get(8).map_or(0, |byte| u64::from(*byte));
    let number = if shift == 0 { low } else { low >> shift | high << (64 - shift) };
    if width >= 64 { number } else { number & ((1 << width) - 1) }
}

fn damaged() -> Failure {
    Failure::new("a page is damaged: numbers in a few bits each")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packs_give_their_numbers() {
        // Four times 2, then 1 to 8 in three bits each, then nothing.
        let mut hybrid = Hybrid::new(&[8, 2, 3, 0b1101_0001, 0b0101_1000, 0b0001_1111], 3).unwrap();
        let numbers: Vec<_> = std::iter::from_fn(|| hybrid.next().ok()).take(12).collect();
        assert_eq!(numbers, [2, 2, 2, 2, 1, 2, 3, 4, 5, 6, 7, 0]);
        assert!(hybrid.next().is_err());
        let mut none = Hybrid::new(&[254, 255, 3], 0).unwrap();
        assert_eq!(none.next().unwrap(), 0);
        assert!(Hybrid::new(&[], 33).is_err());
    }

    #[test]
    fn numbers_are_cut_out_at_any_bit() {
        let bytes = 0x0123_4567_89ab_cdef_u64.to_le_bytes();
        assert_eq!(number(&bytes, 4, 8), 0xde);
        assert_eq!(number(&bytes, 0, 64), 0x0123_4567_89ab_cdef);
        assert_eq!(number(&bytes, 60, 8), 0);
        let long = [bytes, [0xff; 8]].concat();
        assert_eq!(number(&long, 4, 64), 0xf012_3456_789a_bcde);
    }

    #[test]
    fn differences_add_up() {
        // The example of the specification: 7, 5, 3, 1, 2, 3, 4, 5, padded here to parts of 32.
        let mut packed = vec![128, 1, 4, 8, 14, 3, 2, 0, 0, 0];
        packed.extend([0b1100_0000, 0b0011_1111, 0, 0, 0, 0, 0, 0, b'x']);
        let mut delta = Delta::new(&packed, 8).unwrap();
        let numbers: Vec<_> = std::iter::from_fn(|| delta.next().ok()).collect();
        assert_eq!(numbers, [7, 5, 3, 1, 2, 3, 4, 5]);
        assert_eq!(Delta::new(&packed, 8).unwrap().after().unwrap(), b"x");
        assert!(Delta::new(&packed, 7).is_err());
        assert!(Delta::new(&packed[..15], 8).unwrap().after().is_err());
    }
}
