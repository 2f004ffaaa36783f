//! The edit list of a track, as far as it says when a picture is shown: what comes before the media, and where that starts.
//!
//! Edits behind the first one of media would cut the film itself; they are not followed.

use crate::boxes;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::fields::FourCc;
use crate::movie::seconds;
use crate::tally::Keyframe;

/// How the time of the media becomes that of the movie.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Edits {
    /// Nothing is shown before.
    wait_s: f64,
    /// Where in the media the movie starts, in ticks of the track.
    media_start: i64,
}

impl Edits {
    /// Those of that `trak` in a movie of that timescale.
    pub fn of(trak: &[u8], movie_timescale: u32) -> Result<Self, Fault> {
        let mut edits = Self::default();
        let Some(elst) = boxes::find(boxes::find(trak, b"edts")?.unwrap_or_default(), b"elst")? else {
            return Ok(edits);
        };
        let mut fields = Fields::new(FourCc(*b"elst"), elst);
        let (version, _) = fields.version_and_flags()?;
        for _ in 0..fields.u32()? {
            let duration = fields.versioned(version)?;
            let media_start = match version {
                0 => i64::from(fields.u32()?.cast_signed()),
                _ => fields.u64()?.cast_signed(),
            };
            fields.skip(4)?;
            if media_start >= 0 {
                edits.media_start = media_start;
                break;
            }
            edits.wait_s += seconds(duration, movie_timescale);
        }
        Ok(edits)
    }

    /// When a keyframe of a track of that timescale is shown, in seconds; below 0 where the movie starts after it.
    pub fn shown_s(&self, keyframe: &Keyframe, timescale: u32) -> f64 {
        let time = i64::try_from(keyframe.time).unwrap_or(i64::MAX);
        let ticks = time.saturating_add(i64::from(keyframe.composition)).saturating_sub(self.media_start);
        let shown_s =
            self.wait_s + seconds(ticks.unsigned_abs(), timescale).copysign(if ticks < 0 { -1.0 } else { 1.0 });
        (shown_s * 1e6).round() / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::boxed;
    use crate::mux::full_boxed;
    use crate::mux::words;

    const KEYFRAME: Keyframe = Keyframe { time: 100, composition: 20, offset: 0, size: 1, description: 1 };

    fn shown_s(count: u32, rows: &[u32]) -> Result<f64, Fault> {
        let elst = full_boxed(b"elst", 0, &[&words([count]), &words(rows.iter().copied())]);
        Ok(Edits::of(&boxed(b"edts", &[&elst]), 1000)?.shown_s(&KEYFRAME, 100))
    }

    #[test]
    fn a_picture_is_shown_after_the_wait_and_from_the_start_of_the_media() {
        assert_eq!(Edits::of(&[], 1000).unwrap().shown_s(&KEYFRAME, 100), 1.2);
        assert_eq!(shown_s(1, &[0, 20, 1]).unwrap(), 1.0);
        assert_eq!(shown_s(1, &[0, 150, 1]).unwrap(), -0.3);
        assert_eq!(shown_s(3, &[500, u32::MAX, 1, 0, 20, 1, 0, 90, 1]).unwrap(), 1.5);
        let large = boxed(b"elst", &[&[1, 0, 0, 0], &words([1, 0, 0, 0, 20, 1])]);
        assert_eq!(Edits::of(&boxed(b"edts", &[&large]), 1000).unwrap().shown_s(&KEYFRAME, 100), 1.0);
    }

    #[test]
    fn a_list_shorter_than_it_says_is_a_fault_and_extremes_are_not() {
        assert!(shown_s(2, &[500, u32::MAX, 1]).is_err());
        let last = Keyframe { time: u64::MAX, composition: i32::MIN, ..KEYFRAME };
        assert!(Edits { wait_s: 1e26, media_start: i64::MAX }.shown_s(&last, 1).is_finite());
    }
}
