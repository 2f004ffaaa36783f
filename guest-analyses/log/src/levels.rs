//! How bad a line says it is.

/// From all is well to all is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
}

/// The names that programs have for them.
const NAMES: [(&str, Level); 17] = [
    ("TRACE", Level::Trace),
    ("DEBUG", Level::Debug),
    ("INFO", Level::Info),
    ("INFORMATION", Level::Info),
    ("NOTICE", Level::Notice),
    ("WARN", Level::Warning),
    ("WARNING", Level::Warning),
    ("ERR", Level::Error),
    ("ERROR", Level::Error),
    ("SEVERE", Level::Error),
    ("CRIT", Level::Critical),
    ("CRITICAL", Level::Critical),
    ("FATAL", Level::Critical),
    ("PANIC", Level::Critical),
    ("ALERT", Level::Critical),
    ("EMERG", Level::Critical),
    ("EMERGENCY", Level::Critical),
];
/// A level stands among the first words, or it is part of what the line says.
const WORDS: usize = 16;
const KEYS: [&str; 4] = ["level", "severity", "lvl", "loglevel"];

impl Level {
    pub const ALL: [Self; 7] =
        [Self::Trace, Self::Debug, Self::Info, Self::Notice, Self::Warning, Self::Error, Self::Critical];

    pub fn name(self) -> &'static str {
        ["trace", "debug", "info", "notice", "warning", "error", "critical"][self.number()]
    }

    pub fn number(self) -> usize {
        self as usize
    }

    pub fn is_bad(self) -> bool {
        matches!(self, Self::Error | Self::Critical)
    }
}

/// None if it does not say. In lower case it counts only where it is marked as one: `error:`, `[error]`, `level=error`.
pub fn of(line: &str) -> Option<Level> {
    let mut key_before = false;
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    for (start, word) in words(line, is_part).take(WORDS) {
        let marked = key_before || {
            let before = line[..start].chars().next_back();
            let after = line[start + word.len()..].chars().next();
            (before == Some('[') && after == Some(']'))
                || (before == Some('<') && after == Some('>'))
                || after == Some(':')
        };
        let level = NAMES.iter().find(|it| it.0.eq_ignore_ascii_case(word)).map(|it| it.1);
        if let Some(level) = level
            && (marked || word.chars().all(|it| it.is_ascii_uppercase()))
        {
            return Some(level);
        }
        key_before = KEYS.iter().any(|it| it.eq_ignore_ascii_case(word));
    }
    None
}

/// The words of a line, with where they start.
fn words(line: &str, is_part: impl Fn(char) -> bool + Copy) -> impl Iterator<Item = (usize, &str)> {
    line.split(move |it| !is_part(it)).filter(|it| !it.is_empty()).map(move |word| {
        let start = word.as_ptr() as usize - line.as_ptr() as usize;
        (start, word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_words_of_their_own_near_the_beginning() {
        for (line, level) in [
            ("2026-01-02 ERROR gone", Some(Level::Error)),
            ("[error] gone", Some(Level::Error)),
            ("warn: it is late", Some(Level::Warning)),
            (r#"{"level":"warning","msg":"error"}"#, Some(Level::Warning)),
            ("level=info msg=ok", Some(Level::Info)),
            ("kernel: <crit> hot", Some(Level::Critical)),
            ("no error was found", None),
            ("INFORMED and TERRORS", None),
            ("", None),
        ] {
            assert_eq!(of(line), level, "{line}");
        }
    }
}
