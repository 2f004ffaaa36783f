//! Apache Parquet, a column at a time: only a page of it is in memory, and what the profile keeps of one column.
//!
//! `footer` has the metadata (in `thrift`), `schema` the columns and their names; `page` reads pages, `codec` decompresses
//! them, `chunk` takes them apart, by `values` and `bits`; `meaning` says what a value is, `print` how that reads.
//! This reader is our own: what a file claims is checked before it is believed, and there is no panic to be had from it.

mod bits;
mod chunk;
mod codec;
mod footer;
mod meaning;
mod page;
mod print;
mod schema;
mod thrift;
mod values;

use std::collections::BTreeSet;

use belljar_sdk::Failure;
use belljar_sdk::Progress;
use belljar_sdk::Sample;
use profile::layout::COLUMNS_MAX;
use profile::report::top_shown;

use crate::parquet::chunk::Sink;
use crate::parquet::footer::Footer;
use crate::report::ParquetFacts;
use crate::report::Profiled;
use crate::report::Report;

/// Profiles all of it.
pub fn profile(mut sample: Sample, top: usize) -> Result<Report, Failure> {
    let size_bytes = sample.size_bytes();
    let footer = footer::read(&mut sample)?;
    let column_count = footer.column_count;
    let shown = top_shown(top, footer.leaves.len());
    let mut progress = Progress::new(size_bytes, "reading columns");
    let (mut read_bytes, mut columns, mut not_finite, mut oversized) = (0, Vec::new(), 0, 0);
    for (number, leaf) in footer.leaves.iter().enumerate() {
        let (mut sink, mut stopped) = (Sink::new(leaf), None);
        for chunk in footer.groups.iter().filter_map(|chunks| chunks.get(number)) {
            if let Err(failure) = chunk::read(&mut sample, chunk, (leaf, &mut sink)) {
                stopped = Some(failure.message().to_owned());
                break;
            }
            read_bytes += chunk.length;
            progress.at(read_bytes);
        }
        not_finite += sink.not_finite;
        oversized += sink.oversized;
        columns.push(Profiled { profile: sink.into_report(shown), stored: Some(leaf.stored.clone()), stopped });
    }
    let incomplete = columns.iter().filter(|column| column.stopped.is_some()).count();
    let mut warnings = Vec::new();
    let mut warn = |when: bool, warning: String| warnings.extend(when.then_some(warning));
    warn(incomplete > 0, format!("{incomplete} of {} columns could not be read to their end.", columns.len()));
    warn(not_finite > 0, format!("{not_finite} floats are infinite or no number and count as nulls."));
    warn(oversized > 0, format!("{oversized} texts are larger than 1 MiB; only that much of each is profiled."));
    warn(column_count > COLUMNS_MAX, format!("Of {column_count} columns only the first {COLUMNS_MAX} are profiled."));
    warn(shown < top, format!("For so many columns only {shown} frequent values are shown of each."));
    Ok(Report {
        format: "parquet",
        size_bytes,
        rows: footer.rows,
        column_count: u64::try_from(column_count)?,
        columns_truncated: column_count > COLUMNS_MAX,
        delimited: None,
        json: None,
        parquet: Some(facts(footer)?),
        columns,
        stopped: None,
        warnings,
    })
}

fn facts(footer: Footer) -> Result<ParquetFacts, Failure> {
    let codecs: BTreeSet<_> = footer.groups.iter().flatten().map(|chunk| codec::name(chunk.codec)).collect();
    Ok(ParquetFacts {
        version: footer.version,
        created_by: footer.created_by,
        row_groups: u64::try_from(footer.groups.len())?,
        codecs: codecs.into_iter().collect(),
    })
}
