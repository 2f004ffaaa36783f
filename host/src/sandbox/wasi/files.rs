//! `fd_*`: what a guest does with descriptors it has.

use wasmtime::Caller;
use wasmtime::Linker;

use super::MODULE;
use super::Moved;
use super::call;
use super::memory::GuestMemory;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::tree::Stat;
use crate::sandbox::vfs::Access;
use crate::sandbox::vfs::FileType;
use crate::sandbox::vfs::Vfs;
use crate::sandbox::vfs::Whence;

/// Rights are a fiction here: access is what the descriptor was opened with. All of them, for libcs that ask.
const RIGHTS: u64 = (1 << 30) - 1;
const RIGHT_WRITE: u64 = 1 << 6;
const APPEND: u16 = 1;
const DIRENT_BYTES: usize = 24;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    link_bytes(linker)?;
    link_facts(linker)?;
    link_quiet(linker)
}

fn link_bytes<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_read", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, out: u32| {
        call(caller, |memory, guest| scatter(memory, (at, count, out), guest, |vfs, buffer, _| vfs.read(fd, buffer)))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_pread",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, offset: u64, out: u32| {
            call(caller, |memory, guest| {
                scatter(memory, (at, count, out), guest, |vfs, buffer, done| {
                    vfs.read_at(fd, buffer, offset.saturating_add(done))
                })
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_write", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, out: u32| {
        call(caller, |memory, guest| gather(memory, (at, count, out), |bytes, _| guest.vfs.write(fd, bytes)))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_pwrite",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, offset: u64, out: u32| {
            call(caller, |memory, guest| {
                gather(memory, (at, count, out), |bytes, done| {
                    guest.vfs.write_at(fd, bytes, offset.saturating_add(done))
                })
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_seek",
        |caller: Caller<'_, Guest<H>>, fd: u32, offset: i64, whence: u32, out: u32| {
            call(caller, |memory, guest| {
                let whence = match whence {
                    0 => Whence::Start,
                    1 => Whence::Current,
                    2 => Whence::End,
                    _ => return Err(Errno::Inval.into()),
                };
                let position = guest.vfs.seek(fd, offset, whence)?;
                memory.put_u64(out, position)?;
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_tell", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            let position = guest.vfs.seek(fd, 0, Whence::Current)?;
            memory.put_u64(out, position)?;
            Ok(0)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32, cookie: u64, out: u32| {
            call(caller, |memory, guest| list(memory, &guest.vfs.list(fd)?, (at, len, cookie, out)))
        },
    )?;
    Ok(())
}

fn link_facts<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_fdstat_get", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            let (file_type, access) = guest.vfs.file_type(fd)?;
            memory.put(out, &fdstat(file_type, access))?;
            Ok(0)
        })
    })?;
    linker.func_wrap(MODULE, "fd_filestat_get", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            memory.put(out, &filestat(guest.vfs.stat(fd)?))?;
            Ok(0)
        })
    })?;
    linker.func_wrap(MODULE, "fd_prestat_get", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            let path = guest.vfs.preopen(fd)?;
            memory.put_u32(out, 0)?;
            memory.put_len(out.checked_add(4).ok_or(Errno::Fault)?, path.len())?;
            Ok(0)
        })
    })?;
    linker.func_wrap(MODULE, "fd_prestat_dir_name", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| {
            let path = guest.vfs.preopen(fd)?.as_bytes();
            if usize::try_from(len).is_ok_and(|len| len < path.len()) {
                return Err(Errno::Nametoolong.into());
            }
            memory.put(at, path)?;
            Ok(0)
        })
    })?;
    linker.func_wrap(MODULE, "fd_close", |caller: Caller<'_, Guest<H>>, fd: u32| {
        call(caller, |_, guest| Ok(guest.vfs.close(fd).map(|()| 0)?))
    })?;
    linker.func_wrap(MODULE, "fd_renumber", |caller: Caller<'_, Guest<H>>, from: u32, to: u32| {
        call(caller, |_, guest| Ok(guest.vfs.renumber(from, to).map(|()| 0)?))
    })?;
    linker.func_wrap(MODULE, "fd_filestat_set_size", |caller: Caller<'_, Guest<H>>, fd: u32, size: u64| {
        call(caller, |_, guest| guest.vfs.set_size(fd, size).map(|()| 0))
    })?;
    linker.func_wrap(MODULE, "fd_allocate", |caller: Caller<'_, Guest<H>>, fd: u32, offset: u64, len: u64| {
        call(caller, |_, guest| {
            let end = offset.checked_add(len).ok_or(Errno::Inval)?;
            let size = guest.vfs.stat(fd)?.ok_or(Errno::Badf)?.size;
            guest.vfs.set_size(fd, end.max(size)).map(|()| 0)
        })
    })?;
    Ok(())
}

/// Calls that are true of every file here, or that nobody can tell from having happened.
fn link_quiet<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_advise",
        |caller: Caller<'_, Guest<H>>, fd: u32, _offset: u64, _len: u64, _advice: u32| quiet(caller, fd),
    )?;
    linker.func_wrap(MODULE, "fd_datasync", |caller: Caller<'_, Guest<H>>, fd: u32| quiet(caller, fd))?;
    linker.func_wrap(MODULE, "fd_sync", |caller: Caller<'_, Guest<H>>, fd: u32| quiet(caller, fd))?;
    linker.func_wrap(MODULE, "fd_fdstat_set_flags", |caller: Caller<'_, Guest<H>>, fd: u32, _flags: u32| {
        quiet(caller, fd)
    })?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_rights",
        |caller: Caller<'_, Guest<H>>, fd: u32, _base: u64, _inheriting: u64| quiet(caller, fd),
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_times",
        |caller: Caller<'_, Guest<H>>, fd: u32, _accessed: u64, _modified: u64, _flags: u32| quiet(caller, fd),
    )?;
    Ok(())
}

fn quiet<H: Host>(caller: Caller<'_, Guest<H>>, fd: u32) -> wasmtime::Result<i32> {
    call(caller, |_, guest| Ok(guest.vfs.file_type(fd).map(|_| 0)?))
}

fn scatter<H: Host>(
    memory: &mut GuestMemory<'_>,
    (at, count, out): (u32, u32, u32),
    guest: &mut Guest<H>,
    mut read: impl FnMut(&mut Vfs<H>, &mut [u8], u64) -> Result<usize, crate::sandbox::errno::CallError>,
) -> Moved {
    let mut done = 0;
    for (at, len) in memory.vectors(at, count)? {
        let got = u64::try_from(read(&mut guest.vfs, memory.bytes_mut(at, len)?, done)?).unwrap_or(0);
        done += got;
        if got < u64::from(len) {
            break;
        }
    }
    memory.put_u32(out, u32::try_from(done).map_err(|_| Errno::Inval)?)?;
    let bytes_read = guest.vfs.bytes_read();
    guest.vfs.host.progress(bytes_read);
    Ok(done)
}

fn gather(
    memory: &mut GuestMemory<'_>,
    (at, count, out): (u32, u32, u32),
    mut write: impl FnMut(&[u8], u64) -> Result<usize, crate::sandbox::errno::CallError>,
) -> Moved {
    let mut done = 0;
    for (at, len) in memory.vectors(at, count)? {
        done += u64::try_from(write(memory.bytes(at, len)?, done)?).unwrap_or(0);
    }
    memory.put_u32(out, u32::try_from(done).map_err(|_| Errno::Inval)?)?;
    // Writing costs the host more than reading: disk, quota, log.
    Ok(done * 4)
}

fn list(
    memory: &mut GuestMemory<'_>,
    entries: &[(String, Stat)],
    (at, len, cookie, out): (u32, u32, u64, u32),
) -> Moved {
    let skip = usize::try_from(cookie).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    let room = usize::try_from(len).map_err(|_| Errno::Fault)?;
    for (number, (name, stat)) in entries.iter().enumerate().skip(skip) {
        if bytes.len() >= room {
            break;
        }
        let mut entry = [0; DIRENT_BYTES];
        entry[..8].copy_from_slice(&u64::try_from(number + 1).unwrap_or(u64::MAX).to_le_bytes());
        entry[8..16].copy_from_slice(&stat.ino.to_le_bytes());
        entry[16..20].copy_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
        entry[20] = type_number(type_of(*stat));
        bytes.extend_from_slice(&entry);
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes.truncate(room);
    memory.put(at, &bytes)?;
    memory.put_len(out, bytes.len())?;
    Ok(u64::try_from(entries.len()).unwrap_or(0) * 256)
}

fn type_of(stat: Stat) -> FileType {
    if stat.directory { FileType::Directory } else { FileType::Regular }
}

fn type_number(file_type: FileType) -> u8 {
    match file_type {
        FileType::Stream => 2,
        FileType::Directory => 3,
        FileType::Regular => 4,
    }
}

fn fdstat(file_type: FileType, access: Access) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[0] = type_number(file_type);
    bytes[2..4].copy_from_slice(&(if access.append { APPEND } else { 0 }).to_le_bytes());
    // Seeking and telling are not for streams: libc takes a character device that cannot seek for a terminal.
    let base = if access.write { RIGHTS } else { RIGHTS & !RIGHT_WRITE };
    let base = if file_type == FileType::Stream { base & !(1 << 2 | 1 << 5) } else { base };
    bytes[8..16].copy_from_slice(&base.to_le_bytes());
    bytes[16..24].copy_from_slice(&RIGHTS.to_le_bytes());
    bytes
}

/// The 64 bytes of a `filestat`; every time is 0, every link count 1.
pub(super) fn filestat(stat: Option<Stat>) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[16] = type_number(stat.map_or(FileType::Stream, type_of));
    bytes[24] = 1;
    if let Some(stat) = stat {
        bytes[8..16].copy_from_slice(&stat.ino.to_le_bytes());
        bytes[32..40].copy_from_slice(&stat.size.to_le_bytes());
    }
    bytes
}
