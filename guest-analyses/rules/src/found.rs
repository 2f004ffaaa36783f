//! What a scan comes to, cut to what is shown.

use boreal::Metadata;
use boreal::MetadataValue;
use boreal::Scanner;
use boreal::scanner::EvaluatedRule;
use boreal::scanner::StringMatches;
use schemars::JsonSchema;
use serde::Serialize;

use crate::STRING_MATCHES_MAX;

/// Matches and strings in a whole result.
const LISTED_MAX: usize = 10_000;
/// Of each text that a rule says of itself.
const SHOWN_CHARS_MAX: usize = 1000;

/// What is left of the lists.
#[derive(Debug)]
pub struct Room {
    listed: usize,
    matches_max: usize,
    /// Whether something was left out.
    pub is_cut: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Matched {
    rule: String,
    tags: Vec<String>,
    metadata: Vec<Named>,
    /// Those that are in the file, private ones left out.
    strings: Vec<Strings>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Named {
    name: String,
    value: Metavalue,
}

/// What a rule says of itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Metavalue {
    Integer(i64),
    Boolean(bool),
    Text(String),
}

#[derive(Debug, Serialize, JsonSchema)]
struct Strings {
    name: String,
    /// Up to 10,000 are found.
    count: usize,
    matches: Vec<Match>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Match {
    offset: u64,
    length_bytes: u64,
    /// The beginning of it, where that is text: ASCII that can be printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The beginning of it, where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    /// With what its bytes are XORed, for strings that may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    xor_key: Option<u8>,
}

impl Room {
    pub fn new(matches_max: usize) -> Self {
        Self { listed: 0, matches_max, is_cut: false }
    }

    /// How many of so many may be listed.
    fn take(&mut self, wanted: usize) -> usize {
        let given = wanted.min(LISTED_MAX - self.listed);
        self.listed += given;
        self.is_cut |= given < wanted;
        given
    }
}

impl Matched {
    pub fn new(rule: EvaluatedRule<'_>, scanner: &Scanner, room: &mut Room) -> Self {
        let strings_max = room.take(rule.matches.len());
        Self {
            rule: rule.name.to_owned(),
            tags: rule.tags.iter().map(|tag| scanner.get_string_symbol(*tag).to_owned()).collect(),
            metadata: rule.metadatas.iter().map(|it| Named::new(it, scanner)).collect(),
            strings: rule.matches.into_iter().take(strings_max).map(|it| Strings::new(it, room)).collect(),
        }
    }
}

impl Named {
    fn new(metadata: &Metadata, scanner: &Scanner) -> Self {
        let value = match metadata.value {
            MetadataValue::Integer(integer) => Metavalue::Integer(integer),
            MetadataValue::Boolean(boolean) => Metavalue::Boolean(boolean),
            MetadataValue::Bytes(symbol) => Metavalue::Text(cut(scanner.get_bytes_symbol(symbol))),
        };
        Self { name: scanner.get_string_symbol(metadata.name).to_owned(), value }
    }
}

impl Strings {
    fn new(found: StringMatches<'_>, room: &mut Room) -> Self {
        let count = found.matches.len();
        room.is_cut |= count > room.matches_max || u32::try_from(count).is_ok_and(|it| it >= STRING_MATCHES_MAX);
        let listed = room.take(count.min(room.matches_max));
        let matches = found.matches.into_iter().take(listed).map(|it| {
            let is_text = it.data.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
            let hex = || it.data.iter().map(|byte| format!("{byte:02x}")).collect();
            Match {
                offset: widened(it.offset),
                length_bytes: widened(it.length),
                text: is_text.then(|| String::from_utf8_lossy(&it.data).into_owned()),
                hex: (!is_text).then(hex),
                xor_key: found.has_xor_modifier.then_some(it.xor_key),
            }
        });
        Self { name: format!("${}", found.name), count, matches: matches.collect() }
    }
}

fn cut(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(SHOWN_CHARS_MAX).collect()
}

fn widened(size: usize) -> u64 {
    u64::try_from(size).expect("no machine has longer addresses")
}
