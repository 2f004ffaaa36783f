//! WASI 0.1 over the virtual file system: `wasi_snapshot_preview1`, all of it that programs import.
//!
//! Our own functions rather than the preview1 adapter over `wasi:filesystem`: no fiber, one copy from the page cache
//! into guest memory, and every call is charged to fuel, which host work otherwise escapes. Sockets answer
//! `notsock`, links `notsup`; both can be imported, since libcs import them unasked.

mod clock;
mod files;
mod memory;
mod paths;
mod process;
mod random;

use wasmtime::Caller;
use wasmtime::Linker;

use self::memory::GuestMemory;
use super::errno::Errno;
use super::execute::Guest;
use super::names::WASI_0_1 as MODULE;
use super::port::Host;
use super::work;
use super::work::Done;

/// Defines every function.
pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    process::link(linker)?;
    clock::link(linker)?;
    random::link(linker)?;
    files::link(linker)?;
    paths::link(linker)
}

/// Carries out one host call: finds the memory, charges fuel, turns failure into an error number or the run's end.
fn call<H: Host>(
    mut caller: Caller<'_, Guest<H>>,
    body: impl FnOnce(&mut GuestMemory<'_>, &mut Guest<H>) -> Done,
) -> wasmtime::Result<i32> {
    work::begin(&mut caller)?;
    let Some(memory) = caller.get_export("memory").and_then(wasmtime::Extern::into_memory) else {
        return Ok(Errno::Fault.number());
    };
    let (bytes, guest) = memory.data_and_store_mut(&mut caller);
    let done = body(&mut GuestMemory(bytes), guest);
    Ok(work::end(&mut caller, done)?.err().map_or(0, Errno::number))
}
