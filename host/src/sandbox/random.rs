//! Random bytes that follow from the run's key: SHA-256 over seed and counter. Repeatable, and no secret.

use sha2::Digest;

/// The stream of one run.
#[derive(Debug)]
pub(super) struct GuestRandom {
    seed: [u8; 20],
    counter: u64,
}

impl GuestRandom {
    pub(super) fn new(seed: [u8; 20]) -> Self {
        Self { seed, counter: 0 }
    }

    pub(super) fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block = sha2::Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes()).finalize();
            self.counter += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
