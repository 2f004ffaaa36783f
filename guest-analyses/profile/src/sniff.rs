//! The dialect of a delimited text, guessed from its beginning.
//!
//! Each delimiter is scored by how alike its records are and how many of its fields are more than text, a short form of
//! van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by detecting row and type patterns" (2019).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::kind::Decimal;
use crate::kind::Value;
use crate::kind::value;
use crate::records::Field;
use crate::records::Record;
use crate::records::Records;
use crate::records::Sink;
use crate::text::trimmed;

/// How much of the sample is looked at; each delimiter costs a pass.
const SCORED_BYTES_MAX: usize = 64 * 1024;
const NAMES: [Delimiter; 4] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Pipe];

/// What separates fields.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Delimiter {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// A tabulator.
    #[serde(rename = "\t")]
    Tab,
    /// `|`
    #[serde(rename = "|")]
    Pipe,
}

/// What fields may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Quote {
    /// `"`
    #[serde(rename = "\"")]
    Double,
    /// `'`
    #[serde(rename = "'")]
    Single,
}

/// What ends lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnding {
    /// There is but one line.
    None,
    /// As on Unix.
    Lf,
    /// As on Windows.
    CrLf,
    /// As on old Macintoshs.
    Cr,
    /// Several of them.
    Mixed,
}

/// How fields and records are told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: Delimiter,
    /// Around fields.
    pub quote: Quote,
    /// Between records.
    pub line_ending: LineEnding,
}

impl Delimiter {
    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }

    /// Where a semicolon ends fields, a comma may be a decimal point.
    pub fn decimal(self) -> Decimal {
        match self {
            Self::Semicolon => Decimal::PointOrComma,
            Self::Comma | Self::Tab | Self::Pipe => Decimal::Point,
        }
    }
}

impl Quote {
    fn byte(self) -> u8 {
        match self {
            Self::Double => b'"',
            Self::Single => b'\'',
        }
    }
}

impl Dialect {
    /// Guesses what was not said.
    pub fn sniff(sample: &[u8], delimiter: Option<Delimiter>) -> Self {
        let scored = &sample[..sample.len().min(SCORED_BYTES_MAX)];
        let quote = quote(scored);
        let delimiter = delimiter.unwrap_or_else(|| guess_delimiter(scored, quote));
        Self { delimiter, quote, line_ending: line_ending(sample) }
    }

    /// A parser for it.
    pub fn records(self) -> Records {
        Records::new(self.delimiter.byte(), self.quote.byte())
    }
}

fn guess_delimiter(sample: &[u8], quote: Quote) -> Delimiter {
    let mut best = (Delimiter::Comma, 0.0);
    for delimiter in NAMES {
        let mut shape = Shape::new(delimiter);
        // The record that the sample's end cuts is never complete, so it does not count.
        Records::new(delimiter.byte(), quote.byte()).feed(sample, &mut shape);
        if shape.widths.is_empty() {
            Records::new(delimiter.byte(), quote.byte()).feed(&[sample, b"\n"].concat(), &mut shape);
        }
        let score = shape.score();
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// What a delimiter makes of the sample.
struct Shape {
    decimal: Decimal,
    widths: BTreeMap<u64, u64>,
    fields: u64,
    typed: u64,
}

impl Shape {
    fn new(delimiter: Delimiter) -> Self {
        Self { decimal: delimiter.decimal(), widths: BTreeMap::new(), fields: 0, typed: 0 }
    }

    /// 0 if there is but one column; more for few widths, wide records and fields that are more than text.
    fn score(&self) -> f64 {
        let weigh = |(width, count): (&u64, &u64)| *count as f64 * (*width as f64 - 1.0) / *width as f64;
        let pattern = self.widths.iter().map(weigh).sum::<f64>() / self.widths.len().max(1) as f64;
        pattern * (0.1 + self.typed as f64 / self.fields.max(1) as f64)
    }
}

impl Sink for Shape {
    fn field(&mut self, field: Field<'_>) {
        self.fields += 1;
        self.typed += u64::from(value(trimmed(field.bytes), self.decimal) != Value::Text);
    }

    fn record(&mut self, record: Record) {
        *self.widths.entry(record.fields).or_default() += 1;
    }
}

/// Single quotes only where fields begin and end with them and none begins with a double one.
fn quote(sample: &[u8]) -> Quote {
    let edge = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b',' | b';' | b'\t' | b'|' | b'\r' | b'\n'));
    let before = |at: usize| at.checked_sub(1).and_then(|at| sample.get(at));
    let (mut double_opens, mut opens, mut closes) = (0u64, 0u64, 0u64);
    for (at, byte) in sample.iter().enumerate() {
        match byte {
            b'"' => double_opens += u64::from(edge(before(at))),
            b'\'' => {
                opens += u64::from(edge(before(at)));
                closes += u64::from(edge(sample.get(at + 1)));
            }
            _ => {}
        }
    }
    if double_opens == 0 && opens >= 2 && closes >= opens - opens / 5 { Quote::Single } else { Quote::Double }
}

fn line_ending(sample: &[u8]) -> LineEnding {
    let (mut lf, mut crlf, mut cr) = (0u64, 0u64, 0u64);
    for (at, byte) in sample.iter().enumerate() {
        match byte {
            b'\r' if sample.get(at + 1) == Some(&b'\n') => crlf += 1,
            b'\r' => cr += 1,
            b'\n' if at == 0 || sample[at - 1] != b'\r' => lf += 1,
            _ => {}
        }
    }
    match (lf, crlf, cr) {
        (0, 0, 0) => LineEnding::None,
        (_, 0, 0) => LineEnding::Lf,
        (0, _, 0) => LineEnding::CrLf,
        (0, 0, _) => LineEnding::Cr,
        _ => LineEnding::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, delimiter: Delimiter) {
        assert_eq!(Dialect::sniff(text.as_bytes(), None).delimiter, delimiter, "{text:?}");
    }

    #[test]
    fn delimiters_make_records_alike() {
        check("", Delimiter::Comma);
        check("word\nword two\n", Delimiter::Comma);
        check("a,b\n1,2\n", Delimiter::Comma);
        check("a;b;c", Delimiter::Semicolon);
        check("a\tb\n1\t2,5\n", Delimiter::Tab);
        check("a|b\nx, y|z, w, v\n", Delimiter::Pipe);
        check("name;text\n1;\"a,b,c\"\n2;\"d,e\"\n", Delimiter::Semicolon);
        check("id,note\n1,a;b\n2,c\n3,d;e\n", Delimiter::Comma);
    }

    #[test]
    fn decimal_commas_are_not_delimiters() {
        check("1,5;2,5;3,5\n2,5;3,5;4,5\n", Delimiter::Semicolon);
        check("x;y\n1,5;2,25\n3,5;4,75\n", Delimiter::Semicolon);
    }

    #[test]
    fn what_was_said_is_not_guessed() {
        assert_eq!(Dialect::sniff(b"a,b", Some(Delimiter::Pipe)).delimiter, Delimiter::Pipe);
    }

    #[test]
    fn quotes_stand_at_the_edges_of_fields() {
        let of = |text: &str| Dialect::sniff(text.as_bytes(), None).quote;
        assert_eq!(of("'a','b'\n'c,d','e'\n"), Quote::Single);
        assert_eq!(of("\"a\",'b'\n"), Quote::Double);
        assert_eq!(of("it's,'tis\n'twas,no\n"), Quote::Double);
    }

    #[test]
    fn line_endings_have_names() {
        let of = |text: &str| Dialect::sniff(text.as_bytes(), None).line_ending;
        assert_eq!(of("a"), LineEnding::None);
        assert_eq!(of("a\nb\n"), LineEnding::Lf);
        assert_eq!(of("a\r\nb\r\n"), LineEnding::CrLf);
        assert_eq!(of("a\rb"), LineEnding::Cr);
        assert_eq!(of("a\r\nb\n"), LineEnding::Mixed);
    }
}
