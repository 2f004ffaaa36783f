//! JSON as rows: a line each (JSON Lines), the elements of one array, or values one after the other.
//!
//! `reader` gives the text, `record` takes a row apart, `columns` has where its values go. Columns are named by the way to
//! them, as in JSON Pointer but without the first slash: `id`, `address/city`; what is in an array goes into one, `tags/*`.
//! Rows are looked at one by one; of those at the beginning it is learnt how many columns to share the memory among.

mod columns;
mod reader;
mod record;

use std::io::BufRead;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Progress;
use belljar_sdk::Sample;
use serde::de::DeserializeSeed;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::de::Read as Source;

use crate::json::columns::Columns;
use crate::json::reader::Bounded;
use crate::json::reader::Reader;
use crate::json::record::Elements;
use crate::json::record::Record;
use crate::report::JsonFacts;
use crate::report::Lines;
use crate::report::Report;

/// What a line may have; longer ones are counted and left out.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Text from which it is learnt how the rows follow each other, and how many columns there are.
const HEAD_BYTES: usize = 256 * 1024;

/// How rows follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    Lines,
    Array,
    Values,
}

/// What was counted beside the columns.
#[derive(Debug, Default)]
struct Totals {
    malformed: Lines,
    oversized: Lines,
    stopped: Option<String>,
}

/// Profiles all of it.
pub fn profile(mut sample: Sample, top: usize) -> Result<Report, Failure> {
    let size_bytes = sample.size_bytes();
    let mut head = Vec::new();
    Reader::new(&mut sample).take(u64::try_from(HEAD_BYTES)?).read_to_end(&mut head)?;
    let framing = framing(&head);
    let mut columns = Columns::new(1);
    read(&mut Reader::new(&*head), framing, &mut columns, None)?;
    let mut columns = Columns::new(columns.len());

    sample.seek(SeekFrom::Start(0))?;
    let mut reader = Reader::new(sample);
    let totals = read(&mut reader, framing, &mut columns, Some(Progress::new(size_bytes, "reading rows")))?;
    if columns.rows() == 0
        && let Some(stopped) = totals.stopped
    {
        return Err(Failure::new(format!("this is no JSON that can be read: {stopped}")));
    }
    let warnings = warnings(&columns, &totals, &reader, top);
    Ok(Report {
        format: match framing {
            Framing::Lines => "json-lines",
            Framing::Array => "json-array",
            Framing::Values => "json",
        },
        size_bytes,
        rows: columns.rows(),
        column_count: u64::try_from(columns.len())?,
        columns_truncated: columns.dropped > 0,
        delimited: None,
        json: Some(JsonFacts {
            encoding: reader.text.encoding.name().to_ascii_lowercase(),
            bom: reader.text.bom,
            malformed_lines: totals.malformed,
            oversized_lines: totals.oversized,
        }),
        parquet: None,
        columns: columns.into_reports(top),
        stopped: totals.stopped,
        warnings,
    })
}

/// An object on the first line alone, or an array with another line after it, begins JSON Lines.
fn framing(head: &[u8]) -> Framing {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let is_whole = serde_json::from_slice::<IgnoredAny>(first).is_ok();
    match (first.first(), is_whole, lines.next()) {
        (Some(b'['), true, Some(_)) => Framing::Lines,
        (Some(b'['), _, _) => Framing::Array,
        (_, true, _) => Framing::Lines,
        // A line that the head cuts may be whole.
        (_, false, None) if head.len() >= HEAD_BYTES => Framing::Lines,
        (_, false, _) => Framing::Values,
    }
}

fn read(
    reader: &mut Reader<impl Read>,
    framing: Framing,
    columns: &mut Columns,
    progress: Option<Progress>,
) -> Result<Totals, Failure> {
    match framing {
        Framing::Lines => lines(reader, columns, progress),
        Framing::Array | Framing::Values => {
            Ok(Totals { stopped: whole(reader, framing, columns), ..Totals::default() })
        }
    }
}

fn lines(
    reader: &mut Reader<impl Read>,
    columns: &mut Columns,
    mut progress: Option<Progress>,
) -> Result<Totals, Failure> {
    let (mut totals, mut line, mut number) = (Totals::default(), Vec::new(), 0);
    let limit = u64::try_from(LINE_BYTES_MAX)?;
    loop {
        line.clear();
        number += 1;
        if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(totals);
        }
        if line.len() == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
            totals.oversized.add(number);
            reader.skip_line()?;
        } else if !line.trim_ascii().is_empty() {
            // First as a whole, so that no row counts in part.
            match serde_json::from_slice::<IgnoredAny>(&line) {
                Ok(_) => next(&mut Deserializer::from_slice(&line), columns)?,
                Err(_) => totals.malformed.add(number),
            }
        }
        if let Some(progress) = &mut progress {
            progress.at(reader.text.read_bytes);
        }
    }
}

/// Why it ended, if not with the text.
fn whole(reader: &mut Reader<impl Read>, framing: Framing, columns: &mut Columns) -> Option<String> {
    let bounded = Bounded::new(reader);
    let room = bounded.room();
    let mut deserializer = Deserializer::from_reader(bounded);
    let all = match framing {
        Framing::Array => {
            Elements { columns, room: &room }.deserialize(&mut deserializer).and_then(|()| deserializer.end())
        }
        Framing::Lines | Framing::Values => {
            let mut result = Ok(());
            while result.is_ok() && deserializer.end().is_err() {
                room.renew();
                result = next(&mut deserializer, columns);
            }
            result
        }
    };
    all.err().map(|error| error.to_string())
}

/// Takes the next row.
fn next<'de>(deserializer: &mut Deserializer<impl Source<'de>>, columns: &mut Columns) -> serde_json::Result<()> {
    columns.begin_row();
    Record::new(columns).deserialize(deserializer)
}

fn warnings(columns: &Columns, totals: &Totals, reader: &Reader<impl Read>, top: usize) -> Vec<String> {
    let shown = profile::report::top_shown(top, columns.len());
    let mut all = Vec::new();
    let mut warn = |count: u64, warning: String| all.extend((count > 0).then_some(warning));
    let name = reader.text.encoding.name();
    warn(reader.text.malformed.into(), format!("Some bytes are no {name}; they became U+FFFD."));
    warn(totals.malformed.count, format!("{} lines are no JSON and were left out.", totals.malformed.count));
    let oversized = totals.oversized.count;
    warn(oversized, format!("{oversized} lines are longer than 4 MiB and were left out."));
    warn(
        columns.dropped,
        format!("{} values are in columns beyond the limit, too deep or with names too long.", columns.dropped),
    );
    warn(columns.repeated, format!("{} members come twice in one object; the first one counts.", columns.repeated));
    warn(
        columns.oversized,
        format!("{} texts are larger than 1 MiB; only that much of each is profiled.", columns.oversized),
    );
    warn((shown < top).into(), format!("For so many columns only {shown} frequent values are shown of each."));
    all
}
