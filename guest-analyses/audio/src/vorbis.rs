//! Vorbis in Ogg (RFC 3533, RFC 5334).

use std::io::BufReader;

use belljar_sdk::BLOCK_BYTES;
use belljar_sdk::Failure;
use belljar_sdk::Sample;
use ebur128::Channel;
use lewton::audio::PreviousWindowRight;
use lewton::audio::read_audio_packet_generic;
use lewton::header::IdentHeader;
use lewton::header::SetupHeader;
use lewton::header::read_header_ident;
use lewton::header::read_header_setup;
use lewton::samples::InterleavedSamples;
use ogg::Packet;
use ogg::PacketReader;

use crate::codebooks;
use crate::sound::Facts;
use crate::sound::Sound;
use crate::sound::Source;
use crate::sound::usual_speakers;
use crate::tags;

/// A packet that is longer is none: a second of sound is some 60 KiB at most.
const PACKET_BYTES_MAX: usize = 4 << 20;

type Packets = PacketReader<BufReader<Sample>>;

pub fn open(sample: Sample) -> Result<Sound, Failure> {
    let mut packets = PacketReader::new(BufReader::with_capacity(BLOCK_BYTES, sample));
    let first = packets.read_packet_expected().map_err(|error| unreadable(&error))?;
    let ident = match first.data.as_slice() {
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => {
            read_header_ident(&first.data).map_err(|error| unreadable(&error))?
        }
        _ => {
            return Err(Failure::new(format!(
                "this Ogg file has {} in it, which is not decoded here",
                codec(&first.data)
            )));
        }
    };
    let serial = first.stream_serial();
    let comments = header(&mut packets, serial)?.data;
    let setup = header(&mut packets, serial)?;
    if !codebooks::fit(&setup.data) {
        return Err(Failure::new("this Ogg Vorbis file cannot be read: its code books are broken, or too large"));
    }
    let block_sizes = (ident.blocksize_0, ident.blocksize_1);
    let setup =
        read_header_setup(&setup.data, ident.audio_channels, block_sizes).map_err(|error| unreadable(&error))?;
    if ident.audio_sample_rate == 0 {
        return Err(Failure::new("this Vorbis file does not say how many samples a second has"));
    }
    let facts = Facts {
        format: "ogg",
        codec: "vorbis",
        sample_rate_hz: ident.audio_sample_rate,
        speakers: speakers(ident.audio_channels.into()),
        bits_per_sample: None,
        claimed_frames: None,
        // Type and name come first; the decoder would believe every length.
        tags: tags::of_comment_bytes(comments.get(7..).unwrap_or(&[])),
        pictures: Vec::new(),
    };
    let source = Vorbis { packets, serial, ident, setup, window: PreviousWindowRight::new(), frames: 0 };
    Ok(Sound { facts, source: Box::new(source) })
}

fn unreadable(error: &impl std::fmt::Display) -> Failure {
    Failure::new(format!("this Ogg Vorbis file cannot be read: {error}"))
}

/// The next one of the stream, which begins with three headers.
fn header(packets: &mut Packets, serial: u32) -> Result<Packet, Failure> {
    loop {
        let packet = packets.read_packet_expected().map_err(|error| unreadable(&error))?;
        if packet.stream_serial() == serial {
            return Ok(packet);
        }
    }
}

/// What else comes in Ogg, by its first packet.
fn codec(first: &[u8]) -> &'static str {
    const MARKS: [(&[u8], &str); 5] = [
        (b"OpusHead", "Opus"),
        (b"\x7fFLAC", "FLAC"),
        (b"Speex   ", "Speex"),
        (b"\x80theora", "Theora"),
        (b"fishead\0", "a skeleton of several streams"),
    ];
    MARKS.iter().find(|it| first.starts_with(it.0)).map_or("a stream of another kind", |it| it.1)
}

/// The order of channels in Vorbis (section 4.3.9 of its specification).
fn speakers(channels: usize) -> Vec<Channel> {
    use Channel::Center;
    use Channel::Left;
    use Channel::LeftSurround;
    use Channel::Mp180;
    use Channel::Right;
    use Channel::RightSurround;
    use Channel::Unused;
    match channels {
        3 => vec![Left, Center, Right],
        5 => vec![Left, Center, Right, LeftSurround, RightSurround],
        6 => vec![Left, Center, Right, LeftSurround, RightSurround, Unused],
        7 => vec![Left, Center, Right, LeftSurround, RightSurround, Mp180, Unused],
        8 => vec![Left, Center, Right, LeftSurround, RightSurround, LeftSurround, RightSurround, Unused],
        _ => usual_speakers(channels),
    }
}

struct Vorbis {
    packets: Packets,
    serial: u32,
    ident: IdentHeader,
    setup: SetupHeader,
    window: PreviousWindowRight,
    /// Decoded so far.
    frames: u64,
}

impl Source for Vorbis {
    fn next(&mut self, samples: &mut Vec<f32>) -> Result<(), Failure> {
        samples.clear();
        // The first packet gives none: each overlaps with the one before.
        while samples.is_empty() {
            let told = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
            let Some(packet) = self.packets.read_packet().map_err(|error| told(&error))? else { return Ok(()) };
            if packet.stream_serial() != self.serial {
                if packet.first_in_stream() {
                    return Err(Failure::new("another stream begins, which is not decoded here"));
                }
                continue;
            }
            if packet.data.len() > PACKET_BYTES_MAX {
                return Err(Failure::new("a packet is too long to be sound"));
            }
            let decoded: InterleavedSamples<f32> =
                read_audio_packet_generic(&self.ident, &self.setup, &packet.data, &mut self.window)
                    .map_err(|error| told(&error))?;
            *samples = decoded.samples;
            self.count(&packet, samples);
        }
        Ok(())
    }
}

impl Vorbis {
    /// The last page says how long the sound is, which seldom ends where a packet does.
    fn count(&mut self, packet: &Packet, samples: &mut Vec<f32>) {
        let channels = usize::from(self.ident.audio_channels);
        if packet.last_in_stream() {
            let left = packet.absgp_page().saturating_sub(self.frames);
            samples.truncate(usize::try_from(left).unwrap_or(usize::MAX).saturating_mul(channels));
        }
        self.frames += (samples.len() / channels) as u64;
    }
}
