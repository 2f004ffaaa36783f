//! Streams between a guest and its descriptors. Each owns its descriptor, and tells at its end how that went.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;

use tokio::sync::oneshot;
use wasmtime::AsContextMut;
use wasmtime::StoreContextMut;
use wasmtime::component::Destination;
use wasmtime::component::FutureReader;
use wasmtime::component::Lift;
use wasmtime::component::Lower;
use wasmtime::component::Source;
use wasmtime::component::StreamConsumer;
use wasmtime::component::StreamProducer;
use wasmtime::component::StreamReader;
use wasmtime::component::StreamResult;

use super::types::Entry;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Fd;
use crate::sandbox::work;
use crate::sandbox::work::NAME_WORK;

/// Most bytes that are moved at once.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// How a stream ends, for a guest that asks.
type End<E> = FutureReader<Result<(), E>>;

/// What an end can tell.
pub(super) trait Told: From<Errno> + Lift + Lower + Send + Sync + 'static {}

impl<E: From<Errno> + Lift + Lower + Send + Sync + 'static> Told for E {}

/// Lets a guest read from a descriptor, which is the stream's from then on.
pub(super) fn read<H: Host, E: Told>(
    mut store: StoreContextMut<'_, Guest<H>>,
    from: Result<Fd, Errno>,
) -> wasmtime::Result<(StreamReader<u8>, End<E>)> {
    let (half, end) = halves(&mut store, from)?;
    Ok((StreamReader::new(store, Reading(half))?, end))
}

/// Lets a guest write to a descriptor, which is the stream's from then on.
pub(super) fn write<H: Host, E: Told>(
    mut store: StoreContextMut<'_, Guest<H>>,
    mut data: StreamReader<u8>,
    to: Result<Fd, Errno>,
) -> wasmtime::Result<End<E>> {
    let (half, end) = halves(&mut store, to)?;
    if half.fd.is_some() {
        data.pipe(store, Writing(half))?
    } else {
        data.close(store)?
    }
    Ok(end)
}

/// Lets a guest list a directory, whose descriptor is the stream's from then on.
pub(super) fn list<H: Host, E: Told>(
    mut store: StoreContextMut<'_, Guest<H>>,
    directory: Result<Fd, Errno>,
) -> wasmtime::Result<(StreamReader<Entry>, End<E>)> {
    let (half, end) = halves(&mut store, directory)?;
    Ok((StreamReader::new(store, Listing { half, after: None })?, end))
}

fn halves<H: Host, E: Told>(
    store: &mut StoreContextMut<'_, Guest<H>>,
    opened: Result<Fd, Errno>,
) -> wasmtime::Result<(Half<E>, End<E>)> {
    let leftovers = store.data().leftovers.clone();
    let (tell, told) = oneshot::channel();
    let mut half = Half { fd: None, tell: Some(tell) };
    match opened {
        Ok(number) => half.fd = Some(OwnFd { number, leftovers }),
        Err(errno) => drop(half.end(Err(errno))),
    }
    // A stream that its guest drops has ended well.
    let end = FutureReader::new(store, async { wasmtime::error::Ok(told.await.unwrap_or(Ok(()))) })?;
    Ok((half, end))
}

/// The host's half of a stream; without a descriptor once it has ended.
struct Half<E> {
    fd: Option<OwnFd>,
    tell: Option<oneshot::Sender<Result<(), E>>>,
}

impl<E: From<Errno>> Half<E> {
    /// Begins a move; `None` when there is nothing to move to or from.
    fn begin<H: Host>(&self, store: &mut StoreContextMut<'_, Guest<H>>) -> wasmtime::Result<Option<Fd>> {
        work::begin(store)?;
        Ok(self.fd.as_ref().map(|it| it.number))
    }

    fn end(&mut self, how: Result<(), Errno>) -> StreamResult {
        self.fd = None;
        if let Some(tell) = self.tell.take() {
            // Nobody has to ask.
            drop(tell.send(how.map_err(E::from)));
        }
        StreamResult::Dropped
    }
}

struct Reading<E>(Half<E>);

impl<H: Host, E: Told> StreamProducer<Guest<H>> for Reading<E> {
    type Item = u8;
    type Buffer = Option<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'a, Guest<H>>,
        destination: Destination<'a, u8, Option<u8>>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let Some(fd) = self.0.begin(&mut store)? else { return Poll::Ready(Ok(StreamResult::Dropped)) };
        let wanted = destination.remaining(store.as_context_mut()).unwrap_or(CHUNK_BYTES_MAX).min(CHUNK_BYTES_MAX);
        if wanted == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let bytes_max = u64::try_from(wanted).unwrap_or(u64::MAX);
        let done = store.data_mut().read_block(bytes_max, |vfs, buffer| vfs.read(fd, buffer));
        Poll::Ready(Ok(match work::end(&mut store, done)? {
            Ok(bytes) if bytes.is_empty() => self.0.end(Ok(())),
            Ok(bytes) => {
                let mut direct = destination.as_direct(store, bytes.len());
                direct.remaining()[..bytes.len()].copy_from_slice(&bytes);
                direct.mark_written(bytes.len());
                StreamResult::Completed
            }
            Err(errno) => self.0.end(Err(errno)),
        }))
    }
}

struct Writing<E>(Half<E>);

impl<H: Host, E: Told> StreamConsumer<Guest<H>> for Writing<E> {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'_, Guest<H>>,
        mut source: Source<'_, u8>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let Some(fd) = self.0.begin(&mut store)? else { return Poll::Ready(Ok(StreamResult::Dropped)) };
        let count = source.remaining(store.as_context_mut()).min(CHUNK_BYTES_MAX);
        if count == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut bytes = Vec::with_capacity(count);
        source.read(store.as_context_mut(), &mut bytes)?;
        let guest = store.data_mut();
        let done = guest.work.spend_on_writing(&bytes).and_then(|()| guest.vfs.write(fd, &bytes));
        Poll::Ready(Ok(match work::end(&mut store, done)? {
            Ok(_) => StreamResult::Completed,
            Err(errno) => self.0.end(Err(errno)),
        }))
    }
}

/// A directory with the last name that it gave: a name that comes or goes meanwhile disturbs nothing.
struct Listing<E> {
    half: Half<E>,
    after: Option<String>,
}

impl<H: Host, E: Told> StreamProducer<Guest<H>> for Listing<E> {
    type Item = Entry;
    type Buffer = Option<Entry>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'a, Guest<H>>,
        mut destination: Destination<'a, Entry, Option<Entry>>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let Some(fd) = self.half.begin(&mut store)? else { return Poll::Ready(Ok(StreamResult::Dropped)) };
        if destination.remaining(store.as_context_mut()) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let guest = store.data_mut();
        guest.work.count(NAME_WORK);
        let next = guest.vfs.next_name(fd, self.after.as_deref());
        Poll::Ready(Ok(match work::end(&mut store, next.map_err(Into::into))? {
            Ok(Some((name, stat))) => {
                self.after = Some(name.clone());
                destination.set_buffer(Some(Entry { file_type: stat.into(), name }));
                StreamResult::Completed
            }
            Ok(None) => self.half.end(Ok(())),
            Err(errno) => self.half.end(Err(errno)),
        }))
    }
}

/// A stream's descriptor. Whoever drops a stream has no file system at hand, so it is left to be closed.
struct OwnFd {
    number: Fd,
    leftovers: Leftovers,
}

impl Drop for OwnFd {
    fn drop(&mut self) {
        self.leftovers.0.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

/// Descriptors whose streams are gone; closed before the next is opened.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Leftovers(Arc<Mutex<Vec<Fd>>>);

impl Leftovers {
    pub(super) fn take(&self) -> Vec<Fd> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
