//! What a file comes to, as it is serialized, and the warnings that go with it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::column::Column;
use crate::column::ColumnReport;
use crate::layout::Layout;
use crate::records::Line;
use crate::sniff::Delimiter;
use crate::sniff::Dialect;
use crate::sniff::LineEnding;
use crate::sniff::Quote;

/// Frequent values in a whole result; with the names and extremes of 2,000 columns it stays below 16 MiB of JSON.
const TOP_TOTAL_MAX: usize = 4_000;

/// What a delimited text comes to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Of the file.
    pub size_bytes: u64,
    /// Its name in lower case.
    pub encoding: String,
    /// Whether a byte order mark came first.
    pub bom: bool,
    /// What separates fields.
    pub delimiter: Delimiter,
    /// What fields may stand in.
    pub quote: Quote,
    /// What ends lines.
    pub line_ending: LineEnding,
    /// Whether the first record names the columns.
    pub has_header: bool,
    /// Records before the table.
    pub preamble_rows: u64,
    /// Without the header.
    pub rows: u64,
    /// Of all columns.
    pub column_count: u64,
    /// Whether there are more columns than are profiled.
    pub columns_truncated: bool,
    /// Rows that are longer or shorter than others.
    pub ragged_rows: Ragged,
    /// Fields that were cut.
    pub oversized_fields: u64,
    /// In their order.
    pub columns: Vec<ColumnReport>,
    /// What to mind.
    pub warnings: Vec<String>,
}

/// Rows that have more or fewer fields than the table has columns.
#[derive(Debug, Default, Serialize)]
pub struct Ragged {
    /// How many there are.
    pub count: u64,
    /// Where the first of them are.
    pub first_lines: Vec<Line>,
}

/// What was counted over the whole file.
#[derive(Debug, Default)]
pub struct Totals {
    /// Rows.
    pub rows: u64,
    /// Rows of another width.
    pub ragged: Ragged,
    /// Fields that were cut.
    pub oversized_fields: u64,
}

/// What was found of the file as a whole.
#[derive(Debug)]
pub struct Findings {
    /// How much was read.
    pub size_bytes: u64,
    /// What it is in.
    pub encoding: &'static encoding_rs::Encoding,
    /// Whether a byte order mark came first.
    pub bom: bool,
    /// Whether some bytes mean nothing in that encoding.
    pub malformed: bool,
    /// Whether there was a NUL.
    pub nul: bool,
    /// How fields and records are told apart.
    pub dialect: Dialect,
    /// Whether the first record is longer than the sample.
    pub sample_cut: bool,
    /// The record with a quote that never closes.
    pub unclosed: Option<Line>,
}

impl Report {
    /// Of columns, what was found of them and counted.
    pub fn new(findings: &Findings, layout: &Layout, (totals, columns): (Totals, Vec<Column>), top: usize) -> Self {
        let warnings = warnings(findings, layout, &totals, top);
        let top = top_shown(top, columns.len());
        Self {
            size_bytes: findings.size_bytes,
            encoding: findings.encoding.name().to_ascii_lowercase(),
            bom: findings.bom,
            delimiter: findings.dialect.delimiter,
            quote: findings.dialect.quote,
            line_ending: findings.dialect.line_ending,
            has_header: layout.has_header,
            preamble_rows: layout.preamble_records,
            rows: totals.rows,
            column_count: layout.column_count,
            columns_truncated: layout.column_count > columns.len() as u64,
            ragged_rows: totals.ragged,
            oversized_fields: totals.oversized_fields,
            columns: columns.into_iter().map(|column| column.into_report(top)).collect(),
            warnings,
        }
    }
}

/// How many frequent values of each are shown, so that a result stays small.
pub fn top_shown(asked: usize, columns: usize) -> usize {
    asked.min(TOP_TOTAL_MAX / columns.max(1))
}

fn warnings(findings: &Findings, layout: &Layout, totals: &Totals, top: usize) -> Vec<String> {
    let columns = layout.names.len();
    let names: BTreeSet<_> = layout.names.iter().collect();
    let mut all = Vec::new();
    let mut warn = |when: bool, warning: String| all.extend(when.then_some(warning));
    warn(findings.nul, "The file has NUL bytes; it may be no text.".into());
    warn(findings.malformed, format!("Some bytes are no {}; they became U+FFFD.", findings.encoding.name()));
    if let Some(Line(line)) = findings.unclosed {
        warn(true, format!("A quote in the record of line {line} never closes; the rest of the file is one field."));
    }
    warn(findings.sample_cut, "The first record is longer than the sample; columns are those of its beginning.".into());
    let beyond = layout.column_count > columns as u64;
    warn(beyond, format!("Of {} columns only the first {columns} are profiled.", layout.column_count));
    let preamble = layout.preamble_records;
    warn(preamble > 0, format!("{preamble} records before the table are narrower and were skipped."));
    warn(names.len() < columns, "Some columns have the same name.".into());
    let ragged = totals.ragged.count;
    warn(ragged > 0, format!("{ragged} rows have more or fewer fields than there are columns."));
    let oversized = totals.oversized_fields;
    warn(oversized > 0, format!("{oversized} fields are larger than 1 MiB; only that much of each is profiled."));
    let shown = top_shown(top, columns);
    warn(shown < top, format!("For so many columns only {shown} frequent values are shown of each."));
    all
}
