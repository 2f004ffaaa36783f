//! What lines say but for what changes in them: numbers, addresses, identifiers, what stands in quotes.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

/// So many different ones are counted.
const PATTERNS_MAX: usize = 20_000;
const PATTERN_CHARS_MAX: usize = 300;
const EXAMPLE_CHARS_MAX: usize = 300;

/// Lines that say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pattern {
    pub pattern: String,
    pub count: u64,
    /// The number of the first such line, from 1.
    pub first_line: u64,
    /// That line.
    pub example: String,
}

/// Takes in lines.
#[derive(Debug, Default)]
pub struct Patterns {
    found: HashMap<String, Pattern>,
    left_off: u64,
}

impl Patterns {
    /// What a line says behind its time, the whole line, and its number.
    pub fn take(&mut self, said: &str, line: &str, number: u64) {
        let pattern = of(said);
        if let Some(found) = self.found.get_mut(&pattern) {
            found.count += 1;
        } else if self.found.len() < PATTERNS_MAX {
            let example = line.chars().take(EXAMPLE_CHARS_MAX).collect();
            self.found.insert(pattern.clone(), Pattern { pattern, count: 1, first_line: number, example });
        } else {
            self.left_off += 1;
        }
    }

    pub fn len(&self) -> usize {
        self.found.len()
    }

    pub fn left_off(&self) -> u64 {
        self.left_off
    }

    /// The most frequent ones, and of the others those that came least.
    pub fn end(self, max: usize) -> (Vec<Pattern>, Vec<Pattern>) {
        let mut all: Vec<_> = self.found.into_values().collect();
        all.sort_unstable_by(|a, b| b.count.cmp(&a.count).then(a.first_line.cmp(&b.first_line)));
        let mut rest = all.split_off(all.len().min(max));
        rest.sort_unstable_by(|a, b| a.count.cmp(&b.count).then(a.first_line.cmp(&b.first_line)));
        rest.truncate(max);
        (all, rest)
    }
}

fn of(said: &str) -> String {
    let mut pattern = String::new();
    for word in said.chars().take(4 * PATTERN_CHARS_MAX).collect::<String>().split_whitespace() {
        if !pattern.is_empty() {
            pattern.push(' ');
        }
        pattern.push_str(&masked(word));
        if pattern.len() > PATTERN_CHARS_MAX {
            return pattern.chars().take(PATTERN_CHARS_MAX).collect();
        }
    }
    pattern
}

/// A word with a mark for what changes in it. What joins the parts of a word stays.
fn masked(word: &str) -> String {
    let is_joint = |it: char| !it.is_alphanumeric() && !matches!(it, '.' | ':' | '-' | '_');
    let mut masked = String::new();
    for part in word.split_inclusive(is_joint) {
        let core = part.trim_end_matches(is_joint);
        let inner = core.trim_matches(['.', ':', '-', '_']);
        let lead = core.len() - core.trim_start_matches(['.', ':', '-', '_']).len();
        masked.push_str(&core[..lead]);
        masked.push_str(&mark(inner));
        masked.push_str(&part[(lead + inner.len()).min(part.len())..]);
    }
    masked
}

fn mark(text: &str) -> String {
    if !text.contains(|it: char| it.is_ascii_digit()) {
        return text.to_owned();
    }
    let hex = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_hexdigit());
    let parts: Vec<_> = text.split('.').collect();
    if parts.len() == 4 && parts.iter().all(|it| it.parse::<u8>().is_ok()) {
        "<ip>".to_owned()
    } else if text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(hex) {
        "<uuid>".to_owned()
    } else if text.bytes().all(|it| it.is_ascii_digit() || matches!(it, b'.' | b':' | b'-')) {
        "<n>".to_owned()
    } else if text.len() >= 8 && (hex(text) || text.strip_prefix("0x").is_some_and(hex)) {
        "<hex>".to_owned()
    } else {
        let mut marked = String::new();
        for char in text.chars() {
            match char {
                '0'..='9' if marked.ends_with("<n>") => {}
                '0'..='9' => marked.push_str("<n>"),
                _ => marked.push(char),
            }
        }
        marked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_marked() {
        for (said, pattern) in [
            ("took 12 ms", "took <n> ms"),
            ("sshd[4711]: from 10.0.0.1 port 22", "sshd[<n>]: from <ip> port <n>"),
            ("id=6ba7b810-9dad-11d1-80b4-00c04fd430c8, ok", "id=<uuid>, ok"),
            ("commit deadbeef01 at 0xdeadbeef1", "commit <hex> at <hex>"),
            ("disk sda1: 12.5% -- 3", "disk sda<n>: <n>% -- <n>"),
            ("  no   numbers ", "no numbers"),
            ("größe 3€", "größe <n>€"),
        ] {
            assert_eq!(of(said), pattern);
        }
        assert!(of(&"x1 ".repeat(1000)).chars().count() <= PATTERN_CHARS_MAX);
    }
}
