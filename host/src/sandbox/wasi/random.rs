//! Random bytes that follow from the run's key: SHA-256 over seed and counter. Repeatable, and no secret.

use sha2::Digest;
use wasmtime::Linker;

use super::MODULE;
use super::call;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;

/// The stream of one run.
#[derive(Debug)]
pub(in crate::sandbox) struct GuestRandom {
    seed: [u8; 20],
    counter: u64,
}

impl GuestRandom {
    pub(in crate::sandbox) fn new(seed: [u8; 20]) -> Self {
        Self { seed, counter: 0 }
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block = sha2::Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes()).finalize();
            self.counter += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "random_get", |caller: wasmtime::Caller<'_, Guest<H>>, at: u32, len: u32| {
        call(caller, |memory, guest| {
            let buffer = memory.bytes_mut(at, len)?;
            // Hashing costs far more than copying.
            let work = u64::from(len) * 64;
            guest.work.afford(work)?;
            guest.work.count(work);
            guest.random.fill(buffer);
            Ok(())
        })
    })?;
    Ok(())
}
