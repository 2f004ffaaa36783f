//! What a run asks of its surroundings. The worker answers over its socket, tests from memory.

use std::io;
use std::os::fd::OwnedFd;

use crate::run::SoFar;

/// The first `size` bytes of a file, whatever its position.
///
/// # Errors
/// Of the disk; a file that is shorter.
pub fn read_all(file: &OwnedFd, size: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(size).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    let mut at = 0;
    while at < size {
        match rustix::io::pread(file, &mut bytes[at..], u64::try_from(at).map_err(io::Error::other)?)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => at += count,
        }
    }
    Ok(bytes)
}

/// The host as the sandbox sees it.
pub trait Host: Send + 'static {
    /// A fresh, empty file of the host's, open for reading and writing.
    ///
    /// # Errors
    /// When the host is gone, or has no room.
    fn create_file(&mut self) -> io::Result<OwnedFd>;

    /// Takes what the guest wrote to stderr.
    ///
    /// # Errors
    /// When the host is gone.
    fn log(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Tells how far the guest has come; called at every host call.
    fn progress(&mut self, so_far: SoFar);

    /// Lets that much time pass before the guest goes on.
    fn sleep(&mut self, duration: std::time::Duration);
}
