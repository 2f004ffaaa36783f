//! What has been found so far: counts of everything, and as many entries as wanted.

use rawzip::time::UtcDateTime;
use schemars::JsonSchema;
use serde::Serialize;

use crate::risks::Risk;
use crate::risks::Risks;

/// What an archive says of itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// zip, tar, tar.gz, gzip or 7z.
    format: &'static str,
    size_bytes: u64,
    entry_count: u64,
    file_count: u64,
    folder_count: u64,
    /// What the files in it take, packed.
    packed_bytes: u64,
    /// What they take unpacked: as the archive claims; for gzip, as measured.
    unpacked_bytes: u64,
    /// How many times larger than the whole archive that is.
    ratio: f64,
    encrypted_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    entries: Vec<Entry>,
    /// How many more there are than are listed.
    entries_left_off: u64,
    /// Why the end of the archive was not reached, if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete: Option<String>,
    risks: Vec<Risk>,
}

/// One thing in an archive.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Entry {
    pub path: String,
    pub kind: EntryKind,
    pub size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packed_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// ISO 8601; with a `Z` where the time zone is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Permissions, in octal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "is_not")]
    pub encrypted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_not(it: &bool) -> bool {
    !it
}

/// What an entry is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    #[default]
    File,
    Folder,
    Link,
    /// A device, a pipe, or something of the format's own.
    Other,
}

/// Takes in entries.
pub struct Listing {
    report: Report,
    entries_max: usize,
    risks: Risks,
}

impl Listing {
    /// For an archive of that size, of which so many entries are kept.
    pub fn new(size_bytes: u64, entries_max: usize) -> Self {
        let report = Report {
            format: "",
            size_bytes,
            entry_count: 0,
            file_count: 0,
            folder_count: 0,
            packed_bytes: 0,
            unpacked_bytes: 0,
            ratio: 0.0,
            encrypted_count: 0,
            comment: None,
            entries: Vec::new(),
            entries_left_off: 0,
            incomplete: None,
            risks: Vec::new(),
        };
        Self { report, entries_max, risks: Risks::default() }
    }

    pub fn format(&mut self, format: &'static str) {
        self.report.format = format;
    }

    pub fn comment(&mut self, comment: String) {
        self.report.comment = Some(comment).filter(|it| !it.is_empty());
    }

    /// The archive ends too early, or makes no sense from here on.
    pub fn incomplete(&mut self, why: impl Into<String>) {
        self.report.incomplete = Some(why.into());
    }

    pub fn risks(&mut self) -> &mut Risks {
        &mut self.risks
    }

    /// Whether anything was found.
    pub fn is_empty(&self) -> bool {
        self.report.entry_count == 0
    }

    pub fn take(&mut self, entry: Entry) {
        let report = &mut self.report;
        report.entry_count += 1;
        match entry.kind {
            EntryKind::File => report.file_count += 1,
            EntryKind::Folder => report.folder_count += 1,
            EntryKind::Link | EntryKind::Other => {}
        }
        report.encrypted_count += u64::from(entry.encrypted);
        report.packed_bytes = report.packed_bytes.saturating_add(entry.packed_bytes.unwrap_or(0));
        report.unpacked_bytes = report.unpacked_bytes.saturating_add(entry.size_bytes);
        self.risks.look_at(&entry);
        if report.entries.len() < self.entries_max {
            report.entries.push(entry);
        } else {
            report.entries_left_off += 1;
        }
    }

    /// What the entries take packed, where only the whole is known.
    pub fn packed(&mut self, bytes: u64) {
        self.report.packed_bytes = bytes;
    }

    pub fn end(self) -> Report {
        let mut report = self.report;
        let ratio = report.unpacked_bytes as f64 / report.size_bytes.max(1) as f64;
        report.ratio = (ratio * 1000.0).round() / 1000.0;
        report.risks = self.risks.end(report.size_bytes, report.unpacked_bytes);
        report
    }
}

#[cfg(test)]
impl Report {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn risk_kinds(&self) -> Vec<&'static str> {
        self.risks.iter().map(|it| it.kind).collect()
    }
}

/// Seconds since 1970 as text.
pub fn time(seconds: i64) -> Option<String> {
    (seconds != 0).then(|| UtcDateTime::from_unix(seconds).to_string())
}
