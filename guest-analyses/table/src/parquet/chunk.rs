//! From the pages of a chunk to a column.

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use profile::budget::Budget;
use profile::column::Column;
use profile::column::ColumnReport;
use profile::kind::Decimal;
use profile::records::FIELD_BYTES_MAX;
use profile::text::Shown;

use crate::parquet::bits::Hybrid;
use crate::parquet::footer::Chunk;
use crate::parquet::footer::Place;
use crate::parquet::page::Header;
use crate::parquet::page::Kind;
use crate::parquet::page::Pages;
use crate::parquet::print::Printed;
use crate::parquet::print::Raw;
use crate::parquet::print::print;
use crate::parquet::schema::Leaf;
use crate::parquet::values::Encoded;
use crate::parquet::values::Values;
use crate::parquet::values::prefixed;

/// What the values of a dictionary may come to as text.
const DICTIONARY_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Their number; each takes a few bytes beside its text.
const DICTIONARY_VALUES_MAX: u64 = 2 * 1024 * 1024;
const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const RLE_DICTIONARY: i64 = 8;

/// The one column that is being read, with all the memory that columns may have.
#[derive(Debug)]
pub struct Sink {
    column: Column,
    budget: Budget,
    scratch: String,
    /// Floats that are infinite or no number.
    pub not_finite: u64,
    /// Texts that were cut.
    pub oversized: u64,
}

/// The values that a chunk has by number, as they read.
#[derive(Debug, Default)]
struct Dictionary {
    text: String,
    values: Vec<(usize, Printed)>,
}

impl Sink {
    pub fn new(leaf: &Leaf) -> Self {
        let budget = Budget::new(1);
        let column = Column::new(Shown::new(&leaf.name).as_str().to_owned(), Decimal::Point, &budget);
        Self { column, budget, scratch: String::new(), not_finite: 0, oversized: 0 }
    }

    pub fn into_report(self, top: usize) -> ColumnReport {
        self.column.into_report(top)
    }

    fn add_raw(&mut self, leaf: &Leaf, raw: Raw<'_>) {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        let printed = print(leaf.meaning, raw, &mut text);
        self.add(&text, printed);
        self.scratch = text;
    }

    fn add(&mut self, text: &str, printed: Printed) {
        match printed {
            Printed::Scalar => self.column.add(text, &mut self.budget),
            Printed::Text => {
                let end = text.floor_char_boundary(FIELD_BYTES_MAX);
                self.oversized += u64::from(end < text.len());
                self.column.add_text(&text[..end], &mut self.budget);
            }
            Printed::NotFinite => {
                self.not_finite += 1;
                self.column.add_nulls(1);
            }
        }
    }
}

/// Reads a chunk.
///
/// # Errors
/// When it cannot go on; what was read until then has been taken.
pub fn read(sample: &mut Sample, chunk: &Chunk, (leaf, sink): (&Leaf, &mut Sink)) -> Result<(), Failure> {
    match chunk.place {
        Place::Here => {}
        Place::AnotherFile => return Err(Failure::new("its values are in another file")),
        Place::Encrypted => return Err(Failure::new("its values are encrypted")),
    }
    let mut pages = Pages::new(sample, chunk);
    let (mut dictionary, mut seen) = (None, 0_u64);
    while seen < chunk.values {
        let Some(header) = pages.next()? else {
            return Err(Failure::new(format!("it has {seen} of the {} values that it claims", chunk.values)));
        };
        match header.kind {
            Kind::Dictionary => dictionary = Some(Dictionary::new(&header, &pages.page, leaf)?),
            Kind::Data | Kind::DataV2 => {
                seen += header.values;
                page(&header, &pages.page, (leaf, dictionary.as_ref()), sink)?;
            }
            Kind::Other => {}
        }
    }
    Ok(())
}

fn page(
    header: &Header,
    bytes: &[u8],
    (leaf, dictionary): (&Leaf, Option<&Dictionary>),
    sink: &mut Sink,
) -> Result<(), Failure> {
    let (levels, bytes) = levels(header, bytes, leaf)?;
    let mut definitions =
        levels.map(|bytes| Hybrid::new(bytes, u32::BITS - leaf.defined.leading_zeros())).transpose()?;
    let mut is_there = |sink: &mut Sink| -> Result<bool, Failure> {
        let Some(definitions) = &mut definitions else { return Ok(true) };
        let level = definitions.next()?;
        if level < leaf.defined && leaf.null.is_none_or(|null| null == level) {
            sink.column.add_nulls(1);
        }
        Ok(level == leaf.defined)
    };
    if matches!(header.encoding, PLAIN_DICTIONARY | RLE_DICTIONARY) {
        let dictionary =
            dictionary.ok_or_else(|| Failure::new("a page has numbers of a dictionary that is not there"))?;
        // A page of nulls alone may have no bytes at all.
        let (width, bytes) = bytes.split_first().unwrap_or((&0, &[]));
        let mut numbers = Hybrid::new(bytes, (*width).into())?;
        for _ in 0..header.values {
            if is_there(sink)? {
                let (text, printed) = dictionary.at(numbers.next()?)?;
                sink.add(text, printed);
            }
        }
        return Ok(());
    }
    let encoded = Encoded { bytes, encoding: header.encoding, count_max: header.values };
    // What encodes nothing need not be well-formed.
    let mut values = None;
    for _ in 0..header.values {
        if is_there(sink)? {
            let values = match &mut values {
                Some(values) => values,
                None => values.insert(Values::new(encoded, leaf.physical)?),
            };
            sink.add_raw(leaf, values.next()?);
        }
    }
    Ok(())
}

/// The levels of definition, if there are some, and the values. Where lists begin is of no interest.
fn levels<'a>(header: &Header, bytes: &'a [u8], leaf: &Leaf) -> Result<(Option<&'a [u8]>, &'a [u8]), Failure> {
    let short = || Failure::new("a page is shorter than its levels");
    if header.kind == Kind::DataV2 {
        let (repetition, definition) = header.level_bytes;
        let rest = bytes.get(repetition..).ok_or_else(short)?;
        let (definitions, rest) = rest.split_at_checked(definition).ok_or_else(short)?;
        return Ok(((leaf.defined > 0).then_some(definitions), rest));
    }
    let has_levels = leaf.defined > 0 || leaf.is_repeated;
    if has_levels && header.levels != RLE {
        return Err(Failure::new("its levels are encoded in a way that is not read here"));
    }
    let rest = if leaf.is_repeated { prefixed(bytes)?.1 } else { bytes };
    if leaf.defined == 0 {
        return Ok((None, rest));
    }
    let (definitions, rest) = prefixed(rest)?;
    Ok((Some(definitions), rest))
}

impl Dictionary {
    fn new(header: &Header, bytes: &[u8], leaf: &Leaf) -> Result<Self, Failure> {
        if header.values > DICTIONARY_VALUES_MAX {
            return Err(Failure::new(format!(
                "a dictionary has {} values; {DICTIONARY_VALUES_MAX} are the most this reads",
                header.values
            )));
        }
        let encoded = Encoded { bytes, encoding: PLAIN, count_max: header.values };
        let mut values = Values::new(encoded, leaf.physical)?;
        let mut dictionary = Self::default();
        for _ in 0..header.values {
            let printed = print(leaf.meaning, values.next()?, &mut dictionary.text);
            dictionary.values.push((dictionary.text.len(), printed));
            if dictionary.text.len() > DICTIONARY_BYTES_MAX {
                return Err(Failure::new("a dictionary is larger than this reads"));
            }
        }
        Ok(dictionary)
    }

    fn at(&self, number: u32) -> Result<(&str, Printed), Failure> {
        let number = usize::try_from(number)?;
        let known = self.values.get(number);
        let (end, printed) = known.ok_or_else(|| Failure::new("a page has a number that its dictionary has not"))?;
        let start = number.checked_sub(1).map_or(0, |before| self.values[before].0);
        Ok((&self.text[start..*end], *printed))
    }
}
