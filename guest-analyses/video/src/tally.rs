//! What is counted of samples as they go by in decode order: bits by second, samples, keyframes.
//!
//! Samples come as runs of equals, never one by one where the file does not spell them out: a count of four billion
//! costs as much as a count of one. A sample that the file does not hold in full takes time but has no bits.

use crate::fault::Fault;

/// Longest time that is counted second by second: a week.
pub const SECONDS_MAX: u64 = 7 * 24 * 60 * 60;
/// Keyframes remembered, 32 bytes each; the ones after are only counted.
pub const KEYFRAMES_MAX: usize = 1 << 20;
/// Numbers up to here survive JSON readers that know only doubles.
const JSON_INTEGER_MAX: u64 = (1 << 53) - 1;

/// Samples that lie side by side in the file and differ in nothing but their place and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub count: u64,
    /// Of each, in ticks of its track.
    pub duration: u32,
    /// By how many ticks each is shown after its decode time.
    pub composition: i32,
    /// Of each, in bytes.
    pub size: u32,
    /// Of the first.
    pub offset: u64,
    /// Which sample description, from 1.
    pub description: u32,
    pub is_key: bool,
}

/// A sample that can be decoded without any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyframe {
    /// Decode time, in ticks.
    pub time: u64,
    pub composition: i32,
    pub offset: u64,
    pub size: u32,
    pub description: u32,
}

/// Bits by second, of all tracks together.
#[derive(Debug, Default)]
pub struct BitRate(Vec<u64>);

impl BitRate {
    /// Second 0 first.
    pub fn seconds(&self) -> &[u64] {
        &self.0
    }

    /// Adds `count` samples from `time` on, in steps as long as `run` says.
    fn add(&mut self, run: &Run, count: u64, (mut time, timescale): (u64, u32)) -> Result<(), Fault> {
        let (ticks, duration) = (u64::from(timescale.max(1)), u64::from(run.duration));
        let mut left = count;
        while left > 0 {
            let second = time / ticks;
            if second >= SECONDS_MAX {
                return Err(Fault::TooMuch { what: "seconds of samples", max: SECONDS_MAX });
            }
            let room = ticks - time % ticks;
            let here = if duration == 0 { left } else { room.div_ceil(duration).min(left) };
            let bits = here.saturating_mul(u64::from(run.size)).saturating_mul(8);
            self.add_to(second, bits);
            time = time.saturating_add(here.saturating_mul(duration));
            left -= here;
        }
        Ok(())
    }

    fn add_to(&mut self, second: u64, bits: u64) {
        let index = usize::try_from(second).expect("seconds stay below SECONDS_MAX");
        if index >= self.0.len() {
            self.0.resize(index + 1, 0);
        }
        self.0[index] = self.0[index].saturating_add(bits).min(JSON_INTEGER_MAX);
    }
}

/// The keyframes of a track: all are counted, the first [`KEYFRAMES_MAX`] are known.
#[derive(Debug, Default)]
pub struct Keyframes {
    pub count: u64,
    pub known: Vec<Keyframe>,
}

impl Keyframes {
    fn add(&mut self, run: &Run, count: u64, time: u64) {
        self.count = self.count.saturating_add(count);
        let Run { composition, offset, size, description, .. } = *run;
        let mut keyframe = Keyframe { time, composition, offset, size, description };
        for _ in 0..count {
            if self.known.len() >= KEYFRAMES_MAX {
                return;
            }
            self.known.push(keyframe);
            keyframe.time = keyframe.time.saturating_add(u64::from(run.duration));
            keyframe.offset = keyframe.offset.saturating_add(u64::from(run.size));
        }
    }
}

/// What is counted of one track.
#[derive(Debug)]
pub struct Tally {
    timescale: u32,
    file_bytes: u64,
    /// Decode time of the next sample, in ticks.
    pub time: u64,
    /// All durations together; less than `time` when there are gaps.
    pub ticks: u64,
    pub samples: u64,
    /// Of these, how many the file does not hold.
    pub samples_missing: u64,
    /// Of a track whose keyframes matter.
    pub keyframes: Option<Keyframes>,
}

impl Tally {
    /// For a track of a file of `file_bytes`.
    pub fn new(timescale: u32, file_bytes: u64, keyframes: Option<Keyframes>) -> Self {
        Self { timescale, file_bytes, time: 0, ticks: 0, samples: 0, samples_missing: 0, keyframes }
    }

    /// Leaves a gap up to `time`. Time does not run backwards, whatever a fragment says.
    pub fn wait_until(&mut self, time: u64) {
        self.time = self.time.max(time);
    }

    /// Counts the samples that come next.
    pub fn add(&mut self, run: &Run, rate: &mut BitRate) -> Result<(), Fault> {
        let present = self.present(run);
        rate.add(run, present, (self.time, self.timescale))?;
        if let Some(keyframes) = &mut self.keyframes
            && run.is_key
        {
            keyframes.add(run, present, self.time);
        }
        let ticks = run.count.saturating_mul(u64::from(run.duration));
        self.time = self.time.saturating_add(ticks);
        self.ticks = self.ticks.saturating_add(ticks);
        self.samples = self.samples.saturating_add(run.count);
        self.samples_missing = self.samples_missing.saturating_add(run.count - present);
        Ok(())
    }

    /// How many samples of the run end before the file does.
    fn present(&self, run: &Run) -> u64 {
        match (self.file_bytes.checked_sub(run.offset), u64::from(run.size)) {
            (None, _) => 0,
            (Some(_), 0) => run.count,
            (Some(room), size) => run.count.min(room / size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = Run { count: 1, duration: 10, composition: 0, size: 1, offset: 0, description: 1, is_key: true };

    fn tally(runs: &[Run]) -> Result<(Tally, Vec<u64>), Fault> {
        let mut tally = Tally::new(100, 1000, Some(Keyframes::default()));
        let mut rate = BitRate::default();
        runs.iter().try_for_each(|run| tally.add(run, &mut rate))?;
        Ok((tally, rate.0))
    }

    #[test]
    fn a_sample_counts_where_its_decode_time_falls() {
        let runs = [Run { count: 25, ..RUN }, Run { duration: 300, ..RUN }, RUN];
        let (tally, rate) = tally(&runs).unwrap();
        assert_eq!(rate, [80, 80, 48, 0, 0, 8]);
        assert_eq!((tally.samples, tally.ticks), (27, 560));
    }

    #[test]
    fn a_duration_that_does_not_divide_a_second_starts_where_it_starts() {
        // Starts at 0, 30, 60, 90 | 120, 150, 180.
        assert_eq!(tally(&[Run { count: 7, duration: 30, ..RUN }]).unwrap().1, [32, 24]);
    }

    #[test]
    fn samples_past_the_end_of_the_file_take_time_but_have_no_bits() {
        let (tally, rate) = tally(&[Run { count: 10, size: 300, offset: 100, ..RUN }, RUN]).unwrap();
        assert_eq!(rate, [3 * 2400, 8]);
        assert_eq!((tally.samples, tally.samples_missing), (11, 7));
        assert_eq!(tally.keyframes.unwrap().known.iter().map(|it| it.offset).collect::<Vec<_>>(), [100, 400, 700, 0]);
    }

    #[test]
    fn enormous_counts_cost_little_and_are_refused_only_for_their_time() {
        let (many, _) = tally(&[Run { count: u64::MAX, duration: 0, size: 0, ..RUN }]).unwrap();
        assert_eq!(many.keyframes.unwrap().known.len(), KEYFRAMES_MAX);
        assert!(tally(&[Run { count: u64::MAX, duration: 0, size: u32::MAX, ..RUN }]).is_ok());
        assert!(tally(&[Run { count: u64::MAX, duration: u32::MAX, size: 0, ..RUN }]).is_err());
    }

    #[test]
    fn the_last_second_allowed_is_the_last() {
        let mut tally = Tally::new(1, 1000, None);
        tally.wait_until(SECONDS_MAX - 1);
        let mut rate = BitRate::default();
        tally.add(&Run { duration: 1, ..RUN }, &mut rate).unwrap();
        assert_eq!(rate.0.len() as u64, SECONDS_MAX);
        assert!(tally.add(&RUN, &mut rate).is_err());
    }
}
