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
use super::port::Host;
use super::work;
use super::work::Done;

/// The module that these functions are imported from.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

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
