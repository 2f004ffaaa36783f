//! The values of a page, one after the other, in each of the ways in which they are encoded.

use belljar_sdk::Failure;

use crate::parquet::bits::Delta;
use crate::parquet::bits::Hybrid;
use crate::parquet::meaning::Physical;
use crate::parquet::print::Raw;

/// The values that are left.
#[derive(Debug)]
pub enum Values<'a> {
    /// Booleans of a bit each, the lowest first.
    Bits(&'a [u8], usize),
    Runs(Hybrid<'a>),
    Plain(&'a [u8], Physical),
    Delta(Delta<'a>, Physical),
    /// Byte arrays, their lengths before all of them.
    Lengths(Delta<'a>, &'a [u8]),
    Prefixes(Prefixes<'a>),
    Split(Split<'a>),
}

/// Byte arrays that begin as the one before does.
#[derive(Debug)]
pub struct Prefixes<'a> {
    prefixes: Delta<'a>,
    suffixes: Delta<'a>,
    rest: &'a [u8],
    last: Vec<u8>,
}

/// The first bytes of all values, then the second ones, and so on.
#[derive(Debug)]
pub struct Split<'a> {
    bytes: &'a [u8],
    physical: Physical,
    count: usize,
    at: usize,
    value: Vec<u8>,
}

/// A page as it says that it is encoded.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'a> {
    pub bytes: &'a [u8],
    pub encoding: i64,
    /// Values and nulls.
    pub count_max: u64,
}

impl<'a> Values<'a> {
    /// # Errors
    /// When it is an encoding that is not known, or not one of these values, and when the page is damaged.
    pub fn new(page: Encoded<'a>, physical: Physical) -> Result<Self, Failure> {
        let Encoded { bytes, encoding, count_max } = page;
        Ok(match (encoding, physical) {
            (0, Physical::Boolean) => Self::Bits(bytes, 0),
            (0, _) => Self::Plain(bytes, physical),
            (3, Physical::Boolean) => Self::Runs(Hybrid::new(prefixed(bytes)?.0, 1)?),
            (5, Physical::Int32 | Physical::Int64) => Self::Delta(Delta::new(bytes, count_max)?, physical),
            (6, Physical::ByteArray) => {
                let lengths = Delta::new(bytes, count_max)?;
                Self::Lengths(lengths, Delta::new(bytes, count_max)?.after()?)
            }
            (7, Physical::ByteArray | Physical::Fixed(_)) => {
                let prefixes = Delta::new(bytes, count_max)?;
                let after = Delta::new(bytes, count_max)?.after()?;
                let suffixes = Delta::new(after, count_max)?;
                let rest = Delta::new(after, count_max)?.after()?;
                Self::Prefixes(Prefixes { prefixes, suffixes, rest, last: Vec::new() })
            }
            (9, _) if let Some(width) = width(physical) => {
                Self::Split(Split { bytes, physical, count: bytes.len() / width, at: 0, value: vec![0; width] })
            }
            _ => return Err(Failure::new(format!("encoding {encoding} of {physical} is not read here"))),
        })
    }

    /// The next one.
    ///
    /// # Errors
    /// When there is none.
    #[inline]
    pub fn next(&mut self) -> Result<Raw<'_>, Failure> {
        match self {
            Self::Bits(bytes, at) => {
                let byte = bytes.get(*at / 8).ok_or_else(short)?;
                let bit = byte >> (*at % 8) & 1;
                *at += 1;
                Ok(Raw::Boolean(bit == 1))
            }
            Self::Runs(runs) => Ok(Raw::Boolean(runs.next()? == 1)),
            Self::Plain(rest, Physical::ByteArray) => {
                let (value, after) = prefixed(rest)?;
                *rest = after;
                Ok(Raw::Bytes(value))
            }
            Self::Plain(rest, physical) => {
                let width = width(*physical).ok_or_else(short)?;
                let value = take(rest, width)?;
                fixed(*physical, value)
            }
            Self::Delta(delta, physical) => {
                let value = delta.next()?;
                let [a, b, c, d, ..] = value.to_le_bytes();
                let is_short = *physical == Physical::Int32;
                Ok(Raw::Integer(if is_short { i32::from_le_bytes([a, b, c, d]).into() } else { value }))
            }
            Self::Lengths(lengths, rest) => {
                let length = usize::try_from(lengths.next()?).map_err(|_| short())?;
                take(rest, length).map(Raw::Bytes)
            }
            Self::Prefixes(prefixes) => prefixes.next(),
            Self::Split(split) => split.next(),
        }
    }
}

impl Prefixes<'_> {
    fn next(&mut self) -> Result<Raw<'_>, Failure> {
        let [prefix, suffix] = [self.prefixes.next()?, self.suffixes.next()?].map(usize::try_from);
        let prefix = prefix.ok().filter(|prefix| *prefix <= self.last.len()).ok_or_else(short)?;
        let suffix = take(&mut self.rest, suffix.map_err(|_| short())?)?;
        self.last.truncate(prefix);
        self.last.extend_from_slice(suffix);
        Ok(Raw::Bytes(&self.last))
    }
}

impl Split<'_> {
    fn next(&mut self) -> Result<Raw<'_>, Failure> {
        if self.at >= self.count {
            return Err(short());
        }
        for (place, byte) in self.value.iter_mut().enumerate() {
            *byte = self.bytes[place * self.count + self.at];
        }
        self.at += 1;
        fixed(self.physical, &self.value)
    }
}

/// In bytes, of those that have one.
fn width(physical: Physical) -> Option<usize> {
    match physical {
        Physical::Boolean | Physical::ByteArray => None,
        Physical::Int32 | Physical::Float => Some(4),
        Physical::Int64 | Physical::Double => Some(8),
        Physical::Int96 => Some(12),
        Physical::Fixed(width) => Some(width),
    }
}

/// A value of a fixed width, in so many bytes.
fn fixed(physical: Physical, bytes: &[u8]) -> Result<Raw<'_>, Failure> {
    let four = || bytes.first_chunk::<4>().copied().ok_or_else(short);
    let eight = || bytes.first_chunk::<8>().copied().ok_or_else(short);
    Ok(match physical {
        Physical::Int32 => Raw::Integer(i32::from_le_bytes(four()?).into()),
        Physical::Int64 => Raw::Integer(i64::from_le_bytes(eight()?)),
        Physical::Float => Raw::Float(f32::from_le_bytes(four()?)),
        Physical::Double => Raw::Double(f64::from_le_bytes(eight()?)),
        Physical::Boolean | Physical::Int96 | Physical::ByteArray | Physical::Fixed(_) => Raw::Bytes(bytes),
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Failure> {
    let (value, after) = rest.split_at_checked(length).ok_or_else(short)?;
    *rest = after;
    Ok(value)
}

/// As many bytes as the four before them say, and the rest.
pub fn prefixed(bytes: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    let (length, rest) = bytes.split_first_chunk().ok_or_else(short)?;
    let length = usize::try_from(u32::from_le_bytes(*length))?;
    rest.split_at_checked(length).ok_or_else(short)
}

fn short() -> Failure {
    Failure::new("a page has fewer values than it says")
}
