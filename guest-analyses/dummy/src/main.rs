//! Idles, as the founding text has it: `{"seconds": 60}`, or by name as `dummy_60`.

use std::time::Duration;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::progress;
use serde::Deserialize;
use serde::Serialize;

belljar_sdk::descriptor!("../descriptor.json");

const STEP_SECONDS: f64 = 1.0;

#[derive(Deserialize)]
struct Args {
    seconds: Option<f64>,
}

#[derive(Serialize)]
struct Slept {
    slept_seconds: f64,
}

fn main() {
    belljar_sdk::run(idle);
}

#[expect(clippy::disallowed_methods, reason = "idling is what it is for")]
fn idle(_: Sample, args: Args) -> Result<Slept, Failure> {
    let called = std::env::args().next().unwrap_or_default();
    let seconds = args.seconds.or_else(|| seconds_of(&called)).unwrap_or(1.0);
    let mut slept_seconds = 0.0;
    while slept_seconds < seconds {
        let step = STEP_SECONDS.min(seconds - slept_seconds);
        std::thread::sleep(Duration::try_from_secs_f64(step)?);
        slept_seconds += step;
        progress(slept_seconds / seconds, "idle");
    }
    Ok(Slept { slept_seconds: seconds })
}

/// 5 for `dummy_5`.
fn seconds_of(name: &str) -> Option<f64> {
    name.rsplit_once('_')?.1.parse::<u32>().ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_how_long() {
        assert_eq!(seconds_of("dummy_5"), Some(5.0));
        assert_eq!(seconds_of("dummy"), None);
        assert_eq!(seconds_of("dummy_x"), None);
    }

    #[test]
    fn the_examples_of_the_descriptor_hold() {
        belljar_sdk::golden::check(DESCRIPTOR, idle);
    }
}
