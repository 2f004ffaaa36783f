//! An analysis as a command: args on stdin, one JSON document on stdout, a failure on stderr with exit code 1.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::sample::Sample;

const SAMPLE: &str = "/input/the_file";
/// What is written to stdout at once.
const OUTPUT_BYTES: usize = 64 * 1024;

/// The sample, as the host gives it.
#[derive(Debug)]
pub(crate) struct Given(File);

impl Given {
    /// With its size in bytes.
    pub(crate) fn open() -> io::Result<(Self, u64)> {
        let file = File::open(SAMPLE)?;
        let size_bytes = file.metadata()?.len();
        Ok((Self(file), size_bytes))
    }
}

impl Read for Given {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Given {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }
}

/// An artifact, as the host takes it.
#[cfg(target_family = "wasm")]
pub(crate) type Out = File;
/// Outside of a sandbox there is no place for artifacts: what is written goes nowhere.
#[cfg(not(target_family = "wasm"))]
pub(crate) type Out = io::Sink;

#[cfg(target_family = "wasm")]
pub(crate) fn create(name: &str) -> io::Result<Out> {
    File::create(format!("/out/{name}"))
}

#[cfg(not(target_family = "wasm"))]
#[expect(clippy::unnecessary_wraps, reason = "in a sandbox it can fail")]
pub(crate) fn create(_: &str) -> io::Result<Out> {
    Ok(io::sink())
}

/// Tells the host how far the work is.
pub(crate) fn tell(fraction: f64, message: &str) {
    eprintln!("@progress {fraction:.3} {message}");
}

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
