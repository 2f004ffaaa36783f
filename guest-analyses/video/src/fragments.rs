//! Movie fragments (`moof`): each adds runs of samples to the tracks of the movie, one fragment after the other.
//!
//! What a run leaves out comes from the track fragment (`tfhd`), and what that leaves out from the movie (`trex`).

use crate::boxes;
use crate::boxes::Children;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::fields::FourCc;
use crate::tally::BitRate;
use crate::tally::Run;
use crate::tally::Tally;
use crate::track::Track;
use crate::track::TrackId;

const BASE_OFFSET: u32 = 0x1;
const DESCRIPTION: u32 = 0x2;
const DEFAULT_DURATION: u32 = 0x8;
const DEFAULT_SIZE: u32 = 0x10;
const DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x2_0000;

const DATA_OFFSET: u32 = 0x1;
const FIRST_FLAGS: u32 = 0x4;
const DURATIONS: u32 = 0x100;
const SIZES: u32 = 0x200;
const FLAGS: u32 = 0x400;
const COMPOSITION: u32 = 0x800;

/// Of the flags of a sample: it needs others to be decoded.
const NOT_KEY: u32 = 0x1_0000;

/// What samples are like when their run does not say.
#[derive(Debug, Clone, Copy, Default)]
struct Defaults {
    description: u32,
    duration: u32,
    size: u32,
    flags: u32,
    /// Only a run says this.
    composition: i32,
}

/// The reader of all fragments of a movie.
#[derive(Debug)]
pub struct Fragments {
    defaults: Vec<(TrackId, Defaults)>,
    start_s: Option<u64>,
}

/// Where in a track fragment the next run starts.
struct Cursor {
    base: u64,
    next: u64,
}

impl Fragments {
    /// For the movie of that `moov`. A movie with samples of its own starts at 0, another where its first fragment does.
    pub fn of(moov: &[u8], tracks: &[Track]) -> Result<Self, Fault> {
        let mut defaults: Vec<(TrackId, Defaults)> = Vec::new();
        for child in Children::of(boxes::find(moov, b"mvex")?.unwrap_or_default()) {
            let child = child?;
            if &child.kind.0 == b"trex" {
                let mut fields = Fields::new(child.kind, child.payload);
                fields.version_and_flags()?;
                let id = TrackId(fields.u32()?);
                let (description, duration) = (fields.u32()?, fields.u32()?);
                let (size, flags) = (fields.u32()?, fields.u32()?);
                // One for each track, so that looking it up stays cheap.
                if tracks.iter().any(|it| it.header.id == id) && defaults.iter().all(|(known, _)| *known != id) {
                    defaults.push((id, Defaults { description, duration, size, flags, composition: 0 }));
                }
            }
        }
        let start_s = tracks.iter().any(|track| track.tally.samples > 0).then_some(0);
        Ok(Self { defaults, start_s })
    }

    /// The decode time, in whole seconds, that counts as 0. Live recordings start anywhere.
    pub fn start_s(&self) -> u64 {
        self.start_s.unwrap_or(0)
    }

    /// Adds the samples of the `moof` whose header is at `start` of the file.
    pub fn add(&mut self, start: u64, moof: &[u8], movie: (&mut [Track], &mut BitRate)) -> Result<(), Fault> {
        let (tracks, rate) = movie;
        let mut previous_end = start;
        for child in Children::of(moof) {
            let child = child?;
            if &child.kind.0 != b"traf" {
                continue;
            }
            let (id, defaults, base) = self.header(boxes::require(child.payload, b"tfhd")?)?;
            let Some(track) = tracks.iter_mut().find(|track| track.header.id == id) else { continue };
            if let Some(tfdt) = boxes::find(child.payload, b"tfdt")? {
                self.wait(tfdt, track)?;
            }
            let base = match base {
                Base::At(offset) => offset,
                Base::Fragment => start,
                Base::Previous => previous_end,
            };
            let mut cursor = Cursor { base, next: base };
            for run in Children::of(child.payload) {
                let run = run?;
                if &run.kind.0 == b"trun" {
                    add_run(run.payload, defaults, &mut cursor, (&mut track.tally, &mut *rate))?;
                }
            }
            previous_end = cursor.next;
        }
        Ok(())
    }

    fn header(&self, tfhd: &[u8]) -> Result<(TrackId, Defaults, Base), Fault> {
        let mut fields = Fields::new(FourCc(*b"tfhd"), tfhd);
        let (_, flags) = fields.version_and_flags()?;
        let id = TrackId(fields.u32()?);
        let known = self.defaults.iter().find(|(track, _)| *track == id).map(|(_, defaults)| *defaults);
        let mut defaults = known.unwrap_or_default();
        let base = match flags {
            flags if flags & BASE_OFFSET != 0 => Base::At(fields.u64()?),
            flags if flags & BASE_IS_MOOF != 0 => Base::Fragment,
            _ => Base::Previous,
        };
        let overrides = [
            (DESCRIPTION, &mut defaults.description),
            (DEFAULT_DURATION, &mut defaults.duration),
            (DEFAULT_SIZE, &mut defaults.size),
            (DEFAULT_FLAGS, &mut defaults.flags),
        ];
        for (flag, member) in overrides {
            if flags & flag != 0 {
                *member = fields.u32()?;
            }
        }
        Ok((id, defaults, base))
    }

    fn wait(&mut self, tfdt: &[u8], track: &mut Track) -> Result<(), Fault> {
        let mut fields = Fields::new(FourCc(*b"tfdt"), tfdt);
        let (version, _) = fields.version_and_flags()?;
        let (time, ticks) = (fields.versioned(version)?, u64::from(track.timescale));
        let start_s = *self.start_s.get_or_insert(time / ticks);
        track.tally.wait_until(time.saturating_sub(start_s.saturating_mul(ticks)));
        Ok(())
    }
}

/// What offsets of a track fragment count from.
enum Base {
    At(u64),
    Fragment,
    /// The end of the data of the track fragment before; of the first, the start of the `moof`.
    Previous,
}

fn add_run(
    trun: &[u8],
    defaults: Defaults,
    cursor: &mut Cursor,
    (tally, rate): (&mut Tally, &mut BitRate),
) -> Result<(), Fault> {
    let mut fields = Fields::new(FourCc(*b"trun"), trun);
    let (_, flags) = fields.version_and_flags()?;
    let count = fields.u32()?;
    if flags & DATA_OFFSET != 0 {
        let offset = i64::from(i32::from_be_bytes(fields.array()?));
        let at = cursor.base.checked_add_signed(offset);
        cursor.next = at.ok_or(fields.malformed("has its data before the start of the file"))?;
    }
    let first_flags = if flags & FIRST_FLAGS != 0 { Some(fields.u32()?) } else { None };
    let mut add = |count: u32, sample: Defaults| {
        let Defaults { description, duration, size, flags, composition } = sample;
        let (count, offset, is_key) = (u64::from(count), cursor.next, flags & NOT_KEY == 0);
        cursor.next = offset.saturating_add(count.saturating_mul(u64::from(size)));
        tally.add(&Run { count, duration, composition, size, offset, description, is_key }, rate)
    };
    let first = Defaults { flags: first_flags.unwrap_or(defaults.flags), ..defaults };
    if flags & (DURATIONS | SIZES | FLAGS | COMPOSITION) == 0 {
        // No sample is spelled out, so that the count has no bytes behind it: it stays a run.
        add(count.min(1), first)?;
        return add(count.saturating_sub(1), defaults);
    }
    for index in 0..count {
        let mut sample = if index == 0 { first } else { defaults };
        let columns = [(DURATIONS, &mut sample.duration), (SIZES, &mut sample.size), (FLAGS, &mut sample.flags)];
        for (flag, member) in columns {
            if flags & flag != 0 {
                *member = fields.u32()?;
            }
        }
        if flags & COMPOSITION != 0 {
            sample.composition = i32::from_be_bytes(fields.array()?);
        }
        if index == 0 {
            sample.flags = first_flags.unwrap_or(sample.flags);
        }
        add(1, sample)?;
    }
    Ok(())
}
