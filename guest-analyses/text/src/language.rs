//! The language, by its trigrams.

use schemars::JsonSchema;
use serde::Serialize;

/// As much is looked at.
const LOOK_CHARS: usize = 20_000;
/// Less tells nothing.
const LETTERS_MIN: usize = 20;

/// The most likely one.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Language {
    /// ISO 639-3.
    pub code: &'static str,
    /// In English.
    pub name: String,
    /// Latin, Cyrillic, Arabic, …
    pub script: String,
    /// 0 to 1.
    pub confidence: f64,
    pub is_reliable: bool,
}

pub fn of(text: &str) -> Option<Language> {
    let look: String = text.chars().take(LOOK_CHARS).collect();
    look.chars().filter(|it| it.is_alphabetic()).nth(LETTERS_MIN)?;
    let info = whatlang::detect(&look)?;
    Some(Language {
        code: info.lang().code(),
        name: info.lang().eng_name().to_owned(),
        script: info.script().to_string(),
        confidence: (info.confidence() * 1000.0).round() / 1000.0,
        is_reliable: info.is_reliable(),
    })
}
