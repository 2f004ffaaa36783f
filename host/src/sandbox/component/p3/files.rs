//! What is in files and directories, as WASI 0.3 reads, writes and lists it.

use wasmtime::AsContextMut;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;
use wasmtime::component::Resource;
use wasmtime::component::StreamReader;

use super::Wasi03;
use super::streams;
use super::types::ErrorCode;
use crate::sandbox::component::Interface;
use crate::sandbox::component::call;
use crate::sandbox::component::files;
use crate::sandbox::component::types::Descriptor;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Fd;
use crate::sandbox::vfs::WritesTo;
use crate::sandbox::work::Done;

type It = Resource<Descriptor>;
type Store<'a, H> = StoreContextMut<'a, Guest<H>>;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    files::link::<H, Wasi03>(linker)?;
    let mut types = Interface::<H, Wasi03>::wasi(linker, "filesystem/types")?.0;
    types.func_wrap("[method]descriptor.read-via-stream", |mut store: Store<'_, H>, (it, offset): (It, u64)| {
        let from = open(&mut store, |guest| Ok(guest.vfs.duplicate(it.rep(), offset)?))?;
        Ok((streams::read::<H, ErrorCode>(store, from)?,))
    })?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut store: Store<'_, H>, (it, data, offset): (It, StreamReader<u8>, u64)| {
            let to = open(&mut store, |guest| Ok(guest.vfs.duplicate(it.rep(), offset)?))?;
            Ok((streams::write::<H, ErrorCode>(store, data, to)?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |mut store: Store<'_, H>, (it, data): (It, StreamReader<u8>)| {
            let to = open(&mut store, |guest| {
                let to = guest.vfs.duplicate(it.rep(), 0)?;
                guest.vfs.set_writes_to(to, WritesTo::End)?;
                Ok(to)
            })?;
            Ok((streams::write::<H, ErrorCode>(store, data, to)?,))
        },
    )?;
    types.func_wrap("[method]descriptor.read-directory", |mut store: Store<'_, H>, (it,): (It,)| {
        let directory = open(&mut store, |guest| {
            guest.vfs.next_name(it.rep(), None)?;
            Ok(guest.vfs.duplicate(it.rep(), 0)?)
        })?;
        Ok((streams::list::<H, ErrorCode>(store, directory)?,))
    })
}

/// Makes the descriptor of a stream, once those of streams that are gone are closed.
fn open<H: Host>(
    store: &mut Store<'_, H>,
    make: impl FnOnce(&mut Guest<H>) -> Done<Fd>,
) -> wasmtime::Result<Result<Fd, Errno>> {
    call(store.as_context_mut(), |guest| {
        guest.sweep();
        make(guest)
    })
}
