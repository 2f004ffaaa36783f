//! Text as fields and records, pushed to a sink, one field in memory at a time.
//!
//! The grammar is `csv-core`'s: quotes double inside quotes, any of CR, LF, CRLF ends a record, empty lines are none.
//! A field beyond [`FIELD_BYTES_MAX`] loses its rest, so a quote that never closes costs time and no memory.

use csv_core::ReadFieldResult;
use csv_core::Reader;
use csv_core::ReaderBuilder;

/// What is kept of a field; the rest is dropped and the field counts as oversized.
pub const FIELD_BYTES_MAX: usize = 1024 * 1024;
/// Room for a field at first; it doubles.
const FIELD_BYTES_MIN: usize = 4096;
const SCRATCH_BYTES: usize = 4096;

/// Takes what a file consists of, in its order.
pub trait Sink {
    /// A field has ended.
    fn field(&mut self, field: Field<'_>);
    /// A record has ended, after its fields.
    fn record(&mut self, record: Record);
}

/// A field without its quotes; `number` counts from 0 in its record.
#[derive(Debug)]
pub struct Field<'a> {
    /// Its place in the record.
    pub number: u64,
    /// As much of it as is kept.
    pub bytes: &'a [u8],
    /// Whether it had more.
    pub oversized: bool,
}

/// The end of a record.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    /// How many it has.
    pub fields: u64,
    /// Where it starts.
    pub line: Line,
}

/// A line of the file, from 1; where a record starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Line(pub u64);

/// A parser, fed part by part.
pub struct Records {
    reader: Reader,
    field: Vec<u8>,
    filled: usize,
    scratch: [u8; SCRATCH_BYTES],
    oversized: bool,
    number: u64,
    line: Line,
    place: Place,
}

/// Where in the file the parser is; `Between` records, line ends are skipped and counted here.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Between { after_carriage_return: bool },
    Inside,
}

impl Records {
    /// For fields between these bytes.
    pub fn new(delimiter: u8, quote: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).quote(quote).build(),
            field: vec![0; FIELD_BYTES_MIN],
            filled: 0,
            scratch: [0; SCRATCH_BYTES],
            oversized: false,
            number: 0,
            line: Line(1),
            place: Place::Between { after_carriage_return: false },
        }
    }

    /// Parses the next part of the text.
    pub fn feed(&mut self, mut input: &[u8], sink: &mut impl Sink) {
        loop {
            input = self.skip_line_ends(input);
            if input.is_empty() {
                return;
            }
            let (result, read) = self.step(input);
            let (done, rest) = input.split_at(read);
            if let ReadFieldResult::Field { record_end } = result {
                self.close(sink);
                if record_end {
                    self.end_record(done.last().copied(), sink);
                }
            }
            input = rest;
        }
    }

    /// Ends the text. The line of the last record comes back if its quote never closed.
    pub fn finish(&mut self, sink: &mut impl Sink) -> Option<Line> {
        if self.place != Place::Inside {
            return None;
        }
        // A line end closes every field but one in quotes, to which it is content.
        let filled = self.filled;
        let (result, _) = self.step(b"\n");
        if let ReadFieldResult::Field { .. } = result {
            self.close(sink);
            self.end_record(None, sink);
            return None;
        }
        self.filled = filled;
        while let (ReadFieldResult::Field { .. } | ReadFieldResult::OutputFull, _) = self.step(b"") {
            self.close(sink);
        }
        let line = self.line;
        self.end_record(None, sink);
        Some(line)
    }

    fn skip_line_ends<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let Place::Between { mut after_carriage_return } = self.place else {
            return input;
        };
        let end = input.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(input.len());
        let mut lines = 0;
        for byte in &input[..end] {
            let ends_a_line = *byte == b'\r' || !after_carriage_return;
            lines += u64::from(ends_a_line);
            after_carriage_return = *byte == b'\r';
        }
        self.reader.set_line(self.reader.line().saturating_add(lines));
        self.place = Place::Between { after_carriage_return };
        if end < input.len() {
            self.place = Place::Inside;
            self.line = Line(self.reader.line());
        }
        &input[end..]
    }

    fn step(&mut self, input: &[u8]) -> (ReadFieldResult, usize) {
        if self.filled == self.field.len() && self.filled < FIELD_BYTES_MAX {
            self.field.resize(self.filled * 2, 0);
        }
        let room = &mut self.field[self.filled..];
        if room.is_empty() {
            let (result, read, written) = self.reader.read_field(input, &mut self.scratch);
            self.oversized |= written > 0;
            return (result, read);
        }
        let (result, read, written) = self.reader.read_field(input, room);
        self.filled += written;
        (result, read)
    }

    fn close(&mut self, sink: &mut impl Sink) {
        let bytes = &self.field[..self.filled];
        sink.field(Field { number: self.number, bytes, oversized: self.oversized });
        self.number += 1;
        self.filled = 0;
        self.oversized = false;
    }

    fn end_record(&mut self, last_byte: Option<u8>, sink: &mut impl Sink) {
        sink.record(Record { fields: self.number, line: self.line });
        self.number = 0;
        let after_carriage_return = last_byte == Some(b'\r');
        if after_carriage_return {
            self.reader.set_line(self.reader.line().saturating_add(1));
        }
        self.place = Place::Between { after_carriage_return };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>, Vec<(u64, u64)>, usize);

    impl Sink for Seen {
        fn field(&mut self, field: Field<'_>) {
            self.2 += usize::from(field.oversized);
            self.0.push(String::from_utf8_lossy(&field.bytes[..field.bytes.len().min(20)]).into_owned());
        }

        fn record(&mut self, record: Record) {
            self.1.push((record.line.0, record.fields));
        }
    }

    fn check(text: &str, fields: &[&str], records: &[(u64, u64)], unclosed: Option<u64>) {
        for step in [1, 3, text.len().max(1)] {
            let (mut parser, mut seen) = (Records::new(b',', b'"'), Seen::default());
            text.as_bytes().chunks(step).for_each(|part| parser.feed(part, &mut seen));
            assert_eq!(parser.finish(&mut seen), unclosed.map(Line), "{text:?}");
            assert_eq!(seen.0, fields, "{text:?}");
            assert_eq!(seen.1, records, "{text:?}");
        }
    }

    #[test]
    fn fields_records_and_lines() {
        check("", &[], &[], None);
        check("\n\n", &[], &[], None);
        check("a,b\nc,d\n", &["a", "b", "c", "d"], &[(1, 2), (2, 2)], None);
        check("a,b\r\n\r\nc,", &["a", "b", "c", ""], &[(1, 2), (3, 2)], None);
        check("a\rb\r\rc", &["a", "b", "c"], &[(1, 1), (2, 1), (4, 1)], None);
        check("\n\n\"x\ny\",\"say \"\"hi\"\"\"\nz", &["x\ny", "say \"hi\"", "z"], &[(3, 2), (5, 1)], None);
        check("a\n\"\"", &["a", ""], &[(1, 1), (2, 1)], None);
    }

    #[test]
    fn a_quote_that_never_closes_is_told_with_its_line() {
        check("a,b\n1,\"x\ny,z\n", &["a", "b", "1", "x\ny,z\n"], &[(1, 2), (2, 2)], Some(2));
        check("\"", &[""], &[(1, 1)], Some(1));
    }

    #[test]
    fn a_field_is_cut_at_its_limit_and_not_before() {
        let check = |bytes: usize, oversized: usize| {
            let (mut parser, mut seen) = (Records::new(b',', b'"'), Seen::default());
            parser.feed(b"a,\"", &mut seen);
            let mut left = bytes;
            while left > 0 {
                let part = left.min(10_000);
                parser.feed(&vec![b'x'; part], &mut seen);
                left -= part;
            }
            parser.feed(b"\",c\n", &mut seen);
            assert_eq!(parser.finish(&mut seen), None);
            assert_eq!((seen.2, seen.1.as_slice(), seen.0.len()), (oversized, &[(1, 3)][..], 3));
        };
        check(FIELD_BYTES_MAX, 0);
        check(FIELD_BYTES_MAX + 1, 1);
        check(FIELD_BYTES_MAX * 3, 1);
    }

    #[test]
    fn an_oversized_field_may_end_with_the_file() {
        let (mut parser, mut seen) = (Records::new(b',', b'"'), Seen::default());
        parser.feed(b"\"", &mut seen);
        parser.feed(&vec![b'x'; FIELD_BYTES_MAX + 5], &mut seen);
        assert_eq!(parser.finish(&mut seen), Some(Line(1)));
        assert_eq!((seen.2, seen.1), (1, vec![(1, 1)]));
    }
}
