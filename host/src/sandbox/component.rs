//! WASI 0.2, WASI 0.3 and the typed world over the same virtual file system as WASI 0.1: what a component may import.
//!
//! Our own functions rather than `wasmtime-wasi`'s: no runtime, no thread, no host directory behind them, and every
//! call is charged to fuel. A resource's representation is the guest's own descriptor number wherever there is one;
//! wasmtime checks that a guest only ever names what it was given. Sockets and HTTP are not linked at all.

mod cli;
mod clocks;
mod files;
mod p2;
mod p3;
mod slots;
mod typed;
mod types;
mod version;

use std::marker::PhantomData;

use wasmtime::StoreContextMut;
use wasmtime::component::ComponentNamedList;
use wasmtime::component::ComponentType;
use wasmtime::component::Lift;
use wasmtime::component::Linker;
use wasmtime::component::LinkerInstance;
use wasmtime::component::Lower;
use wasmtime::component::Resource;

use self::types::StreamError;
use self::version::Version;
use super::execute::Guest;
use super::port::Host;
use super::work;
use super::work::Done;
use crate::analysis::module::ModuleKind;

pub(super) use self::p2::Listings;
pub(super) use self::p2::Polls;
pub(super) use self::p3::Alarms;
pub(super) use self::p3::Leftovers;
pub(super) use self::p3::call_and_wait;

/// Defines every function that such a component may import. What waits may be built over what does not.
pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>, kind: ModuleKind) -> wasmtime::Result<()> {
    p2::link(linker)?;
    typed::link(linker)?;
    if kind == ModuleKind::AsyncCommandComponent { p3::link(linker) } else { Ok(()) }
}

/// Functions of one interface of a version of WASI, defined one after the other.
struct Interface<'a, H: Host, V>(LinkerInstance<'a, Guest<H>>, PhantomData<V>);

impl<'a, H: Host, V: Version> Interface<'a, H, V> {
    /// One of WASI's, by package and name.
    fn wasi(linker: &'a mut Linker<Guest<H>>, name: &str) -> wasmtime::Result<Self> {
        Self::named(linker, &format!("wasi:{name}@{}", V::NUMBER))
    }

    fn named(linker: &'a mut Linker<Guest<H>>, name: &str) -> wasmtime::Result<Self> {
        Ok(Self(linker.instance(name)?, PhantomData))
    }

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

    /// The same, which a guest may have to wait for where its version knows such functions.
    fn answering<P, R>(&mut self, name: &str, body: fn(&mut Guest<H>, P) -> Done<R>) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
    {
        V::wrap(&mut self.0, name, move |store, params: P| Ok((call(store, |guest| body(guest, params))??,)))
    }

    /// One that answers `result<R, error-code>`; as before, a guest may have to wait for it.
    fn fallible<P, R>(&mut self, name: &str, body: fn(&mut Guest<H>, P) -> Done<R>) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
    {
        V::wrap(&mut self.0, name, move |store, params: P| {
            Ok((call(store, |guest| body(guest, params))?.map_err(V::ErrorCode::from),))
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
