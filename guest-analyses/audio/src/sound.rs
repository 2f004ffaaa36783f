//! A sound as a stream of samples, whatever file it came in: which format a file has, and what every format has to tell.

use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use ebur128::Channel;

use crate::flac;
use crate::id3;
use crate::mp3;
use crate::tags::Picture;
use crate::tags::Tag;
use crate::vorbis;
use crate::wav;

/// What the headers of a file say, and where its samples come from.
pub struct Sound {
    pub facts: Facts,
    pub source: Box<dyn Source>,
}

pub struct Facts {
    pub format: &'static str,
    pub codec: &'static str,
    pub sample_rate_hz: u32,
    /// Where each channel is heard from.
    pub speakers: Vec<Channel>,
    /// None where the codec keeps no samples but what they are made of.
    pub bits_per_sample: Option<u32>,
    /// What the headers say there is of each channel, if they do.
    pub claimed_frames: Option<u64>,
    pub tags: Vec<Tag>,
    pub pictures: Vec<Picture>,
}

impl Facts {
    pub fn channels(&self) -> usize {
        self.speakers.len()
    }

    /// The least value that cannot be exceeded, or is not meant to be: a sample of so much may have been cut to it.
    pub fn full_scale(&self) -> f32 {
        match self.bits_per_sample {
            Some(bits @ 2..=24) if self.codec != "float" => 1.0 - 0.5_f32.powi(bits as i32 - 1),
            _ => 1.0,
        }
    }
}

/// Decodes as it is asked to.
pub trait Source {
    /// Replaces `samples` by the next ones, the channels by turns, from -1 to 1; by none at the end.
    fn next(&mut self, samples: &mut Vec<f32>) -> Result<(), Failure>;
}

/// Finds out by its first bytes what a file is, and reads its headers.
pub fn open(mut sample: Sample) -> Result<Sound, Failure> {
    let mut head = head_at(&mut sample, 0)?;
    let tagged_bytes = nanomp3::id3v2_len(&head) as u64;
    if tagged_bytes > 0 {
        head = head_at(&mut sample, tagged_bytes)?;
    }
    match &head {
        [b'R', b'I' | b'F', b'F' | b'6', b'F' | b'4', _, _, _, _, b'W', b'A', b'V', b'E'] => wav::open(sample),
        [b'f', b'L', b'a', b'C', ..] => {
            let (tags, pictures) = id3::read(&mut sample)?;
            flac::open(sample, tagged_bytes, (tags, pictures))
        }
        [b'O', b'g', b'g', b'S', ..] => vorbis::open(sample),
        _ if nanomp3::detect_reader(&mut sample)? => mp3::open(sample),
        _ => Err(Failure::new("this is no sound of a kind that is known here: WAV, FLAC, Ogg Vorbis, MP3")),
    }
}

/// Twelve bytes, of which those are 0 that are not there.
fn head_at(sample: &mut Sample, offset: u64) -> Result<[u8; 12], Failure> {
    let mut head = Vec::new();
    sample.seek(SeekFrom::Start(offset))?;
    sample.by_ref().take(12).read_to_end(&mut head)?;
    sample.seek(SeekFrom::Start(0))?;
    head.resize(12, 0);
    Ok(head.as_slice().try_into()?)
}

/// The order of channels that WAV has where it says nothing, and that FLAC has.
pub fn usual_speakers(channels: usize) -> Vec<Channel> {
    use Channel::Center;
    use Channel::Left;
    use Channel::LeftSurround;
    use Channel::Mp180;
    use Channel::Right;
    use Channel::RightSurround;
    use Channel::Unused;
    let front = [Left, Right, Center];
    match channels {
        1 => vec![Center],
        2 | 3 => front[..channels].to_vec(),
        4 => vec![Left, Right, LeftSurround, RightSurround],
        5 => vec![Left, Right, Center, LeftSurround, RightSurround],
        6 => vec![Left, Right, Center, Unused, LeftSurround, RightSurround],
        7 => vec![Left, Right, Center, Unused, Mp180, LeftSurround, RightSurround],
        8 => vec![Left, Right, Center, Unused, LeftSurround, RightSurround, LeftSurround, RightSurround],
        // Nobody says what they are.
        _ => vec![Center; channels],
    }
}
