//! A track: what its headers say, and what was counted of its samples.

use crate::boxes;
use crate::edits::Edits;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::fields::FourCc;
use crate::stsd::Description;
use crate::tables::Sizes;
use crate::tables::Tables;
use crate::tally::Keyframe;
use crate::tally::Keyframes;
use crate::tally::Tally;

/// What a track is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Video,
    Audio,
    Other,
}

/// The number of a track, which fragments refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackId(pub u32);

/// What `tkhd` says.
#[derive(Debug, Clone)]
pub struct Header {
    pub id: TrackId,
    /// How the picture is turned and scaled.
    pub matrix: [u8; 36],
    /// 16.16 fixed point, as shown.
    pub width: u32,
    /// 16.16 fixed point, as shown.
    pub height: u32,
}

/// One track and its counts.
#[derive(Debug)]
pub struct Track {
    pub header: Header,
    pub kind: Kind,
    /// Ticks a second; never 0.
    pub timescale: u32,
    /// As declared, in ticks.
    pub duration: Option<u64>,
    pub language: Option<String>,
    pub edits: Edits,
    pub description: Option<Description>,
    /// Sample descriptions as they are; kept only where keyframes are.
    pub stsd: Vec<u8>,
    pub tally: Tally,
}

/// A `trak` box taken apart, its tables not yet walked.
#[derive(Debug)]
pub struct Parsed<'a> {
    pub track: Track,
    pub tables: Tables<'a>,
}

impl<'a> Parsed<'a> {
    /// The track of that `trak` in a movie of that timescale and a file of that size.
    pub fn of(trak: &'a [u8], movie_timescale: u32, file_bytes: u64) -> Result<Self, Fault> {
        let header = header(boxes::require(trak, b"tkhd")?)?;
        let edits = Edits::of(trak, movie_timescale)?;
        let mdia = boxes::require(trak, b"mdia")?;
        let (timescale, duration, language) = media_header(boxes::require(mdia, b"mdhd")?)?;
        let kind = kind(boxes::find(mdia, b"hdlr")?.unwrap_or_default());
        let minf = boxes::find(mdia, b"minf")?.unwrap_or_default();
        let stbl = boxes::find(minf, b"stbl")?.unwrap_or_default();
        let stsd = boxes::find(stbl, b"stsd")?;
        let description = stsd.map(|stsd| Description::of(stsd, kind)).transpose()?.flatten();
        let mut tables = Tables::of(stbl)?;
        let pcm_bytes = description.and_then(|it| it.pcm_bytes);
        if let (Sizes::Constant { size: 1, count }, Some(size)) = (tables.sizes, pcm_bytes) {
            tables.sizes = Sizes::Constant { size, count };
        }
        let tally = Tally::new(timescale, file_bytes, None);
        let stsd = stsd.unwrap_or_default().to_vec();
        let track = Track { header, kind, timescale, duration, language, edits, description, stsd, tally };
        Ok(Self { track, tables })
    }
}

impl Track {
    /// Has the keyframes remembered from here on.
    pub fn keep_keyframes(&mut self) {
        self.tally.keyframes = Some(Keyframes::default());
    }

    /// When a keyframe is shown, in seconds.
    pub fn shown_s(&self, keyframe: &Keyframe) -> f64 {
        self.edits.shown_s(keyframe, self.timescale)
    }

    /// Width and height of the picture: those of the coded frames, or else those shown.
    pub fn size(&self) -> Option<(u32, u32)> {
        let coded = self.description.and_then(|it| it.size).unwrap_or_default();
        let shown = (self.header.width >> 16, self.header.height >> 16);
        [coded, shown].into_iter().find(|(width, height)| *width > 0 && *height > 0)
    }
}

/// A duration as declared; all ones say that it is unknown, and so does 0.
pub fn declared(version: u8, duration: u64) -> Option<u64> {
    let unknown = if version == 0 { u64::from(u32::MAX) } else { u64::MAX };
    Some(duration).filter(|it| *it != 0 && *it != unknown)
}

fn header(tkhd: &[u8]) -> Result<Header, Fault> {
    let mut fields = Fields::new(FourCc(*b"tkhd"), tkhd);
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    let id = TrackId(fields.u32()?);
    fields.skip(4)?;
    fields.versioned(version)?;
    fields.skip(16)?;
    Ok(Header { id, matrix: fields.array()?, width: fields.u32()?, height: fields.u32()? })
}

/// Timescale, duration and language of an `mdhd`. A timescale of 0 is read as 1, as players do.
fn media_header(mdhd: &[u8]) -> Result<(u32, Option<u64>, Option<String>), Fault> {
    let mut fields = Fields::new(FourCc(*b"mdhd"), mdhd);
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    let timescale = fields.u32()?.max(1);
    let duration = declared(version, fields.versioned(version)?);
    Ok((timescale, duration, language(fields.u16()?)))
}

fn kind(hdlr: &[u8]) -> Kind {
    match hdlr.get(8..12) {
        Some(b"vide") => Kind::Video,
        Some(b"soun") => Kind::Audio,
        _ => Kind::Other,
    }
}

/// Three letters of five bits each (ISO 639-2). Macintosh language codes, below 0x400, are not told.
fn language(code: u16) -> Option<String> {
    let letters = [code >> 10 & 31, code >> 5 & 31, code & 31];
    let letter =
        |number: u16| u8::try_from(number).ok().filter(|it| (1..=26).contains(it)).map(|it| char::from(it + 96));
    letters.into_iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_three_letters_or_unknown() {
        assert_eq!(language(0x55C4).as_deref(), Some("und"));
        assert_eq!(language(0x15C7).as_deref(), Some("eng"));
        assert_eq!(language(0), None);
        assert_eq!(language(0x7FFF), None);
    }

    #[test]
    fn unknown_durations_are_none() {
        assert_eq!(declared(0, 0), None);
        assert_eq!(declared(0, 0xFFFF_FFFF), None);
        assert_eq!(declared(1, 0xFFFF_FFFF), Some(0xFFFF_FFFF));
        assert_eq!(declared(1, u64::MAX), None);
    }
}
