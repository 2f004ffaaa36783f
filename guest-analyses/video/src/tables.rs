//! The sample tables of a track (`stbl`), walked as runs of samples in decode order.
//!
//! The tables stay as they lie in the file and are read in step; nothing is laid out per sample. `stsz` says how many
//! samples there are, and no more than the chunks have room for. Where `stts` or `ctts` ends early its last row goes on.

use crate::boxes;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::fields::FourCc;
use crate::fields::Row;
use crate::tally::Run;

/// How large samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes<'a> {
    /// `stsz`, all alike. The count is a claim.
    Constant { size: u32, count: u32 },
    /// `stsz`, one by one.
    Words(&'a [Row<1>]),
    /// `stz2` of 4, 8 or 16 bits.
    Packed { bits: u8, count: u32, bytes: &'a [u8] },
}

impl<'a> Sizes<'a> {
    fn of(stbl: &'a [u8]) -> Result<Self, Fault> {
        if let Some(stsz) = boxes::find(stbl, b"stsz")? {
            let mut fields = Fields::new(FourCc(*b"stsz"), stsz);
            fields.version_and_flags()?;
            let (size, count) = (fields.u32()?, fields.u32()?);
            return match size {
                0 => Ok(Self::Words(fields.rows(count)?)),
                size => Ok(Self::Constant { size, count }),
            };
        }
        let Some(stz2) = boxes::find(stbl, b"stz2")? else { return Ok(Self::Words(&[])) };
        let mut fields = Fields::new(FourCc(*b"stz2"), stz2);
        fields.version_and_flags()?;
        let [_, _, _, bits] = fields.array()?;
        if !matches!(bits, 4 | 8 | 16) {
            return Err(fields.malformed("has sizes that are not of 4, 8 or 16 bits"));
        }
        let count = fields.u32()?;
        let bytes = (u64::from(count) * u64::from(bits)).div_ceil(8);
        let bytes = fields.bytes(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        Ok(Self::Packed { bits, count, bytes })
    }

    fn count(&self) -> u64 {
        match self {
            Self::Constant { count, .. } | Self::Packed { count, .. } => u64::from(*count),
            Self::Words(words) => u64::try_from(words.len()).unwrap_or(u64::MAX),
        }
    }

    /// The size of sample `index`, and how many from there on are known to be alike.
    fn at(&self, index: u64) -> (u32, u64) {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let byte = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or(0);
        match self {
            Self::Constant { size, .. } => (*size, u64::MAX),
            Self::Words(words) => (words.get(index).map_or(0, |[word]| u32::from_be_bytes(*word)), 1),
            Self::Packed { bits: 4, bytes, .. } => {
                let both = byte(bytes, index / 2);
                (u32::from(if index.is_multiple_of(2) { both >> 4 } else { both & 15 }), 1)
            }
            Self::Packed { bits: 8, bytes, .. } => (u32::from(byte(bytes, index)), 1),
            Self::Packed { bytes, .. } => {
                let at = index.saturating_mul(2);
                (u32::from(u16::from_be_bytes([byte(bytes, at), byte(bytes, at.saturating_add(1))])), 1)
            }
        }
    }
}

/// Where chunks are.
#[derive(Debug, Clone, Copy)]
enum Offsets<'a> {
    /// `stco`.
    Words(&'a [Row<1>]),
    /// `co64`.
    Pairs(&'a [Row<2>]),
}

impl<'a> Offsets<'a> {
    fn of(stbl: &'a [u8]) -> Result<Self, Fault> {
        if let Some(rows) = table(stbl, b"stco")? {
            return Ok(Self::Words(rows));
        }
        Ok(Self::Pairs(table(stbl, b"co64")?.unwrap_or_default()))
    }

    fn count(&self) -> usize {
        match self {
            Self::Words(rows) => rows.len(),
            Self::Pairs(rows) => rows.len(),
        }
    }

    fn at(&self, index: usize) -> Option<u64> {
        match self {
            Self::Words(rows) => rows.get(index).map(|[word]| u64::from(u32::from_be_bytes(*word))),
            Self::Pairs(rows) => rows.get(index).map(|pair| {
                let [high, low] = pair.map(|word| u64::from(u32::from_be_bytes(word)));
                high << 32 | low
            }),
        }
    }
}

/// The tables of one track.
#[derive(Debug, Clone)]
pub struct Tables<'a> {
    pub sizes: Sizes<'a>,
    offsets: Offsets<'a>,
    durations: &'a [Row<2>],
    compositions: &'a [Row<2>],
    chunks: &'a [Row<3>],
    /// Without the table all samples are keyframes.
    keys: Option<&'a [Row<1>]>,
}

impl<'a> Tables<'a> {
    /// Those of that `stbl`; tables that are not there are empty.
    pub fn of(stbl: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self {
            sizes: Sizes::of(stbl)?,
            offsets: Offsets::of(stbl)?,
            durations: table(stbl, b"stts")?.unwrap_or_default(),
            compositions: table(stbl, b"ctts")?.unwrap_or_default(),
            chunks: table(stbl, b"stsc")?.unwrap_or_default(),
            keys: table(stbl, b"stss")?,
        })
    }

    /// Gives all samples to `each`, as runs.
    pub fn walk(&self, mut each: impl FnMut(&Run) -> Result<(), Fault>) -> Result<(), Fault> {
        let total = self.sizes.count();
        let (mut durations, mut compositions) = (Spans::of(self.durations), Spans::of(self.compositions));
        let mut keys = Keys { rows: self.keys.map(<[_]>::iter), next: 0 };
        let mut chunks = Chunks { rows: self.chunks, samples: 0, description: 1 };
        let mut sample = 0;
        for index in 0..self.offsets.count() {
            let Some(mut offset) = self.offsets.at(index) else { break };
            chunks.advance_to(index);
            let end = total.min(sample + u64::from(chunks.samples));
            while sample < end {
                let (size, alike) = self.sizes.at(sample);
                let (duration, lasting) = durations.current();
                let (composition, moved_alike) = compositions.current();
                // Version 0 of the table has no sign, but QuickTime writes one all the same.
                let composition = composition.cast_signed();
                let (is_key, until) = keys.at(sample);
                let count = (end - sample).min(alike).min(lasting).min(moved_alike).min(until);
                let description = chunks.description;
                each(&Run { count, duration, composition, size, offset, description, is_key })?;
                durations.take(count);
                compositions.take(count);
                sample += count;
                offset = offset.saturating_add(count.saturating_mul(u64::from(size)));
            }
            if sample == total {
                break;
            }
        }
        Ok(())
    }
}

/// The reader of `stts` and `ctts`, whose rows are a count of samples and what holds for all of them.
struct Spans<'a> {
    rows: std::slice::Iter<'a, Row<2>>,
    left: u64,
    value: u32,
}

impl<'a> Spans<'a> {
    fn of(rows: &'a [Row<2>]) -> Self {
        Self { rows: rows.iter(), left: 0, value: 0 }
    }

    /// What holds for the next sample, and for how many (at least one).
    fn current(&mut self) -> (u32, u64) {
        while self.left == 0 {
            let Some(row) = self.rows.next() else { return (self.value, u64::MAX) };
            let [count, value] = row.map(u32::from_be_bytes);
            (self.left, self.value) = (u64::from(count), value);
        }
        (self.value, self.left)
    }

    fn take(&mut self, count: u64) {
        self.left = self.left.saturating_sub(count);
    }
}

/// The reader of `stss`, whose samples count from 1.
struct Keys<'a> {
    rows: Option<std::slice::Iter<'a, Row<1>>>,
    next: u64,
}

impl Keys<'_> {
    /// Whether that sample (from 0) is a keyframe, and for how many (at least one) that holds.
    fn at(&mut self, sample: u64) -> (bool, u64) {
        let Some(rows) = &mut self.rows else { return (true, u64::MAX) };
        let number = sample + 1;
        while self.next < number {
            self.next = rows.next().map_or(u64::MAX, |[word]| u64::from(u32::from_be_bytes(*word)));
        }
        if self.next == number { (true, 1) } else { (false, self.next - number) }
    }
}

/// The reader of `stsc`, whose chunks count from 1.
struct Chunks<'a> {
    rows: &'a [Row<3>],
    samples: u32,
    description: u32,
}

impl Chunks<'_> {
    fn advance_to(&mut self, index: usize) {
        while let [row, rest @ ..] = self.rows {
            let [first, samples, description] = row.map(u32::from_be_bytes);
            if usize::try_from(first).unwrap_or(usize::MAX) > index.saturating_add(1) {
                return;
            }
            (self.samples, self.description, self.rows) = (samples, description, rest);
        }
    }
}

/// The rows of a table that starts with version, flags and their count.
fn table<'a, const N: usize>(stbl: &'a [u8], kind: &[u8; 4]) -> Result<Option<&'a [Row<N>]>, Fault> {
    let Some(payload) = boxes::find(stbl, kind)? else { return Ok(None) };
    let mut fields = Fields::new(FourCc(*kind), payload);
    fields.version_and_flags()?;
    let count = fields.u32()?;
    fields.rows(count).map(Some)
}
