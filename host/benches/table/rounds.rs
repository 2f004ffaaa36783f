//! Medians of rounds in which everything compared takes its turn, so that a noisy minute falls on all alike.

/// Does every measurement once per round, in turn; gives the median of each.
pub(crate) fn in_turn<const N: usize>(
    rounds: usize,
    mut measures: [&mut dyn FnMut() -> anyhow::Result<f64>; N],
) -> anyhow::Result<[f64; N]> {
    let mut figures: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        for (measure, figures) in measures.iter_mut().zip(&mut figures) {
            figures.push(measure()?);
        }
    }
    Ok(figures.map(median))
}

/// The middle one; 0 of none.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// A count as a number to reckon with.
#[expect(clippy::as_conversions, reason = "no count here comes near 2^53")]
pub(crate) fn real(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}
