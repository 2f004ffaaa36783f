//! `path_*`: what a guest does by name.

use wasmtime::Caller;
use wasmtime::Linker;

use super::MODULE;
use super::call;
use super::files::check_times;
use super::files::filestat;
use super::memory::GuestMemory;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Access;
use crate::sandbox::vfs::FileType;
use crate::sandbox::vfs::OpenHow;

const RIGHT_READ: u64 = 1 << 1;
const RIGHT_WRITE: u64 = 1 << 6;
const RIGHT_READDIR: u64 = 1 << 14;
const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;
const EXCLUSIVE: u32 = 4;
const TRUNCATE: u32 = 8;
const APPEND: u32 = 1;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    link_lookups(linker)?;
    link_changes(linker)?;
    link_refused(linker)
}

fn link_lookups<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "path_open",
        |caller: Caller<'_, Guest<H>>,
         fd: u32,
         _lookup: u32,
         at: u32,
         len: u32,
         how: u32,
         rights: u64,
         _inheriting: u64,
         flags: u32,
         out: u32| {
            call(caller, |memory, guest| {
                let path = path(memory, guest, (at, len))?;
                let opened = guest.vfs.open_at(fd, path, open_how(how, rights, flags))?;
                memory.put_u32(out, opened)?;
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_get",
        |caller: Caller<'_, Guest<H>>, fd: u32, _lookup: u32, at: u32, len: u32, out: u32| {
            call(caller, |memory, guest| {
                let path = path(memory, guest, (at, len))?;
                let stat = guest.vfs.stat_at(fd, path)?;
                memory.put(out, &filestat(Some(stat)))?;
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn link_changes<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "path_create_directory", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| {
            let path = path(memory, guest, (at, len))?;
            guest.vfs.make_directory(fd, path)
        })
    })?;
    linker.func_wrap(MODULE, "path_remove_directory", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| {
            let path = path(memory, guest, (at, len))?;
            guest.vfs.remove(fd, path, FileType::Directory)
        })
    })?;
    linker.func_wrap(MODULE, "path_unlink_file", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| {
            let path = path(memory, guest, (at, len))?;
            guest.vfs.remove(fd, path, FileType::Regular)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "path_rename",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32, new_fd: u32, new_at: u32, new_len: u32| {
            call(caller, |memory, guest| {
                let (old, new) = (path(memory, guest, (at, len))?, path(memory, guest, (new_at, new_len))?);
                guest.vfs.rename((fd, old), (new_fd, new))
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_set_times",
        |caller: Caller<'_, Guest<H>>, fd: u32, _lookup: u32, at: u32, len: u32, _a: u64, _m: u64, flags: u32| {
            // Times are fixed here; what matters is whether the path exists.
            call(caller, |memory, guest| {
                check_times(flags)?;
                let path = path(memory, guest, (at, len))?;
                Ok(guest.vfs.stat_at(fd, path).map(drop)?)
            })
        },
    )?;
    Ok(())
}

/// Links of either kind: this file system has none, and asking for one is noted.
fn link_refused<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "path_link",
        |caller: Caller<'_, Guest<H>>,
         _fd: u32,
         _lookup: u32,
         at: u32,
         len: u32,
         _new_fd: u32,
         _new: u32,
         _new_len: u32| {
            call(caller, |memory, guest| {
                let path = path(memory, guest, (at, len))?;
                guest.vfs.deny("make a hard link to", path);
                Err(Errno::Notsup.into())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_symlink",
        |caller: Caller<'_, Guest<H>>, at: u32, len: u32, _fd: u32, _new: u32, _new_len: u32| {
            call(caller, |memory, guest| {
                let path = path(memory, guest, (at, len))?;
                guest.vfs.deny("make a symbolic link to", path);
                Err(Errno::Notsup.into())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_readlink",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32, _buffer: u32, _size: u32, _out: u32| {
            call(caller, |memory, guest| {
                let path = path(memory, guest, (at, len))?;
                guest.vfs.stat_at(fd, path)?;
                Err(Errno::Inval.into())
            })
        },
    )?;
    Ok(())
}

/// A path that the guest names, and pays for.
fn path<'a, H: Host>(
    memory: &'a GuestMemory<'_>,
    guest: &mut Guest<H>,
    (at, len): (u32, u32),
) -> Result<&'a [u8], Errno> {
    let path = memory.bytes(at, len)?;
    guest.work.count_path(path);
    Ok(path)
}

fn open_how(how: u32, rights: u64, flags: u32) -> OpenHow {
    let append = flags & APPEND != 0;
    OpenHow {
        access: Access { read: rights & (RIGHT_READ | RIGHT_READDIR) != 0, write: rights & RIGHT_WRITE != 0, append },
        create: how & CREATE != 0,
        exclusive: how & EXCLUSIVE != 0,
        truncate: how & TRUNCATE != 0,
        directory: how & DIRECTORY != 0,
    }
}
