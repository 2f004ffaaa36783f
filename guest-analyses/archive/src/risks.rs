//! What to mind before unpacking: each kind of risk once, with how often, and the first few paths.

use std::collections::BTreeMap;
use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::listing::Entry;
use crate::listing::EntryKind;

/// Something to mind.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Risk {
    /// bomb, traversal, link-outside, duplicate, overlap, encrypted, program, nested-archive, special-file, setuid or
    /// odd-name.
    pub kind: &'static str,
    /// What it means.
    meaning: &'static str,
    count: u64,
    /// The first few that it is about.
    paths: Vec<String>,
}

/// So many paths of each.
const PATHS_MAX: usize = 5;
/// So much larger than its packed form is suspicious: deflate reaches 1032 at most, honest files hardly 200.
const RATIO_MAX: u64 = 500;
/// Less than that is no bomb, however well it packs.
const HARMLESS_BYTES: u64 = 64 << 20;
/// So many names are held against each other.
const NAMES_MAX: usize = 200_000;

const MEANINGS: [(&str, &str); 11] = [
    ("bomb", "it would unpack to far more than its size; unpack it with a limit or not at all"),
    ("traversal", "a path leads out of the folder that it is unpacked to"),
    ("link-outside", "a link leads out of the folder: what is unpacked through it lands elsewhere"),
    ("duplicate", "the same path comes twice; which one wins depends on the program"),
    ("overlap", "entries share the same packed bytes, as bombs do"),
    ("encrypted", "entries are encrypted: no scanner sees into them"),
    ("program", "entries run when they are opened"),
    ("nested-archive", "entries are archives themselves"),
    ("special-file", "entries are devices, pipes or other special files"),
    ("setuid", "entries run with the rights of their owner"),
    ("odd-name", "a name has control characters, or characters that turn the direction of text"),
];

const PROGRAMS: [&str; 22] = [
    "exe", "dll", "scr", "com", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf", "hta", "msi", "lnk", "jar",
    "pif", "cpl", "sh", "apk", "appimage", "reg",
];
const ARCHIVES: [&str; 14] =
    ["zip", "7z", "rar", "tar", "gz", "tgz", "bz2", "xz", "zst", "iso", "cab", "img", "vhd", "ace"];

/// Takes in entries.
#[derive(Default)]
pub struct Risks {
    found: BTreeMap<&'static str, (u64, Vec<String>)>,
    names: HashSet<String>,
}

impl Risks {
    pub fn note(&mut self, kind: &'static str, path: &str) {
        let (count, paths) = self.found.entry(kind).or_default();
        *count += 1;
        if paths.len() < PATHS_MAX {
            paths.push(path.to_owned());
        }
    }

    pub fn look_at(&mut self, entry: &Entry) {
        let path = entry.path.as_str();
        let signs = [
            ("traversal", leads_out(path, 0)),
            ("encrypted", entry.encrypted),
            ("program", entry.kind == EntryKind::File && ends_with(path, &PROGRAMS)),
            ("nested-archive", entry.kind == EntryKind::File && ends_with(path, &ARCHIVES)),
            ("special-file", entry.kind == EntryKind::Other),
            ("odd-name", path.chars().any(is_odd)),
            ("bomb", entry.packed_bytes.is_some_and(|packed| is_bomb(packed, entry.size_bytes))),
            (
                "setuid",
                entry.mode.as_deref().and_then(|it| u32::from_str_radix(it, 8).ok()).is_some_and(|it| it & 0o6000 != 0),
            ),
            ("link-outside", entry.target.as_deref().is_some_and(|it| leads_out(it, depth(path)))),
        ];
        for (kind, _) in signs.into_iter().filter(|it| it.1) {
            self.note(kind, path);
        }
        if self.names.contains(path) {
            self.note("duplicate", path);
        } else if self.names.len() < NAMES_MAX {
            self.names.insert(path.to_owned());
        }
    }

    pub fn end(mut self, size_bytes: u64, unpacked_bytes: u64) -> Vec<Risk> {
        if is_bomb(size_bytes, unpacked_bytes) && !self.found.contains_key("bomb") {
            self.found.insert("bomb", (1, Vec::new()));
        }
        let meaning = |kind| MEANINGS.iter().find(|it| it.0 == kind).map_or("", |it| it.1);
        let risk = |(kind, (count, paths))| Risk { kind, meaning: meaning(kind), count, paths };
        self.found.into_iter().map(risk).collect()
    }
}

fn is_bomb(packed: u64, unpacked: u64) -> bool {
    unpacked > HARMLESS_BYTES && unpacked / packed.max(1) > RATIO_MAX
}

/// Whether a path that starts in a folder so deep leads out of the topmost one.
fn leads_out(path: &str, depth: usize) -> bool {
    let path = path.replace('\\', "/");
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    let mut depth = depth as i64;
    let climbs = path.split('/').any(|part| {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        depth < 0
    });
    path.starts_with('/') || drive || climbs
}

/// In how many folders it is.
fn depth(path: &str) -> usize {
    path.trim_end_matches('/').matches('/').count()
}

fn ends_with(path: &str, extensions: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|it| extensions.contains(&it.1.to_ascii_lowercase().as_str()))
}

/// Control characters, and those that turn the direction of text, so that `gpj.exe` looks like `exe.jpg`.
fn is_odd(it: char) -> bool {
    it.is_control() || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_are_told() {
        for out in ["../a", "a/../../b", "/etc/passwd", "C:\\a", "..\\a", "a\\..\\..\\b"] {
            assert!(leads_out(out, 0), "{out}");
        }
        for within in ["a/b", "./a", "a/../b", "a..b", "..a/b", "a/..", ""] {
            assert!(!leads_out(within, 0), "{within}");
        }
        assert!(!leads_out("../a", 1) && leads_out("../../a", 1));
    }

    #[test]
    fn a_bomb_is_large_and_packs_too_well() {
        assert!(is_bomb(1 << 20, 1 << 30) && is_bomb(0, u64::MAX));
        assert!(!is_bomb(1 << 30, 1 << 31) && !is_bomb(10, 1 << 20) && !is_bomb(0, 0));
    }

    #[test]
    fn every_kind_has_a_meaning_and_keeps_a_few_paths() {
        let mut risks = Risks::default();
        for at in 0..9 {
            risks.look_at(&Entry { path: format!("{at}.exe"), ..Entry::default() });
        }
        risks.look_at(&Entry {
            path: "a\u{202e}gpj.exe".to_owned(),
            mode: Some("4755".to_owned()),
            ..Entry::default()
        });
        let found: Vec<_> =
            risks.end(1, 1).into_iter().map(|it| (it.kind, it.count, it.paths.len(), it.meaning.len() > 9)).collect();
        assert_eq!(found, [("odd-name", 1, 1, true), ("program", 10, 5, true), ("setuid", 1, 1, true)]);
    }
}
