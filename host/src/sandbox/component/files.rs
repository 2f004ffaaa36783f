//! `wasi:filesystem`: descriptors of the virtual file system, by their own numbers.

use wasmtime::component::Linker;
use wasmtime::component::Resource;

use super::Interface;
use super::types::Advice;
use super::types::Descriptor;
use super::types::DescriptorFlags;
use super::types::MetadataHash;
use super::types::NewTimestamp;
use super::types::OpenFlags;
use super::types::PathFlags;
use super::version::StatOf;
use super::version::Version;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Access;
use crate::sandbox::vfs::FileType;
use crate::sandbox::vfs::OpenHow;
use crate::sandbox::work::Done;

type It = Resource<Descriptor>;
type Time<V> = NewTimestamp<<V as Version>::Instant>;

/// Defines what every version has: all but reading, writing and listing.
pub(super) fn link<H: Host, V: Version>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    Interface::<H, V>::wasi(linker, "filesystem/preopens")?.plain("get-directories", |guest, ()| {
        let opened = guest.vfs.preopens().into_iter();
        Ok(opened.map(|(fd, path)| (It::new_own(fd), path.to_owned())).collect::<Vec<_>>())
    })?;
    let mut types = Interface::<H, V>::wasi(linker, "filesystem/types")?;
    types.resource::<Descriptor>("descriptor", |guest, rep| guest.vfs.close_own(rep))?;
    link_facts(&mut types)?;
    link_names(&mut types)?;
    types.fallible("[method]descriptor.set-size", |guest, (it, size): (It, u64)| guest.vfs.set_size(it.rep(), size))?;
    for name in ["[method]descriptor.sync-data", "[method]descriptor.sync"] {
        types.fallible(name, |guest, (it,): (It,)| Ok(guest.vfs.file_type(it.rep()).map(drop)?))?;
    }
    types.fallible("[method]descriptor.advise", |guest, (it, _, _, _): (It, u64, u64, Advice)| {
        Ok(guest.vfs.file_type(it.rep()).map(drop)?)
    })
}

fn link_facts<H: Host, V: Version>(types: &mut Interface<'_, H, V>) -> wasmtime::Result<()> {
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
        Ok(V::FileType::from(guest.vfs.stat(it.rep())?.ok_or(Errno::Badf)?))
    })?;
    types.fallible("[method]descriptor.stat", |guest, (it,): (It,)| {
        Ok(StatOf::<V>::from(guest.vfs.stat(it.rep())?.ok_or(Errno::Badf)?))
    })?;
    // Times are fixed here; what matters is whether there is something to set them of.
    types.fallible("[method]descriptor.set-times", |guest, (it, _, _): (It, Time<V>, Time<V>)| {
        Ok(guest.vfs.file_type(it.rep()).map(drop)?)
    })?;
    types.answering("[method]descriptor.is-same-object", |guest, (it, other): (It, It)| {
        Ok(guest.vfs.stat(it.rep())?.map(|it| it.ino) == guest.vfs.stat(other.rep())?.map(|it| it.ino))
    })?;
    types.fallible("[method]descriptor.metadata-hash", |guest, (it,): (It,)| {
        Ok(MetadataHash::from(guest.vfs.stat(it.rep())?.ok_or(Errno::Badf)?))
    })
}

fn link_names<H: Host, V: Version>(types: &mut Interface<'_, H, V>) -> wasmtime::Result<()> {
    types.fallible(
        "[method]descriptor.open-at",
        |guest, (it, _, path, open, flags): (It, PathFlags, String, OpenFlags, DescriptorFlags)| {
            guest.work.count_path(path.as_bytes());
            Ok(It::new_own(guest.vfs.open_at(it.rep(), path.as_bytes(), open_how(open, flags))?))
        },
    )?;
    types.fallible("[method]descriptor.stat-at", |guest, (it, _, path): (It, PathFlags, String)| {
        guest.work.count_path(path.as_bytes());
        Ok(StatOf::<V>::from(guest.vfs.stat_at(it.rep(), path.as_bytes())?))
    })?;
    types.fallible("[method]descriptor.metadata-hash-at", |guest, (it, _, path): (It, PathFlags, String)| {
        guest.work.count_path(path.as_bytes());
        Ok(MetadataHash::from(guest.vfs.stat_at(it.rep(), path.as_bytes())?))
    })?;
    types.fallible(
        "[method]descriptor.set-times-at",
        |guest, (it, _, path, _, _): (It, PathFlags, String, Time<V>, Time<V>)| {
            guest.work.count_path(path.as_bytes());
            Ok(guest.vfs.stat_at(it.rep(), path.as_bytes()).map(drop)?)
        },
    )?;
    types.fallible("[method]descriptor.create-directory-at", |guest, (it, path): (It, String)| {
        guest.work.count_path(path.as_bytes());
        guest.vfs.make_directory(it.rep(), path.as_bytes())
    })?;
    types.fallible("[method]descriptor.remove-directory-at", |guest, (it, path): (It, String)| {
        guest.work.count_path(path.as_bytes());
        guest.vfs.remove(it.rep(), path.as_bytes(), FileType::Directory)
    })?;
    types.fallible("[method]descriptor.unlink-file-at", |guest, (it, path): (It, String)| {
        guest.work.count_path(path.as_bytes());
        guest.vfs.remove(it.rep(), path.as_bytes(), FileType::Regular)
    })?;
    types.fallible("[method]descriptor.rename-at", |guest, (it, old, to, new): (It, String, It, String)| {
        guest.work.count_path(old.as_bytes());
        guest.work.count_path(new.as_bytes());
        guest.vfs.rename((it.rep(), old.as_bytes()), (to.rep(), new.as_bytes()))
    })?;
    types.fallible(
        "[method]descriptor.link-at",
        |guest, (_, _, old, _, new): (It, PathFlags, String, It, String)| -> Done {
            guest.work.count_path(old.as_bytes());
            guest.work.count_path(new.as_bytes());
            guest.vfs.deny("make a hard link to", old.as_bytes());
            Err(Errno::Notsup.into())
        },
    )?;
    types.fallible("[method]descriptor.symlink-at", |guest, (_, old, new): (It, String, String)| -> Done {
        guest.work.count_path(old.as_bytes());
        guest.work.count_path(new.as_bytes());
        guest.vfs.deny("make a symbolic link to", old.as_bytes());
        Err(Errno::Notsup.into())
    })?;
    types.fallible("[method]descriptor.readlink-at", |guest, (it, path): (It, String)| -> Done<String> {
        guest.work.count_path(path.as_bytes());
        guest.vfs.stat_at(it.rep(), path.as_bytes())?;
        Err(Errno::Inval.into())
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
