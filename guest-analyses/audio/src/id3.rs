//! ID3: version 2.2 to 2.4 before the sound (id3.org), version 1 behind it.

use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Sample;

use crate::tags;
use crate::tags::Picture;
use crate::tags::Tag;

/// What is read of a tag: more than any picture has.
const TAG_BYTES_MAX: u64 = 16 << 20;
const FRAMES_MAX: usize = 2000;

/// Both of them; empty where there are none.
pub fn read(sample: &mut Sample) -> Result<(Vec<Tag>, Vec<Picture>), Failure> {
    let (mut tags, mut pictures, mut head) = (Vec::new(), Vec::new(), Vec::new());
    sample.seek(SeekFrom::Start(0))?;
    sample.by_ref().take(10).read_to_end(&mut head)?;
    let length = nanomp3::id3v2_len(&head) as u64;
    if length > 10 {
        let mut bytes = Vec::new();
        sample.by_ref().take((length - 10).min(TAG_BYTES_MAX)).read_to_end(&mut bytes)?;
        let unsynchronised = head[5] & 0x80 != 0;
        // Version 2.4 does it frame by frame.
        let bytes = if unsynchronised && head[3] < 4 { synchronised(&bytes) } else { bytes };
        for (name, body) in frames(head[3], &bytes).take(FRAMES_MAX) {
            frame(name, body, (&mut tags, &mut pictures));
        }
    }
    version_1(sample, &mut tags)?;
    sample.seek(SeekFrom::Start(0))?;
    Ok((tags, pictures))
}

/// Without the zeros that keep a decoder from taking the tag for sound.
fn synchronised(bytes: &[u8]) -> Vec<u8> {
    let after = std::iter::once(&0).chain(bytes);
    after.zip(bytes).filter(|(before, it)| **before != 0xff || **it != 0).map(|it| *it.1).collect()
}

/// Names and bodies.
fn frames(version: u8, mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let (name_bytes, head_bytes) = if version == 2 { (3, 6) } else { (4, 10) };
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_at_checked(head_bytes)?;
        let name = &head[..name_bytes];
        // Padding.
        if name[0] == 0 {
            return None;
        }
        let bits = if version == 4 { 7 } else { 8 };
        let length = head[name_bytes..2 * name_bytes].iter().fold(0_usize, |sum, it| sum << bits | usize::from(*it));
        let (body, rest) = rest.split_at(length.min(rest.len()));
        bytes = rest;
        Some((name, body))
    })
}

fn frame(name: &[u8], body: &[u8], (tags, pictures): (&mut Vec<Tag>, &mut Vec<Picture>)) {
    let name = tags::latin1(name);
    let Some((encoding, rest)) = body.split_first() else { return };
    match name.as_str() {
        "APIC" => pictures.extend(picture(rest)),
        "PIC" => pictures.extend(rest.get(..3).map(|it| named_picture(it, rest.len()))),
        "TXXX" | "TXX" => {
            let both = text(*encoding, rest);
            let (name, value) = both.split_once('\0').unwrap_or(("", both.as_str()));
            tags::add(tags, &name.to_lowercase(), value);
        }
        // Language and a short description before it.
        "COMM" | "COM" => {
            let both = text(*encoding, rest.get(3..).unwrap_or(&[]));
            tags::add(
                tags,
                &name,
                both.split_once('\0').map_or(both.as_str(), |it| it.1).trim_start_matches('\u{feff}'),
            );
        }
        _ if name.starts_with('T') => tags::add(tags, &name, &text(*encoding, rest).replace('\0', "; ")),
        _ => {}
    }
}

/// The media type up to its zero, then a kind, a description and the picture.
fn picture(bytes: &[u8]) -> Option<Picture> {
    let end = bytes.iter().position(|it| *it == 0)?;
    Some(named_picture(bytes.get(..end)?, bytes.len() - end))
}

fn named_picture(media_type: &[u8], bytes: usize) -> Picture {
    Picture { media_type: tags::latin1(media_type).chars().take(100).collect(), size_bytes: bytes as u64 }
}

/// Text in one of the four encodings, without zeros at its end.
fn text(encoding: u8, bytes: &[u8]) -> String {
    let pairs = || bytes.as_chunks().0.iter();
    let little = bytes.starts_with(&[0xff, 0xfe]);
    let wide: Vec<u16> = match encoding {
        1 if little => pairs().map(|it| u16::from_le_bytes(*it)).collect(),
        1 | 2 => pairs().map(|it| u16::from_be_bytes(*it)).collect(),
        3 => return String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned(),
        _ => return tags::latin1(bytes).trim_end_matches('\0').to_owned(),
    };
    String::from_utf16_lossy(&wide).trim_start_matches('\u{feff}').trim_end_matches('\0').to_owned()
}

/// The last 128 bytes, in fields of one length.
fn version_1(sample: &mut Sample, tags: &mut Vec<Tag>) -> Result<(), Failure> {
    let Some(offset) = sample.size_bytes().checked_sub(128) else { return Ok(()) };
    let mut bytes = Vec::new();
    sample.seek(SeekFrom::Start(offset))?;
    sample.by_ref().take(128).read_to_end(&mut bytes)?;
    let Some(fields) = bytes.strip_prefix(b"TAG") else { return Ok(()) };
    for (name, place) in
        [("title", 0..30), ("artist", 30..60), ("album", 60..90), ("date", 90..94), ("comment", 94..122)]
    {
        let value = fields.get(place).unwrap_or(&[]);
        let end = value.iter().position(|it| *it == 0).unwrap_or(value.len());
        // What version 2 says more of is not said again.
        if !tags.iter().any(|it| it.name == name) {
            tags::add(tags, name, &tags::latin1(&value[..end]));
        }
    }
    Ok(())
}
