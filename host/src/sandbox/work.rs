//! What host calls cost a guest. Fuel bounds the guest's own instructions; without this the host's work would be free.

use wasmtime::AsContextMut;

use super::errno::CallError;
use super::errno::Errno;
use super::execute::Guest;
use super::port::Host;
use crate::limits::Limits;

/// Fuel of a host call, besides its bytes: about what it costs against guest instructions.
const CALL_FUEL: u64 = 400;
/// Fuel of a turn of the loop that has guests wait: measured, a turn takes between a quarter and half a microsecond.
const TURN_FUEL: u64 = 4_000;
/// Bytes that a host call moves for one unit of fuel.
pub const BYTES_PER_FUEL: u64 = 16;
/// What a buffer costs besides its bytes, in bytes.
pub(super) const BUFFER_WORK: u64 = 1024;
/// How much dearer a byte written is than one read: disk, quota, log.
pub(super) const WRITE_WORK: u64 = 4;
/// How much dearer a random byte is than one read: hashing.
pub(super) const RANDOM_WORK: u64 = 64;
/// What listing one name of a directory costs, in bytes: measured, some 32 ns.
pub(super) const NAME_WORK: u64 = 4096;
/// What passing over one that was listed before costs, in bytes.
pub(super) const PASSED_NAME_WORK: u64 = 256;
/// What a byte of a path costs, in bytes: every other may be a step, and those are gathered before any is taken.
const PATH_WORK: u64 = 512;
/// Of a longer path no step is looked at.
const PATH_BYTES_MAX: u64 = Limits::CAP.path_bytes;
/// What a word of a command line or an environment costs besides its bytes, in bytes.
const WORD_WORK: u64 = 64;
/// What looking at one thing that a guest polls costs, in bytes: measured, some 40 ns against 0.12 ns for one of fuel.
pub(super) const POLL_WORK: u64 = 4096;

/// How a call ended; what it cost is counted in [`Guest::work`], whichever way it ended.
pub(super) type Done<T = ()> = Result<T, CallError>;

/// What the host does for a guest in one call.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Bytes moved, or as many as would have cost the same.
    bytes: u64,
    /// Left when the call began.
    fuel: u64,
}

impl Work {
    /// Counts what was done.
    pub(super) fn count(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Counts text.
    pub(super) fn count_text(&mut self, text: &str) {
        self.count(u64::try_from(text.len()).unwrap_or(u64::MAX));
    }

    /// Counts a path, whether it leads anywhere or not.
    pub(super) fn count_path(&mut self, path: &[u8]) {
        let bytes = u64::try_from(path.len()).unwrap_or(u64::MAX);
        self.count(bytes.saturating_add(bytes.min(PATH_BYTES_MAX) * PATH_WORK));
    }

    /// Counts words that the guest is handed, however short.
    pub(super) fn count_words(&mut self, words: &[String]) {
        for word in words {
            self.count(WORD_WORK);
            self.count_text(word);
        }
    }

    /// Says before it is done whether there is fuel for that much more.
    pub(super) fn afford(&self, bytes: u64) -> Done {
        let cost = self.bytes.saturating_add(bytes) / BYTES_PER_FUEL;
        if cost > self.fuel { Err(CallError::OutOfFuel) } else { Ok(()) }
    }

    /// Pays for writing, before anything is written.
    pub(super) fn spend_on_writing(&mut self, bytes: &[u8]) -> Done {
        let cost = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_mul(WRITE_WORK);
        self.count(BUFFER_WORK.saturating_add(cost));
        self.afford(0)
    }
}

/// Begins a host call: charges for the call itself, starts counting.
///
/// # Errors
/// When there is no fuel for it.
pub(super) fn begin<H: Host>(store: &mut impl AsContextMut<Data = Guest<H>>) -> wasmtime::Result<()> {
    let fuel = charge(store, CALL_FUEL)?;
    let mut store = store.as_context_mut();
    let guest = store.data_mut();
    guest.work = Work { bytes: 0, fuel };
    guest.vfs.afford_holes(fuel.saturating_mul(BYTES_PER_FUEL) / WRITE_WORK);
    guest.tell_progress(fuel);
    Ok(())
}

/// Charges for a turn of the engine's loop.
///
/// # Errors
/// When there is no fuel for it.
pub(super) fn turn<H: Host>(store: &mut impl AsContextMut<Data = Guest<H>>) -> wasmtime::Result<()> {
    charge(store, TURN_FUEL).map(drop)
}

/// Ends a host call: charges what it did, also when that ended in an error number, for that was work too.
///
/// # Errors
/// The end of the run, or that there is no fuel left.
pub(super) fn end<H: Host, T>(
    store: &mut impl AsContextMut<Data = Guest<H>>,
    done: Done<T>,
) -> wasmtime::Result<Result<T, Errno>> {
    let context = store.as_context();
    let guest = context.data();
    let holes = guest.vfs.holes().saturating_mul(WRITE_WORK);
    let cost = guest.work.bytes.saturating_add(holes) / BYTES_PER_FUEL;
    charge(store, cost)?;
    match done {
        Ok(value) => Ok(Ok(value)),
        Err(CallError::Errno(errno)) => Ok(Err(errno)),
        Err(CallError::OutOfFuel) => {
            store.as_context_mut().set_fuel(0)?;
            Err(wasmtime::Trap::OutOfFuel.into())
        }
        Err(end @ (CallError::Limit(..) | CallError::Exit(_) | CallError::Host(_))) => {
            store.as_context_mut().data_mut().end = Some(end);
            Err(wasmtime::Error::msg("the run ends in a host call"))
        }
    }
}

/// Takes fuel and tells what is left.
fn charge<H: Host>(store: &mut impl AsContextMut<Data = Guest<H>>, fuel: u64) -> wasmtime::Result<u64> {
    let mut store = store.as_context_mut();
    let left = store.get_fuel()?;
    let after = left.saturating_sub(fuel);
    store.set_fuel(after)?;
    if left < fuel { Err(wasmtime::Trap::OutOfFuel.into()) } else { Ok(after) }
}
