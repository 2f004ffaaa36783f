//! Sample descriptions (`stsd`): which codec, how large a picture, and whether it is encrypted.

use crate::boxes;
use crate::boxes::Child;
use crate::boxes::Children;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::fields::FourCc;
use crate::track::Kind;

/// Bytes of a visual entry before its boxes.
pub const VISUAL_BYTES: usize = 78;
/// Bytes of an audio entry of version 0 before its boxes.
const AUDIO_BYTES: usize = 28;

/// What the first entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The one below the encryption, where there is one.
    pub codec: FourCc,
    pub is_encrypted: bool,
    pub size: Option<(u32, u32)>,
    /// Bytes that one moment of all channels takes, for audio without a codec.
    pub pcm_bytes: Option<u32>,
}

impl Description {
    /// Of the first entry of that `stsd`; none when it has no entry.
    pub fn of(stsd: &[u8], kind: Kind) -> Result<Option<Self>, Fault> {
        let Some(entry) = entries(stsd)?.next().transpose()? else { return Ok(None) };
        let inner = match kind {
            Kind::Video => VISUAL_BYTES,
            Kind::Audio => AUDIO_BYTES,
            Kind::Other => 8,
        };
        let is_encrypted = matches!(&entry.kind.0, b"encv" | b"enca" | b"enct" | b"encs" | b"drmi" | b"drms");
        let original = if is_encrypted { original(entry.payload.get(inner..).unwrap_or_default()) } else { None };
        Ok(Some(Self {
            codec: original.unwrap_or(entry.kind),
            is_encrypted,
            size: if kind == Kind::Video { Some(picture_size(&entry)?) } else { None },
            pcm_bytes: if kind == Kind::Audio { pcm_bytes(&entry) } else { None },
        }))
    }
}

/// The entries of an `stsd`. The count it gives is not asked for: the boxes are there or they are not.
pub fn entries(stsd: &[u8]) -> Result<Children<'_>, Fault> {
    let mut fields = Fields::new(FourCc(*b"stsd"), stsd);
    fields.skip(8)?;
    Ok(Children::of(fields.rest()))
}

fn picture_size(entry: &Child<'_>) -> Result<(u32, u32), Fault> {
    let mut fields = Fields::new(entry.kind, entry.payload);
    fields.skip(24)?;
    Ok((u32::from(fields.u16()?), u32::from(fields.u16()?)))
}

/// The codec that was encrypted (`sinf`/`frma`). Entries that are not laid out as expected just do not tell.
fn original(boxes_of_entry: &[u8]) -> Option<FourCc> {
    let sinf = boxes::find(boxes_of_entry, b"sinf").ok()??;
    let frma = boxes::find(sinf, b"frma").ok()??;
    frma.first_chunk().copied().map(FourCc)
}

/// QuickTime says that samples of such audio are of one byte, and means this many.
fn pcm_bytes(entry: &Child<'_>) -> Option<u32> {
    let is_pcm = matches!(&entry.kind.0, b"raw " | b"twos" | b"sowt" | b"in24" | b"in32" | b"fl32" | b"fl64");
    if !is_pcm {
        return None;
    }
    let mut fields = Fields::new(entry.kind, entry.payload);
    fields.skip(16).ok()?;
    let (channels, bits) = (fields.u16().ok()?, fields.u16().ok()?);
    let bits = match &entry.kind.0 {
        b"in24" => 24,
        b"in32" | b"fl32" => 32,
        b"fl64" => 64,
        _ => u32::from(bits),
    };
    Some((u32::from(channels) * (bits / 8)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::boxed;

    fn stsd(entry: &[u8]) -> Vec<u8> {
        [&[0; 7], &[1u8][..], entry].concat()
    }

    #[test]
    fn an_encrypted_entry_names_what_it_hides() {
        let sinf = boxed(b"sinf", &[&boxed(b"frma", &[b"avc1"])]);
        let stsd = stsd(&boxed(b"encv", &[&[0; VISUAL_BYTES], &sinf]));
        let description = Description::of(&stsd, Kind::Video).unwrap().unwrap();
        assert_eq!((description.codec, description.is_encrypted), (FourCc(*b"avc1"), true));
        let bare = Description::of(&self::stsd(&boxed(b"encv", &[&[0; 40]])), Kind::Video).unwrap().unwrap();
        assert_eq!((bare.codec, bare.is_encrypted), (FourCc(*b"encv"), true));
    }

    #[test]
    fn audio_without_a_codec_tells_its_width() {
        let mut entry = [0; AUDIO_BYTES];
        (entry[17], entry[19]) = (2, 16);
        let bytes = |codec| Description::of(&stsd(&boxed(codec, &[&entry])), Kind::Audio).unwrap().unwrap().pcm_bytes;
        assert_eq!(bytes(b"sowt"), Some(4));
        assert_eq!(bytes(b"in24"), Some(6));
        assert_eq!(bytes(b"mp4a"), None);
    }

    #[test]
    fn no_entry_is_no_description_and_a_short_one_is_a_fault() {
        assert_eq!(Description::of(&[0; 8], Kind::Video).unwrap(), None);
        assert!(Description::of(&[0; 7], Kind::Video).is_err());
        assert!(Description::of(&stsd(&boxed(b"avc1", &[&[0; 20]])), Kind::Video).is_err());
    }
}
