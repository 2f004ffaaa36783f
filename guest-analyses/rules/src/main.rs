//! Which YARA rules match a file, and where: rules come as an arg.
//!
//! `compiled` makes a scanner of the rules, or says where they are wrong; `found` is what a scan comes to, cut to what is
//! shown. The rules are evaluated by boreal.

mod compiled;
mod found;

use std::io::Read;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use belljar_sdk::progress;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::found::Matched;
use crate::found::Room;

/// What comes after is not scanned: conditions may look anywhere, so all of it has to be in memory.
const SCANNED_BYTES_MAX: u64 = 384 * 1024 * 1024;
/// Matches of one string that are found, as counted by `#` in a condition too.
const STRING_MATCHES_MAX: u32 = 10_000;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// YARA rules. Modules: dex, dotnet, elf, hash, macho, math, pe, string, time. Without any, a few of Belljar's own are used.
    #[serde(default = "rules")]
    #[schemars(length(min = 1, max = 200_000))]
    rules: String,
    /// So many matches of each string are listed.
    #[serde(default = "matches_max")]
    #[schemars(range(max = 10_000))]
    matches_max: usize,
    /// So many bytes of each match are shown.
    #[serde(default = "match_bytes_max")]
    #[schemars(range(max = 512))]
    match_bytes_max: usize,
}

fn rules() -> String {
    include_str!("default.yar").to_owned()
}

fn matches_max() -> usize {
    20
}

fn match_bytes_max() -> usize {
    64
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    size_bytes: u64,
    /// Less than the size where the file is longer than this takes (384 MiB); conditions then see only that much of it.
    scanned_bytes: u64,
    /// How many rules were tried, private ones left out.
    rule_count: usize,
    /// Those that match, in the order in which they are written, but for global rules, which come first.
    matched: Vec<Matched>,
    /// Whether there are more matches or strings than are listed (10,000 in all), or more than are counted of a string.
    is_cut: bool,
    /// What is odd about the rules, with line and column.
    warnings: Vec<String>,
}

/// Which YARA rules match a file: their tags and metadata, and where in the file their strings are. The rules are an arg.
#[analysis(
    title = "YARA rules",
    limits = { "memory_bytes": 536870912, "fuel_base": 400000000000u64, "stdout_bytes": 16777216 },
    examples = [
        { "input_text": "one two one", "args": { "rules": "rule ones : a b { meta: by = \"me\" level = 3 strings: $one = \"one\" condition: #one == 2 } rule never { condition: false }" },
          "result": { "size_bytes": 11, "scanned_bytes": 11, "rule_count": 2, "is_cut": false, "warnings": [], "matched": [
            { "rule": "ones", "tags": ["a", "b"], "metadata": [{ "name": "by", "value": "me" }, { "name": "level", "value": 3 }],
              "strings": [{ "name": "$one", "count": 2, "matches": [{ "offset": 0, "length_bytes": 3, "text": "one" }, { "offset": 8, "length_bytes": 3, "text": "one" }] }] }] } },
        { "input_text": "#!/bin/sh\ncurl -s https://example.org/install | sudo bash\n", "args": {},
          "result": { "matched": [{ "rule": "script_from_the_network", "tags": ["script"], "strings": [{ "name": "$unix", "count": 1 }] }] } }
    ]
)]
fn scan(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let mut scanner = compiled::scanner(&args.rules)?;
    let bytes = beginning(&mut sample)?;
    progress(0.1, "scanning");
    let warnings = std::mem::take(&mut scanner.warnings);
    let mut room = Room::new(args.matches_max);
    let matched = scanner.scan(&bytes, args.match_bytes_max, &mut room)?;
    Ok(Report {
        size_bytes: sample.size_bytes(),
        scanned_bytes: u64::try_from(bytes.len())?,
        rule_count: scanner.rule_count(),
        matched,
        is_cut: room.is_cut,
        warnings,
    })
}

/// As much of the file as is scanned.
fn beginning(sample: &mut Sample) -> Result<Vec<u8>, Failure> {
    let length = usize::try_from(sample.size_bytes().min(SCANNED_BYTES_MAX))?;
    let mut bytes = vec![0; length];
    sample.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
