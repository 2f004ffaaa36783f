//! Which of the formats a file is in, by its beginning.

use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use profile::encoding::Text;

/// Which parser a file is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Format {
    Delimited,
    Json,
    Parquet,
}

/// Looks at the beginning, and goes back there.
pub fn of(sample: &mut Sample) -> Result<Format, Failure> {
    let mut mark = Vec::new();
    sample.by_ref().take(4).read_to_end(&mut mark)?;
    sample.seek(SeekFrom::Start(0))?;
    if matches!(&*mark, b"PAR1" | b"PARE") {
        return Ok(Format::Parquet);
    }
    let is_json = begins_json(&mut *sample)?;
    sample.seek(SeekFrom::Start(0))?;
    Ok(if is_json { Format::Json } else { Format::Delimited })
}

/// Text that begins as an object does, or as an array does that goes on as one; a field may begin with a bracket too.
fn begins_json(source: impl Read) -> io::Result<bool> {
    let mut text = Text::new(source);
    let beginning = text.next_chunk()?.unwrap_or_default();
    let mut marks = beginning.iter().filter(|byte| !byte.is_ascii_whitespace());
    Ok(match (marks.next(), marks.next()) {
        (Some(b'{'), Some(b'"' | b'}')) => true,
        (Some(b'['), Some(next)) => matches!(next, b'{' | b'[' | b'"' | b']' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_tells_the_format() {
        let of = |text: &[u8]| of(&mut Sample::of_bytes(text)).unwrap();
        for json in ["{}", " \n{ \"a\":1}", "[]", "[{\"a\":1}]", "[1,2]", "\u{feff}{\"a\":1}"] {
            assert_eq!(of(json.as_bytes()), Format::Json, "{json}");
        }
        for delimited in ["", "a,b", "[a],b\n", "{a};b\n", "PAR", "[", "{"] {
            assert_eq!(of(delimited.as_bytes()), Format::Delimited, "{delimited}");
        }
        let wide: Vec<u8> = "\u{feff}{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(of(&wide), Format::Json);
        assert_eq!(of(b"PAR1\0"), Format::Parquet);
    }
}
