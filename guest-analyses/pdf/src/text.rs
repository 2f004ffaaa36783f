//! The text of pages: what their content shows, by the map from codes to characters that a font brings, or else as Windows
//! encodes Latin text.
//!
//! `lopdf` can do this too; but it knows the names of 3,700 glyphs by one function of half a megabyte, which would take a
//! server ten seconds to compile. Fonts that name glyphs and bring no map are rare, and read as Latin text here.

use std::collections::BTreeMap;

use encoding_rs::UTF_16BE;
use encoding_rs::WINDOWS_1252;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::ObjectId;
use lopdf::content::Content;
use lopdf::content::Operation;

/// More text is cut off.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// So many codes of a font are mapped; two bytes have no more.
const CODES_MAX: usize = 1 << 16;
/// A gap between letters that is wider is one between words, in thousandths of the size of the font.
const GAP: f32 = -200.0;

/// How the codes of a font become text.
enum Font {
    /// By code; all codes have so many bytes.
    Mapped {
        map: BTreeMap<u32, String>,
        code_bytes: usize,
    },
    Latin,
}

/// Of those pages; one that cannot be read is left out.
pub fn of(document: &Document, pages: &[ObjectId], stream_bytes_max: usize) -> String {
    let mut text = String::new();
    for page in pages {
        let content = document.get_page_content_with_limit(*page, stream_bytes_max);
        let Some(content) = content.ok().and_then(|it| Content::decode(&it).ok()) else {
            continue;
        };
        let fonts = document.get_page_fonts(*page).unwrap_or_default();
        let fonts =
            fonts.into_iter().map(|(name, font)| (name, self::font(document, font, stream_bytes_max))).collect();
        show(&content.operations, &fonts, &mut text);
        if text.len() > TEXT_BYTES_MAX {
            break;
        }
    }
    text
}

fn show(operations: &[Operation], fonts: &BTreeMap<Vec<u8>, Font>, text: &mut String) {
    let mut font = &Font::Latin;
    for operation in operations {
        if text.len() > TEXT_BYTES_MAX {
            return;
        }
        let operands = operation.operands.as_slice();
        match (operation.operator.as_str(), operands) {
            ("Tf", [Object::Name(name), ..]) => font = fonts.get(name).unwrap_or(&Font::Latin),
            ("Tj" | "TJ", [shown, ..]) => put(shown, font, text),
            ("'", [shown]) | ("\"", [_, _, shown]) => {
                end_line(text);
                put(shown, font, text);
            }
            ("Td" | "TD", [_, down]) if down.as_float().is_ok_and(|it| it == 0.0) => end_word(text),
            ("T*" | "ET" | "Td" | "TD" | "Tm", _) => end_line(text),
            _ => {}
        }
    }
    end_line(text);
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

fn end_word(text: &mut String) {
    if !text.is_empty() && !text.ends_with(char::is_whitespace) {
        text.push(' ');
    }
}

fn put(shown: &Object, font: &Font, text: &mut String) {
    match shown {
        Object::String(codes, _) => text.push_str(&decoded(codes, font)),
        Object::Array(parts) => {
            for part in parts {
                match part {
                    Object::String(codes, _) => text.push_str(&decoded(codes, font)),
                    gap if gap.as_float().is_ok_and(|it| it < GAP) => end_word(text),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn decoded(codes: &[u8], font: &Font) -> String {
    match font {
        Font::Latin => {
            WINDOWS_1252.decode_without_bom_handling(codes).0.chars().filter(|it| !it.is_control()).collect()
        }
        Font::Mapped { map, code_bytes } => {
            codes.chunks(*code_bytes).filter_map(|it| map.get(&number(it))).map(String::as_str).collect()
        }
    }
}

fn font(document: &Document, font: &Dictionary, stream_bytes_max: usize) -> Font {
    let map = font.get(b"ToUnicode").ok().and_then(|it| document.dereference(it).ok());
    let map = map.and_then(|it| it.1.as_stream().ok()?.get_plain_content_with_limit(stream_bytes_max).ok());
    let wide = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|it| it == b"Type0");
    match map.map(|it| codes(&it)) {
        Some(map) => Font::Mapped { map, code_bytes: if wide { 2 } else { 1 } },
        // Its codes are numbers of glyphs, which say nothing.
        None if wide => Font::Mapped { map: BTreeMap::new(), code_bytes: 2 },
        None => Font::Latin,
    }
}

/// What stands between `beginbfchar` or `beginbfrange` and their ends.
fn codes(map: &[u8]) -> BTreeMap<u32, String> {
    let text = String::from_utf8_lossy(map);
    let mut codes = BTreeMap::new();
    for section in text.split("beginbf").skip(1) {
        let (kind, section) = section.split_at(section.len().min(5));
        let section = section.split("endbf").next().unwrap_or_default();
        let words: Vec<_> = section.split(['<', '>']).map(str::trim).collect();
        // Every second one stood between `<` and `>`; the others are white space or a bracket.
        let mut at = 1;
        while at + 2 < words.len() && codes.len() < CODES_MAX {
            let low = bytes(words[at]);
            if kind.starts_with("char") {
                codes.insert(number(&low), utf16(&bytes(words[at + 2])));
                at += 4;
                continue;
            }
            let span = number(&bytes(words[at + 2])).saturating_sub(number(&low)).min(0xffff);
            if words.get(at + 3).is_some_and(|it| it.starts_with('[')) {
                let listed =
                    words[at + 4..].iter().step_by(2).zip(words.get(at + 5..).unwrap_or_default().iter().step_by(2));
                let count = listed.clone().position(|it| it.1.contains(']')).map_or(0, |it| it + 1);
                codes.extend((number(&low)..).zip(listed.take(count).map(|it| utf16(&bytes(it.0)))));
                at += 4 + 2 * count.max(1);
            } else {
                let first = bytes(words.get(at + 4).copied().unwrap_or_default());
                codes.extend((0..=span).map(|it| (number(&low).wrapping_add(it), utf16(&plus(&first, it)))));
                at += 6;
            }
        }
    }
    codes
}

/// The bytes of a UTF-16 text whose last unit is so much further.
fn plus(text: &[u8], more: u32) -> Vec<u8> {
    let Some((before, last)) = text.split_last_chunk::<2>() else {
        return text.to_vec();
    };
    let last = u32::from(u16::from_be_bytes(*last)).wrapping_add(more) & 0xffff;
    [before, &last.to_be_bytes()[2..]].concat()
}

fn utf16(bytes: &[u8]) -> String {
    UTF_16BE.decode_without_bom_handling(bytes).0.chars().filter(|it| !it.is_control()).collect()
}

/// Of hex digits, as many as there are.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|it| it.to_digit(16)).filter_map(|it| u8::try_from(it).ok()).take(64).collect();
    digits.chunks(2).map(|it| it[0] << 4 | it.get(1).copied().unwrap_or(0)).collect()
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_from_codes_to_characters_are_read() {
        let map = "2 beginbfchar\n<0001> <0041>\n<0002> <D83DDE00>\nendbfchar\n3 beginbfrange\n<0010> <0012> <0061>\n\
            <0020> <0021> [<0078> <00790079>]\n<0030><0030><00e4>\nendbfrange";
        let found = codes(map.as_bytes());
        let expected = [(1, "A"), (2, "😀"), (16, "a"), (17, "b"), (18, "c"), (32, "x"), (33, "yy"), (48, "ä")];
        assert_eq!(found, expected.into_iter().map(|it| (it.0, it.1.to_owned())).collect());
        for broken in [
            "beginbf",
            "beginbfchar <",
            "beginbfrange <01> <ffffffff> <0041> endbf",
            "beginbfrange <1> <2> [",
            "beginbfrange <1> <2> [<3>",
        ] {
            assert!(codes(broken.as_bytes()).len() <= CODES_MAX + 1);
        }
    }

    #[test]
    fn gaps_and_moves_part_words_and_lines() {
        let content = b"BT /F 1 Tf [(to) -300 (be) 20 (!)] TJ 5 0 Td (or) Tj 0 -12 Td (not) ' ET BT (caf\xe9) Tj ET";
        let mut text = String::new();
        show(&Content::decode(content).unwrap().operations, &BTreeMap::new(), &mut text);
        assert_eq!(text, "to be! or\nnot\ncafé\n");
    }
}
