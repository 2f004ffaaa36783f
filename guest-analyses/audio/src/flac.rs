//! FLAC (RFC 9639).

use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::BLOCK_BYTES;
use belljar_sdk::Failure;
use belljar_sdk::Sample;
use claxon::FlacReader;

use crate::sound::Facts;
use crate::sound::Sound;
use crate::sound::Source;
use crate::sound::usual_speakers;
use crate::tags;
use crate::tags::Picture;
use crate::tags::Tag;

/// Blocks of metadata that are looked at.
const BLOCKS_MAX: usize = 1000;
/// What is read of a picture, to know what it is.
const PICTURE_HEAD_BYTES: u64 = 16 * 1024;
/// The block types that are read here.
const PICTURE: u8 = 6;

/// The file from `offset` on; before it stands what does not belong there but often does, which said that much.
pub fn open(
    mut sample: Sample,
    offset: u64,
    (mut tags, mut found): (Vec<Tag>, Vec<Picture>),
) -> Result<Sound, Failure> {
    found.extend(pictures(&mut sample, offset)?);
    sample.seek(SeekFrom::Start(offset))?;
    let reader = FlacReader::new(BufReader::with_capacity(BLOCK_BYTES, sample))
        .map_err(|error| Failure::new(format!("this FLAC file cannot be read: {error}")))?;
    let stream = reader.streaminfo();
    if stream.sample_rate == 0 || stream.channels == 0 || !(4..=32).contains(&stream.bits_per_sample) {
        return Err(Failure::new("this FLAC file has no rate, no channels, or samples of an odd size"));
    }
    tags.extend(tags::of_comments(reader.vendor().unwrap_or_default(), reader.tags()));
    let facts = Facts {
        format: "flac",
        codec: "flac",
        sample_rate_hz: stream.sample_rate,
        speakers: usual_speakers(stream.channels as usize),
        bits_per_sample: Some(stream.bits_per_sample),
        claimed_frames: stream.samples,
        tags,
        pictures: found,
    };
    let scale = 0.5_f64.powi(stream.bits_per_sample as i32 - 1);
    let source = Flac { reader, channels: stream.channels, scale, buffer: Vec::new() };
    Ok(Sound { facts, source: Box::new(source) })
}

/// The decoder passes them by.
fn pictures(sample: &mut Sample, offset: u64) -> Result<Vec<Picture>, Failure> {
    let (mut pictures, mut offset) = (Vec::new(), offset + 4);
    for _ in 0..BLOCKS_MAX {
        sample.seek(SeekFrom::Start(offset))?;
        let mut head = Vec::new();
        sample.by_ref().take(4).read_to_end(&mut head)?;
        let [kind, length @ ..] = head.as_slice() else { break };
        let length = length.iter().fold(0, |sum, it| sum << 8 | u64::from(*it));
        if kind & 0x7f == PICTURE {
            let mut bytes = Vec::new();
            sample.by_ref().take(length.min(PICTURE_HEAD_BYTES)).read_to_end(&mut bytes)?;
            pictures.extend(picture(&bytes));
        }
        if kind & 0x80 != 0 {
            break;
        }
        offset += 4 + length;
    }
    Ok(pictures)
}

/// Type, media type, description, four measures, length.
fn picture(bytes: &[u8]) -> Option<Picture> {
    let (_, bytes) = bytes.split_at_checked(4)?;
    let (media_type, bytes) = counted(bytes)?;
    let (_, bytes) = counted(bytes)?;
    let size: [u8; 4] = bytes.get(16..20)?.try_into().ok()?;
    let media_type = tags::text_of(media_type).chars().take(100).collect();
    Some(Picture { media_type, size_bytes: u32::from_be_bytes(size).into() })
}

/// What follows a length, and the rest.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, bytes) = bytes.split_first_chunk()?;
    bytes.split_at_checked(u32::from_be_bytes(*length) as usize)
}

struct Flac {
    reader: FlacReader<BufReader<Sample>>,
    channels: u32,
    scale: f64,
    buffer: Vec<i32>,
}

impl Source for Flac {
    fn next(&mut self, samples: &mut Vec<f32>) -> Result<(), Failure> {
        samples.clear();
        let buffer = std::mem::take(&mut self.buffer);
        let block = self.reader.blocks().read_next_or_eof(buffer);
        let Some(block) = block.map_err(|error| Failure::new(error.to_string()))? else { return Ok(()) };
        if block.channels() != self.channels {
            return Err(Failure::new("the number of channels changes within the file"));
        }
        let channels: Vec<_> = (0..self.channels).map(|it| block.channel(it)).collect();
        for at in 0..block.duration() as usize {
            samples.extend(channels.iter().map(|it| (f64::from(it[at]) * self.scale) as f32));
        }
        self.buffer = block.into_buffer();
        Ok(())
    }
}
