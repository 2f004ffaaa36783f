//! Files that mean harm, made of one that does not: `hostile::survives(bytes, |sample| …)` in a unit test of the analysis.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use serde::Serialize;

use crate::failure::Failure;
use crate::sample::Sample;

/// A file is cut off at every length up to so many; a longer one at that many lengths in even steps.
const CUTS_MAX: usize = 2048;
/// How many copies with a few bytes changed are tried.
const CHANGED: u64 = 2000;
/// What parsers stumble over.
const EDGES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/// Runs the analysis over that file cut off everywhere, and with bytes changed. Each run must come to a result that is
/// JSON, or to a reason.
///
/// # Panics
/// When the analysis panics, or fails without a reason; the message says over what.
pub fn survives<R: Serialize>(bytes: &[u8], analysis: impl Fn(Sample) -> Result<R, Failure>) {
    let step = bytes.len().div_ceil(CUTS_MAX).max(1);
    for length in (0..bytes.len()).step_by(step) {
        run(&format!("cut off at {length}"), bytes[..length].to_vec(), &analysis);
    }
    for seed in 1..=CHANGED {
        run(&format!("changed by {seed}"), changed(bytes, seed), &analysis);
    }
}

fn run<R: Serialize>(what: &str, bytes: Vec<u8>, analysis: &impl Fn(Sample) -> Result<R, Failure>) {
    let ended = catch_unwind(AssertUnwindSafe(|| analysis(Sample::of_bytes(bytes))));
    match ended {
        Ok(Ok(result)) => assert!(serde_json::to_string(&result).is_ok(), "{what}: the result is no JSON"),
        Ok(Err(failure)) => assert!(!failure.message().trim().is_empty(), "{what}: there is no reason"),
        Err(_) => panic!("{what}: the analysis panics"),
    }
}

/// The bytes with one to eight of them changed: half of the time near each other, half of the time near the beginning.
fn changed(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: usize| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0) % limit.max(1)
    };
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    let reach = if below(2) == 0 { bytes.len() } else { bytes.len().min(256) };
    let near = below(reach);
    for _ in 0..=below(8) {
        let at = if below(2) == 0 { below(reach) } else { (near + below(16)).min(bytes.len() - 1) };
        bytes[at] = if below(2) == 0 { EDGES[below(EDGES.len())] } else { bytes[at] ^ (1 << below(8)) };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_tried_and_many_changes() {
        let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let note = |sample: Sample| {
            seen.borrow_mut().insert(sample.size_bytes());
            Ok(sample.size_bytes())
        };
        survives(b"abcdef", note);
        assert_eq!(seen.into_inner().into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        let copies: std::collections::BTreeSet<_> = (1..=CHANGED).map(|seed| changed(b"abcdefghijkl", seed)).collect();
        assert!(copies.len() > 1000, "{}", copies.len());
    }

    #[test]
    #[should_panic(expected = "cut off at 3: the analysis panics")]
    fn a_panic_is_told() {
        survives(b"abcdef", |sample| {
            assert_ne!(sample.size_bytes(), 3);
            Ok(())
        });
    }

    #[test]
    #[should_panic(expected = "cut off at 0: there is no reason")]
    fn a_failure_without_a_reason_is_told() {
        survives(b"abc", |_| Err::<(), _>(Failure::new(" ")));
    }
}
