//! What WASI 0.3 has of its own: streams and futures of the component model, and functions that a guest waits for.
//!
//! Nothing here makes a guest wait but its clock: files and streams are always ready. So whoever drives a guest
//! ([`turns`]) needs no runtime; when nothing is left that could wake it, it waits for ever, and the run ends over it.

mod files;
mod streams;
mod turns;
mod types;

use wasmtime::AsContextMut;
use wasmtime::StoreContextMut;
use wasmtime::component::Accessor;
use wasmtime::component::ComponentNamedList;
use wasmtime::component::FutureReader;
use wasmtime::component::Lift;
use wasmtime::component::Linker;
use wasmtime::component::LinkerInstance;
use wasmtime::component::Lower;
use wasmtime::component::StreamReader;

use self::types::CliError;
use self::types::ErrorCode;
use self::types::FileType;
use self::types::Instant;
use super::Interface;
use super::call;
use super::cli;
use super::clocks;
use super::version::Version;
use crate::sandbox::clock::LOOK_NS;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Fd;
use crate::sandbox::vfs::STDERR_FD;
use crate::sandbox::vfs::STDIN_FD;
use crate::sandbox::vfs::STDOUT_FD;

pub(in crate::sandbox) use self::streams::Leftovers;
pub(in crate::sandbox) use self::turns::Alarms;
pub(in crate::sandbox) use self::turns::call_and_wait;

/// WASI 0.3, in which a call may have its caller wait.
enum Wasi03 {}

impl Version for Wasi03 {
    const NUMBER: &'static str = "0.3.0";

    type ErrorCode = ErrorCode;
    type FileType = FileType;
    type Instant = Instant;

    fn wrap<H: Host, P, R>(
        interface: &mut LinkerInstance<'_, Guest<H>>,
        name: &str,
        body: impl Fn(StoreContextMut<'_, Guest<H>>, P) -> wasmtime::Result<R> + Copy + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
    {
        interface.func_wrap_concurrent(name, move |accessor: &Accessor<Guest<H>>, params: P| {
            Box::pin(async move {
                accessor.with(|mut access| {
                    access.data_mut().sweep();
                    body(access.as_context_mut(), params)
                })
            })
        })
    }
}

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    files::link(linker)?;
    cli::link::<H, Wasi03>(linker, "get-initial-cwd")?;
    clocks::link::<H, Wasi03>(linker, "get-insecure-seed")?;
    // Interfaces of types alone.
    Interface::<H, Wasi03>::wasi(linker, "cli/types")?;
    Interface::<H, Wasi03>::wasi(linker, "clocks/types")?;
    link_stdio(linker)?;
    link_clocks(linker)
}

fn link_stdio<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    Interface::<H, Wasi03>::wasi(linker, "cli/stdin")?.0.func_wrap(
        "read-via-stream",
        |mut store: StoreContextMut<'_, Guest<H>>, ()| {
            call(store.as_context_mut(), |_| Ok(()))??;
            Ok((streams::read::<H, CliError>(store, Ok(STDIN_FD))?,))
        },
    )?;
    for (name, fd) in [("cli/stdout", STDOUT_FD), ("cli/stderr", STDERR_FD)] {
        link_output(&mut Interface::wasi(linker, name)?, fd)?;
    }
    Ok(())
}

fn link_output<H: Host>(output: &mut Interface<'_, H, Wasi03>, fd: Fd) -> wasmtime::Result<()> {
    output.0.func_wrap(
        "write-via-stream",
        move |mut store: StoreContextMut<'_, Guest<H>>, (data,): (StreamReader<u8>,)| {
            call(store.as_context_mut(), |_| Ok(()))??;
            let end: FutureReader<Result<(), CliError>> = streams::write(store, data, Ok(fd))?;
            Ok((end,))
        },
    )
}

fn link_clocks<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    let mut monotonic = Interface::<H, Wasi03>::wasi(linker, "clocks/monotonic-clock")?;
    monotonic.plain("get-resolution", |_, ()| Ok(LOOK_NS))?;
    monotonic.0.func_wrap_concurrent("wait-until", |accessor: &Accessor<Guest<H>>, (at,): (u64,)| {
        Box::pin(turns::wait(accessor, move |_| at))
    })?;
    monotonic.0.func_wrap_concurrent("wait-for", |accessor: &Accessor<Guest<H>>, (duration,): (u64,)| {
        Box::pin(turns::wait(accessor, move |now| now.saturating_add(duration)))
    })?;
    let mut system = Interface::<H, Wasi03>::wasi(linker, "clocks/system-clock")?;
    system.plain("now", |guest, ()| {
        let (seconds, nanoseconds) = clocks::parts(guest.clock.look());
        Ok(Instant { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanoseconds })
    })?;
    system.plain("get-resolution", |_, ()| Ok(LOOK_NS))
}

impl<H: Host> Guest<H> {
    /// Closes descriptors whose streams are gone.
    fn sweep(&mut self) {
        for fd in self.leftovers.take() {
            self.vfs.close_own(fd);
        }
    }
}
