//! What a table comes to, as it is serialized: the same for all formats, and beside it what only one of them has.

use profile::column::ColumnReport;
use profile::report::Ragged;
use profile::sniff::Delimiter;
use profile::sniff::LineEnding;
use profile::sniff::Quote;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Report {
    pub format: &'static str,
    pub size_bytes: u64,
    pub rows: u64,
    pub column_count: u64,
    pub columns_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimited: Option<DelimitedFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parquet: Option<ParquetFacts>,
    pub columns: Vec<Profiled>,
    /// Why not all of it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Profiled {
    #[serde(flatten)]
    pub profile: ColumnReport,
    /// What the file says that its values are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<String>,
    /// Why not all of its values were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct DelimitedFacts {
    encoding: String,
    bom: bool,
    delimiter: Delimiter,
    quote: Quote,
    line_ending: LineEnding,
    has_header: bool,
    preamble_rows: u64,
    ragged_rows: Ragged,
    oversized_fields: u64,
}

#[derive(Debug, Serialize)]
pub struct JsonFacts {
    pub encoding: String,
    pub bom: bool,
    /// Lines that are no JSON.
    pub malformed_lines: Lines,
    /// Lines that are longer than is read.
    pub oversized_lines: Lines,
}

#[derive(Debug, Default, Serialize)]
pub struct Lines {
    pub count: u64,
    pub first: Vec<u64>,
}

#[derive(Debug, Serialize)]
pub struct ParquetFacts {
    pub version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    pub row_groups: u64,
    pub codecs: Vec<&'static str>,
}

impl Lines {
    const FIRST_MAX: usize = 5;

    pub fn add(&mut self, line: u64) {
        self.count += 1;
        if self.first.len() < Self::FIRST_MAX {
            self.first.push(line);
        }
    }
}

impl From<ColumnReport> for Profiled {
    fn from(profile: ColumnReport) -> Self {
        Self { profile, stored: None, stopped: None }
    }
}

impl From<profile::report::Report> for Report {
    fn from(found: profile::report::Report) -> Self {
        Self {
            format: if found.delimiter == Delimiter::Tab { "tsv" } else { "csv" },
            size_bytes: found.size_bytes,
            rows: found.rows,
            column_count: found.column_count,
            columns_truncated: found.columns_truncated,
            delimited: Some(DelimitedFacts {
                encoding: found.encoding,
                bom: found.bom,
                delimiter: found.delimiter,
                quote: found.quote,
                line_ending: found.line_ending,
                has_header: found.has_header,
                preamble_rows: found.preamble_rows,
                ragged_rows: found.ragged_rows,
                oversized_fields: found.oversized_fields,
            }),
            json: None,
            parquet: None,
            columns: found.columns.into_iter().map(Profiled::from).collect(),
            stopped: None,
            warnings: found.warnings,
        }
    }
}
