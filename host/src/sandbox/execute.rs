//! One run: a fresh store, one call of `_start`, and what came of it.

use wasmtime::Store;
use wasmtime::Trap;

use super::errno::CallError;
use super::limiter::Limiter;
use super::port::Host;
use super::program::Program;
use super::tree::Artifact;
use super::vfs::Mounts;
use super::vfs::Vfs;
use super::wasi::Work;
use super::wasi::clock::GuestClock;
use super::wasi::random::GuestRandom;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::Usage;

/// What one run is given.
#[derive(Debug)]
pub struct Request {
    pub argv: Vec<String>,
    /// Random bytes follow from this alone.
    pub seed: [u8; 20],
    pub mounts: Mounts,
}

/// How a run ended, and what it left.
#[derive(Debug)]
pub struct Ended<H> {
    /// What the guest printed, or why that does not count.
    pub outcome: Result<Vec<u8>, Failure>,
    pub usage: Usage,
    pub artifacts: Vec<Artifact>,
    /// Given back for the next run.
    pub host: H,
}

/// Everything that host calls of one run may touch.
#[derive(Debug)]
pub struct Guest<H: Host> {
    pub(super) vfs: Vfs<H>,
    pub(super) argv: Vec<String>,
    pub(super) clock: GuestClock,
    pub(super) random: GuestRandom,
    pub(super) limiter: Limiter,
    /// Of the call under way.
    pub(super) work: Work,
    /// How the guest's last host call ended the run, if one did.
    pub(super) end: Option<CallError>,
}

/// Runs a program once.
///
/// # Errors
/// Only when we failed; what the guest did wrong is in [`Ended::outcome`].
pub fn execute<H: Host>(program: &Program<H>, request: Request, host: H) -> wasmtime::Result<Ended<H>> {
    let limits = request.mounts.limits;
    let fuel = limits.fuel(request.mounts.sample_bytes);
    let guest = Guest {
        vfs: Vfs::new(request.mounts, host),
        argv: request.argv,
        clock: GuestClock::default(),
        random: GuestRandom::new(request.seed),
        limiter: Limiter::new(limits.memory_bytes, limits.table_elements),
        work: Work::default(),
        end: None,
    };
    let mut store = Store::new(program.instance.module().engine(), guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_fuel(fuel)?;
    let called = program
        .instance
        .instantiate(&mut store)
        .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start"))
        .and_then(|start| start.call(&mut store, ()));
    let fuel_left = store.get_fuel()?;
    let mut guest = store.into_data();
    let failure = fault(called, &mut guest)?;
    // After a trap the engine's counter reads 0, whatever was left.
    let fuel_exact = fuel_left > 0 || matches!(&failure, Some(it) if it.reason == Reason::OutOfFuel);
    let usage = Usage {
        fuel: fuel - fuel_left,
        fuel_exact,
        memory_bytes_peak: guest.limiter.memory_bytes(),
        bytes_read: guest.vfs.bytes_read(),
    };
    let outcome = failure.map_or_else(|| Ok(guest.vfs.take_stdout()), Err);
    Ok(Ended { outcome, usage, artifacts: guest.vfs.artifacts(), host: guest.vfs.host })
}

/// Whether the host had no room: no fault of the guest's, and none of this process either.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Why the call failed, if it did; `Err` when the fault is ours.
fn fault<H: Host>(called: wasmtime::Result<()>, guest: &mut Guest<H>) -> wasmtime::Result<Option<Failure>> {
    let Err(error) = called else { return Ok(None) };
    let failure = match guest.end.take() {
        Some(CallError::Exit(0)) => return Ok(None),
        Some(CallError::Exit(code)) => Failure::new(Reason::NonzeroExit, format!("exit code {code}")),
        Some(CallError::Limit(reason, what)) => Failure::new(reason, format!("more than `{what}` allows")),
        Some(CallError::Host(error)) if is_full(&error) => {
            return Ok(Some(Failure::new(Reason::StorageFull, "the disk of this server is full")));
        }
        Some(CallError::Host(error)) => return Err(error.into()),
        Some(CallError::Errno(_) | CallError::OutOfFuel) | None => match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => {
                return Ok(Some(Failure::new(Reason::OutOfFuel, "more work than its fuel allows")));
            }
            Some(Trap::StackOverflow) => Failure::new(Reason::StackOverflow, "call stack exhausted"),
            Some(trap) => Failure::new(Reason::Trap, trap.to_string()),
            None if guest.limiter.refused => Failure::new(Reason::MemoryLimit, "needs more memory to start"),
            None => return Err(error),
        },
    };
    // A guest that was told no and then gave up failed over that, whatever way it chose to give up.
    let gave_up = matches!(failure.reason, Reason::Trap | Reason::NonzeroExit);
    Ok(Some(match guest.vfs.denied() {
        Some(denied) if gave_up => Failure::new(Reason::Denied, format!("tried to {denied}; then: {}", failure.detail)),
        None if gave_up && guest.limiter.refused => {
            Failure::new(Reason::MemoryLimit, format!("was refused more memory; then: {}", failure.detail))
        }
        Some(_) | None => failure,
    }))
}
