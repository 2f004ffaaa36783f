//! What is in a delimited text file: its dialect, and for each column type, counts, extremes, quantiles, frequent values.
//!
//! One pass in constant memory: `encoding` → `records` → `column`, after `sniff` and `layout` looked at the beginning.

mod budget;
mod column;
mod encoding;
mod extremes;
mod kind;
mod layout;
mod moments;
mod profile;
mod quantiles;
mod records;
mod report;
mod sketch;
mod sniff;
mod text;
mod time;
mod values;

use belljar_sdk::Failure;
use belljar_sdk::Progress;
use belljar_sdk::Sample;
use serde::Deserialize;

use crate::layout::Header;
use crate::profile::Options;
use crate::profile::profile;
use crate::report::Report;
use crate::sniff::Delimiter;

belljar_sdk::descriptor!("../descriptor.json");

#[derive(Deserialize)]
struct Args {
    delimiter: DelimiterArg,
    header: Header,
    top: usize,
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

fn analyse(sample: Sample, args: Args) -> Result<Report, Failure> {
    let delimiter = match args.delimiter {
        DelimiterArg::Auto => None,
        DelimiterArg::Given(delimiter) => Some(delimiter),
    };
    let options = Options { delimiter, header: args.header, top: args.top };
    let mut progress = Progress::new(sample.size_bytes(), "reading rows");
    Ok(profile(sample, &options, |read_bytes| progress.at(read_bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_descriptor_hold() {
        belljar_sdk::golden::check(DESCRIPTOR, analyse);
    }
}
