//! How a guest that can wait is driven: its loop is the engine's, turned from here, on the one thread that there is.
//!
//! Each turn costs fuel, whatever it was for. When a turn leaves nothing to do, the guest waits for its clock, which
//! then goes on to the first instant that anything waits for; or it waits for nothing at all, and never comes back.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;

use wasmtime::AsContextMut;
use wasmtime::Store;
use wasmtime::Trap;
use wasmtime::component::Accessor;
use wasmtime::component::ComponentExportIndex;
use wasmtime::component::InstancePre;
use wasmtime::component::TypedFunc;

use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::work;

/// What `wasi:cli/run` takes and gives.
type Run = TypedFunc<(), (Result<(), ()>,)>;

/// Instantiates a component, calls its entry point, and drives it until it has ended with all that it began.
///
/// # Errors
/// Whatever ended it before.
pub(in crate::sandbox) fn call_and_wait<H: Host>(
    store: &mut Store<Guest<H>>,
    instance: &InstancePre<Guest<H>>,
    run: &ComponentExportIndex,
) -> wasmtime::Result<Result<(), ()>> {
    let alarms = store.data().alarms.clone();
    let instance = drive(&alarms, instance.instantiate_async(&mut *store))??;
    let run: Run = instance.get_typed_func(&mut *store, run)?;
    drive(&alarms, store.run_concurrent(async |accessor| ended(accessor, run).await))??
}

async fn ended<H: Host>(accessor: &Accessor<Guest<H>>, run: Run) -> wasmtime::Result<Result<(), ()>> {
    let mut call = pin!(run.call_concurrent(accessor, ()));
    let (answer,) = poll_fn(|cx| {
        pay(accessor)?;
        call.as_mut().poll(cx)
    })
    .await?;
    // A guest may go on behind its answer.
    poll_fn(|cx| {
        pay(accessor)?;
        accessor.poll_no_interesting_tasks(cx).map(wasmtime::error::Ok)
    })
    .await?;
    Ok(answer)
}

fn pay<H: Host>(accessor: &Accessor<Guest<H>>) -> wasmtime::Result<()> {
    accessor.with(|mut access| work::turn(&mut access.as_context_mut()))
}

/// Has a guest wait for an instant, which follows from where its clock stands.
pub(super) async fn wait<H: Host>(
    accessor: &Accessor<Guest<H>>,
    until: impl FnOnce(u64) -> u64,
) -> wasmtime::Result<()> {
    let (at, mut alarm) = accessor.with(|mut access| {
        super::call(access.as_context_mut(), |_| Ok(()))??;
        let guest = access.data_mut();
        let at = until(guest.clock.now());
        wasmtime::error::Ok((at, guest.alarms.alarm(at)))
    })?;
    poll_fn(|cx| {
        accessor.with(|mut access| {
            let guest = access.data_mut();
            if at > guest.clock.now() && !alarm.rings(cx.waker()) {
                return Poll::Pending;
            }
            guest.sleep_until(at);
            Poll::Ready(Ok(()))
        })
    })
    .await
}

/// What guests wait for, known to whoever lets time pass.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Alarms(Arc<Mutex<Times>>);

#[derive(Debug, Default)]
struct Times {
    /// By instant, and by number among those of one instant.
    set: BTreeMap<(u64, u64), Waker>,
    alarms_made: u64,
}

impl Alarms {
    fn alarm(&self, at_ns: u64) -> Alarm {
        let mut times = self.times();
        times.alarms_made += 1;
        Alarm { alarms: self.clone(), key: (at_ns, times.alarms_made), state: AlarmState::Made }
    }

    /// Rings the first one; `false` when there is none.
    fn ring(&self) -> bool {
        let first = self.times().set.pop_first();
        first.map(|(_, waker)| waker.wake()).is_some()
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is set from the first look at it until it has rung or is dropped.
#[derive(Debug)]
struct Alarm {
    alarms: Alarms,
    key: (u64, u64),
    state: AlarmState,
}

#[derive(Debug, PartialEq, Eq)]
enum AlarmState {
    Made,
    Set,
}

impl Alarm {
    fn rings(&mut self, waker: &Waker) -> bool {
        let mut times = self.alarms.times();
        let rung = self.state == AlarmState::Set && !times.set.contains_key(&self.key);
        if !rung {
            times.set.insert(self.key, waker.clone());
            self.state = AlarmState::Set;
        }
        rung
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.alarms.times().set.remove(&self.key);
    }
}

/// Polls a guest's future until it is ready.
///
/// # Errors
/// When it waits for what never comes.
fn drive<F: Future>(alarms: &Alarms, future: F) -> wasmtime::Result<F::Output> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        let goes_on = woken.0.swap(false, Ordering::Relaxed) || alarms.ring();
        if !goes_on {
            return Err(Trap::AsyncDeadlock.into());
        }
    }
}

#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
