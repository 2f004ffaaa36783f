//! What a text is written in, how long it is, and what should not stand in it.
//!
//! `encoding` decodes it, `statistics` counts, `language` guesses, `findings` looks for secrets and personal data, and
//! `hidden` for characters that nobody sees.

mod checksums;
mod encoding;
mod findings;
mod hidden;
mod language;
mod statistics;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::encoding::Encoding;
use crate::findings::Finder;
use crate::findings::Finding;
use crate::hidden::Hidden;
use crate::language::Language;
use crate::statistics::Statistics;
use crate::statistics::Words;

/// Texts are looked at as a whole.
const BYTES_MAX: u64 = 32 << 20;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// So many of the most frequent words are listed.
    #[serde(default = "words_max")]
    #[schemars(range(max = 1000))]
    words_max: usize,
    /// So many places are listed of each kind of finding; all of them are counted.
    #[serde(default = "places_max")]
    #[schemars(range(max = 1000))]
    places_max: usize,
}

fn words_max() -> usize {
    20
}

fn places_max() -> usize {
    20
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    size_bytes: u64,
    encoding: Encoding,
    statistics: Statistics,
    /// Not there for texts that are too short to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
    /// Keys, tokens and passwords; addresses and numbers of people. What is found is masked.
    findings: Vec<Finding>,
    /// Characters that nobody sees, or that turn the direction of text: they make code read otherwise than it runs.
    hidden: Vec<Hidden>,
}

/// What a text is written in (encoding, line ends, language), how long it is and what words it has; and what should not
/// stand in it: keys, tokens, passwords, personal data, invisible characters. What is found is told by place and masked.
#[analysis(
    title = "Text",
    accepts = ["text/*", "application/json", "application/xml", "application/javascript", "application/x-sh", "application/toml", "application/x-yaml",
        "application/sql", "application/octet-stream"],
    limits = { "memory_bytes": 402653184, "fuel_per_byte": 10000 },
    examples = [
        { "input_text": "Write to jane@example.org.\npassword = \"hunter2hunter2\"\n", "args": {},
          "result": { "encoding": { "name": "UTF-8" }, "statistics": { "lines": 2, "line_ends": "lf" },
            "findings": [
              { "kind": "password", "class": "secret", "count": 1, "places": [{ "line": 2, "column": 13, "masked": "hunt…r2" }] },
              { "kind": "email", "class": "personal", "count": 1, "places": [{ "line": 1, "column": 10, "masked": "j…@example.org" }] }] } }
    ]
)]
fn read(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let bytes = sample.whole(BYTES_MAX)?;
    let (text, encoding) = encoding::decode(&bytes)?;
    let (mut finder, mut words) = (Finder::new(args.places_max), Words::default());
    for (line, number) in statistics::lines(&text).zip(1..) {
        words.take(line, finder.look(line, number));
    }
    Ok(Report {
        size_bytes: sample.size_bytes(),
        encoding,
        statistics: statistics::of(&text, words, args.words_max),
        language: language::of(&text),
        findings: finder.end(),
        hidden: hidden::of(&text),
    })
}

#[cfg(test)]
mod tests;
