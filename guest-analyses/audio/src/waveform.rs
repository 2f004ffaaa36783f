//! The course of a sound: how far each channel goes up and down, over time.

use belljar_sdk::Failure;

use crate::columns::Columns;
use crate::columns::Merge;
use crate::picture::Picture;

/// Channels that are drawn, each above the next.
const CHANNELS_MAX: usize = 8;
const LANE_HEIGHT_PX: usize = 128;
/// What goes to the columns at once: they cost more than a sample does.
const STEP_SAMPLES: f32 = 16.0;
const NAME: &str = "waveform.png";

const PALETTE: [[u8; 3]; 5] = [[255, 255, 255], [122, 176, 230], [20, 92, 168], [208, 48, 48], [200, 204, 210]];
const PEAK: u8 = 1;
const MEAN: u8 = 2;
const CLIPPED: u8 = 3;
const AXIS: u8 = 4;

/// What a stretch of one channel comes to.
#[derive(Debug, Clone, Copy)]
struct Extent {
    least: f32,
    most: f32,
    sum_of_squares: f32,
    samples: f32,
}

impl Merge for Extent {
    fn merge(&mut self, other: &Self) {
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.sum_of_squares += other.sum_of_squares;
        self.samples += other.samples;
    }
}

impl Extent {
    const NOTHING: Self = Self { least: f32::INFINITY, most: f32::NEG_INFINITY, sum_of_squares: 0.0, samples: 0.0 };

    fn take(&mut self, sample: f32) {
        self.least = self.least.min(sample);
        self.most = self.most.max(sample);
        self.sum_of_squares += sample * sample;
        self.samples += 1.0;
    }
}

/// Takes samples in.
pub struct Waveform {
    channels: usize,
    full_scale: f32,
    lanes: Vec<Lane>,
}

/// One channel.
struct Lane {
    columns: Columns<Extent>,
    step: Extent,
}

impl Waveform {
    pub fn new(channels: usize, full_scale: f32, width_px: usize) -> Self {
        let lane = |_| Lane { columns: Columns::for_width(width_px), step: Extent::NOTHING };
        Self { channels, full_scale, lanes: (0..channels.min(CHANNELS_MAX)).map(lane).collect() }
    }

    pub fn take(&mut self, samples: &[f32]) {
        for (channel, lane) in self.lanes.iter_mut().enumerate() {
            for sample in samples.iter().skip(channel).step_by(self.channels) {
                lane.step.take(*sample);
                if lane.step.samples == STEP_SAMPLES {
                    lane.columns.push(std::mem::replace(&mut lane.step, Extent::NOTHING));
                }
            }
        }
    }

    pub fn draw(mut self, width_px: usize) -> Result<String, Failure> {
        let mut picture = Picture::new(width_px, LANE_HEIGHT_PX * self.lanes.len());
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            if lane.step.samples > 0.0 {
                lane.columns.push(lane.step);
            }
            for (x, extent) in lane.columns.stretched(width_px).enumerate() {
                column(&mut picture, x, number * LANE_HEIGHT_PX, (extent, self.full_scale));
            }
        }
        picture.write(NAME, &PALETTE)
    }
}

/// From the least to the most, and the root mean square within.
fn column(picture: &mut Picture, x: usize, top: usize, (extent, full_scale): (Extent, f32)) {
    let middle = (LANE_HEIGHT_PX / 2) as f32;
    // A pixel is left free on either side.
    let y = |value: f32| top + (middle - value.clamp(-1.0, 1.0) * (middle - 2.0)) as usize;
    let mean = (extent.sum_of_squares / extent.samples).sqrt();
    let is_clipped = extent.most >= full_scale || extent.least <= -full_scale;
    let peak = if is_clipped { CLIPPED } else { PEAK };
    picture.set(x, y(0.0), AXIS);
    for at in y(extent.most)..=y(extent.least) {
        picture.set(x, at, peak);
    }
    for at in y(mean.min(extent.most))..=y((-mean).max(extent.least)) {
        picture.set(x, at, MEAN);
    }
}
