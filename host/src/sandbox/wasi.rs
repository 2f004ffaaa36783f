//! WASI 0.1 over the virtual file system: `wasi_snapshot_preview1`, all of it that programs import.
//!
//! Our own functions rather than the preview1 adapter over `wasi:filesystem`: no fiber, one copy from the page cache
//! into guest memory, and every call is charged to fuel, which host work otherwise escapes. Sockets answer
//! `notsock`, links `notsup`; both can be imported, since libcs import them unasked.

pub(super) mod clock;
mod files;
mod memory;
mod paths;
mod process;
pub(super) mod random;

use wasmtime::Caller;
use wasmtime::Linker;

use self::memory::GuestMemory;
use super::errno::CallError;
use super::errno::Errno;
use super::execute::Guest;
use super::port::Host;

const MODULE: &str = "wasi_snapshot_preview1";
/// Fuel of a host call, besides its bytes: about what it costs against guest instructions.
const CALL_FUEL: u64 = 400;
/// Bytes that a host call moves for one unit of fuel.
const BYTES_PER_FUEL: u64 = 16;

/// Every function that a module may import.
pub(super) const NAMES: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// How a call ended; what it cost is counted in [`Guest::work`], whichever way it ended.
type Done = Result<(), CallError>;

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
    let fuel = charge(&mut caller, CALL_FUEL)?;
    let Some(memory) = caller.get_export("memory").and_then(wasmtime::Extern::into_memory) else {
        return Ok(Errno::Fault.number());
    };
    let (bytes, guest) = memory.data_and_store_mut(&mut caller);
    guest.work = Work { bytes: 0, fuel };
    let done = body(&mut GuestMemory(bytes), guest);
    // Work that ended in an error number was work.
    let cost = guest.work.cost();
    charge(&mut caller, cost)?;
    match done {
        Ok(()) => Ok(0),
        Err(CallError::Errno(errno)) => Ok(errno.number()),
        Err(CallError::OutOfFuel) => {
            caller.set_fuel(0)?;
            Err(wasmtime::Trap::OutOfFuel.into())
        }
        Err(end @ (CallError::Limit(..) | CallError::Exit(_) | CallError::Host(_))) => {
            caller.data_mut().end = Some(end);
            Err(wasmtime::Error::msg("the run ends in a host call"))
        }
    }
}

/// Takes fuel and tells what is left.
fn charge<H: Host>(caller: &mut Caller<'_, Guest<H>>, fuel: u64) -> wasmtime::Result<u64> {
    let left = caller.get_fuel()?;
    let after = left.saturating_sub(fuel);
    caller.set_fuel(after)?;
    if left < fuel { Err(wasmtime::Trap::OutOfFuel.into()) } else { Ok(after) }
}

/// What the host does for a guest in one call.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Bytes moved, or as many as would have cost the same.
    bytes: u64,
    /// Left when the call began.
    fuel: u64,
}

impl Work {
    fn cost(&self) -> u64 {
        self.bytes / BYTES_PER_FUEL
    }

    fn count(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Says before it is done whether there is fuel for that much more.
    fn afford(&self, bytes: u64) -> Done {
        let cost = self.bytes.saturating_add(bytes) / BYTES_PER_FUEL;
        if cost > self.fuel { Err(CallError::OutOfFuel) } else { Ok(()) }
    }
}
