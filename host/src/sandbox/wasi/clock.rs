//! `clock_*` and `poll_oneoff`. Sleeping really takes the time asked for.

use wasmtime::Linker;

use super::MODULE;
use super::call;
use super::memory::GuestMemory;
use crate::sandbox::clock::LOOK_NS;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::work::Done;
use crate::sandbox::work::POLL_WORK;

/// Realtime, monotonic and the two CPU clocks: all the same to a guest.
const CLOCKS: std::ops::Range<u32> = 0..4;
const SUBSCRIPTIONS_MAX: u32 = 1024;
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;
const ABSOLUTE: u8 = 1;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "clock_res_get", |caller: wasmtime::Caller<'_, Guest<H>>, id: u32, out: u32| {
        call(caller, |memory, _| {
            check(id)?;
            memory.put_u64(out, LOOK_NS)?;
            Ok(())
        })
    })?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |caller: wasmtime::Caller<'_, Guest<H>>, id: u32, _precision: u64, out: u32| {
            call(caller, |memory, guest| {
                check(id)?;
                memory.put_u64(out, guest.clock.look())?;
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "poll_oneoff",
        |caller: wasmtime::Caller<'_, Guest<H>>, subscriptions: u32, events: u32, count: u32, out: u32| {
            call(caller, |memory, guest| poll(memory, guest, Poll { subscriptions, events, count, out }))
        },
    )?;
    linker.func_wrap(MODULE, "sched_yield", |caller: wasmtime::Caller<'_, Guest<H>>| call(caller, |_, _| Ok(())))?;
    Ok(())
}

fn check(id: u32) -> Result<(), Errno> {
    if CLOCKS.contains(&id) { Ok(()) } else { Err(Errno::Inval) }
}

struct Poll {
    subscriptions: u32,
    events: u32,
    count: u32,
    out: u32,
}

/// What one subscription waits for.
struct Wait {
    userdata: u64,
    tag: u8,
    /// For a clock: when. Files and streams are always ready.
    at_ns: Option<u64>,
    /// What is wrong with the descriptor; 0 for nothing.
    errno: u16,
}

fn poll<H: Host>(memory: &mut GuestMemory<'_>, guest: &mut Guest<H>, poll: Poll) -> Done {
    if poll.count == 0 || poll.count > SUBSCRIPTIONS_MAX {
        return Err(Errno::Inval.into());
    }
    guest.work.count(u64::from(poll.count) * POLL_WORK);
    memory.bytes(poll.subscriptions, poll.count * SUBSCRIPTION_BYTES)?;
    memory.bytes(poll.events, poll.count * EVENT_BYTES)?;
    let waits = (0..poll.count)
        .map(|number| wait(memory, guest, poll.subscriptions + number * SUBSCRIPTION_BYTES))
        .collect::<Result<Vec<_>, _>>()?;
    let something_ready = waits.iter().any(|it| it.at_ns.is_none());
    if !something_ready && let Some(first) = waits.iter().filter_map(|it| it.at_ns).min() {
        guest.sleep_until(first);
    }
    let due: Vec<_> = waits.iter().filter(|it| it.at_ns.is_none_or(|at| at <= guest.clock.now())).collect();
    let mut at = poll.events;
    for event in &due {
        memory.bytes_mut(at, EVENT_BYTES)?.fill(0);
        memory.put_u64(at, event.userdata)?;
        memory.put(at + 8, &event.errno.to_le_bytes())?;
        memory.put(at + 10, &[event.tag])?;
        memory.put_u64(at + 16, u64::from(event.at_ns.is_none()))?;
        at += EVENT_BYTES;
    }
    memory.put_len(poll.out, due.len())?;
    Ok(())
}

fn wait<H: Host>(memory: &GuestMemory<'_>, guest: &Guest<H>, at: u32) -> Result<Wait, Errno> {
    let userdata = memory.u64(at)?;
    let [tag] = memory.array::<1>(at + 8)?;
    match tag {
        0 => {
            check(memory.u32(at + 16)?)?;
            let timeout = memory.u64(at + 24)?;
            let [flags] = memory.array::<1>(at + 40)?;
            let now = guest.clock.now();
            let at_ns = if flags & ABSOLUTE == 0 { now.saturating_add(timeout) } else { timeout };
            Ok(Wait { userdata, tag, at_ns: Some(at_ns), errno: 0 })
        }
        1 | 2 => {
            let known = guest.vfs.file_type(memory.u32(at + 16)?);
            Ok(Wait { userdata, tag, at_ns: None, errno: known.err().map_or(0, Errno::code) })
        }
        _ => Err(Errno::Inval),
    }
}
