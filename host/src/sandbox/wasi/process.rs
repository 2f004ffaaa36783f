//! Arguments, environment, the end of the program, and the sockets that are not there.

use wasmtime::Caller;
use wasmtime::Linker;

use super::MODULE;
use super::call;
use super::memory::GuestMemory;
use crate::sandbox::errno::CallError;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::work::Done;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "args_sizes_get", |caller: Caller<'_, Guest<H>>, count: u32, bytes: u32| {
        call(caller, |memory, guest| {
            guest.work.count_words(&guest.argv);
            sizes(memory, &guest.argv, (count, bytes))
        })
    })?;
    linker.func_wrap(MODULE, "args_get", |caller: Caller<'_, Guest<H>>, pointers: u32, buffer: u32| {
        call(caller, |memory, guest| {
            guest.work.count_words(&guest.argv);
            strings(memory, &guest.argv, (pointers, buffer))
        })
    })?;
    linker.func_wrap(MODULE, "environ_sizes_get", |caller: Caller<'_, Guest<H>>, count: u32, bytes: u32| {
        call(caller, |memory, guest| {
            guest.work.count_words(&guest.environment);
            sizes(memory, &guest.environment, (count, bytes))
        })
    })?;
    linker.func_wrap(MODULE, "environ_get", |caller: Caller<'_, Guest<H>>, pointers: u32, buffer: u32| {
        call(caller, |memory, guest| {
            guest.work.count_words(&guest.environment);
            strings(memory, &guest.environment, (pointers, buffer))
        })
    })?;
    linker.func_wrap(MODULE, "proc_exit", |mut caller: Caller<'_, Guest<H>>, code: i32| -> wasmtime::Result<()> {
        caller.data_mut().end = Some(CallError::Exit(code));
        Err(wasmtime::Error::msg("the guest exits"))
    })?;
    linker.func_wrap(MODULE, "proc_raise", |caller: Caller<'_, Guest<H>>, _signal: u32| {
        call(caller, |_, _| Err(Errno::Notsup.into()))
    })?;
    linker.func_wrap(MODULE, "sock_accept", |caller: Caller<'_, Guest<H>>, fd: u32, _: u32, _: u32| {
        no_socket(caller, fd)
    })?;
    linker.func_wrap(
        MODULE,
        "sock_recv",
        |caller: Caller<'_, Guest<H>>, fd: u32, _: u32, _: u32, _: u32, _: u32, _: u32| no_socket(caller, fd),
    )?;
    linker.func_wrap(
        MODULE,
        "sock_send",
        |caller: Caller<'_, Guest<H>>, fd: u32, _: u32, _: u32, _: u32, _: u32| no_socket(caller, fd),
    )?;
    linker.func_wrap(MODULE, "sock_shutdown", |caller: Caller<'_, Guest<H>>, fd: u32, _: u32| no_socket(caller, fd))?;
    Ok(())
}

/// No descriptor is one.
fn no_socket<H: Host>(caller: Caller<'_, Guest<H>>, fd: u32) -> wasmtime::Result<i32> {
    call(caller, |_, guest| {
        guest.vfs.file_type(fd)?;
        Err(Errno::Notsock.into())
    })
}

fn sizes<S: AsRef<str>>(memory: &mut GuestMemory<'_>, strings: &[S], (count, bytes): (u32, u32)) -> Done {
    memory.put_len(count, strings.len())?;
    memory.put_len(bytes, strings.iter().map(|it| it.as_ref().len() + 1).sum())?;
    Ok(())
}

fn strings<S: AsRef<str>>(memory: &mut GuestMemory<'_>, strings: &[S], (pointers, buffer): (u32, u32)) -> Done {
    let (mut pointer, mut at) = (pointers, buffer);
    for string in strings {
        let bytes = string.as_ref().as_bytes();
        memory.put_u32(pointer, at)?;
        memory.put(at, bytes)?;
        at = u32::try_from(bytes.len()).ok().and_then(|len| at.checked_add(len)).ok_or(Errno::Fault)?;
        memory.put(at, &[0])?;
        at = at.checked_add(1).ok_or(Errno::Fault)?;
        pointer = pointer.checked_add(4).ok_or(Errno::Fault)?;
    }
    Ok(())
}
