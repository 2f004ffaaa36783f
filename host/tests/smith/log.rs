//! What the host says in its log: here it has nothing to warn of.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;

static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps every warning and error from now on.
pub(crate) fn listen() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .without_time()
        .with_writer(|| Ear)
        .init();
}

/// All of them, line by line.
pub(crate) fn heard() -> Vec<String> {
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&heard).lines().map(str::to_owned).collect()
}

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
