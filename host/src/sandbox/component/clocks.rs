//! `wasi:clocks` and `wasi:random`: a clock that the guest moves, and bytes that follow from the run's key.

use wasmtime::component::Linker;
use wasmtime::component::Resource;

use super::Interface;
use super::types::Datetime;
use super::types::Pollable;
use crate::sandbox::clock::LOOK_NS;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;

const SECOND_NS: u64 = 1_000_000_000;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    let mut monotonic = Interface(linker.instance("wasi:clocks/monotonic-clock@0.2.12")?);
    monotonic.plain("now", |guest, ()| Ok(guest.clock.look()))?;
    monotonic.plain("resolution", |_, ()| Ok(LOOK_NS))?;
    monotonic
        .plain("subscribe-instant", |guest, (at,): (u64,)| Ok(Resource::<Pollable>::new_own(guest.polls.add(at))))?;
    monotonic.plain("subscribe-duration", |guest, (duration,): (u64,)| {
        let at = guest.clock.now().saturating_add(duration);
        Ok(Resource::<Pollable>::new_own(guest.polls.add(at)))
    })?;
    let mut wall = Interface(linker.instance("wasi:clocks/wall-clock@0.2.12")?);
    wall.plain("now", |guest, ()| Ok(datetime(guest.clock.look())))?;
    wall.plain("resolution", |_, ()| Ok(datetime(LOOK_NS)))?;
    let mut random = Interface(linker.instance("wasi:random/random@0.2.12")?);
    random.plain("get-random-bytes", |guest, (len,): (u64,)| guest.random_bytes(len))?;
    random.plain("get-random-u64", |guest, ()| guest.random_u64())?;
    let mut insecure = Interface(linker.instance("wasi:random/insecure@0.2.12")?);
    insecure.plain("get-insecure-random-bytes", |guest, (len,): (u64,)| guest.random_bytes(len))?;
    insecure.plain("get-insecure-random-u64", |guest, ()| guest.random_u64())?;
    let mut seed = Interface(linker.instance("wasi:random/insecure-seed@0.2.12")?);
    seed.plain("insecure-seed", |guest, ()| Ok((guest.random_u64()?, guest.random_u64()?)))
}

fn datetime(ns: u64) -> Datetime {
    // Below a thousand million, so it fits.
    Datetime { seconds: ns / SECOND_NS, nanoseconds: u32::try_from(ns % SECOND_NS).unwrap_or(0) }
}
