//! How large the buffers of connections may be: large ones are faster, and each may be held for as long as a client lets
//! it stand. So the first few have large ones, and each further one an equal part of what those take together.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Of the first ones, bytes.
const BYTES_MAX: usize = 256 << 10;
/// However many there are: a request's head has to fit in.
const BYTES_MIN: usize = 20 << 10;
/// The first so many have all they can use.
const LARGE: usize = 256;

/// All of a kind.
#[derive(Debug, Clone, Default)]
pub struct Buffers(Arc<AtomicUsize>);

/// One, in use until this goes.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: usize,
    all: Buffers,
}

impl Buffers {
    /// One more is in use.
    pub(super) fn take(&self) -> Buffer {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let bytes = (BYTES_MAX * LARGE / (before + 1)).clamp(BYTES_MIN, BYTES_MAX);
        Buffer { bytes, all: self.clone() }
    }
}

impl Buffer {
    /// How large it may be.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.all.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_thousand_take_less_than_a_gibibyte_and_the_first_are_large() {
        let buffers = Buffers::default();
        let all: Vec<_> = (0..20_000).map(|_| buffers.take()).collect();
        assert_eq!((all[0].bytes, all[LARGE - 1].bytes, all[19_999].bytes), (BYTES_MAX, BYTES_MAX, BYTES_MIN));
        assert!(all.iter().map(|it| it.bytes).sum::<usize>() < 1 << 30);
        drop(all);
        assert_eq!(buffers.take().bytes, BYTES_MAX);
    }
}
