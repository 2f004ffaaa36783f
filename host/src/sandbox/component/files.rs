//! `wasi:filesystem`: descriptors of the virtual file system, by their own numbers.

use wasmtime::component::Linker;
use wasmtime::component::Resource;

use super::Interface;
use super::slots::Slots;
use super::types::Advice;
use super::types::Descriptor;
use super::types::DescriptorFlags;
use super::types::DescriptorStat;
use super::types::DescriptorType;
use super::types::DirectoryEntry;
use super::types::EntryStream;
use super::types::ErrorCode;
use super::types::InputStream;
use super::types::IoError;
use super::types::MetadataHash;
use super::types::NewTimestamp;
use super::types::OpenFlags;
use super::types::OutputStream;
use super::types::PathFlags;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Access;
use crate::sandbox::vfs::Fd;
use crate::sandbox::vfs::FileType;
use crate::sandbox::vfs::OpenHow;
use crate::sandbox::work::Done;
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
    Interface(linker.instance("wasi:filesystem/preopens@0.2.12")?).plain("get-directories", |guest, ()| {
        let opened = guest.vfs.preopens().into_iter();
        Ok(opened.map(|(fd, path)| (It::new_own(fd), path.to_owned())).collect::<Vec<_>>())
    })?;
    let mut types = Interface(linker.instance("wasi:filesystem/types@0.2.12")?);
    types.resource::<Descriptor>("descriptor", |guest, rep| guest.vfs.close_own(rep))?;
    link_bytes(&mut types)?;
    link_facts(&mut types)?;
    link_names(&mut types)?;
    link_listing(&mut types)?;
    types.plain("filesystem-error-code", |_, (error,): (Resource<IoError>,)| Ok(error_code(error.rep())))
}

fn link_bytes<H: Host>(types: &mut Interface<'_, H>) -> wasmtime::Result<()> {
    types.fallible("[method]descriptor.read-via-stream", |guest, (it, offset): (It, u64)| {
        Ok(Resource::<InputStream>::new_own(guest.vfs.duplicate(it.rep(), offset)?))
    })?;
    types.fallible("[method]descriptor.write-via-stream", |guest, (it, offset): (It, u64)| {
        Ok(Resource::<OutputStream>::new_own(guest.vfs.duplicate(it.rep(), offset)?))
    })?;
    types.fallible("[method]descriptor.append-via-stream", |guest, (it,): (It,)| {
        let stream = guest.vfs.duplicate(it.rep(), 0)?;
        guest.vfs.set_writes_to(stream, crate::sandbox::vfs::WritesTo::End)?;
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
    })?;
    types.fallible("[method]descriptor.set-size", |guest, (it, size): (It, u64)| guest.vfs.set_size(it.rep(), size))?;
    for name in ["[method]descriptor.sync-data", "[method]descriptor.sync"] {
        types.fallible(name, |guest, (it,): (It,)| Ok(guest.vfs.file_type(it.rep()).map(drop)?))?;
    }
    types.fallible("[method]descriptor.advise", |guest, (it, _, _, _): (It, u64, u64, Advice)| {
        Ok(guest.vfs.file_type(it.rep()).map(drop)?)
    })
}

fn link_facts<H: Host>(types: &mut Interface<'_, H>) -> wasmtime::Result<()> {
    types.fallible("[method]descriptor.get-flags", |guest, (it,): (It,)| {
        let (file_type, access) = guest.vfs.file_type(it.rep())?;
        let mut flags = DescriptorFlags::empty();
        if access.read {
            flags |= DescriptorFlags::READ;
        }
        if access.write {
            let directory = file_type == FileType::Directory;
            flags |= if directory { DescriptorFlags::MUTATE_DIRECTORY } else { DescriptorFlags::WRITE };
        }
        Ok(flags)
    })?;
    types.fallible("[method]descriptor.get-type", |guest, (it,): (It,)| {
        Ok(guest.vfs.stat(it.rep())?.map_or(DescriptorType::Unknown, DescriptorType::of))
    })?;
    types.fallible("[method]descriptor.stat", |guest, (it,): (It,)| {
        Ok(DescriptorStat::from(guest.vfs.stat(it.rep())?.ok_or(Errno::Badf)?))
    })?;
    // Times are fixed here; what matters is whether there is something to set them of.
    types.fallible("[method]descriptor.set-times", |guest, (it, _, _): (It, NewTimestamp, NewTimestamp)| {
        Ok(guest.vfs.file_type(it.rep()).map(drop)?)
    })?;
    types.plain("[method]descriptor.is-same-object", |guest, (it, other): (It, It)| {
        Ok(guest.vfs.stat(it.rep())?.map(|it| it.ino) == guest.vfs.stat(other.rep())?.map(|it| it.ino))
    })?;
    types.fallible("[method]descriptor.metadata-hash", |guest, (it,): (It,)| {
        Ok(MetadataHash::from(guest.vfs.stat(it.rep())?.ok_or(Errno::Badf)?))
    })
}

fn link_names<H: Host>(types: &mut Interface<'_, H>) -> wasmtime::Result<()> {
    types.fallible(
        "[method]descriptor.open-at",
        |guest, (it, _, path, open, flags): (It, PathFlags, String, OpenFlags, DescriptorFlags)| {
            guest.work.count_text(&path);
            Ok(It::new_own(guest.vfs.open_at(it.rep(), path.as_bytes(), open_how(open, flags))?))
        },
    )?;
    types.fallible("[method]descriptor.stat-at", |guest, (it, _, path): (It, PathFlags, String)| {
        guest.work.count_text(&path);
        Ok(DescriptorStat::from(guest.vfs.stat_at(it.rep(), path.as_bytes())?))
    })?;
    types.fallible("[method]descriptor.metadata-hash-at", |guest, (it, _, path): (It, PathFlags, String)| {
        guest.work.count_text(&path);
        Ok(MetadataHash::from(guest.vfs.stat_at(it.rep(), path.as_bytes())?))
    })?;
    types.fallible(
        "[method]descriptor.set-times-at",
        |guest, (it, _, path, _, _): (It, PathFlags, String, NewTimestamp, NewTimestamp)| {
            guest.work.count_text(&path);
            Ok(guest.vfs.stat_at(it.rep(), path.as_bytes()).map(drop)?)
        },
    )?;
    types.fallible("[method]descriptor.create-directory-at", |guest, (it, path): (It, String)| {
        guest.work.count_text(&path);
        guest.vfs.make_directory(it.rep(), path.as_bytes())
    })?;
    types.fallible("[method]descriptor.remove-directory-at", |guest, (it, path): (It, String)| {
        guest.work.count_text(&path);
        guest.vfs.remove(it.rep(), path.as_bytes(), FileType::Directory)
    })?;
    types.fallible("[method]descriptor.unlink-file-at", |guest, (it, path): (It, String)| {
        guest.work.count_text(&path);
        guest.vfs.remove(it.rep(), path.as_bytes(), FileType::Regular)
    })?;
    types.fallible("[method]descriptor.rename-at", |guest, (it, old, to, new): (It, String, It, String)| {
        guest.work.count_text(&old);
        guest.work.count_text(&new);
        guest.vfs.rename((it.rep(), old.as_bytes()), (to.rep(), new.as_bytes()))
    })?;
    types.fallible(
        "[method]descriptor.link-at",
        |guest, (_, _, old, _, new): (It, PathFlags, String, It, String)| -> Done {
            guest.work.count_text(&old);
            guest.work.count_text(&new);
            guest.vfs.deny("make a hard link to", old.as_bytes());
            Err(Errno::Notsup.into())
        },
    )?;
    types.fallible("[method]descriptor.symlink-at", |guest, (_, old, new): (It, String, String)| -> Done {
        guest.work.count_text(&old);
        guest.work.count_text(&new);
        guest.vfs.deny("make a symbolic link to", old.as_bytes());
        Err(Errno::Notsup.into())
    })?;
    types.fallible("[method]descriptor.readlink-at", |guest, (it, path): (It, String)| -> Done<String> {
        guest.work.count_text(&path);
        guest.vfs.stat_at(it.rep(), path.as_bytes())?;
        Err(Errno::Inval.into())
    })
}

fn link_listing<H: Host>(types: &mut Interface<'_, H>) -> wasmtime::Result<()> {
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
            DirectoryEntry { file_type: DescriptorType::of(stat), name }
        }))
    })
}

fn open_how(open: OpenFlags, flags: DescriptorFlags) -> OpenHow {
    OpenHow {
        access: Access {
            read: flags & DescriptorFlags::READ == DescriptorFlags::READ,
            write: flags & DescriptorFlags::WRITE == DescriptorFlags::WRITE,
            append: false,
        },
        create: open & OpenFlags::CREATE == OpenFlags::CREATE,
        exclusive: open & OpenFlags::EXCLUSIVE == OpenFlags::EXCLUSIVE,
        truncate: open & OpenFlags::TRUNCATE == OpenFlags::TRUNCATE,
        directory: open & OpenFlags::DIRECTORY == OpenFlags::DIRECTORY,
    }
}

fn error_code(number: u32) -> Option<ErrorCode> {
    Errno::from_code(number).map(ErrorCode::from)
}
