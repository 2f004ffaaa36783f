//! What is in a delimited text file: its dialect, and for each column type, counts, extremes, quantiles, frequent values.
//!
//! All of it is done by the crate `profile`, which `table` has for more formats.

use belljar_sdk::Failure;
use belljar_sdk::Progress;
use belljar_sdk::Sample;
use profile::delimited;
use profile::delimited::Options;
use profile::layout::Header;
use profile::report::Report;
use profile::sniff::Delimiter;
use serde::Deserialize;

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
    Ok(delimited::profile(sample, &options, |read_bytes| progress.at(read_bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_descriptor_hold() {
        belljar_sdk::golden::check(DESCRIPTOR, analyse);
    }
}
