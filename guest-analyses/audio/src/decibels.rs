//! Levels in decibels, as they stand in the result: to a hundredth, and not at all where there is no sound.

/// Of an amplitude, 1 being full scale.
pub fn of_amplitude(amplitude: f64) -> Option<f64> {
    told(20.0 * amplitude.log10())
}

/// One that is a level already.
pub fn told(decibels: f64) -> Option<f64> {
    decibels.is_finite().then(|| round(decibels, 2))
}

/// To so many digits behind the point.
pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    // Zero has no sign in a result.
    (value * scale).round() / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_of_amplitudes_and_nothing_has_none() {
        assert_eq!(of_amplitude(1.0), Some(0.0));
        assert_eq!(of_amplitude(0.5), Some(-6.02));
        assert_eq!(of_amplitude(0.0), None);
        assert_eq!(told(f64::NEG_INFINITY), None);
        assert_eq!(round(-0.000_001, 2).to_bits(), 0);
    }
}
