//! Lines, words, characters.

use std::collections::HashMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

/// So many different words are counted; a text with more is no text of words.
const WORDS_MAX: usize = 200_000;
/// Longer runs are no words.
const WORD_CHARS_MAX: usize = 40;

/// What can be counted.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Statistics {
    /// The last one counts even if it does not end.
    pub lines: u64,
    pub blank_lines: u64,
    pub longest_line_chars: u64,
    /// lf, crlf, cr, mixed or none.
    pub line_ends: &'static str,
    /// Whether the last line ends.
    pub ends_with_line_end: bool,
    /// Runs without white space, as `wc` counts them.
    pub words: u64,
    pub chars: u64,
    pub letters: u64,
    pub digits: u64,
    pub spaces: u64,
    pub non_ascii_chars: u64,
    /// Lines that are indented by tabs, and by spaces.
    pub tab_indented_lines: u64,
    pub space_indented_lines: u64,
    pub different_words: usize,
    /// The most frequent ones, in lower case; without those that stand in something that the findings mask.
    pub frequent_words: Vec<Word>,
}

/// A word and how often it stands there.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Word {
    pub word: String,
    pub count: u64,
}

pub fn of(text: &str, words: Words, words_max: usize) -> Statistics {
    let mut found = Statistics {
        line_ends: line_ends(text),
        ends_with_line_end: text.ends_with(['\n', '\r']),
        ..Statistics::default()
    };
    for char in text.chars() {
        found.chars += 1;
        found.letters += u64::from(char.is_alphabetic());
        found.digits += u64::from(char.is_numeric());
        found.spaces += u64::from(char.is_whitespace());
        found.non_ascii_chars += u64::from(!char.is_ascii());
    }
    for line in lines(text) {
        found.lines += 1;
        found.blank_lines += u64::from(line.trim().is_empty());
        found.longest_line_chars = found.longest_line_chars.max(line.chars().count() as u64);
        found.tab_indented_lines += u64::from(line.starts_with('\t'));
        found.space_indented_lines += u64::from(line.starts_with("  "));
        found.words += line.split_whitespace().count() as u64;
    }
    (found.different_words, found.frequent_words) = (words.by_word.len(), words.frequent(words_max));
    found
}

/// Lines by any of the three ends.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|it| {
        let line = it.strip_suffix('\n').unwrap_or(it);
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

fn line_ends(text: &str) -> &'static str {
    let crlf = text.matches("\r\n").count();
    let (lf, cr) = (text.matches('\n').count() - crlf, text.matches('\r').count() - crlf);
    match (lf, crlf, cr) {
        (0, 0, 0) => "none",
        (_, 0, 0) => "lf",
        (0, _, 0) => "crlf",
        (0, 0, _) => "cr",
        _ => "mixed",
    }
}

/// How often each word stands in a text.
#[derive(Debug, Default)]
pub struct Words {
    by_word: HashMap<String, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    count: u64,
    /// It stood once in something that must not be told, and is told nowhere then.
    is_masked: bool,
}

impl Words {
    /// Takes a line, and what of it is masked: ranges of bytes, by where they begin.
    pub fn take(&mut self, line: &str, mut masked: &[Range<usize>]) {
        let mut end = 0;
        for word in line.split_inclusive(|it| !is_of_a_word(it)) {
            let start = end;
            end += word.len();
            let word = word.trim_end_matches(|it| !is_of_a_word(it));
            while let [first, others @ ..] = masked
                && first.end <= start
            {
                masked = others;
            }
            let is_masked = masked.first().is_some_and(|it| it.start < start + word.len());
            let word = word.trim_matches(['\'', '’']);
            if word.is_empty() || !word.contains(char::is_alphabetic) || word.chars().nth(WORD_CHARS_MAX).is_some() {
                continue;
            }
            let word = word.to_lowercase();
            if let Some(seen) = self.by_word.get_mut(&word) {
                seen.count += 1;
                seen.is_masked |= is_masked;
            } else if self.by_word.len() < WORDS_MAX {
                self.by_word.insert(word, Seen { count: 1, is_masked });
            }
        }
    }

    fn frequent(self, words_max: usize) -> Vec<Word> {
        let told = self.by_word.into_iter().filter(|(_, seen)| !seen.is_masked);
        let mut words: Vec<_> = told.map(|(word, seen)| Word { word, count: seen.count }).collect();
        words.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.word.cmp(&b.word)));
        words.truncate(words_max);
        words
    }
}

fn is_of_a_word(char: char) -> bool {
    char.is_alphanumeric() || char == '\'' || char == '’'
}
