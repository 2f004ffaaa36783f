//! `path_*`: what a guest does by name.

use wasmtime::Caller;
use wasmtime::Linker;

use super::MODULE;
use super::call;
use super::files::check_times;
use super::files::filestat;
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
                let opened = guest.vfs.open_at(fd, memory.bytes(at, len)?, open_how(how, rights, flags))?;
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
                let stat = guest.vfs.stat_at(fd, memory.bytes(at, len)?)?;
                memory.put(out, &filestat(Some(stat)))?;
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn link_changes<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "path_create_directory", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| guest.vfs.make_directory(fd, memory.bytes(at, len)?))
    })?;
    linker.func_wrap(MODULE, "path_remove_directory", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| guest.vfs.remove(fd, memory.bytes(at, len)?, FileType::Directory))
    })?;
    linker.func_wrap(MODULE, "path_unlink_file", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| guest.vfs.remove(fd, memory.bytes(at, len)?, FileType::Regular))
    })?;
    linker.func_wrap(
        MODULE,
        "path_rename",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32, new_fd: u32, new_at: u32, new_len: u32| {
            call(caller, |memory, guest| {
                let from = (fd, memory.bytes(at, len)?);
                guest.vfs.rename(from, (new_fd, memory.bytes(new_at, new_len)?))
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
                Ok(guest.vfs.stat_at(fd, memory.bytes(at, len)?).map(drop)?)
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
                guest.vfs.deny("make a hard link to", memory.bytes(at, len)?);
                Err(Errno::Notsup.into())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_symlink",
        |caller: Caller<'_, Guest<H>>, at: u32, len: u32, _fd: u32, _new: u32, _new_len: u32| {
            call(caller, |memory, guest| {
                guest.vfs.deny("make a symbolic link to", memory.bytes(at, len)?);
                Err(Errno::Notsup.into())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_readlink",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32, _buffer: u32, _size: u32, _out: u32| {
            call(caller, |memory, guest| {
                guest.vfs.stat_at(fd, memory.bytes(at, len)?)?;
                Err(Errno::Inval.into())
            })
        },
    )?;
    Ok(())
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
