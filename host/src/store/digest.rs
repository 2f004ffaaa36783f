//! Digests of what passes by.

use std::io;

use sha2::Digest;

use crate::id::FileId;
use crate::id::Sha256;

/// Both digests of an upload: SHA-1 names it, SHA-256 tells it from others that were made to have the same name.
#[derive(Debug, Default, Clone)]
pub struct Digests {
    sha1: sha1::Sha1,
    sha256: sha2::Sha256,
}

impl Digests {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
    }

    /// The digests of all that was taken.
    #[must_use]
    pub fn finish(self) -> (FileId, Sha256) {
        (FileId::new(self.sha1.finalize().into()), Sha256::new(self.sha256.finalize().into()))
    }
}

impl io::Write for Digests {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 of those bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::new(sha2::Sha256::digest(bytes).into())
}

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
