//! What is in a table, whatever it is kept in: delimited text, JSON, Apache Parquet; the profile of each column.
//!
//! `format` tells which it is. `json` and `parquet` read what is theirs, delimited text is read by the crate `profile`, which
//! all have their columns from. `report` is what it comes to.

mod format;
mod json;
mod parquet;
mod report;

use belljar_sdk::Failure;
use belljar_sdk::Progress;
use belljar_sdk::Sample;
use profile::delimited;
use profile::delimited::Options;
use profile::layout::Header;
use profile::sniff::Delimiter;
use serde::Deserialize;

use crate::format::Format;
use crate::report::Report;

belljar_sdk::descriptor!("../descriptor.json");

#[derive(Deserialize)]
struct Args {
    format: FormatArg,
    delimiter: DelimiterArg,
    header: Header,
    top: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatArg {
    Auto,
    Csv,
    Json,
    Parquet,
}

#[derive(Deserialize)]
enum DelimiterArg {
    #[serde(rename = "auto")]
    Auto,
    #[serde(untagged)]
    Given(Delimiter),
}

fn main() {
    belljar_sdk::run(analyse);
}

fn analyse(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let format = match args.format {
        FormatArg::Auto => format::of(&mut sample)?,
        FormatArg::Csv => Format::Delimited,
        FormatArg::Json => Format::Json,
        FormatArg::Parquet => Format::Parquet,
    };
    match format {
        Format::Json => json::profile(sample, args.top),
        Format::Parquet => parquet::profile(sample, args.top),
        Format::Delimited => {
            let delimiter = match args.delimiter {
                DelimiterArg::Auto => None,
                DelimiterArg::Given(delimiter) => Some(delimiter),
            };
            let options = Options { delimiter, header: args.header, top: args.top };
            let mut progress = Progress::new(sample.size_bytes(), "reading rows");
            Ok(delimited::profile(sample, &options, |read_bytes| progress.at(read_bytes))?.into())
        }
    }
}

#[cfg(test)]
mod tests;
