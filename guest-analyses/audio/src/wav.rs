//! WAV, also with more than 4 GiB (RF64, EBU Tech 3306), and its samples: PCM, floating point, A-law and µ-law.

use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::BLOCK_BYTES;
use belljar_sdk::Failure;
use belljar_sdk::Sample;
use ebur128::Channel;

use crate::pcm::Encoding;
use crate::sound::Facts;
use crate::sound::Sound;
use crate::sound::Source;
use crate::sound::usual_speakers;
use crate::tags;
use crate::tags::Tag;

/// Chunks that are looked at.
const CHUNKS_MAX: usize = 1000;
/// What is read of a chunk that is not sound.
const CHUNK_BYTES_MAX: u64 = 64 * 1024;
/// A length that says: up to the end of the file.
const UNTOLD: u64 = 0xffff_ffff;

/// Formats of samples (mmreg.h).
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// What the chunks of the file say.
#[derive(Default)]
struct Chunks {
    format: Option<Format>,
    /// Where the samples begin, and how many bytes of them there are said to be.
    data: Option<(u64, u64)>,
    /// The length of the samples in a file of more than 4 GiB.
    long_bytes: Option<u64>,
    tags: Vec<Tag>,
}

struct Format {
    codec: &'static str,
    encoding: Encoding,
    sample_rate_hz: u32,
    speakers: Vec<Channel>,
    bits_per_sample: u32,
}

pub fn open(mut sample: Sample) -> Result<Sound, Failure> {
    let chunks = chunks(&mut sample)?;
    let format = chunks.format.ok_or_else(|| Failure::new("this WAV file does not say how its samples are kept"))?;
    let (offset, claimed_bytes) = chunks.data.ok_or_else(|| Failure::new("this WAV file has no samples in it"))?;
    let frame_bytes = format.encoding.bytes() * format.speakers.len();
    let claimed_frames = (claimed_bytes != UNTOLD).then_some(claimed_bytes / frame_bytes as u64);
    sample.seek(SeekFrom::Start(offset))?;
    let facts = Facts {
        format: "wav",
        codec: format.codec,
        sample_rate_hz: format.sample_rate_hz,
        speakers: format.speakers,
        bits_per_sample: Some(format.bits_per_sample),
        claimed_frames,
        tags: chunks.tags,
        pictures: Vec::new(),
    };
    let bytes_left = if claimed_bytes == UNTOLD { u64::MAX } else { claimed_bytes };
    let file = BufReader::with_capacity(BLOCK_BYTES, sample);
    let source = Pcm { file, bytes_left, encoding: format.encoding, frame_bytes, bytes: Vec::new() };
    Ok(Sound { facts, source: Box::new(source) })
}

/// Looks at every chunk, but not into the samples.
fn chunks(sample: &mut Sample) -> Result<Chunks, Failure> {
    let (mut found, mut offset) = (Chunks::default(), 12);
    for _ in 0..CHUNKS_MAX {
        let head = chunk(sample, offset, 8)?;
        let [a, b, c, d, length @ ..] = head.as_slice() else { break };
        let Ok(length) = <[u8; 4]>::try_from(length) else { break };
        let mut length = u64::from(u32::from_le_bytes(length));
        let body = offset + 8;
        match &[*a, *b, *c, *d] {
            b"fmt " if found.format.is_none() => found.format = Some(format(&chunk(sample, body, length)?)?),
            b"ds64" => found.long_bytes = chunk(sample, body, length)?.get(8..16).and_then(u64_at),
            b"data" if found.data.is_none() => {
                // What writes to a pipe cannot know the length.
                length = match (length, found.long_bytes) {
                    (UNTOLD, Some(long)) => long,
                    (0, _) if sample.size_bytes() > body + 8 => UNTOLD,
                    _ => length,
                };
                found.data = Some((body, length));
            }
            b"LIST" => list(&chunk(sample, body, length)?, &mut found.tags),
            b"bext" => broadcast(&chunk(sample, body, length)?, &mut found.tags),
            _ => {}
        }
        // They begin at even places.
        offset = body.saturating_add(length).saturating_add(length % 2);
        if offset >= sample.size_bytes() {
            break;
        }
    }
    Ok(found)
}

fn u64_at(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// As much of it as is there, and is wanted at most.
fn chunk(sample: &mut Sample, offset: u64, length: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    sample.seek(SeekFrom::Start(offset))?;
    sample.by_ref().take(length.min(CHUNK_BYTES_MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// WAVEFORMATEX and WAVEFORMATEXTENSIBLE.
fn format(bytes: &[u8]) -> Result<Format, Failure> {
    let short = |at: usize| bytes.get(at..at + 2).map_or(0, |it| u16::from_le_bytes([it[0], it[1]]));
    let long = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
    let (mut tag, channels, sample_rate_hz) = (short(0), usize::from(short(2)), long(4));
    let (block_bytes, container_bits) = (usize::from(short(12)), short(14));
    let (mut bits, mut mask) = (container_bits, 0);
    if tag == EXTENSIBLE {
        // The format is how the GUID begins.
        (tag, mask) = (short(24), long(20));
        bits = if short(18) == 0 { container_bits } else { short(18).min(container_bits) };
    }
    let container_bytes = usize::from(container_bits.div_ceil(8));
    let (codec, encoding) = match (tag, container_bytes) {
        (PCM, 1) => ("pcm", Encoding::Unsigned8),
        (PCM, 2) => ("pcm", Encoding::Signed16),
        (PCM, 3) => ("pcm", Encoding::Signed24),
        (PCM, 4) => ("pcm", Encoding::Signed32),
        (FLOAT, 4) => ("float", Encoding::Float32),
        (FLOAT, 8) => ("float", Encoding::Float64),
        (A_LAW, 1) => ("a-law", Encoding::ALaw),
        (MU_LAW, 1) => ("mu-law", Encoding::MuLaw),
        _ => {
            let told = format!(
                "this WAV file keeps samples in a way that is not decoded here: format {tag:#06x}, {container_bits} bits"
            );
            return Err(Failure::new(told));
        }
    };
    if channels == 0 || sample_rate_hz == 0 || block_bytes != channels * container_bytes {
        let told = format!(
            "this WAV file contradicts itself: {channels} channels of {container_bits} bits at {sample_rate_hz} Hz in {block_bytes} bytes"
        );
        return Err(Failure::new(told));
    }
    let bits_per_sample = u32::from(bits);
    Ok(Format { codec, encoding, sample_rate_hz, speakers: speakers(channels, mask), bits_per_sample })
}

/// Where the channels are heard from: each bit of the mask is a place, taken in order.
fn speakers(channels: usize, mask: u32) -> Vec<Channel> {
    use Channel::Center;
    use Channel::Left;
    use Channel::LeftSurround;
    use Channel::MmSC;
    use Channel::Mp180;
    use Channel::MpSC;
    use Channel::Right;
    use Channel::RightSurround;
    use Channel::Unused;
    const PLACES: [Channel; 11] =
        [Left, Right, Center, Unused, LeftSurround, RightSurround, MpSC, MmSC, Mp180, LeftSurround, RightSurround];
    let places: Vec<_> = PLACES.into_iter().enumerate().filter(|it| mask >> it.0 & 1 == 1).map(|it| it.1).collect();
    if places.len() == channels && channels > 1 { places } else { usual_speakers(channels) }
}

/// `INFO`: texts of four letters each.
fn list(bytes: &[u8], tags: &mut Vec<Tag>) {
    let Some(mut rest) = bytes.strip_prefix(b"INFO") else { return };
    while let Some((head, body)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let value = &body[..length.min(body.len())];
        tags::add(tags, &tags::latin1(&head[..4]), &tags::text_of(value));
        rest = body.get(length.saturating_add(length % 2)..).unwrap_or(&[]);
    }
}

/// The broadcast extension (EBU Tech 3285): what recorders write.
fn broadcast(bytes: &[u8], tags: &mut Vec<Tag>) {
    let fields = [("description", 0..256), ("originator", 256..288), ("originator_reference", 288..320)];
    for (name, place) in fields.into_iter().chain([("origination_date", 320..330), ("origination_time", 330..338)]) {
        let value = bytes.get(place).unwrap_or(&[]);
        let end = value.iter().position(|it| *it == 0).unwrap_or(value.len());
        tags::add(tags, name, &tags::text_of(&value[..end]));
    }
}

struct Pcm {
    file: BufReader<Sample>,
    bytes_left: u64,
    encoding: Encoding,
    frame_bytes: usize,
    bytes: Vec<u8>,
}

impl Source for Pcm {
    fn next(&mut self, samples: &mut Vec<f32>) -> Result<(), Failure> {
        let whole = (BLOCK_BYTES / self.frame_bytes).max(1) * self.frame_bytes;
        self.bytes.clear();
        let wanted = self.bytes_left.min(whole as u64);
        let read = self.file.by_ref().take(wanted).read_to_end(&mut self.bytes)?;
        self.bytes_left -= read as u64;
        // A frame that is cut off is none.
        self.bytes.truncate(read - read % self.frame_bytes);
        samples.clear();
        self.encoding.decode(&self.bytes, samples);
        Ok(())
    }
}
