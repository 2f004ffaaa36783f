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

use serde::Deserialize;

use crate::layout::Header;
use crate::profile::Options;
use crate::profile::profile;
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
    belljar_sdk::run(|sample, args: Args| {
        let delimiter = match args.delimiter {
            DelimiterArg::Auto => None,
            DelimiterArg::Given(delimiter) => Some(delimiter),
        };
        let options = Options { size_bytes: sample.size_bytes(), delimiter, header: args.header, top: args.top };
        Ok(profile(sample, &options, |fraction| belljar_sdk::progress(fraction, "reading rows"))?)
    });
}
