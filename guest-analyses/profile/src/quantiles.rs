//! Quantiles of numbers with counts, exactly, by linear interpolation between neighbours (type 7 of Hyndman and Fan).

pub const RANKS: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Quantiles at [`RANKS`] of numbers that each occur that often; `None` without a number.
pub fn exact(mut numbers: Vec<(f64, u64)>) -> Option<[f64; RANKS.len()]> {
    numbers.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let total: u64 = numbers.iter().map(|(_, count)| count).sum();
    let last = total.checked_sub(1)?;
    Some(RANKS.map(|rank| {
        let place = rank * last as f64;
        // At most `last`, and not negative.
        let below = place.floor() as u64;
        let (low, high) = (at(&numbers, below), at(&numbers, (below + 1).min(last)));
        let share = place - place.floor();
        low * (1.0 - share) + high * share
    }))
}

/// The number at that place of the sorted list in which each stands as often as it occurs.
fn at(numbers: &[(f64, u64)], place: u64) -> f64 {
    let mut end = 0;
    let found = numbers.iter().find(|(_, count)| {
        end += count;
        place < end
    });
    found.map_or(f64::NAN, |(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(exact(vec![]), None);
        assert_eq!(exact(vec![(7.0, 1)]), Some([7.0; 5]));
        assert_eq!(exact(vec![(7.0, u64::from(u32::MAX))]), Some([7.0; 5]));
        assert_eq!(exact((0..=100).rev().map(|it| (f64::from(it), 1)).collect()), Some([5.0, 25.0, 50.0, 75.0, 95.0]));
        assert_eq!(exact(vec![(2.0, 1), (1.0, 1)]).unwrap()[2], 1.5);
        assert_eq!(exact(vec![(1.0, 3), (9.0, 1)]).unwrap()[..4], [1.0, 1.0, 1.0, 3.0]);
    }
}
