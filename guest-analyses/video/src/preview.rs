//! A slideshow of the keyframes of a track, as an MP4 of its own: the samples are copied, nothing is decoded.
//!
//! Each keyframe is shown until the next one of the slideshow, at most a second, at least a millisecond. When there are
//! more than asked for, or more bytes than [`SAMPLE_BYTES_MAX`], evenly spaced ones are taken; keyframes that are no
//! clean cut (`avc`) are left out. The movie stands before the data, with one track of one sample a chunk, all of them keyframes. It keeps the sample descriptions and how the
//! picture is turned; edit lists, languages and other tracks stay behind.

use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;

use crate::avc::Cuts;
use crate::fault::Fault;
use crate::movie::Movie;
use crate::movie::seconds;
use crate::mux::boxed;
use crate::mux::full_boxed;
use crate::mux::words;
use crate::stsd;
use crate::tally::Keyframe;
use crate::track::Header;
use crate::track::Track;

/// Most keyframes of a preview.
pub const KEYFRAMES_MAX: usize = 600;
/// Keyframes that are looked at to choose those from; evenly spaced ones. Times all that are known it fits 32 bits.
const CANDIDATES_MAX: usize = 2048;
/// Most bytes of samples in a preview.
pub const SAMPLE_BYTES_MAX: u64 = 64 << 20;
/// Sample descriptions that are copied; longer ones give no preview.
const STSD_BYTES_MAX: usize = 1 << 20;
/// A slide is shown so long at most, and the last one if the track lasts.
const SLIDE_MS_MAX: f64 = 1000.0;
const TIMESCALE: u32 = 1000;

/// One keyframe of the preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slide {
    keyframe: Keyframe,
    shown_ms: u32,
}

/// A preview decided on, not yet written.
#[derive(Debug)]
pub struct Plan<'a> {
    header: &'a Header,
    size: (u32, u32),
    stsd: Vec<u8>,
    slides: Vec<Slide>,
    /// There were more keyframes.
    pub is_truncated: bool,
}

impl<'a> Plan<'a> {
    /// The preview of the first video track with at most `keyframes_max` keyframes; none where that cannot be shown.
    pub fn of(movie: &'a Movie, source: &mut (impl Read + Seek), keyframes_max: usize) -> Result<Option<Self>, Fault> {
        let Some(track) = movie.video() else { return Ok(None) };
        let (Some(description), Some(keyframes)) = (track.description, &track.tally.keyframes) else {
            return Ok(None);
        };
        if keyframes_max == 0 || description.is_encrypted || track.stsd.len() > STSD_BYTES_MAX {
            return Ok(None);
        }
        let (stsd, entries) = own_descriptions(&track.stsd)?;
        let mut usable: Vec<_> = keyframes.known.iter().copied().filter(|it| it.size > 0).collect();
        usable.retain(|it| (1..=entries).contains(&it.description));
        let clean = Cuts::of(&track.stsd)?.among(&evenly(&usable, CANDIDATES_MAX), source)?;
        let chosen = thin_out(&clean, keyframes_max.min(KEYFRAMES_MAX));
        if chosen.is_empty() {
            return Ok(None);
        }
        let is_truncated = u64::try_from(chosen.len()).unwrap_or(u64::MAX) < keyframes.count;
        let size = track.size().unwrap_or_default();
        Ok(Some(Self { header: &track.header, size, stsd, slides: slides(track, &chosen), is_truncated }))
    }

    /// Keyframes in it.
    pub fn keyframes(&self) -> usize {
        self.slides.len()
    }

    /// How long it is, in milliseconds.
    pub fn duration_ms(&self) -> u32 {
        self.slides.iter().map(|slide| slide.shown_ms).sum()
    }

    /// Writes it, with the samples copied from `source`.
    pub fn write(&self, source: &mut (impl Read + Seek), out: &mut impl Write) -> Result<(), Fault> {
        let ftyp = boxed(b"ftyp", &[b"isom", &words([0x200]), b"isomiso2mp41"]);
        let sample_bytes = self.slides.iter().map(|slide| slide.keyframe.size).sum::<u32>();
        // How long the movie is does not depend on where its data is.
        let head_bytes = ftyp.len() + self.moov(0).len() + 8;
        let moov = self.moov(u32::try_from(head_bytes).expect("600 rows and 1 MiB of descriptions"));
        out.write_all(&ftyp)?;
        out.write_all(&moov)?;
        out.write_all(&words([sample_bytes + 8]))?;
        out.write_all(b"mdat")?;
        for slide in &self.slides {
            source.seek(SeekFrom::Start(slide.keyframe.offset))?;
            let size = u64::from(slide.keyframe.size);
            if io::copy(&mut source.take(size), out)? != size {
                return Err(Fault::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        out.flush()?;
        Ok(())
    }

    fn moov(&self, data_start: u32) -> Vec<u8> {
        let duration = self.duration_ms();
        let unity = words([0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
        let mvhd = [&words([0, 0, TIMESCALE, duration, 0x1_0000, 0x100_0000, 0, 0])[..], &unity, &[0; 24], &words([2])];
        let mdhd = words([0, 0, TIMESCALE, duration, 0x55C4_0000]);
        let hdlr: [&[u8]; 4] = [&[0; 4], b"vide", &[0; 12], b"VideoHandler\0"];
        let dref = full_boxed(b"dref", 0, &[&words([1]), &full_boxed(b"url ", 1, &[])]);
        let minf = [
            full_boxed(b"vmhd", 1, &[&[0; 8]]),
            boxed(b"dinf", &[&dref]),
            boxed(b"stbl", &[&boxed(b"stsd", &[&self.stsd]), &self.tables(data_start)]),
        ];
        let mdia = [full_boxed(b"mdhd", 0, &[&mdhd]), full_boxed(b"hdlr", 0, &hdlr), boxed(b"minf", &[&minf.concat()])];
        let trak = boxed(b"trak", &[&self.tkhd(duration), &boxed(b"mdia", &[&mdia.concat()])]);
        boxed(b"moov", &[&full_boxed(b"mvhd", 0, &mvhd), &trak])
    }

    /// Enabled and in the movie, with the picture turned as in the original.
    fn tkhd(&self, duration: u32) -> Vec<u8> {
        let is_sized = self.header.width > 0 && self.header.height > 0;
        let coded = (self.size.0 << 16, self.size.1 << 16);
        let (width, height) = if is_sized { (self.header.width, self.header.height) } else { coded };
        let fields = words([0, 0, 1, 0, duration, 0, 0, 0, 0]);
        full_boxed(b"tkhd", 7, &[&fields, &self.header.matrix, &words([width, height])])
    }

    fn tables(&self, data_start: u32) -> Vec<u8> {
        let count = u32::try_from(self.slides.len()).expect("at most KEYFRAMES_MAX");
        let mut offset = data_start;
        let (mut sizes, mut offsets) = (words([0, count]), words([count]));
        let (mut durations, mut chunks, mut changes) = (words([count]), Vec::new(), 0);
        let mut description = 0;
        for (chunk, slide) in (1..).zip(&self.slides) {
            sizes.extend(words([slide.keyframe.size]));
            offsets.extend(words([offset]));
            durations.extend(words([1, slide.shown_ms]));
            if slide.keyframe.description != description {
                description = slide.keyframe.description;
                chunks.extend(words([chunk, 1, description]));
                changes += 1;
            }
            offset += slide.keyframe.size;
        }
        [
            full_boxed(b"stts", 0, &[&durations]),
            full_boxed(b"stsc", 0, &[&words([changes]), &chunks]),
            full_boxed(b"stsz", 0, &[&sizes]),
            full_boxed(b"stco", 0, &[&offsets]),
        ]
        .concat()
    }
}

/// The descriptions with their data in this file, wherever it was, and how many they are.
fn own_descriptions(original: &[u8]) -> Result<(Vec<u8>, u32), Fault> {
    let mut entries = Vec::new();
    let mut count = 0;
    for entry in stsd::entries(original)? {
        let entry = entry?;
        let mut payload = entry.payload.to_vec();
        if let Some(reference) = payload.get_mut(6..8) {
            reference.copy_from_slice(&[0, 1]);
        }
        entries.extend(boxed(&entry.kind.0, &[&payload]));
        count += 1;
    }
    let head = original.get(..4).unwrap_or_default();
    Ok(([head, &words([count]), &entries].concat(), count))
}

/// Evenly spaced ones of `all`, as many as the limits allow.
fn thin_out(all: &[Keyframe], count_max: usize) -> Vec<Keyframe> {
    let mut count = all.len().min(count_max);
    while count > 0 {
        let chosen = evenly(all, count);
        let bytes: u64 = chosen.iter().map(|it| u64::from(it.size)).sum();
        if bytes <= SAMPLE_BYTES_MAX {
            return chosen;
        }
        let fitting = u64::try_from(count).unwrap_or(u64::MAX) * SAMPLE_BYTES_MAX / bytes;
        count = usize::try_from(fitting).unwrap_or(usize::MAX).min(count - 1);
    }
    Vec::new()
}

/// At most `count_max` of `all`, evenly spaced, the first among them.
fn evenly(all: &[Keyframe], count_max: usize) -> Vec<Keyframe> {
    let count = all.len().min(count_max);
    (0..count).map(|number| all[number * all.len() / count]).collect()
}

fn slides(track: &Track, chosen: &[Keyframe]) -> Vec<Slide> {
    // The film ends as long after its first picture as its last sample ends after the first.
    let rest_s = |first: &Keyframe| seconds(track.tally.time.saturating_sub(first.time), track.timescale);
    let end_s = chosen.first().map(|first| track.shown_s(first) + rest_s(first));
    let nexts_s = chosen.iter().skip(1).map(|it| track.shown_s(it)).chain(end_s);
    let slide = |(keyframe, next_s): (&Keyframe, f64)| {
        let shown_ms = (next_s - track.shown_s(keyframe)) * 1000.0;
        Slide { keyframe: *keyframe, shown_ms: shown_ms.round().clamp(1.0, SLIDE_MS_MAX) as u32 }
    };
    chosen.iter().zip(nexts_s).map(slide).collect()
}
