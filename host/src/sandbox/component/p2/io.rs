//! `wasi:io`: streams over descriptors, and waiting, which only clocks make a guest do.

use wasmtime::component::Linker;
use wasmtime::component::Resource;

use super::Wasi02;
use crate::sandbox::component::Interface;
use crate::sandbox::component::slots::Slots;
use crate::sandbox::component::types::InputStream;
use crate::sandbox::component::types::IoError;
use crate::sandbox::component::types::OutputStream;
use crate::sandbox::component::types::Pollable;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::work::Done;
use crate::sandbox::work::POLL_WORK;
use crate::sandbox::work::WRITE_WORK;

/// A pollable that is always ready: files and streams never make a guest wait.
const READY: u32 = u32::MAX;

/// The instants that pollables wait for, nanoseconds of the guest's clock.
pub(in crate::sandbox) type Polls = Slots<u64>;

/// Most bytes of one read or write; more is moved by asking again.
const CHUNK_BYTES_MAX: u64 = 1 << 20;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    let mut error = Interface::<H, Wasi02>::wasi(linker, "io/error")?;
    error.resource::<IoError>("error", |_, _| ())?;
    error.plain("[method]error.to-debug-string", |_, (it,): (Resource<IoError>,)| {
        Ok(format!("WASI error number {}", it.rep()))
    })?;
    let mut poll = Interface::<H, Wasi02>::wasi(linker, "io/poll")?;
    poll.resource::<Pollable>("pollable", |guest, rep| {
        guest.polls.remove(rep);
    })?;
    poll.plain("[method]pollable.ready", |guest, (it,): (Resource<Pollable>,)| {
        Ok(guest.polls.get(it.rep()).is_none_or(|at| *at <= guest.clock.now()))
    })?;
    poll.silent("[method]pollable.block", |guest, (it,): (Resource<Pollable>,)| {
        wait(guest, &[it])?;
        Ok(())
    })?;
    poll.plain("poll", |guest, (them,): (Vec<Resource<Pollable>>,)| wait(guest, &them))?;
    let mut streams = Interface::<H, Wasi02>::wasi(linker, "io/streams")?;
    link_input(&mut streams)?;
    link_output(&mut streams)
}

fn link_input<H: Host>(streams: &mut Interface<'_, H, Wasi02>) -> wasmtime::Result<()> {
    streams.resource::<InputStream>("input-stream", |guest, rep| guest.vfs.close_own(rep))?;
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        streams.streaming(name, |guest, (it, len): (Resource<InputStream>, u64)| read(guest, &it, len))?;
    }
    for name in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        streams.streaming(name, |guest, (it, len): (Resource<InputStream>, u64)| {
            Ok(read(guest, &it, len)?.map(|bytes| bytes.len()).and_then(|it| u64::try_from(it).ok()))
        })?;
    }
    streams.plain("[method]input-stream.subscribe", |_, (_,): (Resource<InputStream>,)| {
        Ok(Resource::<Pollable>::new_own(READY))
    })
}

fn link_output<H: Host>(streams: &mut Interface<'_, H, Wasi02>) -> wasmtime::Result<()> {
    streams.resource::<OutputStream>("output-stream", |guest, rep| guest.vfs.close_own(rep))?;
    streams.streaming("[method]output-stream.check-write", |_, (_,): (Resource<OutputStream>,)| {
        Ok(Some(CHUNK_BYTES_MAX))
    })?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        streams.streaming(name, |guest, (it, bytes): (Resource<OutputStream>, Vec<u8>)| {
            write(guest, &it, &bytes).map(Some)
        })?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        streams.streaming(name, |_, (_,): (Resource<OutputStream>,)| Ok(Some(())))?;
    }
    streams.plain("[method]output-stream.subscribe", |_, (_,): (Resource<OutputStream>,)| {
        Ok(Resource::<Pollable>::new_own(READY))
    })?;
    for name in ["[method]output-stream.write-zeroes", "[method]output-stream.blocking-write-zeroes-and-flush"] {
        streams.streaming(name, |guest, (it, len): (Resource<OutputStream>, u64)| {
            // More than `check-write` allowed.
            let len = Some(len).filter(|len| *len <= CHUNK_BYTES_MAX).ok_or(Errno::Inval)?;
            guest.work.afford(len * WRITE_WORK)?;
            write(guest, &it, &vec![0; usize::try_from(len).map_err(|_| Errno::Inval)?]).map(Some)
        })?;
    }
    for name in ["[method]output-stream.splice", "[method]output-stream.blocking-splice"] {
        streams.streaming(name, |guest, (to, from, len): (Resource<OutputStream>, Resource<InputStream>, u64)| {
            let Some(bytes) = read(guest, &from, len)? else { return Ok(None) };
            write(guest, &to, &bytes)?;
            Ok(u64::try_from(bytes.len()).ok())
        })?;
    }
    Ok(())
}

/// The next bytes; `None` at the end.
fn read<H: Host>(guest: &mut Guest<H>, stream: &Resource<InputStream>, len: u64) -> Done<Option<Vec<u8>>> {
    let wanted = len.min(CHUNK_BYTES_MAX);
    let bytes = guest.read_block(wanted, |vfs, buffer| vfs.read(stream.rep(), buffer))?;
    Ok((!bytes.is_empty() || len == 0).then_some(bytes))
}

fn write<H: Host>(guest: &mut Guest<H>, stream: &Resource<OutputStream>, bytes: &[u8]) -> Done {
    guest.work.spend_on_writing(bytes)?;
    guest.vfs.write(stream.rep(), bytes).map(drop)
}

/// Which of them are ready, after waiting for the first of them.
fn wait<H: Host>(guest: &mut Guest<H>, pollables: &[Resource<Pollable>]) -> Done<Vec<u32>> {
    if pollables.is_empty() {
        return Err(Errno::Inval.into());
    }
    guest.work.count(u64::try_from(pollables.len()).unwrap_or(u64::MAX).saturating_mul(POLL_WORK));
    let at: Vec<_> = pollables.iter().map(|it| guest.polls.get(it.rep()).copied().unwrap_or(0)).collect();
    let first = at.iter().copied().min().unwrap_or(0);
    if first > guest.clock.now() {
        guest.sleep_until(first);
    }
    let ready = at.iter().enumerate().filter(|(_, at)| **at <= guest.clock.now());
    Ok(ready.filter_map(|(number, _)| u32::try_from(number).ok()).collect())
}
