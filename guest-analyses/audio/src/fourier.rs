//! The discrete Fourier transform of real samples, by Cooley and Tukey, for one length.

/// A power of two.
pub const LENGTH: usize = 2048;

/// Real and imaginary part.
type Complex = (f32, f32);

/// What can be computed before.
pub struct Transform {
    /// For each step the parts of half a turn, as many as it has.
    turns: Vec<Vec<Complex>>,
    /// Where each sample goes: its place with the bits in reverse.
    places: Vec<usize>,
}

impl Transform {
    pub fn new() -> Self {
        let turn = |at: usize, of: usize| {
            let angle = std::f64::consts::PI * at as f64 / of as f64;
            (angle.cos() as f32, -angle.sin() as f32)
        };
        let halves = (0..LENGTH.trailing_zeros()).map(|it| 1 << it);
        let turns = halves.map(|half| (0..half).map(|at| turn(at, half)).collect()).collect();
        let unused_bits = usize::BITS - LENGTH.trailing_zeros();
        let places = (0..LENGTH).map(|at: usize| at.reverse_bits() >> unused_bits).collect();
        Self { turns, places }
    }

    /// The power at each frequency, from 0 to just below half the rate of the samples, of each of the two: one is taken for
    /// the real part, the other for the imaginary, as they can be told apart again.
    pub fn powers(&self, first: &[f32; LENGTH], second: &[f32; LENGTH]) -> [Vec<f32>; 2] {
        let mut values: Vec<Complex> = self.places.iter().map(|it| (first[*it], second[*it])).collect();
        for turns in &self.turns {
            for pair in values.chunks_exact_mut(2 * turns.len()) {
                let (evens, odds) = pair.split_at_mut(turns.len());
                butterflies(evens, odds, turns);
            }
        }
        let mirrored = values[..1].iter().chain(values.iter().rev());
        let pairs = || values[..LENGTH / 2].iter().zip(mirrored.clone());
        let even = pairs().map(|(it, other)| (it.0 + other.0).powi(2) + (it.1 - other.1).powi(2));
        let odd = pairs().map(|(it, other)| (it.1 + other.1).powi(2) + (other.0 - it.0).powi(2));
        [even.map(|it| it / 4.0).collect(), odd.map(|it| it / 4.0).collect()]
    }
}

fn butterflies(evens: &mut [Complex], odds: &mut [Complex], turns: &[Complex]) {
    for ((even, odd), (cos, sin)) in evens.iter_mut().zip(odds).zip(turns) {
        let turned = (odd.0 * cos - odd.1 * sin, odd.0 * sin + odd.1 * cos);
        *odd = (even.0 - turned.0, even.1 - turned.1);
        *even = (even.0 + turned.0, even.1 + turned.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_that_defines_it() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        };
        let both: [[f32; LENGTH]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| noise()));
        let powers = Transform::new().powers(&both[0], &both[1]);
        for (samples, power) in both.iter().zip(powers) {
            for bin in [0, 1, 2, 77, 512, 1023] {
                let (mut re, mut im) = (0.0, 0.0);
                for (at, sample) in samples.iter().enumerate() {
                    let angle = std::f64::consts::TAU * (bin * at) as f64 / LENGTH as f64;
                    re += f64::from(*sample) * angle.cos();
                    im -= f64::from(*sample) * angle.sin();
                }
                let (found, expected) = (f64::from(power[bin]), re * re + im * im);
                assert!((found - expected).abs() < 1e-3 * expected.max(1.0), "{bin}: {found} {expected}");
            }
        }
    }
}
