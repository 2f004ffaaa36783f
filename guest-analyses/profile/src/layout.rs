//! How a file is laid out, from its first records: lines before the table, how many columns, their names.
//!
//! Lines before the table are records narrower than most of the sample, before the first that is as wide as most.
//! A header is told from data column by column, as Python's `csv.Sniffer` does: by its type, by its length where all
//! values have the same, and by not coming again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::kind::Decimal;
use crate::kind::Value;
use crate::kind::value;
use crate::records::Field;
use crate::records::Record;
use crate::records::Sink;
use crate::text::Shown;
use crate::text::trimmed;

/// Columns beyond are counted and not profiled.
pub const COLUMNS_MAX: usize = 2_000;
/// Records of the sample that are looked at.
const RECORDS_MAX: usize = 100;

/// The first records of a file, their fields cut as they are shown.
#[derive(Debug, Default)]
pub struct Sample {
    records: Vec<Sampled>,
    fields: Vec<String>,
}

#[derive(Debug)]
struct Sampled {
    width: u64,
    fields: Vec<String>,
}

/// What the caller says of the header.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// Guess it.
    Auto,
    /// It names the columns.
    Yes,
    /// It is a row.
    No,
}

/// How a file is laid out.
#[derive(Debug, Default, PartialEq)]
pub struct Layout {
    /// Of the columns that are profiled.
    pub names: Vec<String>,
    /// Of all columns.
    pub column_count: u64,
    /// Records before the table.
    pub preamble_records: u64,
    /// Whether its first record names the columns.
    pub has_header: bool,
}

impl Sink for Sample {
    fn field(&mut self, field: Field<'_>) {
        if self.records.len() < RECORDS_MAX && self.fields.len() < COLUMNS_MAX {
            self.fields.push(Shown::new(trimmed(field.bytes)).as_str().to_owned());
        }
    }

    fn record(&mut self, record: Record) {
        if self.records.len() < RECORDS_MAX {
            self.records.push(Sampled { width: record.fields, fields: std::mem::take(&mut self.fields) });
        }
    }
}

impl Sample {
    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Draws the layout from the sample.
    pub fn layout(&self, header: Header, decimal: Decimal) -> Layout {
        let preamble = if header == Header::Auto { self.preamble() } else { 0 };
        let Some((first, rest)) = self.records[preamble..].split_first() else {
            return Layout::default();
        };
        let has_header = match header {
            Header::Auto => looks_like_header(&first.fields, rest, decimal),
            Header::Yes => true,
            Header::No => false,
        };
        let name = |(number, field): (usize, &String)| match field.as_str() {
            "" => format!("column_{}", number + 1),
            _ if !has_header => format!("column_{}", number + 1),
            name => name.to_owned(),
        };
        let names = first.fields.iter().enumerate().map(name).collect();
        Layout { names, column_count: first.width, preamble_records: preamble as u64, has_header }
    }

    /// How many records come before the table.
    fn preamble(&self) -> usize {
        let mut widths = BTreeMap::<u64, usize>::new();
        self.records.iter().for_each(|record| *widths.entry(record.width).or_default() += 1);
        let most = widths.into_iter().max_by_key(|(width, count)| (*count, *width));
        let Some((width, _)) = most.filter(|(_, count)| count * 2 > self.records.len()) else {
            return 0;
        };
        let first = self.records.iter().position(|record| record.width >= width);
        first.unwrap_or(0)
    }
}

fn looks_like_header(first: &[String], rest: &[Sampled], decimal: Decimal) -> bool {
    let votes: i64 = (0..first.len()).map(|column| vote(column, first, rest, decimal)).sum();
    if votes != 0 {
        return votes > 0;
    }
    // Nothing speaks for data: names are texts, all of them others. One column of texts is more likely a list.
    let texts = first.iter().all(|field| value(field, decimal) == Value::Text);
    let distinct = first.iter().collect::<BTreeSet<_>>().len() == first.len();
    first.len() > 1 && texts && distinct
}

/// 1 if the first field of the column looks like a name for the others, -1 if it looks like one of them.
fn vote(column: usize, first: &[String], rest: &[Sampled], decimal: Decimal) -> i64 {
    let head = &first[column];
    let below = || rest.iter().filter_map(|record| record.fields.get(column)).filter(|field| !field.is_empty());
    let values = below().filter(|field| value(field, decimal) != Value::Null).count();
    let texts = below().filter(|field| value(field, decimal) == Value::Text).count();
    match value(head, decimal) {
        Value::Null => 0,
        Value::Text if values > 0 && texts * 2 < values => 1,
        Value::Text if below().any(|field| field == head) => -1,
        Value::Text => {
            let mut lengths = below().map(|field| field.chars().count());
            let length = lengths.next();
            let same = values > 2 && lengths.all(|it| Some(it) == length);
            i64::from(same && length != Some(head.chars().count()))
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean | Value::Date(_) | Value::DateTime(_) => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, header: Header) -> Layout {
        let mut sample = Sample::default();
        let mut records = crate::records::Records::new(b',', b'"');
        records.feed(text.as_bytes(), &mut sample);
        records.finish(&mut sample);
        sample.layout(header, Decimal::Point)
    }

    fn check(text: &str, has_header: bool) {
        assert_eq!(of(text, Header::Auto).has_header, has_header, "{text:?}");
    }

    #[test]
    fn headers_are_told_from_data() {
        check("name,age\nZoe,3\nTom,4\n", true);
        check("Zoe,3\nTom,4\n", false);
        check("1,2\n3,4\n", false);
        check("first,last\nZoe,Smith\nTom,Jones\n", true);
        check("red,blue\nred,green\nred,blue\n", false);
        check("code,name\nAB,Zoe\nCD,Tom\nEF,Ann\n", true);
        check("id,when,ok\n1,2024-01-01,true\n", true);
        check(",a\nx,1\ny,2\n", true);
        check("a,b\n", true);
        check("word\nother\n", false);
        check("size\n1\n2\n", true);
        check("a,a\nb,c\n", false);
    }

    #[test]
    fn what_was_said_of_the_header_holds() {
        assert_eq!(of("1,\n3,4\n", Header::Yes).names, ["1", "column_2"]);
        assert_eq!(of("a,b\n1,2\n", Header::No).names, ["column_1", "column_2"]);
        assert_eq!(of("", Header::Yes), Layout::default());
    }

    #[test]
    fn lines_before_the_table_are_skipped() {
        let layout = of("Report of 2024\n\nname,age\nZoe,3\nTom,4\nAnn,5\n", Header::Auto);
        assert_eq!((layout.preamble_records, layout.column_count), (1, 2));
        assert_eq!(layout.names, ["name", "age"]);
        assert_eq!(of("x\na,b\nc,d,e\n", Header::Auto).preamble_records, 0);
    }

    #[test]
    fn columns_beyond_the_limit_are_only_counted() {
        let layout = of(&",".repeat(COLUMNS_MAX + 9), Header::Auto);
        assert_eq!((layout.names.len(), layout.column_count), (COLUMNS_MAX, COLUMNS_MAX as u64 + 10));
    }
}
