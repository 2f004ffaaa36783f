//! Characters that nobody sees.

use schemars::JsonSchema;
use serde::Serialize;

use crate::statistics::lines;

/// One kind of them.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hidden {
    /// direction (turns the direction of text), invisible (takes no room), control, tag (spells words that nobody sees) or
    /// replacement (stands for bytes that could not be read).
    pub kind: &'static str,
    pub count: u64,
    /// Where the first one is, from 1.
    pub first_line: u64,
}

pub fn of(text: &str) -> Vec<Hidden> {
    let mut found: Vec<Hidden> = Vec::new();
    for (line, number) in lines(text).zip(1..) {
        for kind in line.chars().enumerate().filter_map(|(at, it)| kind(it, number == 1 && at == 0)) {
            match found.iter_mut().find(|it| it.kind == kind) {
                Some(it) => it.count += 1,
                None => found.push(Hidden { kind, count: 1, first_line: number }),
            }
        }
    }
    found
}

fn kind(char: char, is_first: bool) -> Option<&'static str> {
    match char {
        '\t' | '\x0c' | '\x1b' => None,
        '\u{feff}' if is_first => None,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => Some("direction"),
        // A joiner has its use in emoji and in several scripts; that it is there is told all the same.
        '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{00ad}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}' => Some("invisible"),
        '\u{e0000}'..='\u{e007f}' => Some("tag"),
        '\u{fffd}' => Some("replacement"),
        _ if char.is_control() => Some("control"),
        _ => None,
    }
}
