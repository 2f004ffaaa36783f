//! One run: a fresh store, one call of the entry point, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::Trap;

use super::clock::GuestClock;
use super::component::Alarms;
use super::component::Leftovers;
use super::component::Listings;
use super::component::Polls;
use super::engine::WAITING_MAX;
use super::errno::CallError;
use super::errno::Errno;
use super::limiter::Limiter;
use super::port::Host;
use super::program::Answer;
use super::program::Entry;
use super::program::Program;
use super::random::GuestRandom;
use super::resources::Resources;
use super::tree::Artifact;
use super::vfs::Mounts;
use super::vfs::Vfs;
use super::work::BUFFER_WORK;
use super::work::RANDOM_WORK;
use super::work::Work;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::SoFar;
use crate::run::Usage;

/// How much of what wasmtime or a guest says of a failure is told: it travels in one datagram.
const FAULT_CHARS_MAX: usize = 500;

/// What one run is given.
#[derive(Debug)]
pub struct Request {
    pub argv: Vec<String>,
    /// As `name=value`.
    pub environment: Vec<String>,
    /// Random bytes follow from this alone.
    pub seed: [u8; 20],
    /// Where the guest's clocks start, seconds since 1970.
    pub epoch_s: u64,
    pub facts: SampleFacts,
    pub mounts: Mounts,
}

/// What is known of the sample besides name and size.
#[derive(Debug, Default)]
pub struct SampleFacts {
    pub media_type: String,
    /// Lower-case hex.
    pub sha1: String,
    /// Lower-case hex.
    pub sha256: String,
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
    /// What it was given.
    fuel: u64,
    pub(super) vfs: Vfs<H>,
    pub(super) argv: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) facts: SampleFacts,
    pub(super) clock: GuestClock,
    pub(super) random: GuestRandom,
    random_left: u64,
    /// What the host allocates for one call.
    host_call_bytes: u64,
    pub(super) polls: Polls,
    pub(super) listings: Listings,
    pub(super) alarms: Alarms,
    pub(super) leftovers: Leftovers,
    /// Of the typed world, by descriptor.
    pub(super) artifact_names: BTreeMap<u32, String>,
    pub(super) limiter: Limiter,
    /// Of the call under way.
    pub(super) work: Work,
    /// How the guest's last host call ended the run, if one did.
    pub(super) end: Option<CallError>,
}

impl<H: Host> Guest<H> {
    fn new(request: Request, resources: Option<Arc<Resources>>, host: H) -> Self {
        let limits = request.mounts.limits;
        Self {
            fuel: limits.fuel(request.mounts.sample_bytes),
            vfs: Vfs::new(request.mounts, resources, host),
            argv: request.argv,
            environment: request.environment,
            facts: request.facts,
            clock: GuestClock::new(request.epoch_s),
            random: GuestRandom::new(request.seed),
            random_left: limits.random_bytes,
            host_call_bytes: limits.host_call_bytes,
            polls: Polls::default(),
            listings: Listings::default(),
            alarms: Alarms::default(),
            leftovers: Leftovers::default(),
            artifact_names: BTreeMap::new(),
            limiter: Limiter::new(&limits),
            work: Work::default(),
            end: None,
        }
    }

    /// Tells how far it has come, with that much fuel left.
    pub(super) fn tell_progress(&mut self, fuel_left: u64) {
        let fuel = self.fuel.saturating_sub(fuel_left);
        let so_far = SoFar { bytes_read: self.vfs.bytes_read(), fuel, memory_bytes: self.limiter.memory_bytes() };
        self.vfs.host.progress(so_far);
    }

    /// Lets time pass until the guest's clock stands there.
    pub(super) fn sleep_until(&mut self, at_ns: u64) {
        let left = at_ns.saturating_sub(self.clock.now());
        self.vfs.host.sleep(Duration::from_nanos(left));
        self.clock.move_to(at_ns);
    }

    /// Reads up to that many bytes for a component, which gets them as a list of its own.
    pub(super) fn read_block(
        &mut self,
        bytes_max: u64,
        read: impl FnOnce(&mut Vfs<H>, &mut [u8]) -> Result<usize, CallError>,
    ) -> Result<Vec<u8>, CallError> {
        self.work.count(BUFFER_WORK);
        self.work.afford(bytes_max)?;
        let mut bytes = vec![0; usize::try_from(bytes_max).map_err(|_| Errno::Inval)?];
        let got = read(&mut self.vfs, &mut bytes)?;
        bytes.truncate(got);
        self.work.count(u64::try_from(got).unwrap_or(u64::MAX));
        Ok(bytes)
    }

    /// Counts random bytes before they are made.
    pub(super) fn take_random(&mut self, bytes: u64) -> Result<(), CallError> {
        let cost = bytes.saturating_mul(RANDOM_WORK);
        self.work.afford(cost)?;
        let left = self.random_left.checked_sub(bytes);
        self.random_left = left.ok_or(CallError::Limit(Reason::OutOfFuel, "random_bytes"))?;
        self.work.count(cost);
        Ok(())
    }

    /// That many random bytes.
    pub(super) fn random_bytes(&mut self, count: u64) -> Result<Vec<u8>, CallError> {
        if count > self.host_call_bytes {
            return Err(CallError::Limit(Reason::MemoryLimit, "host_call_bytes"));
        }
        self.take_random(count)?;
        let mut bytes = vec![0; usize::try_from(count).map_err(|_| Errno::Inval)?];
        self.random.fill(&mut bytes);
        Ok(bytes)
    }

    /// Eight random bytes.
    pub(super) fn random_u64(&mut self) -> Result<u64, CallError> {
        let mut bytes = [0; 8];
        self.take_random(8)?;
        self.random.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }
}

/// Runs a program once.
///
/// # Errors
/// Only when we failed; what the guest did wrong is in [`Ended::outcome`].
pub fn execute<H: Host>(program: &Program<H>, request: Request, host: H) -> wasmtime::Result<Ended<H>> {
    let limits = request.mounts.limits;
    let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    let fuel = limits.fuel(request.mounts.sample_bytes);
    let mut store = Store::new(&program.engine, Guest::new(request, program.resources.clone(), host));
    store.limiter(|guest| &mut guest.limiter);
    store.set_hostcall_fuel(size(limits.host_call_bytes));
    store.set_max_component_handles(size(limits.handles));
    store.set_fuel(fuel)?;
    let called = program.entry.call(&mut store);
    let fuel_left = store.get_fuel()?;
    let mut guest = store.into_data();
    // A trap leaves the engine's counter where it was last written down: what was used since is then not known.
    let fuel_exact = match &called {
        Ok(_) => true,
        Err(_) if guest.end.is_some() => true,
        Err(error) => matches!(error.downcast_ref::<Trap>(), Some(Trap::OutOfFuel)),
    };
    let outcome = match called {
        Ok(Answer::Returned) => Ok(guest.vfs.take_stdout()),
        Ok(Answer::Printed(text)) if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= limits.stdout_bytes) => {
            Ok(text)
        }
        Ok(Answer::Printed(_)) => Err(over(Reason::OutputLimit, "stdout_bytes")),
        Ok(Answer::Failed(detail)) => Err(explained(Failure::new(Reason::NonzeroExit, short(&detail)), &guest)),
        Err(error) => match fault(error, &mut guest, &program.entry)? {
            Some(failure) => Err(explained(failure, &guest)),
            None => Ok(guest.vfs.take_stdout()),
        },
    };
    let usage = Usage {
        fuel: fuel - fuel_left,
        fuel_exact,
        memory_bytes_peak: guest.limiter.memory_bytes(),
        bytes_read: guest.vfs.bytes_read(),
    };
    Ok(Ended { outcome, usage, artifacts: guest.vfs.artifacts(), host: guest.vfs.host })
}

fn short(detail: &str) -> String {
    detail.chars().take(FAULT_CHARS_MAX).collect()
}

fn over(reason: Reason, limit: &str) -> Failure {
    Failure::new(reason, format!("more than `{limit}` allows"))
}

/// Whether the host had no room: no fault of the guest's, and none of this process either.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Why the call failed, if it did; `Err` when the fault is ours.
fn fault<H: Host>(error: wasmtime::Error, guest: &mut Guest<H>, entry: &Entry<H>) -> wasmtime::Result<Option<Failure>> {
    Ok(Some(match guest.end.take() {
        Some(CallError::Exit(0)) => return Ok(None),
        Some(CallError::Exit(code)) => Failure::new(Reason::NonzeroExit, format!("exit code {code}")),
        Some(CallError::Limit(reason, what)) => over(reason, what),
        Some(CallError::Host(error)) if is_full(&error) => {
            Failure::new(Reason::StorageFull, "the disk of this server is full")
        }
        Some(CallError::Host(error)) => return Err(error.into()),
        Some(CallError::Errno(_) | CallError::OutOfFuel) | None => match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Failure::new(Reason::OutOfFuel, "more work than its fuel allows"),
            Some(Trap::StackOverflow) => Failure::new(Reason::StackOverflow, "call stack exhausted"),
            Some(trap) => Failure::new(Reason::Trap, trap.to_string()),
            None if guest.limiter.refused => Failure::new(Reason::MemoryLimit, "needs more memory to start"),
            None if format!("{error:#}").contains("instance count too high") => over(Reason::MemoryLimit, "instances"),
            None if entry.is_component() => component_fault(&error),
            None => return Err(error),
        },
    }))
}

/// A guest that was told no and then gave up failed over that, whatever way it chose to give up.
fn explained<H: Host>(failure: Failure, guest: &Guest<H>) -> Failure {
    let gave_up = matches!(failure.reason, Reason::Trap | Reason::NonzeroExit);
    match guest.vfs.denied() {
        Some(denied) if gave_up => Failure::new(Reason::Denied, format!("tried to {denied}; then: {}", failure.detail)),
        None if gave_up && guest.limiter.refused => {
            Failure::new(Reason::MemoryLimit, format!("was refused more memory; then: {}", failure.detail))
        }
        Some(_) | None => failure,
    }
}

/// What breaks the rules of the component model is told in words, not in trap codes. Some of them are limits of ours.
fn component_fault(error: &wasmtime::Error) -> Failure {
    let words = format!("{error:#}");
    if words.contains("fuel allocated for hostcalls") {
        over(Reason::MemoryLimit, "host_call_bytes")
    } else if words.contains("handle limit exceeded") {
        over(Reason::MemoryLimit, "handles")
    } else if words.contains("fibers reached") {
        Failure::new(Reason::MemoryLimit, format!("more than {WAITING_MAX} calls that wait at once"))
    } else {
        Failure::new(Reason::Trap, short(&words))
    }
}

#[cfg(test)]
mod tests;
