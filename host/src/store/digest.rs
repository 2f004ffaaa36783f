//! SHA-256 as something to write into.

use std::io;

use sha2::Digest;

use crate::id::Sha256;

/// Digests what is written to it.
#[derive(Debug, Default)]
pub struct Sha256Writer(sha2::Sha256);

impl Sha256Writer {
    /// The digest of all that was written.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256::new(self.0.finalize().into())
    }
}

impl io::Write for Sha256Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
