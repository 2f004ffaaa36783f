//! An analysis as a command: args on stdin, one JSON document on stdout, a failure on stderr with exit code 1.

use std::io;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::sample::Sample;

/// What is written to stdout at once.
const OUTPUT_BYTES: usize = 64 * 1024;

/// Runs an analysis. It is all that `main` does.
pub fn run<A: DeserializeOwned, R: Serialize>(analysis: impl FnOnce(Sample, A) -> Result<R, Failure>) {
    let ended = Sample::open()
        .map_err(Failure::from)
        .and_then(|sample| answer(&mut io::stdin(), sample, &mut io::stdout(), analysis));
    if let Err(failure) = ended {
        eprintln!("{}", failure.message());
        std::process::exit(1);
    }
}

fn answer<A: DeserializeOwned, R: Serialize>(
    args: &mut impl Read,
    sample: Sample,
    out: &mut impl Write,
    analysis: impl FnOnce(Sample, A) -> Result<R, Failure>,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    args.read_to_end(&mut text)?;
    let args = serde_json::from_slice(&text).map_err(|error| Failure::new(format!("args: {error}")))?;
    let result = analysis(sample, args)?;
    let mut out = BufWriter::with_capacity(OUTPUT_BYTES, out);
    serde_json::to_writer(&mut out, &result)?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Args {
        factor: u64,
    }

    fn answered(args: &str) -> Result<String, Failure> {
        let mut out = Vec::new();
        answer(&mut args.as_bytes(), Sample::of_bytes(*b"abc"), &mut out, |sample, args: Args| {
            sample.size_bytes().checked_mul(args.factor).ok_or(Failure::new("too large"))
        })?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_result_of_sample_and_args_is_written_as_json() {
        assert_eq!(answered(r#"{"factor": 5}"#).unwrap(), "15");
    }

    #[test]
    fn a_failure_writes_nothing_and_says_why() {
        assert_eq!(answered(&format!(r#"{{"factor": {}}}"#, u64::MAX)).unwrap_err().message(), "too large");
        assert!(answered("{}").unwrap_err().message().starts_with("args: missing field `factor`"));
    }
}
