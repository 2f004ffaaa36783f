//! `fd_*`: what a guest does with descriptors it has.

use wasmtime::Caller;
use wasmtime::Linker;

use super::MODULE;
use super::call;
use super::memory::GuestMemory;
use crate::sandbox::errno::CallError;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::tree::Stat;
use crate::sandbox::vfs::Access;
use crate::sandbox::vfs::FileType;
use crate::sandbox::vfs::Vfs;
use crate::sandbox::vfs::Whence;
use crate::sandbox::vfs::WritesTo;
use crate::sandbox::work::BUFFER_WORK;
use crate::sandbox::work::Done;
use crate::sandbox::work::NAME_WORK;
use crate::sandbox::work::PASSED_NAME_WORK;
use crate::sandbox::work::WRITE_WORK;

/// Rights are a fiction here: access is what the descriptor was opened with. All of them, for libcs that ask what may
/// be opened below; of a directory itself those on paths, of a file those on bytes (witx `rights`).
const RIGHTS: u64 = (1 << 30) - 1;
const RIGHTS_OF_DIRECTORY: u64 = 0x0fb7_fe19;
const RIGHTS_OF_FILE: u64 = 0x08e0_01ff;
const RIGHT_READ: u64 = 1 << 1;
const RIGHT_SEEK: u64 = 1 << 2;
const RIGHT_TELL: u64 = 1 << 5;
const RIGHT_WRITE: u64 = 1 << 6;
/// `fstflags`: each time is set to a value, or to now, or left.
const ATIM_BOTH: u32 = 0b0011;
const MTIM_BOTH: u32 = 0b1100;
const APPEND: u16 = 1;
const DIRENT_BYTES: usize = 24;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    link_bytes(linker)?;
    link_facts(linker)?;
    link_quiet(linker)
}

fn link_bytes<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_read", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, out: u32| {
        call(caller, |memory, guest| {
            scatter(memory, (fd, at, count, out), guest, |vfs, buffer, _| vfs.read(fd, buffer))
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_pread",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, offset: u64, out: u32| {
            call(caller, |memory, guest| {
                scatter(memory, (fd, at, count, out), guest, |vfs, buffer, done| {
                    vfs.read_at(fd, buffer, offset.saturating_add(done))
                })
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_write", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, out: u32| {
        call(caller, |memory, guest| gather(memory, (fd, at, count, out), guest, |vfs, bytes, _| vfs.write(fd, bytes)))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_pwrite",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, count: u32, offset: u64, out: u32| {
            call(caller, |memory, guest| {
                gather(memory, (fd, at, count, out), guest, |vfs, bytes, done| {
                    vfs.write_at(fd, bytes, offset.saturating_add(done))
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
                Ok(())
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_tell", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            let position = guest.vfs.seek(fd, 0, Whence::Current)?;
            memory.put_u64(out, position)?;
            Ok(())
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32, cookie: u64, out: u32| {
            call(caller, |memory, guest| {
                let (bytes, passed, listed) = list(guest.vfs.list(fd)?, (len, cookie))?;
                // Also where there is no place for them.
                guest.work.count(passed.saturating_mul(PASSED_NAME_WORK).saturating_add(listed * NAME_WORK));
                memory.put(at, &bytes)?;
                memory.put_len(out, bytes.len())?;
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn link_facts<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_fdstat_get", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            let (file_type, access) = guest.vfs.file_type(fd)?;
            memory.put(out, &fdstat(file_type, access))?;
            Ok(())
        })
    })?;
    linker.func_wrap(MODULE, "fd_filestat_get", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            memory.put(out, &filestat(guest.vfs.stat(fd)?))?;
            Ok(())
        })
    })?;
    linker.func_wrap(MODULE, "fd_prestat_get", |caller: Caller<'_, Guest<H>>, fd: u32, out: u32| {
        call(caller, |memory, guest| {
            let path = guest.vfs.preopen(fd)?;
            memory.put_u32(out, 0)?;
            memory.put_len(out.checked_add(4).ok_or(Errno::Fault)?, path.len())?;
            Ok(())
        })
    })?;
    linker.func_wrap(MODULE, "fd_prestat_dir_name", |caller: Caller<'_, Guest<H>>, fd: u32, at: u32, len: u32| {
        call(caller, |memory, guest| {
            let path = guest.vfs.preopen(fd)?.as_bytes();
            if usize::try_from(len).is_ok_and(|len| len < path.len()) {
                return Err(Errno::Nametoolong.into());
            }
            memory.put(at, path)?;
            Ok(())
        })
    })?;
    linker.func_wrap(MODULE, "fd_close", |caller: Caller<'_, Guest<H>>, fd: u32| {
        call(caller, |_, guest| Ok(guest.vfs.close(fd)?))
    })?;
    linker.func_wrap(MODULE, "fd_renumber", |caller: Caller<'_, Guest<H>>, from: u32, to: u32| {
        call(caller, |_, guest| Ok(guest.vfs.renumber(from, to)?))
    })?;
    linker.func_wrap(MODULE, "fd_filestat_set_size", |caller: Caller<'_, Guest<H>>, fd: u32, size: u64| {
        call(caller, |_, guest| guest.vfs.set_size(fd, size))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_set_flags", |caller: Caller<'_, Guest<H>>, fd: u32, flags: u32| {
        // The other flags are about waiting, which nobody has to here.
        let place = if flags & u32::from(APPEND) == 0 { WritesTo::Position } else { WritesTo::End };
        call(caller, |_, guest| Ok(guest.vfs.set_writes_to(fd, place)?))
    })?;
    linker.func_wrap(MODULE, "fd_allocate", |caller: Caller<'_, Guest<H>>, fd: u32, offset: u64, len: u64| {
        call(caller, |_, guest| {
            let end = offset.checked_add(len).ok_or(Errno::Inval)?;
            let size = guest.vfs.stat(fd)?.ok_or(Errno::Badf)?.size;
            guest.vfs.set_size(fd, end.max(size))
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
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_rights",
        // What is no more than a fiction cannot be given up.
        |caller: Caller<'_, Guest<H>>, fd: u32, _base: u64, _inheriting: u64| {
            call(caller, |_, guest| {
                guest.vfs.file_type(fd)?;
                Err(Errno::Notsup.into())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_times",
        |caller: Caller<'_, Guest<H>>, fd: u32, _accessed: u64, _modified: u64, flags: u32| {
            call(caller, |_, guest| {
                check_times(flags)?;
                Ok(guest.vfs.file_type(fd).map(drop)?)
            })
        },
    )?;
    Ok(())
}

fn quiet<H: Host>(caller: Caller<'_, Guest<H>>, fd: u32) -> wasmtime::Result<i32> {
    call(caller, |_, guest| Ok(guest.vfs.file_type(fd).map(drop)?))
}

/// Most bytes of one call; more is moved by asking again, as for any short read or write.
const CALL_BYTES_MAX: u32 = 64 << 20;

fn scatter<H: Host>(
    memory: &mut GuestMemory<'_>,
    (fd, at, count, out): (u32, u32, u32, u32),
    guest: &mut Guest<H>,
    mut read: impl FnMut(&mut Vfs<H>, &mut [u8], u64) -> Result<usize, CallError>,
) -> Done {
    memory.u32(out)?;
    guest.vfs.file_type(fd)?;
    let (mut done, mut room) = (0, CALL_BYTES_MAX);
    for (at, len) in memory.vectors(at, count)? {
        let len = len.min(room);
        guest.work.count(BUFFER_WORK);
        guest.work.afford(u64::from(len))?;
        let got = u64::try_from(read(&mut guest.vfs, memory.bytes_mut(at, len)?, done)?).unwrap_or(0);
        guest.work.count(got);
        done += got;
        room -= len;
        if got < u64::from(len) || room == 0 {
            break;
        }
    }
    memory.put_u32(out, u32::try_from(done).map_err(|_| Errno::Inval)?)?;
    Ok(())
}

fn gather<H: Host>(
    memory: &mut GuestMemory<'_>,
    (fd, at, count, out): (u32, u32, u32, u32),
    guest: &mut Guest<H>,
    mut write: impl FnMut(&mut Vfs<H>, &[u8], u64) -> Result<usize, CallError>,
) -> Done {
    memory.u32(out)?;
    guest.vfs.file_type(fd)?;
    let (mut done, mut room) = (0, CALL_BYTES_MAX);
    for (at, len) in memory.vectors(at, count)? {
        let len = len.min(room);
        guest.work.count(BUFFER_WORK);
        guest.work.afford(u64::from(len) * WRITE_WORK)?;
        let put = u64::try_from(write(&mut guest.vfs, memory.bytes(at, len)?, done)?).unwrap_or(0);
        guest.work.count(put * WRITE_WORK);
        done += put;
        room -= len;
        if room == 0 {
            break;
        }
    }
    memory.put_u32(out, u32::try_from(done).map_err(|_| Errno::Inval)?)?;
    Ok(())
}

/// Lists names from the cookie on into so many bytes, and tells how many were passed over and how many listed.
fn list<'a>(
    entries: impl Iterator<Item = (&'a str, Stat)>,
    (len, cookie): (u32, u64),
) -> Result<(Vec<u8>, u64, u64), Errno> {
    let mut bytes = Vec::new();
    let (mut passed, mut listed) = (0, 0);
    let room = usize::try_from(len).map_err(|_| Errno::Fault)?;
    for (number, (name, stat)) in (1..).zip(entries) {
        if number <= cookie {
            passed = number;
            continue;
        }
        if bytes.len() >= room {
            break;
        }
        listed += 1;
        let mut entry = [0; DIRENT_BYTES];
        entry[..8].copy_from_slice(&number.to_le_bytes());
        entry[8..16].copy_from_slice(&stat.ino.to_le_bytes());
        entry[16..20].copy_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
        entry[20] = type_number(type_of(stat));
        bytes.extend_from_slice(&entry);
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes.truncate(room);
    Ok((bytes, passed, listed))
}

/// Whether each time is set one way at most; which way does not matter, since they are fixed.
pub(super) fn check_times(flags: u32) -> Result<(), Errno> {
    let contradicts = [ATIM_BOTH, MTIM_BOTH].iter().any(|both| flags & both == *both);
    if contradicts { Err(Errno::Inval) } else { Ok(()) }
}

fn type_of(stat: Stat) -> FileType {
    if stat.directory { FileType::Directory } else { FileType::Regular }
}

fn type_number(file_type: FileType) -> u8 {
    match file_type {
        // Unknown: libc takes a character device for a terminal, and programs then colour or prompt.
        FileType::Stream => 0,
        FileType::Directory => 3,
        FileType::Regular => 4,
    }
}

fn fdstat(file_type: FileType, access: Access) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[0] = type_number(file_type);
    bytes[2..4].copy_from_slice(&(if access.append { APPEND } else { 0 }).to_le_bytes());
    let of_bytes =
        RIGHTS_OF_FILE & !(if access.write { 0 } else { RIGHT_WRITE }) & !(if access.read { 0 } else { RIGHT_READ });
    let base = match file_type {
        FileType::Directory => RIGHTS_OF_DIRECTORY,
        FileType::Regular => of_bytes,
        FileType::Stream => of_bytes & !(RIGHT_SEEK | RIGHT_TELL),
    };
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
