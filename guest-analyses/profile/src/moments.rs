//! Mean and standard deviation in one pass, after Welford.

#[derive(Debug, Default)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    pub fn add(&mut self, number: f64) {
        self.count += 1;
        let before = number - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (number - self.mean);
    }

    /// `None` without a number, or when it is beyond what a float can hold.
    pub fn mean(&self) -> Option<f64> {
        Some(self.mean).filter(|mean| self.count > 0 && mean.is_finite())
    }

    /// Of a sample, with n - 1; `None` below two numbers.
    pub fn deviation(&self) -> Option<f64> {
        let rest = self.count.checked_sub(1).filter(|rest| *rest > 0)?;
        Some((self.squares / rest as f64).sqrt()).filter(|deviation| deviation.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> (Option<f64>, Option<f64>) {
        let mut moments = Moments::default();
        numbers.iter().for_each(|number| moments.add(*number));
        (moments.mean(), moments.deviation())
    }

    #[test]
    fn mean_and_deviation() {
        assert_eq!(of(&[]), (None, None));
        assert_eq!(of(&[3.0]), (Some(3.0), None));
        assert_eq!(of(&[1.0, 2.0, 3.0]), (Some(2.0), Some(1.0)));
        assert_eq!(of(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]), (Some(1e9 + 2.0), Some(1.0)));
        assert_eq!(of(&[f64::MAX, f64::MIN, f64::MAX]).1, None);
    }
}
