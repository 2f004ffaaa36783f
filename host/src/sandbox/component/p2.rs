//! What WASI 0.2 has of its own: resources that stand for streams and for what a guest waits for.

mod files;
mod io;

use wasmtime::StoreContextMut;
use wasmtime::component::ComponentNamedList;
use wasmtime::component::Lift;
use wasmtime::component::Linker;
use wasmtime::component::LinkerInstance;
use wasmtime::component::Lower;
use wasmtime::component::Resource;

use super::Interface;
use super::cli;
use super::clocks;
use super::types::Datetime;
use super::types::DescriptorType;
use super::types::ErrorCode;
use super::types::InputStream;
use super::types::OutputStream;
use super::types::Pollable;
use super::version::Version;
use crate::sandbox::clock::LOOK_NS;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::STDERR_FD;
use crate::sandbox::vfs::STDIN_FD;
use crate::sandbox::vfs::STDOUT_FD;

pub(in crate::sandbox) use self::files::Listings;
pub(in crate::sandbox) use self::io::Polls;

/// WASI 0.2, in which every call comes back at once.
pub(super) enum Wasi02 {}

impl Version for Wasi02 {
    const NUMBER: &'static str = "0.2.12";

    type ErrorCode = ErrorCode;
    type FileType = DescriptorType;
    type Instant = Datetime;

    fn wrap<H: Host, P, R>(
        interface: &mut LinkerInstance<'_, Guest<H>>,
        name: &str,
        body: impl Fn(StoreContextMut<'_, Guest<H>>, P) -> wasmtime::Result<R> + Copy + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
    {
        interface.func_wrap(name, body)
    }
}

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    io::link(linker)?;
    files::link(linker)?;
    clocks::link::<H, Wasi02>(linker, "insecure-seed")?;
    link_clocks(linker)?;
    cli::link::<H, Wasi02>(linker, "initial-cwd")?;
    Interface::<H, Wasi02>::wasi(linker, "cli/stdin")?
        .plain("get-stdin", |_, ()| Ok(Resource::<InputStream>::new_own(STDIN_FD)))?;
    Interface::<H, Wasi02>::wasi(linker, "cli/stdout")?
        .plain("get-stdout", |_, ()| Ok(Resource::<OutputStream>::new_own(STDOUT_FD)))?;
    Interface::<H, Wasi02>::wasi(linker, "cli/stderr")?
        .plain("get-stderr", |_, ()| Ok(Resource::<OutputStream>::new_own(STDERR_FD)))
}

fn link_clocks<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    let mut monotonic = Interface::<H, Wasi02>::wasi(linker, "clocks/monotonic-clock")?;
    monotonic.plain("resolution", |_, ()| Ok(LOOK_NS))?;
    monotonic
        .plain("subscribe-instant", |guest, (at,): (u64,)| Ok(Resource::<Pollable>::new_own(guest.polls.add(at))))?;
    monotonic.plain("subscribe-duration", |guest, (duration,): (u64,)| {
        let at = guest.clock.now().saturating_add(duration);
        Ok(Resource::<Pollable>::new_own(guest.polls.add(at)))
    })?;
    let mut wall = Interface::<H, Wasi02>::wasi(linker, "clocks/wall-clock")?;
    wall.plain("now", |guest, ()| Ok(datetime(guest.clock.look())))?;
    wall.plain("resolution", |_, ()| Ok(datetime(LOOK_NS)))
}

fn datetime(ns: u64) -> Datetime {
    let (seconds, nanoseconds) = clocks::parts(ns);
    Datetime { seconds, nanoseconds }
}
