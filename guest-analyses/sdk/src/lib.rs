//! What an analysis needs: its sample, its args, a place for artifacts, and a way to fail with a reason.
//!
//! An analysis is a function from sample and args to something that serializes. See `guest-analyses/README.md`.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes read at once; large blocks cost the host one call and one copy.
pub const BLOCK_BYTES: usize = 256 * 1024;
const SAMPLE: &str = "/input/the_file";

/// The file to analyse.
#[derive(Debug)]
pub struct Sample {
    file: File,
    size_bytes: u64,
}

impl Sample {
    fn open() -> io::Result<Self> {
        let file = File::open(SAMPLE)?;
        let size_bytes = file.metadata()?.len();
        Ok(Self { file, size_bytes })
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

impl Read for Sample {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Sample {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Why an analysis has no result; a person reads it.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// With that sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs an analysis as a command: args from stdin, one JSON document to stdout, a failure to stderr with exit code 1.
pub fn run<A: DeserializeOwned, R: Serialize>(analysis: impl FnOnce(Sample, A) -> Result<R, Failure>) {
    let ended = (|| {
        let args = serde_json::from_reader(io::stdin())?;
        let result = analysis(Sample::open()?, args)?;
        serde_json::to_writer(io::stdout(), &result)?;
        Ok::<_, Failure>(())
    })();
    if let Err(Failure(message)) = ended {
        eprintln!("{message}");
        std::process::exit(1);
    }
}

/// Reads all of `source` in large blocks.
///
/// # Errors
/// Those of the source.
pub fn blocks(source: &mut impl Read, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        match source.read(&mut block)? {
            0 => return Ok(()),
            count => each(&block[..count]),
        }
    }
}

/// Tells how far the analysis is, from 0 to 1.
pub fn progress(fraction: f64, message: impl Display) {
    eprintln!("@progress {fraction:.3} {message}");
}

/// Writes an artifact; the path it gives becomes a download link where it stands in the result.
///
/// # Errors
/// When it cannot be written.
pub fn write_artifact(name: &str, bytes: &[u8]) -> io::Result<String> {
    let path = format!("/out/{name}");
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// Puts the descriptor into the module, where the host reads it without running anything.
#[macro_export]
macro_rules! descriptor {
    ($path:literal) => {
        const DESCRIPTOR: &[u8] = include_bytes!($path);
        #[cfg(target_family = "wasm")]
        #[unsafe(link_section = "belljar:analysis")]
        #[used]
        static DESCRIPTOR_SECTION: [u8; DESCRIPTOR.len()] = *include_bytes!($path);
    };
}
