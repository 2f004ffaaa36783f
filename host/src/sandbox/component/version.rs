//! What the versions of WASI tell apart in functions that are otherwise the same.

use wasmtime::StoreContextMut;
use wasmtime::component::ComponentNamedList;
use wasmtime::component::ComponentType;
use wasmtime::component::Lift;
use wasmtime::component::LinkerInstance;
use wasmtime::component::Lower;

use super::types::DescriptorStat;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::tree::Stat;

/// A version of WASI.
pub(super) trait Version: 'static {
    /// The newest of it that the engine knows; guests of older ones are served by the same functions.
    const NUMBER: &'static str;

    /// `wasi:filesystem/types.error-code`.
    type ErrorCode: From<Errno> + ComponentType + Lower + 'static;
    /// `wasi:filesystem/types.descriptor-type`.
    type FileType: From<Stat> + ComponentType + Lower + 'static;
    /// A point in time.
    type Instant: Default + Copy + ComponentType + Lift + Lower + 'static;

    /// Defines a function that a guest may have to wait for, in versions that know such functions.
    fn wrap<H: Host, P, R>(
        interface: &mut LinkerInstance<'_, Guest<H>>,
        name: &str,
        body: impl Fn(StoreContextMut<'_, Guest<H>>, P) -> wasmtime::Result<R> + Copy + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static;
}

/// `wasi:filesystem/types.descriptor-stat` of that version.
pub(super) type StatOf<V> = DescriptorStat<<V as Version>::FileType, <V as Version>::Instant>;
