//! Files that an analysis leaves beside its result.

use std::io;
use std::io::BufWriter;
use std::io::Write;

use crate::block::BLOCK_BYTES;
use crate::face;

/// A file being written. [`Artifact::finish`] gives its path, which becomes a download link where it stands in the result.
#[derive(Debug)]
pub struct Artifact {
    path: String,
    out: BufWriter<face::Out>,
}

impl Artifact {
    /// One of that name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(name: &str) -> io::Result<Self> {
        let out = BufWriter::with_capacity(BLOCK_BYTES, face::create(name)?);
        Ok(Self { path: format!("/out/{name}"), out })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When its last bytes cannot be written.
    pub fn finish(mut self) -> io::Result<String> {
        self.out.flush()?;
        Ok(self.path)
    }
}

impl Write for Artifact {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes an artifact whole and gives its path.
///
/// # Errors
/// When it cannot be written.
pub fn write_artifact(name: &str, bytes: &[u8]) -> io::Result<String> {
    let mut artifact = Artifact::create(name)?;
    artifact.write_all(bytes)?;
    artifact.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_named_by_its_path() {
        assert_eq!(write_artifact("plot.svg", b"<svg/>").unwrap(), "/out/plot.svg");
    }
}
