//! `wasi:clocks` and `wasi:random`: a clock that the guest moves, and bytes that follow from the run's key.

use wasmtime::component::Linker;

use super::Interface;
use super::version::Version;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;

const SECOND_NS: u64 = 1_000_000_000;

/// Defines what every version has; the seed for hash tables goes by different names.
pub(super) fn link<H: Host, V: Version>(linker: &mut Linker<Guest<H>>, seed: &str) -> wasmtime::Result<()> {
    Interface::<H, V>::wasi(linker, "clocks/monotonic-clock")?.plain("now", |guest, ()| Ok(guest.clock.look()))?;
    let mut random = Interface::<H, V>::wasi(linker, "random/random")?;
    random.plain("get-random-bytes", |guest, (len,): (u64,)| guest.random_bytes(len))?;
    random.plain("get-random-u64", |guest, ()| guest.random_u64())?;
    let mut insecure = Interface::<H, V>::wasi(linker, "random/insecure")?;
    insecure.plain("get-insecure-random-bytes", |guest, (len,): (u64,)| guest.random_bytes(len))?;
    insecure.plain("get-insecure-random-u64", |guest, ()| guest.random_u64())?;
    Interface::<H, V>::wasi(linker, "random/insecure-seed")?
        .plain(seed, |guest, ()| Ok((guest.random_u64()?, guest.random_u64()?)))
}

/// Seconds, and nanoseconds past them.
pub(super) fn parts(ns: u64) -> (u64, u32) {
    // Below a thousand million, so it fits.
    (ns / SECOND_NS, u32::try_from(ns % SECOND_NS).unwrap_or(0))
}
