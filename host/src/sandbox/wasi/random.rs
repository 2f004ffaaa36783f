//! `random_get`.

use wasmtime::Linker;

use super::MODULE;
use super::call;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "random_get", |caller: wasmtime::Caller<'_, Guest<H>>, at: u32, len: u32| {
        call(caller, |memory, guest| {
            let buffer = memory.bytes_mut(at, len)?;
            guest.take_random(u64::from(len))?;
            guest.random.fill(buffer);
            Ok(())
        })
    })?;
    Ok(())
}
