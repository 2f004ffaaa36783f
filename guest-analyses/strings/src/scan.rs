//! The strings in a stream of bytes, block by block, in constant memory. What they mean is left to `indicators`.
//!
//! A unit of UTF-16LE that counts here has a low byte that is not zero and a high byte that is, so runs at even and odd
//! offsets exclude each other and one automaton follows both. While such a run goes on, no run of ASCII is longer than
//! one byte; hence strings come out in the order of their offsets. A zero behind a string of ASCII is taken for its end, not
//! for half of its last character: programs often have a wide string right behind it.

use serde::Deserialize;
use serde::Serialize;

/// A longer string is cut here and goes on as the next one, characters.
pub const STRING_CHARS_MAX: usize = 4096;

/// How the characters of a string are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Encoding {
    /// A byte each: U+0020 to U+007E, and the tab.
    #[serde(rename = "ascii")]
    Ascii,
    /// Two bytes each: these, and the letters of Latin-1.
    #[serde(rename = "utf-16le")]
    Utf16Le,
}

impl Encoding {
    /// Its name in args, result and artifact.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Utf16Le => "utf-16le",
        }
    }

    /// What a character takes in the file.
    #[must_use]
    pub fn char_bytes(self) -> u64 {
        match self {
            Self::Ascii => 1,
            Self::Utf16Le => 2,
        }
    }
}

/// A string in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Where its first byte is.
    pub offset: u64,
    pub encoding: Encoding,
    pub text: &'a str,
    /// Characters.
    pub length: usize,
}

/// Finds strings in blocks that follow each other.
#[derive(Debug)]
pub struct Scanner {
    min_length: usize,
    ascii: Option<Run>,
    utf16le: Option<Run>,
    /// The byte before, where it may be the first half of a unit of UTF-16LE.
    half: Option<u8>,
    /// Bytes of ASCII up to here, whether they are asked for or not.
    ascii_bytes: usize,
    /// Bytes seen.
    offset: u64,
}

impl Scanner {
    /// Of strings in these encodings that have at least `min_length` characters.
    #[must_use]
    pub fn new(min_length: usize, encodings: &[Encoding]) -> Self {
        let run = |encoding| encodings.contains(&encoding).then(|| Run::new(encoding));
        Self {
            min_length,
            ascii: run(Encoding::Ascii),
            utf16le: run(Encoding::Utf16Le),
            half: None,
            ascii_bytes: 0,
            offset: 0,
        }
    }

    /// Takes the next block and gives the strings that end in it to `each`.
    pub fn feed(&mut self, block: &[u8], mut each: impl FnMut(Found)) {
        for byte in block {
            self.feed_ascii(*byte, &mut each);
            self.feed_utf16le(*byte, &mut each);
            self.ascii_bytes = if is_ascii_text(*byte) { self.ascii_bytes.saturating_add(1) } else { 0 };
            self.offset += 1;
        }
    }

    /// Gives the strings that end where the file does.
    pub fn finish(mut self, mut each: impl FnMut(Found)) {
        for run in [&mut self.ascii, &mut self.utf16le].into_iter().flatten() {
            run.end(self.min_length, &mut each);
        }
    }

    fn feed_ascii(&mut self, byte: u8, each: &mut impl FnMut(Found)) {
        let Some(run) = &mut self.ascii else { return };
        if is_ascii_text(byte) {
            run.push(byte, self.offset, each);
        } else {
            run.end(self.min_length, each);
        }
    }

    fn feed_utf16le(&mut self, byte: u8, each: &mut impl FnMut(Found)) {
        let Some(run) = &mut self.utf16le else { return };
        let half = self.half.take();
        if let (Some(half), 0) = (half, byte)
            && self.ascii_bytes < self.min_length
        {
            run.push(half, self.offset - 1, each);
            return;
        }
        // After a whole unit the run may go on; a half that found no other half ends it.
        let is_half = is_ascii_text(byte) || is_latin_letter(byte);
        if half.is_some() || !is_half {
            run.end(self.min_length, each);
        }
        self.half = is_half.then_some(byte);
    }
}

/// A string that may still grow.
#[derive(Debug)]
struct Run {
    encoding: Encoding,
    offset: u64,
    text: String,
    length: usize,
    /// Whether it goes on where one was cut; then it counts however short it is.
    continues: bool,
}

impl Run {
    fn new(encoding: Encoding) -> Self {
        // A letter of Latin-1 takes two bytes in a `String`.
        Self { encoding, offset: 0, text: String::with_capacity(2 * STRING_CHARS_MAX), length: 0, continues: false }
    }

    fn push(&mut self, latin1: u8, offset: u64, each: &mut impl FnMut(Found)) {
        if self.length == STRING_CHARS_MAX {
            self.give(each);
            self.continues = true;
        }
        if self.length == 0 {
            self.offset = offset;
        }
        self.text.push(char::from(latin1));
        self.length += 1;
    }

    fn end(&mut self, min_length: usize, each: &mut impl FnMut(Found)) {
        if self.length >= min_length || self.continues {
            self.give(each);
        }
        self.text.clear();
        self.length = 0;
        self.continues = false;
    }

    fn give(&mut self, each: &mut impl FnMut(Found)) {
        let Self { encoding, offset, length, .. } = *self;
        each(Found { offset, encoding, text: &self.text, length });
        self.text.clear();
        self.length = 0;
    }
}

fn is_ascii_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Letters of Latin-1 beyond ASCII: all from U+00C0 on but the signs for times and divided by.
fn is_latin_letter(byte: u8) -> bool {
    matches!(byte, 0xC0..=0xD6 | 0xD8..=0xF6 | 0xF8..=0xFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Encoding; 2] = [Encoding::Ascii, Encoding::Utf16Le];

    type Kept = (u64, &'static str, String);

    fn scanned(bytes: &[u8], min_length: usize, encodings: &[Encoding], block_bytes: usize) -> Vec<Kept> {
        let (mut scanner, mut all) = (Scanner::new(min_length, encodings), Vec::new());
        let mut keep = |found: Found| {
            assert_eq!(found.length, found.text.chars().count());
            all.push((found.offset, found.encoding.name(), found.text.to_owned()));
        };
        bytes.chunks(block_bytes).for_each(|block| scanner.feed(block, &mut keep));
        scanner.finish(&mut keep);
        all
    }

    fn found(bytes: &[u8]) -> Vec<Kept> {
        let whole = scanned(bytes, 4, &BOTH, usize::MAX);
        for block_bytes in 1..8 {
            assert_eq!(scanned(bytes, 4, &BOTH, block_bytes), whole, "blocks of {block_bytes}");
        }
        whole
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn kept(offset: u64, encoding: &'static str, text: &str) -> Kept {
        (offset, encoding, text.to_owned())
    }

    #[test]
    fn ascii_is_found_from_the_least_length_on() {
        assert_eq!(found(b"abc\0abcd\0a\tb c\xffxyz"), [kept(4, "ascii", "abcd"), kept(9, "ascii", "a\tb c")]);
        assert!(found(b"").is_empty());
    }

    #[test]
    fn utf16_is_found_at_even_and_at_odd_offsets() {
        for before in [&b""[..], b"\0", b"\x01", b"\0\0\0"] {
            let bytes = [before, &wide("Gru\u{df}, Welt"), b"\0\0", &wide("abc")].concat();
            assert_eq!(found(&bytes), [kept(before.len() as u64, "utf-16le", "Gru\u{df}, Welt")]);
        }
    }

    #[test]
    fn a_neighbour_of_the_other_encoding_ends_a_string() {
        let bytes = [b"ascii\0".as_slice(), &wide("wide"), b"more"].concat();
        assert_eq!(found(&bytes), [kept(0, "ascii", "ascii"), kept(6, "utf-16le", "wide"), kept(14, "ascii", "more")]);
        // Without an end in between, the first character of the wide one could belong to either.
        let bytes = [b"ascii".as_slice(), &wide("wider")].concat();
        assert_eq!(found(&bytes), [kept(0, "ascii", "asciiw"), kept(7, "utf-16le", "ider")]);
    }

    #[test]
    fn signs_and_zeros_are_no_text() {
        assert!(found(&[0xD7, 0, 0xF7, 0].repeat(10)).is_empty());
        assert!(found(&[1; 100]).is_empty() && found(&[0; 100]).is_empty() && found(&[0xE9; 100]).is_empty());
    }

    #[test]
    fn only_the_encodings_asked_for_are_found() {
        let bytes = [b"ascii\0".as_slice(), &wide("wide")].concat();
        assert_eq!(scanned(&bytes, 4, &[Encoding::Ascii], 64), [kept(0, "ascii", "ascii")]);
        assert_eq!(scanned(&bytes, 4, &[Encoding::Utf16Le], 64), [kept(6, "utf-16le", "wide")]);
    }

    #[test]
    fn a_long_string_is_cut_and_goes_on_to_its_last_character() {
        for (length, pieces) in
            [(4095, vec![4095]), (4096, vec![4096]), (4097, vec![4096, 1]), (8192, vec![4096, 4096])]
        {
            let text = "x".repeat(length);
            for (bytes, char_bytes) in [(text.clone().into_bytes(), 1), (wide(&text), 2)] {
                let found = scanned(&bytes, 1000, &BOTH, 777);
                assert_eq!(found.iter().map(|it| it.2.len()).collect::<Vec<_>>(), pieces);
                assert!(found.iter().enumerate().all(|(at, it)| it.0 == 4096 * char_bytes * at as u64));
            }
        }
    }

    #[test]
    fn strings_come_in_the_order_of_their_offsets() {
        let mut state = 1_u32;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [0, b'a', b'b', 0xFF, 0, b'c'][(state >> 24) as usize % 6]
        })
        .take(200_000)
        .collect();
        let found = scanned(&bytes, 4, &BOTH, 1000);
        assert!(found.len() > 100 && found.iter().any(|it| it.1 == "utf-16le"), "{}", found.len());
        assert!(found.is_sorted_by(|one, next| one.0 < next.0));
    }
}
