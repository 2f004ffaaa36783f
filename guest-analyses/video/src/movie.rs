//! The whole file: its outline, then the tables of the movie, then its fragments. The media data is passed over.

use std::io::Read;
use std::io::Seek;

use crate::boxes;
use crate::boxes::Children;
use crate::boxes::Placed;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::fields::FourCc;
use crate::fragments::Fragments;
use crate::tally::BitRate;
use crate::track::Kind;
use crate::track::Parsed;
use crate::track::Track;
use crate::track::declared;

/// Largest `moov`: tables of some ten million samples.
pub const MOOV_BYTES_MAX: u64 = 64 << 20;
/// Largest `moof`.
pub const MOOF_BYTES_MAX: u64 = 16 << 20;
/// Boxes of the file itself; each costs a seek.
pub const BOXES_MAX: u64 = 4_000_000;
/// Fragments, whose places are remembered.
pub const FRAGMENTS_MAX: usize = 1_000_000;
/// Tracks of a movie.
pub const TRACKS_MAX: usize = 256;

/// What was read and counted of a file.
#[derive(Debug)]
pub struct Movie {
    pub brand: Option<FourCc>,
    /// Seconds, as declared; fragmented movies do not say.
    pub duration_s: Option<f64>,
    /// The decode time that all times here count from, in seconds.
    pub start_s: u64,
    pub is_fragmented: bool,
    /// The last box says that it is longer than the file.
    pub is_cut_off: bool,
    pub tracks: Vec<Track>,
    pub rate: BitRate,
}

impl Movie {
    /// Reads a file of `file_bytes`.
    pub fn read(source: &mut (impl Read + Seek), file_bytes: u64) -> Result<Self, Fault> {
        let outline = Outline::read(source, file_bytes)?;
        let moov = outline.movie.ok_or(Fault::NoMovie)?.payload(source, MOOV_BYTES_MAX)?;
        let header = Header::of(&moov)?;
        let mut movie = Self {
            brand: outline.brand,
            duration_s: header.duration.map(|ticks| seconds(ticks, header.timescale)),
            start_s: 0,
            is_fragmented: !outline.fragments.is_empty(),
            is_cut_off: outline.is_cut_off,
            tracks: Vec::new(),
            rate: BitRate::default(),
        };
        for child in Children::of(&moov) {
            let child = child?;
            if &child.kind.0 == b"trak" {
                movie.add_track(child.payload, (&header, file_bytes))?;
            }
        }
        let mut fragments = Fragments::of(&moov, &movie.tracks)?;
        drop(moov);
        for place in &outline.fragments {
            let moof = place.payload(source, MOOF_BYTES_MAX)?;
            fragments.add(place.start, &moof, (&mut movie.tracks, &mut movie.rate))?;
        }
        movie.start_s = fragments.start_s();
        Ok(movie)
    }

    /// The first video track: the one whose keyframes are known.
    pub fn video(&self) -> Option<&Track> {
        self.tracks.iter().find(|track| track.kind == Kind::Video)
    }

    fn add_track(&mut self, trak: &[u8], (header, file_bytes): (&Header, u64)) -> Result<(), Fault> {
        if self.tracks.len() == TRACKS_MAX {
            return Err(Fault::TooMuch { what: "tracks", max: TRACKS_MAX as u64 });
        }
        let Parsed { mut track, tables } = Parsed::of(trak, header.timescale, file_bytes)?;
        if track.kind == Kind::Video && self.video().is_none() {
            track.keep_keyframes();
        } else {
            track.stsd = Vec::new();
        }
        tables.walk(|run| track.tally.add(run, &mut self.rate))?;
        self.tracks.push(track);
        Ok(())
    }
}

/// Where the boxes of the file are that matter.
struct Outline {
    brand: Option<FourCc>,
    movie: Option<Placed>,
    fragments: Vec<Placed>,
    is_cut_off: bool,
}

impl Outline {
    fn read(source: &mut (impl Read + Seek), file_bytes: u64) -> Result<Self, Fault> {
        let mut outline = Self { brand: None, movie: None, fragments: Vec::new(), is_cut_off: false };
        let mut start = 0;
        for _ in 0..BOXES_MAX {
            let place = match Placed::read(source, start, file_bytes) {
                Ok(Some(place)) => place,
                Ok(None) => return Ok(outline),
                // Junk behind a movie is no reason to refuse the movie.
                Err(Fault::Malformed { .. }) if outline.movie.is_some() => return Ok(outline),
                Err(Fault::Malformed { .. }) if start == 0 => return Err(Fault::NoMovie),
                Err(fault) => return Err(fault),
            };
            outline.is_cut_off = place.is_cut_off;
            outline.note(place, source)?;
            start = place.end;
        }
        Err(Fault::TooMuch { what: "boxes", max: BOXES_MAX })
    }

    fn note(&mut self, place: Placed, source: &mut (impl Read + Seek)) -> Result<(), Fault> {
        match &place.kind.0 {
            b"ftyp" if self.brand.is_none() && !place.is_cut_off => {
                // Lists of brands are short; a long one is not worth a failure.
                let brands = place.payload(source, 4096).unwrap_or_default();
                self.brand = brands.first_chunk().copied().map(FourCc);
            }
            b"moov" if self.movie.is_none() => self.movie = Some(place),
            b"moof" if self.fragments.len() == FRAGMENTS_MAX => {
                return Err(Fault::TooMuch { what: "fragments", max: FRAGMENTS_MAX as u64 });
            }
            b"moof" if !place.is_cut_off => self.fragments.push(place),
            _ => {}
        }
        Ok(())
    }
}

/// A number of ticks as seconds, to the microsecond.
pub fn seconds(ticks: u64, timescale: u32) -> f64 {
    (ticks as f64 / f64::from(timescale.max(1)) * 1e6).round() / 1e6
}

/// What `mvhd` says.
struct Header {
    timescale: u32,
    duration: Option<u64>,
}

impl Header {
    /// That of a movie; without the box nothing is known.
    fn of(moov: &[u8]) -> Result<Self, Fault> {
        let Some(mvhd) = boxes::find(moov, b"mvhd")? else { return Ok(Self { timescale: 1, duration: None }) };
        let mut fields = Fields::new(FourCc(*b"mvhd"), mvhd);
        let (version, _) = fields.version_and_flags()?;
        fields.skip(if version == 0 { 8 } else { 16 })?;
        let timescale = fields.u32()?;
        Ok(Self { timescale, duration: declared(version, fields.versioned(version)?) })
    }
}
