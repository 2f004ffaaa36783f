//! Which frequencies a sound has, over time.

use belljar_sdk::Failure;

use crate::columns::Columns;
use crate::columns::Merge;
use crate::fourier;
use crate::fourier::Transform;
use crate::picture::Picture;

const WINDOW_FRAMES: usize = fourier::LENGTH;
const HOP_FRAMES: usize = WINDOW_FRAMES / 2;
/// Two windows, half over each other: they are transformed together.
const BUFFER_FRAMES: usize = WINDOW_FRAMES + HOP_FRAMES;
pub const HEIGHT_PX: usize = 256;
/// Frequencies that share a row: the strongest counts.
const BINS_PER_ROW: usize = WINDOW_FRAMES / 2 / HEIGHT_PX;
/// What is black; a sine at full scale has 0 and the brightest colour.
pub const FLOOR_DB: f32 = -120.0;
const NAME: &str = "spectrogram.png";
/// Of the palette, from the least to the most, evenly spread.
const COLORS: [[f32; 3]; 6] = [
    [0.0, 0.0, 4.0],
    [59.0, 15.0, 112.0],
    [140.0, 41.0, 129.0],
    [222.0, 73.0, 104.0],
    [254.0, 159.0, 109.0],
    [252.0, 253.0, 191.0],
];

/// Power by row, the lowest frequency first, of so many windows together.
#[derive(Debug, Clone)]
struct Spectrum {
    power: Vec<f32>,
    windows: f32,
}

impl Merge for Spectrum {
    fn merge(&mut self, other: &Self) {
        self.power.iter_mut().zip(&other.power).for_each(|(sum, it)| *sum += it);
        self.windows += other.windows;
    }
}

/// Takes samples in.
pub struct Spectrogram {
    channels: usize,
    /// The window of Hann.
    window: Vec<f32>,
    fourier: Transform,
    /// The mean of all channels, up to two windows.
    frames: Vec<f32>,
    columns: Columns<Spectrum>,
    /// Whether anything is in `frames` that was in no window yet.
    is_fresh: bool,
}

impl Spectrogram {
    pub fn new(channels: usize, width_px: usize) -> Self {
        let turn = std::f64::consts::TAU / WINDOW_FRAMES as f64;
        let window = (0..WINDOW_FRAMES).map(|at| (0.5 - 0.5 * (turn * at as f64).cos()) as f32).collect();
        let (frames, columns) = (Vec::with_capacity(BUFFER_FRAMES), Columns::for_width(width_px));
        Self { channels, window, fourier: Transform::new(), frames, columns, is_fresh: false }
    }

    pub fn take(&mut self, samples: &[f32]) {
        let share = 1.0 / self.channels as f32;
        let mut frames = samples.chunks_exact(self.channels);
        while frames.len() > 0 {
            let room = BUFFER_FRAMES - self.frames.len();
            self.frames.extend(frames.by_ref().take(room).map(|it| it.iter().sum::<f32>() * share));
            self.is_fresh = true;
            if self.frames.len() == BUFFER_FRAMES {
                self.transform();
                self.frames.drain(..2 * HOP_FRAMES);
                self.is_fresh = false;
            }
        }
    }

    /// What is not there yet is silence.
    fn transform(&mut self) {
        let windowed = |from: usize| {
            let mut frames = [0.0; WINDOW_FRAMES];
            for ((to, frame), weight) in frames.iter_mut().zip(self.frames.iter().skip(from)).zip(&self.window) {
                *to = frame * weight;
            }
            frames
        };
        for mut bins in self.fourier.powers(&windowed(0), &windowed(HOP_FRAMES)) {
            // What is no frequency.
            bins[0] = 0.0;
            let strongest = |row: &[f32]| row.iter().copied().fold(0.0, f32::max);
            let power = bins.chunks_exact(BINS_PER_ROW).map(strongest).collect();
            self.columns.push(Spectrum { power, windows: 1.0 });
        }
    }

    pub fn draw(mut self, width_px: usize) -> Result<String, Failure> {
        if self.is_fresh {
            self.transform();
        }
        let mut picture = Picture::new(width_px, HEIGHT_PX);
        for (x, spectrum) in self.columns.stretched(width_px).enumerate() {
            for (row, power) in spectrum.power.iter().enumerate() {
                picture.set(x, HEIGHT_PX - 1 - row, shade(power / spectrum.windows));
            }
        }
        picture.write(NAME, &palette())
    }
}

/// From 0 for the floor and what is below to 255 for full scale.
fn shade(power: f32) -> u8 {
    // Of a sine at full scale, whose energy Hann's window spreads and halves.
    let full_scale = (WINDOW_FRAMES as f32 / 4.0).powi(2);
    let decibels = 10.0 * (power / full_scale).max(1e-20).log10();
    (255.0 * (1.0 - decibels / FLOOR_DB)).clamp(0.0, 255.0) as u8
}

fn palette() -> Vec<[u8; 3]> {
    let color = |number: usize| {
        let place = number as f32 / 255.0 * (COLORS.len() - 1) as f32;
        let below = (place as usize).min(COLORS.len() - 2);
        let (from, to, share) = (COLORS[below], COLORS[below + 1], place - below as f32);
        [0, 1, 2].map(|it| (from[it] + (to[it] - from[it]) * share) as u8)
    };
    (0..256).map(color).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_at_full_scale_is_as_bright_as_can_be_in_its_row() {
        let mut spectrogram = Spectrogram::new(1, 4);
        // In the middle of a bin of row 32, that of an eighth of the highest frequency.
        let sine = |at: usize| (std::f64::consts::TAU * 130.0 * at as f64 / WINDOW_FRAMES as f64).sin() as f32;
        spectrogram.take(&(0..BUFFER_FRAMES).map(sine).collect::<Vec<_>>());
        let spectrum = spectrogram.columns.stretched(1).next().unwrap();
        let shades: Vec<_> = spectrum.power.iter().map(|it| shade(it / spectrum.windows)).collect();
        assert!(shades[32] >= 254 && shades[30] < 60 && shades[34] < 60, "{shades:?}");
    }

    #[test]
    fn the_palette_goes_from_dark_to_bright() {
        let palette = palette();
        assert_eq!((palette.len(), palette[0], palette[255]), (256, [0, 0, 4], [252, 253, 191]));
    }
}
