//! How random a file looks, as a whole and along its length.

mod plot;

use std::io;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::write_artifact;
use serde::Deserialize;
use serde::Serialize;

belljar_sdk::descriptor!("../descriptor.json");

#[derive(Deserialize)]
struct Args {
    windows: u64,
}

type Histogram = [u64; 256];

#[derive(Debug, Serialize)]
struct Measured {
    size_bytes: u64,
    /// Bits per byte, 0 to 8.
    entropy_bits: f64,
    window_bytes: u64,
    windows: Vec<f64>,
    histogram: Vec<u64>,
    verdict: &'static str,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    measured: Measured,
    plot: String,
}

fn main() {
    belljar_sdk::run(analyse);
}

fn analyse(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let measured = measure(&mut sample, args.windows)?;
    let plot = write_artifact("entropy.svg", plot::svg(&measured.windows, measured.window_bytes).as_bytes())?;
    Ok(Report { measured, plot })
}

fn measure(sample: &mut Sample, windows: u64) -> io::Result<Measured> {
    let size_bytes = sample.size_bytes();
    let window_bytes = size_bytes.div_ceil(windows).max(1);
    let (mut whole, mut window): (Histogram, Histogram) = ([0; 256], [0; 256]);
    let (mut entropies, mut filled) = (Vec::new(), 0);
    sample.blocks(|mut block| {
        while !block.is_empty() {
            let room = usize::try_from(window_bytes - filled).unwrap_or(usize::MAX).min(block.len());
            let (head, tail) = block.split_at(room);
            head.iter().for_each(|byte| window[usize::from(*byte)] += 1);
            filled += head.len() as u64;
            block = tail;
            if filled == window_bytes {
                close(&mut window, &mut whole, &mut entropies);
                filled = 0;
            }
        }
    })?;
    if filled > 0 {
        close(&mut window, &mut whole, &mut entropies);
    }
    let entropy_bits = entropy(&whole);
    let verdict = verdict(&whole, entropy_bits);
    Ok(Measured { size_bytes, entropy_bits, window_bytes, windows: entropies, histogram: whole.to_vec(), verdict })
}

fn close(window: &mut Histogram, whole: &mut Histogram, entropies: &mut Vec<f64>) {
    entropies.push(entropy(window));
    for (total, count) in whole.iter_mut().zip(window.iter_mut()) {
        *total += std::mem::take(count);
    }
}

/// Shannon entropy in bits per byte, rounded to a millionth.
fn entropy(histogram: &Histogram) -> f64 {
    let total: u64 = histogram.iter().sum();
    let bits: f64 = histogram
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f64 / total as f64)
        .map(|share| -share * share.log2())
        .sum();
    (bits.max(0.0) * 1e6).round() / 1e6
}

/// A first guess at what such bytes are.
fn verdict(histogram: &Histogram, entropy_bits: f64) -> &'static str {
    let total: u64 = histogram.iter().sum();
    if total == 0 {
        return "empty";
    }
    let share = |count: u64| count as f64 / total as f64;
    let most = histogram.iter().copied().max().unwrap_or(0);
    let control: u64 = (0..32).filter(|it| !matches!(it, 9 | 10 | 13 | 27)).map(|it| histogram[it]).sum();
    // A short file cannot reach 8 bits: n bytes have at most log2(n).
    let reachable = (total as f64).log2().min(8.0);
    if share(most) > 0.9 {
        "sparse"
    } else if control == 0 {
        "text"
    } else if entropy_bits > 0.97 * reachable && total >= 256 {
        "compressed or encrypted"
    } else {
        "structured binary"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8], windows: u64) -> Measured {
        measure(&mut Sample::of_bytes(bytes), windows).unwrap()
    }

    #[test]
    fn entropy_is_zero_for_one_byte_and_eight_for_all() {
        assert_eq!(of(&[7; 1000], 1).entropy_bits, 0.0);
        let all: Vec<u8> = (0..=255).cycle().take(256 * 64).collect();
        assert_eq!(of(&all, 1).entropy_bits, 8.0);
    }

    #[test]
    fn windows_cover_the_file_and_no_more() {
        assert_eq!(of(&[0; 1000], 256).windows.len(), 250);
        assert_eq!(of(&[0; 3], 256).windows.len(), 3);
        assert!(of(&[], 256).windows.is_empty());
    }

    #[test]
    fn verdicts_name_what_bytes_look_like() {
        assert_eq!(of(b"", 4).verdict, "empty");
        assert_eq!(of(&[0; 100], 4).verdict, "sparse");
        assert_eq!(of(b"Some words in a row, and a line.\n", 4).verdict, "text");
        let all: Vec<u8> = (0..=255).cycle().take(256 * 64).collect();
        assert_eq!(of(&all, 4).verdict, "compressed or encrypted");
        let structured: Vec<u8> = (0..1000u32).flat_map(|it| (it / 40).to_le_bytes()).collect();
        assert_eq!(of(&structured, 4).verdict, "structured binary");
    }

    #[test]
    fn the_examples_of_the_descriptor_hold() {
        belljar_sdk::golden::check(DESCRIPTOR, analyse);
    }
}
