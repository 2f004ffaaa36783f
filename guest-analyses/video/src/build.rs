//! Tiny movies for tests, box by box: progressive and fragmented, with the bytes of each sample telling which it is.

use crate::mux::boxed;
use crate::mux::full_boxed;
use crate::mux::words;

pub const TIMESCALE: u32 = 100;
pub const WIDTH: u32 = 64;
pub const HEIGHT: u32 = 48;

/// One sample to be.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub size: u32,
    pub duration: u32,
    pub is_key: bool,
}

/// What differs between files that say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    MoovFirst,
    MoovLast,
    /// `mdat` with a 64-bit size, `co64`, and `stz2` of 16 bits.
    Large,
    /// `stz2` of 8 bits, all samples in one chunk.
    Small,
    /// `moof` before each keyframe, everything spelled out, offsets from the `moof`.
    FragmentsInFull,
    /// As above, with what can be left out left out, offsets from the start of the file.
    FragmentsByDefault,
}

pub const LAYOUTS: [Layout; 6] = [
    Layout::MoovFirst,
    Layout::MoovLast,
    Layout::Large,
    Layout::Small,
    Layout::FragmentsInFull,
    Layout::FragmentsByDefault,
];

/// Twelve samples of 40 ticks each, a keyframe every fourth: decode times 0 to 4.4 s, keyframes at 0, 1.6 and 3.2 s.
pub fn clip() -> Vec<Sample> {
    (0..12)
        .map(|number| {
            let is_key = number % 4 == 0;
            Sample { size: if is_key { 50 } else { 7 }, duration: 40, is_key }
        })
        .collect()
}

/// The bytes of sample `index`.
pub fn bytes_of(index: usize, sample: &Sample) -> Vec<u8> {
    (0..sample.size).map(|at| (index as u32 * 31 + at) as u8).collect()
}

/// The file with one video track of those samples.
pub fn file(samples: &[Sample], layout: Layout) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[b"mp42", &[0; 4], b"mp42"]);
    let data: Vec<u8> = samples.iter().enumerate().flat_map(|(index, sample)| bytes_of(index, sample)).collect();
    match layout {
        Layout::MoovFirst => {
            let head = ftyp.len() + moov(&tables(samples, layout, 0), &[]).len() + 8;
            let moov = moov(&tables(samples, layout, head as u32), &[]);
            [ftyp, moov, boxed(b"mdat", &[&data])].concat()
        }
        Layout::MoovLast | Layout::Small => {
            let moov = moov(&tables(samples, layout, ftyp.len() as u32 + 8), &[]);
            [ftyp, boxed(b"mdat", &[&data]), moov].concat()
        }
        Layout::Large => {
            let moov = moov(&tables(samples, layout, ftyp.len() as u32 + 16), &[]);
            let size = (data.len() as u64 + 16).to_be_bytes();
            [ftyp, words([1]), b"mdat".to_vec(), size.to_vec(), data, moov].concat()
        }
        Layout::FragmentsInFull | Layout::FragmentsByDefault => {
            let trex = full_boxed(b"trex", 0, &[&words([1, 1, 40, 7, 0x1_0000])]);
            let mut file = [ftyp, moov(&[], &boxed(b"mvex", &[&trex]))].concat();
            let mut first = 0;
            for gop in samples.chunk_by(|_, next| !next.is_key) {
                let time: u32 = samples[..first].iter().map(|it| it.duration).sum();
                let fragment = fragment(gop, layout, (time, file.len() as u64));
                file.extend(fragment);
                let data: Vec<_> = gop.iter().enumerate().flat_map(|(at, it)| bytes_of(first + at, it)).collect();
                file.extend(boxed(b"mdat", &[&data]));
                first += gop.len();
            }
            file
        }
    }
}

/// A movie of one video track with those tables behind `stsd`, and `more` behind the track.
pub fn moov(tables: &[u8], more: &[u8]) -> Vec<u8> {
    let mvhd = full_boxed(b"mvhd", 0, &[&words([0, 0, 1000, 0]), &[0; 80]]);
    let tkhd = full_boxed(b"tkhd", 7, &[&words([0, 0, 1, 0, 0]), &[0; 52], &words([WIDTH << 16, HEIGHT << 16])]);
    let mdhd = full_boxed(b"mdhd", 0, &[&words([0, 0, TIMESCALE, 0, 0x55C4_0000])]);
    let hdlr = full_boxed(b"hdlr", 0, &[&[0; 4], b"vide", &[0; 13]]);
    let avc1 = boxed(b"avc1", &[&[0; 6], &[0, 7], &[0; 16], &words([WIDTH << 16 | HEIGHT]), &[0; 50]]);
    let stsd = full_boxed(b"stsd", 0, &[&words([1]), &avc1]);
    let minf = boxed(b"minf", &[&boxed(b"stbl", &[&stsd, tables])]);
    let trak = boxed(b"trak", &[&tkhd, &boxed(b"mdia", &[&mdhd, &hdlr, &minf])]);
    boxed(b"moov", &[&mvhd, &trak, more])
}

/// A table: version, flags, count, rows.
pub fn table(kind: &[u8; 4], count: u32, rows: &[u32]) -> Vec<u8> {
    full_boxed(kind, 0, &[&words([count]), &words(rows.iter().copied())])
}

fn tables(samples: &[Sample], layout: Layout, data_start: u32) -> Vec<u8> {
    let count = samples.len() as u32;
    let keys: Vec<u32> = (1..).zip(samples).filter(|(_, sample)| sample.is_key).map(|(number, _)| number).collect();
    let sizes: Vec<u32> = samples.iter().map(|sample| sample.size).collect();
    let ends = sizes.iter().scan(data_start, |end, size| Some(std::mem::replace(end, *end + size)));
    let starts: Vec<u32> = ends.collect();
    let (stsc, offsets) = match layout {
        Layout::Small => (table(b"stsc", 1, &[1, count, 1]), table(b"stco", 1, &[data_start])),
        Layout::Large => {
            let pairs: Vec<u32> = starts.iter().flat_map(|start| [0, *start]).collect();
            (table(b"stsc", 1, &[1, 1, 1]), table(b"co64", count, &pairs))
        }
        // The first sample alone, then two in each chunk; the last chunk has room for one more than there is.
        _ => {
            let chunks: Vec<u32> =
                starts.iter().copied().take(1).chain(starts[1..].iter().copied().step_by(2)).collect();
            (table(b"stsc", 2, &[1, 1, 1, 2, 2, 1]), table(b"stco", chunks.len() as u32, &chunks))
        }
    };
    let stsz = match layout {
        Layout::Small => {
            let bytes: Vec<u8> = sizes.iter().map(|size| *size as u8).collect();
            full_boxed(b"stz2", 0, &[&words([8, count]), &bytes])
        }
        Layout::Large => {
            let bytes: Vec<u8> = sizes.iter().flat_map(|size| (*size as u16).to_be_bytes()).collect();
            full_boxed(b"stz2", 0, &[&words([16, count]), &bytes])
        }
        _ => full_boxed(b"stsz", 0, &[&words([0, count]), &words(sizes)]),
    };
    let stts: Vec<u32> = samples.iter().flat_map(|sample| [1, sample.duration]).collect();
    [table(b"stts", count, &stts), stsc, stsz, offsets, table(b"stss", keys.len() as u32, &keys)].concat()
}

/// One `moof` of a keyframe and what follows it, starting at `time`, to be put at `start` of the file.
fn fragment(gop: &[Sample], layout: Layout, (time, start): (u32, u64)) -> Vec<u8> {
    let build = |data: u64| {
        let (tfhd, trun) = match layout {
            Layout::FragmentsByDefault => {
                let tfhd = full_boxed(b"tfhd", 0x1, &[&words([1]), &data.to_be_bytes()]);
                // First-sample flags and sizes; durations and flags from trex.
                let sizes = gop.iter().map(|sample| sample.size);
                (tfhd, full_boxed(b"trun", 0x204, &[&words([gop.len() as u32, 0]), &words(sizes)]))
            }
            _ => {
                let tfhd = full_boxed(b"tfhd", 0x2_0000, &[&words([1])]);
                let flags = |sample: &Sample| if sample.is_key { 0x0200_0000 } else { 0x0101_0000 };
                let rows = gop.iter().flat_map(|it| [it.duration, it.size, flags(it), 0]);
                let head = words([gop.len() as u32, (data - start) as u32]);
                (tfhd, full_boxed(b"trun", 0xF01, &[&head, &words(rows)]))
            }
        };
        let tfdt = full_boxed(b"tfdt", 0, &[&words([time])]);
        boxed(b"moof", &[&full_boxed(b"mfhd", 0, &[&words([1])]), &boxed(b"traf", &[&tfhd, &tfdt, &trun])])
    };
    let moof_bytes = build(start).len() as u64;
    build(start + moof_bytes + 8)
}
