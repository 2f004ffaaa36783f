//! WASI 0.2 and the typed world over the same virtual file system as WASI 0.1: what a component may import.
//!
//! Our own functions rather than `wasmtime-wasi`'s: no runtime, no thread, no host directory behind them, and every
//! call is charged to fuel. A resource's representation is the guest's own descriptor number wherever there is one;
//! wasmtime checks that a guest only ever names what it was given. Sockets and HTTP are not linked at all.

mod cli;
mod clocks;
mod files;
mod io;
mod slots;
mod typed;
mod types;

use wasmtime::StoreContextMut;
use wasmtime::component::ComponentNamedList;
use wasmtime::component::ComponentType;
use wasmtime::component::Lift;
use wasmtime::component::Linker;
use wasmtime::component::LinkerInstance;
use wasmtime::component::Lower;
use wasmtime::component::Resource;

use self::types::ErrorCode;
use self::types::StreamError;
use super::execute::Guest;
use super::port::Host;
use super::work;
use super::work::Done;

pub(super) use self::files::Listings;
pub(super) use self::io::Polls;

/// Defines every function.
pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    io::link(linker)?;
    cli::link(linker)?;
    clocks::link(linker)?;
    files::link(linker)?;
    typed::link(linker)
}

/// Functions of one interface, defined one after the other.
struct Interface<'a, H: Host>(LinkerInstance<'a, Guest<H>>);

impl<H: Host> Interface<'_, H> {
    /// One that cannot fail but by the guest's own mistake, over which it traps.
    fn plain<P, R>(&mut self, name: &str, body: fn(&mut Guest<H>, P) -> Done<R>) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
    {
        self.0.func_wrap(name, move |store: StoreContextMut<'_, Guest<H>>, params: P| {
            Ok((call(store, |guest| body(guest, params))??,))
        })
    }

    /// The same without an answer.
    fn silent<P>(&mut self, name: &str, body: fn(&mut Guest<H>, P) -> Done) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
    {
        self.0.func_wrap(name, move |store: StoreContextMut<'_, Guest<H>>, params: P| {
            call(store, |guest| body(guest, params))??;
            Ok(())
        })
    }

    /// One that answers `result<R, error-code>`.
    fn fallible<P, R>(&mut self, name: &str, body: fn(&mut Guest<H>, P) -> Done<R>) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
    {
        self.0.func_wrap(name, move |store: StoreContextMut<'_, Guest<H>>, params: P| {
            Ok((call(store, |guest| body(guest, params))?.map_err(ErrorCode::from),))
        })
    }

    /// One that answers `result<R, stream-error>`; `Ok(None)` is a stream that has ended.
    fn streaming<P, R>(&mut self, name: &str, body: fn(&mut Guest<H>, P) -> Done<Option<R>>) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
    {
        self.0.func_wrap(name, move |store: StoreContextMut<'_, Guest<H>>, params: P| {
            Ok((match call(store, |guest| body(guest, params))? {
                Ok(Some(value)) => Ok(value),
                Ok(None) => Err(StreamError::Closed),
                Err(errno) => Err(StreamError::LastOperationFailed(Resource::new_own(u32::from(errno.code())))),
            },))
        })
    }

    /// A kind of resource, and what is done when the guest drops one.
    fn resource<T: 'static>(&mut self, name: &str, drop: fn(&mut Guest<H>, u32)) -> wasmtime::Result<()> {
        let kind = wasmtime::component::ResourceType::host::<T>();
        self.0.resource(name, kind, move |store, rep| {
            call(store, |guest| {
                drop(guest, rep);
                Ok(())
            })??;
            Ok(())
        })
    }
}

fn call<H: Host, R>(
    mut store: StoreContextMut<'_, Guest<H>>,
    body: impl FnOnce(&mut Guest<H>) -> Done<R>,
) -> wasmtime::Result<Result<R, super::errno::Errno>> {
    work::begin(&mut store)?;
    let done = body(store.data_mut());
    work::end(&mut store, done)
}
