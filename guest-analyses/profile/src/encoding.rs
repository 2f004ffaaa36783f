//! Bytes of a file as UTF-8, block by block, whatever encoding they are in.
//!
//! A byte order mark decides; without one, NULs at every second place mean UTF-16. Everything else starts as ASCII, which
//! passes through, and the first block with another byte decides between UTF-8 and windows-1252 for the rest.

use std::io;
use std::io::Read;

use belljar_sdk::BLOCK_BYTES;
use belljar_sdk::Block;
use encoding_rs::Decoder;
use encoding_rs::Encoding;
use encoding_rs::UTF_8;
use encoding_rs::UTF_16BE;
use encoding_rs::UTF_16LE;
use encoding_rs::WINDOWS_1252;

/// A source as chunks of UTF-8; two buffers are all it holds.
pub struct Text<R> {
    source: R,
    raw: Block,
    decoded: Vec<u8>,
    progress: Progress,
    /// Bytes read from the source.
    pub read_bytes: u64,
    /// The encoding as far as it is known; ASCII counts as UTF-8.
    pub encoding: &'static Encoding,
    /// Whether a byte order mark came first.
    pub bom: bool,
    /// Whether some bytes meant nothing in that encoding and became U+FFFD.
    pub malformed: bool,
}

enum Progress {
    Start,
    Ascii,
    Decoding(Decoder),
    Ended,
}

impl<R: Read> Text<R> {
    /// All of that source.
    pub fn new(source: R) -> Self {
        Self {
            source,
            raw: Block::new(),
            decoded: Vec::new(),
            progress: Progress::Start,
            read_bytes: 0,
            encoding: UTF_8,
            bom: false,
            malformed: false,
        }
    }

    /// The next chunk, which may be empty; `None` after the last.
    pub fn next_chunk(&mut self) -> io::Result<Option<&[u8]>> {
        if matches!(self.progress, Progress::Ended) {
            return Ok(None);
        }
        let filled = fill(&mut self.source, self.raw.as_mut_slice())?;
        self.read_bytes = self.read_bytes.saturating_add(filled as u64);
        let last = filled < BLOCK_BYTES;
        let mut block = &self.raw.as_slice()[..filled];
        let mut progress = std::mem::replace(&mut self.progress, Progress::Ended);
        if let Progress::Start = progress {
            progress = Progress::Ascii;
            if let Some((encoding, mark_bytes)) = Encoding::for_bom(block) {
                (self.encoding, self.bom) = (encoding, true);
                block = &block[mark_bytes..];
                progress = Progress::Decoding(encoding.new_decoder_without_bom_handling());
            } else if let Some(encoding) = utf16_without_mark(block) {
                self.encoding = encoding;
                progress = Progress::Decoding(encoding.new_decoder_without_bom_handling());
            }
        }
        if let Progress::Ascii = progress
            && !block.is_ascii()
        {
            self.encoding = if is_utf8(block, last) { UTF_8 } else { WINDOWS_1252 };
            progress = Progress::Decoding(self.encoding.new_decoder_without_bom_handling());
        }
        let Progress::Decoding(mut decoder) = progress else {
            if !last {
                self.progress = Progress::Ascii;
            }
            return Ok(Some(block));
        };
        let room = decoder.max_utf8_buffer_length(block.len()).ok_or(io::ErrorKind::InvalidInput)?;
        if self.decoded.len() < room {
            self.decoded.resize(room, 0);
        }
        let (_, _, written, malformed) = decoder.decode_to_utf8(block, &mut self.decoded, last);
        self.malformed |= malformed;
        if !last {
            self.progress = Progress::Decoding(decoder);
        }
        Ok(Some(&self.decoded[..written]))
    }
}

/// Reads until the buffer is full or the source is at its end.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Western text in UTF-16 has a NUL in nearly every pair of bytes, always on the same side.
fn utf16_without_mark(block: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _) = block.as_chunks::<2>();
    let first = pairs.iter().filter(|pair| pair[0] == 0).count();
    let second = pairs.iter().filter(|pair| pair[1] == 0).count();
    let (many, few) = (pairs.len() / 10 * 6, pairs.len() / 20);
    if pairs.len() < 10 {
        None
    } else if second >= many && first <= few {
        Some(UTF_16LE)
    } else if first >= many && second <= few {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// A few broken bytes among many good sequences are damage; otherwise one is enough to say that this is not UTF-8.
fn is_utf8(block: &[u8], last: bool) -> bool {
    let (mut sequences, mut broken) = (0usize, 0usize);
    for chunk in block.utf8_chunks() {
        sequences += chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // A sequence cut by the end of the block is whole in the next one, unless there is none.
    let cut = !last && std::str::from_utf8(block).is_err_and(|error| error.error_len().is_none());
    let cut_only = usize::from(cut);
    broken == cut_only || sequences >= 10 * broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], text: &str, encoding: &str) -> Text<impl Read> {
        let mut source = Text::new(std::io::Cursor::new(bytes.to_vec()));
        let mut all = Vec::new();
        while let Some(chunk) = source.next_chunk().unwrap() {
            all.extend_from_slice(chunk);
        }
        assert_eq!(String::from_utf8(all).unwrap(), text);
        assert_eq!(source.encoding.name(), encoding);
        source
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn marks_decide() {
        assert!(check(b"\xEF\xBB\xBFa,b", "a,b", "UTF-8").bom);
        assert!(check(&utf16("\u{FEFF}a;ü€", u16::to_le_bytes), "a;ü€", "UTF-16LE").bom);
        assert!(check(&utf16("\u{FEFF}a;ü€", u16::to_be_bytes), "a;ü€", "UTF-16BE").bom);
    }

    #[test]
    fn nuls_at_every_second_place_are_utf_16() {
        check(&utf16("name,age\nZoë,3\n", u16::to_le_bytes), "name,age\nZoë,3\n", "UTF-16LE");
        check(&utf16("name,age\nZoë,3\n", u16::to_be_bytes), "name,age\nZoë,3\n", "UTF-16BE");
    }

    #[test]
    fn without_a_mark_the_bytes_decide() {
        check(b"", "", "UTF-8");
        check(b"plain", "plain", "UTF-8");
        check("naïve".as_bytes(), "naïve", "UTF-8");
        check(b"na\xEFve \x80", "naïve €", "windows-1252");
        check(b"caf\xE9", "café", "windows-1252");
    }

    #[test]
    fn damage_in_utf_8_stays_utf_8() {
        let text = "äöü".repeat(10);
        let bytes = [text.as_bytes(), b"\xFF"].concat();
        assert!(check(&bytes, &format!("{text}\u{FFFD}"), "UTF-8").malformed);
    }

    #[test]
    fn ascii_may_last_for_blocks_and_a_sequence_may_be_cut_by_their_edge() {
        let ascii = "x".repeat(BLOCK_BYTES * 2);
        check(format!("{ascii}é").as_bytes(), &format!("{ascii}é"), "UTF-8");
        check(format!("{}é", &ascii[1..]).as_bytes(), &format!("{}é", &ascii[1..]), "UTF-8");
        check(&[ascii.as_bytes(), b"\xE9t\xE9"].concat(), &format!("{ascii}été"), "windows-1252");
    }
}
