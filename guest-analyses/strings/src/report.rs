//! What is kept of the strings that were found, in bounded memory, and how it is told.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::indicators;
use crate::indicators::Kind;
use crate::scan::Encoding;
use crate::scan::Found;

/// Texts of all strings in the result together, bytes. With what JSON adds, a result stays below the 4 MiB that are usual.
const TEXTS_BYTES_MAX: usize = 1 << 20;
/// Entries of one of the lists of what looks like something.
const INDICATORS_MAX: usize = 1000;
/// Their texts in one list together, bytes.
const INDICATORS_BYTES_MAX: usize = 48 << 10;

/// What can be asked for; the host has checked it against the descriptor.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// Characters that make a string.
    pub min_length: usize,
    /// Strings in the result.
    pub max_strings: usize,
    pub encodings: Vec<Encoding>,
}

/// The result.
#[derive(Debug, Serialize)]
pub struct Report {
    pub size_bytes: u64,
    pub counts: Counts,
    /// What the strings take in the file.
    pub string_bytes: u64,
    /// The first ones.
    pub strings: Vec<Listed>,
    pub urls: Vec<Indicator>,
    pub emails: Vec<Indicator>,
    pub ipv4_addresses: Vec<Indicator>,
    pub windows_paths: Vec<Indicator>,
    pub registry_keys: Vec<Indicator>,
    /// The members that do not have all that was found.
    pub truncated: Vec<&'static str>,
    /// The artifact.
    pub strings_file: String,
}

/// Strings by encoding.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub ascii: u64,
    #[serde(rename = "utf-16le")]
    pub utf16le: u64,
}

impl Counts {
    /// Of either encoding.
    #[must_use]
    pub fn total(self) -> u64 {
        self.ascii + self.utf16le
    }
}

/// A string of the result.
#[derive(Debug, Serialize)]
pub struct Listed {
    pub offset: u64,
    pub encoding: Encoding,
    pub text: String,
    pub length: usize,
}

/// What looks like something, and where in the file it is first.
#[derive(Debug, Serialize)]
pub struct Indicator {
    pub offset: u64,
    pub text: String,
}

/// Takes in strings one by one.
#[derive(Debug)]
pub struct Collector {
    strings_max: usize,
    counts: Counts,
    string_bytes: u64,
    strings: Vec<Listed>,
    texts_bytes: usize,
    is_full: bool,
    distinct: [Distinct; Kind::ALL.len()],
}

impl Collector {
    /// Of so many strings at most.
    #[must_use]
    pub fn new(strings_max: usize) -> Self {
        Self {
            strings_max,
            counts: Counts::default(),
            string_bytes: 0,
            strings: Vec::new(),
            texts_bytes: 0,
            is_full: false,
            distinct: Default::default(),
        }
    }

    /// Counts a string, lists it while there is room, and looks into it.
    pub fn add(&mut self, found: Found) {
        let Found { offset, encoding, text, length } = found;
        match encoding {
            Encoding::Ascii => self.counts.ascii += 1,
            Encoding::Utf16Le => self.counts.utf16le += 1,
        }
        self.string_bytes += encoding.char_bytes() * length as u64;
        // The list is that of the first ones: once one found no room, no later one is in it.
        self.is_full |= self.strings.len() == self.strings_max || self.texts_bytes + text.len() > TEXTS_BYTES_MAX;
        if !self.is_full {
            self.texts_bytes += text.len();
            self.strings.push(Listed { offset, encoding, text: text.to_owned(), length });
        }
        indicators::find(text, |kind, at, part| {
            let chars_before = text[..at].chars().count() as u64;
            self.distinct[kind as usize].add(offset + encoding.char_bytes() * chars_before, part);
        });
    }

    /// What there is by now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Ends it; `file` is the artifact.
    #[must_use]
    pub fn report(self, size_bytes: u64, file: File) -> Report {
        let [urls, emails, ipv4_addresses, windows_paths, registry_keys] = self.distinct;
        let truncated = [
            ("strings", self.is_full),
            ("urls", urls.is_full),
            ("emails", emails.is_full),
            ("ipv4_addresses", ipv4_addresses.is_full),
            ("windows_paths", windows_paths.is_full),
            ("registry_keys", registry_keys.is_full),
            ("strings_file", !file.is_complete),
        ];
        Report {
            size_bytes,
            counts: self.counts,
            string_bytes: self.string_bytes,
            strings: self.strings,
            urls: urls.list,
            emails: emails.list,
            ipv4_addresses: ipv4_addresses.list,
            windows_paths: windows_paths.list,
            registry_keys: registry_keys.list,
            truncated: truncated.into_iter().filter(|(_, is_truncated)| *is_truncated).map(|(name, _)| name).collect(),
            strings_file: file.path,
        }
    }
}

/// The artifact with all strings.
#[derive(Debug)]
pub struct File {
    pub path: String,
    pub is_complete: bool,
}

/// A list without repetitions, in the order of the file.
#[derive(Debug, Default)]
struct Distinct {
    list: Vec<Indicator>,
    seen: BTreeSet<String>,
    texts_bytes: usize,
    is_full: bool,
}

impl Distinct {
    fn add(&mut self, offset: u64, text: &str) {
        if self.seen.contains(text) {
            return;
        }
        self.is_full |= self.list.len() == INDICATORS_MAX || self.texts_bytes + text.len() > INDICATORS_BYTES_MAX;
        if self.is_full {
            return;
        }
        self.texts_bytes += text.len();
        self.seen.insert(text.to_owned());
        self.list.push(Indicator { offset, text: text.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(strings_max: usize, texts: &[&str]) -> Report {
        let mut collector = Collector::new(strings_max);
        for (number, text) in texts.iter().enumerate() {
            let length = text.chars().count();
            collector.add(Found { offset: 1000 * number as u64, encoding: Encoding::Utf16Le, text, length });
        }
        collector.report(0, File { path: String::new(), is_complete: true })
    }

    #[test]
    fn the_first_strings_are_listed_and_all_are_counted() {
        let report = collected(2, &["one", "two", "three"]);
        assert_eq!(report.strings.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!((report.counts.total(), report.string_bytes, report.truncated), (3, 22, vec!["strings"]));
        assert!(collected(3, &["one", "two", "three"]).truncated.is_empty());
    }

    #[test]
    fn a_list_has_each_thing_once_at_its_first_place() {
        let report = collected(9, &["\u{e9} http://a", "http://b http://a"]);
        let found: Vec<_> = report.urls.iter().map(|it| (it.offset, it.text.as_str())).collect();
        assert_eq!(found, [(4, "http://a"), (1000, "http://b")]);
    }

    #[test]
    fn the_largest_result_is_below_four_mebibytes() {
        let mut collector = Collector::new(10_000);
        for number in 0..200_000_u64 {
            let text = format!(
                "{:\"<60}|a@{number}.example|1.{}.{}.{}|http://{number}|HKCU\\{number}\\\\\\\\",
                format!("C:\\{number}\\\\\\\\\\\\x"),
                number % 200,
                number / 200 % 200,
                number / 40_000 % 200
            );
            let length = text.len();
            collector.add(Found {
                offset: u64::from(u32::MAX) * 1000 + number,
                encoding: Encoding::Utf16Le,
                text: &text,
                length,
            });
        }
        let report = collector.report(u64::MAX, File { path: "/out/strings.txt".to_owned(), is_complete: false });
        assert_eq!(report.truncated.len(), 7);
        let bytes = serde_json::to_string(&report).unwrap().len();
        assert!(bytes < 4 << 20, "{bytes}");
    }
}
