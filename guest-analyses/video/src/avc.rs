//! H.264: which keyframes are clean cuts.
//!
//! A writer may mark pictures that one can start at and that still count on from the picture before (open groups of
//! pictures). One after the other, with nothing in between, a decoder rejects those; IDR pictures count from zero.

use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use crate::boxes;
use crate::fault::Fault;
use crate::stsd;
use crate::tally::Keyframe;

/// Units of a sample that are looked at; a few come before the picture.
const UNITS_MAX: usize = 64;
const SLICES: std::ops::RangeInclusive<u8> = 1..=4;
const IDR_SLICE: u8 = 5;

/// Of each sample description, how many bytes the length of a unit has; none where it is not H.264.
#[derive(Debug)]
pub struct Cuts(Vec<Option<usize>>);

impl Cuts {
    /// Those of that `stsd`.
    pub fn of(stsd: &[u8]) -> Result<Self, Fault> {
        let length_bytes = |entry: boxes::Child<'_>| {
            let is_avc = matches!(&entry.kind.0, b"avc1" | b"avc2" | b"avc3" | b"avc4");
            let boxes_of_entry = entry.payload.get(stsd::VISUAL_BYTES..).filter(|_| is_avc)?;
            let avcc = boxes::find(boxes_of_entry, b"avcC").ok()??;
            Some(usize::from(avcc.get(4)? & 3) + 1)
        };
        stsd::entries(stsd)?.map(|entry| Ok(length_bytes(entry?))).collect::<Result<_, _>>().map(Self)
    }

    /// The clean cuts among `keyframes`; the first of all where none is, as it has nothing before it.
    pub fn among(&self, keyframes: &[Keyframe], source: &mut (impl Read + Seek)) -> Result<Vec<Keyframe>, Fault> {
        let mut clean = Vec::new();
        for keyframe in keyframes {
            if self.is_clean(keyframe, source)? {
                clean.push(*keyframe);
            }
        }
        if clean.is_empty() {
            clean.extend(keyframes.first());
        }
        Ok(clean)
    }

    fn is_clean(&self, keyframe: &Keyframe, source: &mut (impl Read + Seek)) -> Result<bool, Fault> {
        let description = usize::try_from(keyframe.description).unwrap_or(usize::MAX).wrapping_sub(1);
        let Some(length_bytes) = self.0.get(description).copied().flatten() else { return Ok(true) };
        let head = u64::try_from(length_bytes).unwrap_or(u64::MAX);
        let mut at = 0;
        for _ in 0..UNITS_MAX {
            if at + head >= u64::from(keyframe.size) {
                return Ok(false);
            }
            source.seek(SeekFrom::Start(keyframe.offset.saturating_add(at)))?;
            let mut unit = [0; 5];
            source.read_exact(&mut unit[..=length_bytes])?;
            let length = unit[..length_bytes].iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
            match unit[length_bytes] & 31 {
                IDR_SLICE if length > 0 => return Ok(true),
                kind if length > 0 && SLICES.contains(&kind) => return Ok(false),
                _ => at += head + length,
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::mux::boxed;

    fn clean(codec: &[u8; 4], samples: &[&[u8]]) -> Vec<u64> {
        let avcc = boxed(b"avcC", &[&[1, 0, 0, 0, 0xFD]]);
        let stsd = [&[0; 7], &[1][..], &boxed(codec, &[&[0; stsd::VISUAL_BYTES], &avcc])].concat();
        let mut offset = 0;
        let keyframes: Vec<_> = samples
            .iter()
            .map(|sample| {
                let size = sample.len() as u32;
                let keyframe = Keyframe { time: 0, composition: 0, offset, size, description: 1 };
                offset += u64::from(size);
                keyframe
            })
            .collect();
        let found = Cuts::of(&stsd).unwrap().among(&keyframes, &mut Cursor::new(samples.concat())).unwrap();
        found.iter().map(|it| it.offset).collect()
    }

    #[test]
    fn idr_pictures_are_clean_cuts() {
        let idr: &[u8] = &[0, 2, 0x06, 0xFF, 0, 0, 0, 3, 0x65, 1, 1];
        let open: &[u8] = &[0, 2, 0x06, 0xFF, 0, 3, 0x41, 5, 5];
        let cut_off: &[u8] = &[0, 0, 0, 0];
        assert_eq!(clean(b"avc1", &[open, idr, cut_off, idr]), [9, 24]);
        assert_eq!(clean(b"avc3", &[open, open]), [0]);
        assert_eq!(clean(b"hvc1", &[open, idr]), [0, 9]);
        assert!(clean(b"avc1", &[]).is_empty());
    }
}
