//! Text, which has no mark: its encoding, and the kinds that its first line or its structure tell.

use serde::de::IgnoredAny;

use crate::Confidence;

/// What kind of text it is.
pub struct Text {
    pub name: &'static str,
    pub media_type: &'static str,
    pub extension: &'static str,
    pub confidence: Confidence,
    pub because: String,
}

/// Who reads a file that begins with `#!`, by the program's name.
const INTERPRETERS: [(&str, &str, &str, &str); 9] = [
    ("python", "Python Script", "text/x-python", "py"),
    ("perl", "Perl Script", "text/x-perl", "pl"),
    ("ruby", "Ruby Script", "text/x-ruby", "rb"),
    ("node", "JavaScript", "text/javascript", "js"),
    ("php", "PHP Script", "text/x-php", "php"),
    ("lua", "Lua Script", "text/x-lua", "lua"),
    ("awk", "AWK Script", "text/x-awk", "awk"),
    ("tclsh", "Tcl Script", "text/x-tcl", "tcl"),
    ("sh", "Shell Script", "text/x-shellscript", "sh"),
];

/// None if it is no text.
pub fn of(head: &[u8], size_bytes: u64) -> Option<Text> {
    if let Some(name) = utf16(head) {
        return Some(plain(name, Confidence::High, "it begins with the byte order mark of UTF-16".to_owned()));
    }
    if head.is_empty() || head.iter().any(|byte| *byte < 32 && !matches!(byte, 7..=13 | 27)) {
        return None;
    }
    let (utf8, is_utf8) = valid(head, size_bytes);
    if let Some(line) = utf8.strip_prefix("#!").and_then(|it| it.lines().next())
        && let Some(text) = script(line)
    {
        return Some(text);
    }
    if is_utf8 && let Some(text) = json(utf8, size_bytes) {
        return Some(text);
    }
    if is_utf8 {
        let encoding = if utf8.is_ascii() { "ASCII" } else { "UTF-8" };
        return Some(plain("Plain Text", Confidence::Medium, format!("its beginning is {encoding} text")));
    }
    let because = "it has no control characters, as text in an 8-bit encoding has none".to_owned();
    Some(plain("Plain Text (8-bit encoding)", Confidence::Low, because))
}

fn plain(name: &'static str, confidence: Confidence, because: String) -> Text {
    Text { name, media_type: "text/plain", extension: "txt", confidence, because }
}

fn utf16(head: &[u8]) -> Option<&'static str> {
    let (decode, name): (fn([u8; 2]) -> u16, _) = match head {
        [0xff, 0xfe, ..] => (u16::from_le_bytes, "Plain Text (UTF-16LE)"),
        [0xfe, 0xff, ..] => (u16::from_be_bytes, "Plain Text (UTF-16BE)"),
        _ => return None,
    };
    // The last unit may be half of a pair that was cut.
    let units: Vec<u16> = head[2..].chunks_exact(2).map(|it| decode([it[0], it[1]])).collect();
    let units = &units[..units.len().saturating_sub(1)];
    let good = char::decode_utf16(units.iter().copied()).all(|it| it.is_ok_and(|it| it != '\0'));
    (good && !units.is_empty()).then_some(name)
}

/// The text as far as it is UTF-8, and whether that is all but a character cut off by where we stopped looking.
fn valid(head: &[u8], size_bytes: u64) -> (&str, bool) {
    match std::str::from_utf8(head) {
        Ok(text) => (text, true),
        Err(error) => {
            let cut = error.error_len().is_none() && size_bytes > head.len() as u64;
            (std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(), cut)
        }
    }
}

fn script(line: &str) -> Option<Text> {
    let mut words = line.split_whitespace().map(|it| it.rsplit('/').next().unwrap_or(it));
    let mut program = words.next()?;
    if program == "env" {
        program = words.find(|it| !it.starts_with('-') && !it.contains('='))?;
    }
    let (_, name, media_type, extension) = INTERPRETERS.into_iter().find(|it| program.contains(it.0))?;
    let because = format!("its first line names {program} as what runs it");
    Some(Text { name, media_type, extension, confidence: Confidence::High, because })
}

fn json(text: &str, size_bytes: u64) -> Option<Text> {
    let start = text.trim_start();
    if !start.starts_with(['{', '[']) {
        return None;
    }
    let whole = text.len() as u64 == size_bytes;
    let of = |confidence, because: &str| {
        let because = because.to_owned();
        Some(Text { name: "JSON", media_type: "application/json", extension: "json", confidence, because })
    };
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) if whole => of(Confidence::High, "all of it parses as JSON"),
        Err(error) if error.is_eof() && !whole => of(Confidence::Medium, "its beginning parses as JSON"),
        Ok(_) | Err(_) => {
            let lines: Vec<_> = text.lines().filter(|it| !it.trim().is_empty()).collect();
            let complete = if whole { &lines[..] } else { &lines[..lines.len().saturating_sub(1)] };
            let each =
                complete.iter().all(|it| it.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(it).is_ok());
            (each && complete.len() > 1).then(|| Text {
                name: "JSON Lines",
                media_type: "application/jsonl",
                extension: "jsonl",
                confidence: if whole { Confidence::High } else { Confidence::Medium },
                because: "every line that was looked at parses as JSON".to_owned(),
            })
        }
    }
}
