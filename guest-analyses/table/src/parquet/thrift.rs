//! Thrift's compact protocol, as far as Parquet's metadata need it.
//!
//! Nothing is believed of a length before the bytes are there; what is not known is skipped, to a limited depth.

use belljar_sdk::Failure;

/// Structs, lists and maps within each other that are skipped.
const DEPTH_MAX: usize = 32;

/// Bytes that are still to be parsed.
#[derive(Debug, Clone, Copy)]
pub struct Thrift<'a> {
    rest: &'a [u8],
}

/// A field of a struct, before its value.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub id: i64,
    kind: u8,
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

impl<'a> Thrift<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Gives every field to `each`, which has to read its value, or to skip it.
    pub fn structure(&mut self, mut each: impl FnMut(&mut Self, Field) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut id = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            id = match head >> 4 {
                0 => self.zigzag()?,
                delta => id + i64::from(delta),
            };
            if !(0..=0x7fff).contains(&id) {
                return Err(damaged());
            }
            each(self, Field { id, kind: head & 15 })?;
        }
    }

    pub fn structure_of(
        &mut self,
        field: Field,
        each: impl FnMut(&mut Self, Field) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        expect(field.kind == STRUCT)?;
        self.structure(each)
    }

    /// Gives every element of a list of structs to `each`, which has to read it.
    pub fn structures(
        &mut self,
        field: Field,
        mut each: impl FnMut(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        expect(field.kind == LIST)?;
        let (count, kind) = self.list_head()?;
        expect(kind == STRUCT || count == 0)?;
        (0..count).try_for_each(|_| each(self))
    }

    pub fn integer(&mut self, field: Field) -> Result<i64, Failure> {
        if field.kind == BYTE {
            return Ok(self.byte()?.cast_signed().into());
        }
        expect((BYTE..=I64).contains(&field.kind))?;
        self.zigzag()
    }

    pub fn boolean(&self, field: Field) -> Result<bool, Failure> {
        expect(matches!(field.kind, TRUE | FALSE))?;
        Ok(field.kind == TRUE)
    }

    pub fn text(&mut self, field: Field) -> Result<String, Failure> {
        expect(field.kind == BINARY)?;
        Ok(String::from_utf8_lossy(self.binary()?).into_owned())
    }

    pub fn skip(&mut self, field: Field) -> Result<(), Failure> {
        if matches!(field.kind, TRUE | FALSE) { Ok(()) } else { self.skip_value(field.kind, DEPTH_MAX) }
    }

    fn skip_value(&mut self, kind: u8, depth: usize) -> Result<(), Failure> {
        let deeper = depth.checked_sub(1).ok_or_else(damaged)?;
        match kind {
            // In lists a boolean takes a byte.
            TRUE | FALSE | BYTE => self.byte().map(drop),
            4..=I64 => self.varint().map(drop),
            DOUBLE => self.take(8).map(drop),
            BINARY => self.binary().map(drop),
            UUID => self.take(16).map(drop),
            LIST | SET => {
                let (count, kind) = self.list_head()?;
                (0..count).try_for_each(|_| self.skip_value(kind, deeper))
            }
            MAP => {
                let count = self.count()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_value(kinds >> 4, deeper)?;
                    self.skip_value(kinds & 15, deeper)
                })
            }
            STRUCT => self.structure(|thrift, field| match field.kind {
                TRUE | FALSE => Ok(()),
                kind => thrift.skip_value(kind, deeper),
            }),
            _ => Err(damaged()),
        }
    }

    fn list_head(&mut self) -> Result<(usize, u8), Failure> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.count()?,
            count => count.into(),
        };
        Ok((count, head & 15))
    }

    /// Of elements that take a byte each at least.
    fn count(&mut self) -> Result<usize, Failure> {
        let count = usize::try_from(self.varint()?)?;
        expect(count <= self.rest.len())?;
        Ok(count)
    }

    fn binary(&mut self) -> Result<&'a [u8], Failure> {
        let length = self.count()?;
        self.take(length)
    }

    fn zigzag(&mut self) -> Result<i64, Failure> {
        self.varint().map(unzigzag)
    }

    /// A number of up to ten bytes, seven bits each.
    pub fn varint(&mut self) -> Result<u64, Failure> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).unbounded_shl(shift);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    fn byte(&mut self) -> Result<u8, Failure> {
        let (first, rest) = self.rest.split_first().ok_or_else(damaged)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// A signed number from one whose lowest bit is the sign.
pub fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn expect(it_is_so: bool) -> Result<(), Failure> {
    it_is_so.then_some(()).ok_or_else(damaged)
}

fn damaged() -> Failure {
    Failure::new("its metadata are damaged")
}
