//! MPEG audio, layer III.

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use nanomp3::Options;
use nanomp3::Reader;

use crate::id3;
use crate::sound::Facts;
use crate::sound::Sound;
use crate::sound::Source;
use crate::sound::usual_speakers;

pub fn open(mut sample: Sample) -> Result<Sound, Failure> {
    let (tags, pictures) = id3::read(&mut sample)?;
    let cannot = |error| Failure::new(format!("this MP3 file cannot be read: {error}"));
    // Its length need not be known before.
    let reader = Reader::with_options(sample, Options::default().skip_scan(true)).map_err(cannot)?;
    let (Some(channels), sample_rate_hz @ 1..) = (reader.channels(), reader.sample_rate()) else {
        return Err(Failure::new("there is no frame of MP3 in this file"));
    };
    let facts = Facts {
        format: "mp3",
        codec: "mp3",
        sample_rate_hz,
        speakers: usual_speakers(channels.num().into()),
        bits_per_sample: None,
        claimed_frames: reader.total_samples(),
        tags,
        pictures,
    };
    Ok(Sound { facts, source: Box::new(Mp3(reader)) })
}

struct Mp3(Reader<Sample>);

impl Source for Mp3 {
    fn next(&mut self, samples: &mut Vec<f32>) -> Result<(), Failure> {
        samples.clear();
        if let Some(decoded) = self.0.read_frame()? {
            samples.extend_from_slice(decoded);
        }
        Ok(())
    }
}
