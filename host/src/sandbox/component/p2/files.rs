//! What is in files and directories, as WASI 0.2 reads and writes it.

use wasmtime::component::Linker;
use wasmtime::component::Resource;

use super::Wasi02;
use crate::sandbox::component::Interface;
use crate::sandbox::component::files;
use crate::sandbox::component::slots::Slots;
use crate::sandbox::component::types::Descriptor;
use crate::sandbox::component::types::DescriptorType;
use crate::sandbox::component::types::DirectoryEntry;
use crate::sandbox::component::types::EntryStream;
use crate::sandbox::component::types::ErrorCode;
use crate::sandbox::component::types::InputStream;
use crate::sandbox::component::types::IoError;
use crate::sandbox::component::types::OutputStream;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Fd;
use crate::sandbox::vfs::WritesTo;
use crate::sandbox::work::NAME_WORK;

/// Most bytes of one read; more is read by asking again.
const READ_BYTES_MAX: u64 = 1 << 20;

type It = Resource<Descriptor>;

/// Directories being listed.
pub(in crate::sandbox) type Listings = Slots<Listing>;

/// A directory with the last name that it gave: a name that comes or goes meanwhile disturbs nothing.
#[derive(Debug)]
pub(in crate::sandbox) struct Listing {
    /// Its own.
    fd: Fd,
    after: Option<String>,
}

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    files::link::<H, Wasi02>(linker)?;
    let mut types = Interface::<H, Wasi02>::wasi(linker, "filesystem/types")?;
    link_bytes(&mut types)?;
    link_listing(&mut types)?;
    types.plain("filesystem-error-code", |_, (error,): (Resource<IoError>,)| Ok(error_code(error.rep())))
}

fn link_bytes<H: Host>(types: &mut Interface<'_, H, Wasi02>) -> wasmtime::Result<()> {
    types.fallible("[method]descriptor.read-via-stream", |guest, (it, offset): (It, u64)| {
        Ok(Resource::<InputStream>::new_own(guest.vfs.duplicate(it.rep(), offset)?))
    })?;
    types.fallible("[method]descriptor.write-via-stream", |guest, (it, offset): (It, u64)| {
        Ok(Resource::<OutputStream>::new_own(guest.vfs.duplicate(it.rep(), offset)?))
    })?;
    types.fallible("[method]descriptor.append-via-stream", |guest, (it,): (It,)| {
        let stream = guest.vfs.duplicate(it.rep(), 0)?;
        guest.vfs.set_writes_to(stream, WritesTo::End)?;
        Ok(Resource::<OutputStream>::new_own(stream))
    })?;
    types.fallible("[method]descriptor.read", |guest, (it, len, offset): (It, u64, u64)| {
        let wanted = len.min(READ_BYTES_MAX);
        let bytes = guest.read_block(wanted, |vfs, buffer| vfs.read_at(it.rep(), buffer, offset))?;
        let ended = u64::try_from(bytes.len()).unwrap_or(u64::MAX) < wanted;
        Ok((bytes, ended))
    })?;
    types.fallible("[method]descriptor.write", |guest, (it, bytes, offset): (It, Vec<u8>, u64)| {
        guest.work.spend_on_writing(&bytes)?;
        Ok(u64::try_from(guest.vfs.write_at(it.rep(), &bytes, offset)?).unwrap_or(u64::MAX))
    })
}

fn link_listing<H: Host>(types: &mut Interface<'_, H, Wasi02>) -> wasmtime::Result<()> {
    types.resource::<EntryStream>("directory-entry-stream", |guest, rep| {
        if let Some(listing) = guest.listings.remove(rep) {
            guest.vfs.close_own(listing.fd);
        }
    })?;
    types.fallible("[method]descriptor.read-directory", |guest, (it,): (It,)| {
        guest.vfs.next_name(it.rep(), None)?;
        let fd = guest.vfs.duplicate(it.rep(), 0)?;
        Ok(Resource::<EntryStream>::new_own(guest.listings.add(Listing { fd, after: None })))
    })?;
    types.fallible("[method]directory-entry-stream.read-directory-entry", |guest, (it,): (Resource<EntryStream>,)| {
        guest.work.count(NAME_WORK);
        let listing = guest.listings.get_mut(it.rep()).ok_or(Errno::Badf)?;
        let next = guest.vfs.next_name(listing.fd, listing.after.as_deref())?;
        Ok(next.map(|(name, stat)| {
            listing.after = Some(name.clone());
            DirectoryEntry { file_type: DescriptorType::from(stat), name }
        }))
    })
}

fn error_code(number: u32) -> Option<ErrorCode> {
    Errno::from_code(number).map(ErrorCode::from)
}
