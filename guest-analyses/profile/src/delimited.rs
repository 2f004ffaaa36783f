//! From a source to a report, in one pass: decode, look at the beginning, then feed every field to its column.

use std::io;
use std::io::Read;

use crate::budget::Budget;
use crate::column::Column;
use crate::encoding::Text;
use crate::layout::Header;
use crate::layout::Layout;
use crate::layout::Sample;
use crate::records::Field;
use crate::records::Record;
use crate::records::Sink;
use crate::report::Findings;
use crate::report::Report;
use crate::report::Totals;
use crate::sniff::Delimiter;
use crate::sniff::Dialect;
use crate::text::trimmed;

/// Text from which dialect and layout are guessed.
const SAMPLE_BYTES: usize = 256 * 1024;
const RAGGED_LINES_MAX: usize = 5;

/// What the caller chose.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Guessed without one.
    pub delimiter: Option<Delimiter>,
    /// Whether the first record names the columns.
    pub header: Header,
    /// How many frequent values are shown of each column.
    pub top: usize,
}

/// Profiles all of `source`; `progress` gets the bytes read so far.
///
/// # Errors
/// Those of the source; no text is an error.
pub fn profile(source: impl Read, options: &Options, mut progress: impl FnMut(u64)) -> io::Result<Report> {
    let mut text = Text::new(source);
    let (head, all) = head(&mut text)?;
    let sample = &head[..head.len().min(SAMPLE_BYTES)];
    let mut nul = head.contains(&0);
    let dialect = Dialect::sniff(sample, options.delimiter);
    let whole = all && sample.len() == head.len();
    let (layout, sample_cut) = layout(sample, whole, dialect, options.header);

    let (mut records, mut table) = (dialect.records(), Table::new(&layout, dialect));
    records.feed(&head, &mut table);
    drop(head);
    while let Some(chunk) = text.next_chunk()? {
        nul |= chunk.contains(&0);
        records.feed(chunk, &mut table);
        progress(text.read_bytes);
    }
    let unclosed = records.finish(&mut table);
    let findings = Findings {
        size_bytes: text.read_bytes,
        encoding: text.encoding,
        bom: text.bom,
        malformed: text.malformed,
        nul,
        dialect,
        sample_cut,
        unclosed,
    };
    Ok(Report::new(&findings, &layout, (table.totals, table.columns), options.top))
}

/// The beginning of the text, at least as long as a sample unless that is all of it.
fn head(text: &mut Text<impl Read>) -> io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    while head.len() < SAMPLE_BYTES {
        match text.next_chunk()? {
            Some(chunk) => head.extend_from_slice(chunk),
            None => return Ok((head, true)),
        }
    }
    Ok((head, false))
}

/// The layout, and whether not even one record is whole in the sample.
fn layout(text: &[u8], whole: bool, dialect: Dialect, header: Header) -> (Layout, bool) {
    let (mut records, mut sample) = (dialect.records(), Sample::default());
    records.feed(text, &mut sample);
    let cut = sample.is_empty() && !whole;
    // A record that goes on after the sample is better left out, unless there is no other.
    if whole || cut {
        records.finish(&mut sample);
    }
    (sample.layout(header, dialect.delimiter.decimal()), cut && !sample.is_empty())
}

/// The columns, as fields and records come in.
struct Table {
    columns: Vec<Column>,
    column_count: u64,
    /// Records before the first row: those before the table, and the header.
    skip: u64,
    budget: Budget,
    totals: Totals,
}

impl Table {
    fn new(layout: &Layout, dialect: Dialect) -> Self {
        let budget = Budget::new(layout.names.len());
        let column = |name: &String| Column::new(name.clone(), dialect.delimiter.decimal(), &budget);
        Self {
            columns: layout.names.iter().map(column).collect(),
            column_count: layout.column_count,
            skip: layout.preamble_records + u64::from(layout.has_header),
            budget,
            totals: Totals::default(),
        }
    }
}

impl Sink for Table {
    fn field(&mut self, field: Field<'_>) {
        self.totals.oversized_fields += u64::from(field.oversized);
        let number = usize::try_from(field.number).unwrap_or(usize::MAX);
        if self.skip == 0
            && let Some(column) = self.columns.get_mut(number)
        {
            column.add(trimmed(field.bytes), &mut self.budget);
        }
    }

    fn record(&mut self, record: Record) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.totals.rows += 1;
        // What a short row lacks is null.
        let present = usize::try_from(record.fields).unwrap_or(usize::MAX);
        for column in self.columns.iter_mut().skip(present) {
            column.add("", &mut self.budget);
        }
        if record.fields != self.column_count {
            let ragged = &mut self.totals.ragged;
            ragged.count += 1;
            if ragged.first_lines.len() < RAGGED_LINES_MAX {
                ragged.first_lines.push(record.line);
            }
        }
    }
}

#[cfg(test)]
mod tests;
