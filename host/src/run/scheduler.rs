//! Which run goes when, and what becomes of each: decided here, carried out by `dispatch`.
//!
//! ```text
//!  ask        Accepted          a slot                Settled             Concluded
//!  ───▶ Accepting ──▶ Waiting ─────────▶ Running ──────────────▶ Concluding ──▶ gone
//!          │             ▲ │ Dismiss        │ Interrupted,           ▲
//!          │ Withdrawn,  │ └────────────────┼────────────────────────┤
//!          ▼ Answered    │ time             ▼ attempts left          │
//!        gone            └────────────── Resting ────────────────────┘ Dismiss
//! ```
//!
//! A machine without clock, disk or tasks: events go in with the time (since the server started, for that never goes
//! back), effects come out. Invariants: at most
//! [`Bounds::slots`] runs are running; none waits while there is a slot that its client may have; a run is started only by
//! its own effect, again only after that attempt was interrupted, and at most [`ATTEMPTS_MAX`] times; whoever was given a
//! place leaves it by [`Effect::Over`], exactly once; of the clients in line, the one goes who went longest ago. One client never has every
//! slot where there are a few: runs may last a day. A run that several ask for waits in the line of each and goes when it is
//! next in one of them; it counts for the place of whoever asked first, and for the slot of whose turn it was.

mod line;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Duration;

use self::line::Lines;
use self::line::Number;
use self::line::Way;
pub use self::words::Admission;
pub use self::words::Ask;
pub use self::words::Attempt;
pub use self::words::Bounds;
pub use self::words::Effect;
pub use self::words::Event;
pub use self::words::Last;
pub use self::words::Load;
pub use self::words::Refusal;
use crate::id::ClientId;
use crate::id::FileKey;
use crate::id::RunKey;
use crate::run::Reason;

/// How often a run is tried whose worker died or never came up.
pub const ATTEMPTS_MAX: u32 = 3;
/// Pause after the first attempt; longer by itself after each.
const REST: Duration = Duration::from_millis(100);
/// A client may hold as many times what is free for everybody: one that floods leaves room for the others.
const SHARE: usize = 8;
const RETRY_AFTER_S_MAX: u64 = 60;
/// Lines in which one run waits.
const WAYS_MAX: usize = 8;

/// The machine.
#[derive(Debug)]
pub struct Scheduler {
    bounds: Bounds,
    runs: HashMap<RunKey, Run>,
    /// Runs by client.
    held: HashMap<ClientId, Held>,
    /// Files that are being deleted, and by how many.
    deleting: HashMap<FileKey, u32>,
    lines: Lines,
    resting: BTreeSet<(Duration, RunKey)>,
    running: usize,
    next_number: Number,
    /// How long an attempt takes: the mean of the last few.
    mean: Duration,
    effects: VecDeque<Effect>,
}

/// What one client holds.
#[derive(Debug, Default)]
struct Held {
    /// Runs that have their place by it.
    all: usize,
    /// Runs that have their slot by its turn.
    running: usize,
}

#[derive(Debug)]
struct Run {
    /// Who asked first.
    client: ClientId,
    /// Of everybody who asked for it.
    ways: Vec<Way>,
    number: Number,
    attempts: u32,
    /// Why it is to end, once it is.
    wish: Option<Reason>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its acceptance is not on disk yet.
    Accepting,
    Waiting,
    Running {
        since: Duration,
        by: Way,
    },
    /// Between two attempts.
    Resting {
        until: Duration,
    },
    /// Its ending is not on disk yet.
    Concluding,
}

impl Scheduler {
    /// With nothing to do.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            runs: HashMap::new(),
            held: HashMap::new(),
            deleting: HashMap::new(),
            lines: Lines::default(),
            resting: BTreeSet::new(),
            running: 0,
            next_number: 0,
            mean: Duration::ZERO,
            effects: VecDeque::new(),
        }
    }

    /// Asks for a place; it is left by [`Event::Accepted`] and all that follows, or by giving it back. A run on its way
    /// is none the later for being asked for again.
    pub fn ask(&mut self, ask: Ask, now: Duration) -> Admission {
        if self.deleting.contains_key(&ask.key.file()) {
            return Admission::Denied(Refusal::Deleting);
        }
        match self.runs.get(&ask.key).map(|run| run.wish) {
            Some(Some(_)) => return Admission::Ending,
            Some(None) => {
                self.join(ask);
                self.fill(now);
                return Admission::InFlight;
            }
            None => (),
        }
        let free = self.bounds.queue_max.saturating_sub(self.runs.len());
        if free == 0 {
            return Admission::Denied(Refusal::QueueFull);
        }
        if self.held.get(&ask.client).is_some_and(|held| held.all >= free.saturating_mul(SHARE)) {
            return Admission::Denied(Refusal::OverShare);
        }
        self.enter(ask);
        Admission::Place
    }

    /// A place that no bound is held against: for who removes what stands of a run, or takes up what a former server
    /// left. None while the run is on its way.
    pub fn hold(&mut self, ask: Ask) -> bool {
        let free = !self.runs.contains_key(&ask.key);
        if free {
            self.enter(ask);
        }
        free
    }

    /// From now on there are no new runs of that file, and those that there are end.
    pub fn delete(&mut self, file: FileKey, now: Duration) -> Vec<RunKey> {
        *self.deleting.entry(file).or_default() += 1;
        let keys: Vec<_> = self.runs.keys().filter(|key| key.file() == file).copied().collect();
        for key in &keys {
            self.handle(Event::Dismiss(*key, Reason::FileDeleted), now);
        }
        keys
    }

    /// The same for a file that has no run; whether that is so.
    pub fn delete_idle(&mut self, file: FileKey) -> bool {
        let idle = self.runs.keys().all(|key| key.file() != file);
        if idle {
            *self.deleting.entry(file).or_default() += 1;
        }
        idle
    }

    /// One who was deleting that file is done.
    pub fn deleted(&mut self, file: FileKey) {
        if let Some(count) = self.deleting.get_mut(&file) {
            *count -= 1;
            if *count == 0 {
                self.deleting.remove(&file);
            }
        }
    }

    /// Takes in what happened. An event that does not fit its run's stage is late, and changes nothing.
    pub fn handle(&mut self, event: Event, now: Duration) {
        match event {
            Event::Accepted(key) => self.accepted(key),
            Event::Answered(key) if self.is(key, Stage::Accepting) => self.leave(key, Last::Answered),
            Event::Withdrawn(key) if self.is(key, Stage::Accepting) => self.leave(key, Last::Withdrawn),
            Event::Answered(_) | Event::Withdrawn(_) | Event::Tick => (),
            Event::Attempted(key, attempt) => self.attempted(key, attempt, now),
            Event::Dismiss(key, reason) => self.dismiss(key, reason),
            Event::Concluded(key) => self.concluded(key),
        }
        self.wake(now);
        self.fill(now);
    }

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When something happens by itself: [`Event::Tick`] is due then.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// How much there is to do.
    #[must_use]
    pub fn load(&self) -> Load {
        let rounds = self.runs.len().div_ceil(self.bounds.slots.max(1));
        let wait = self.mean.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        Load {
            in_flight: self.runs.len(),
            running: self.running,
            queue_max: self.bounds.queue_max,
            retry_after_s: wait.as_secs().saturating_add(1).min(RETRY_AFTER_S_MAX),
        }
    }

    fn is(&self, key: RunKey, stage: Stage) -> bool {
        self.runs.get(&key).is_some_and(|run| run.stage == stage)
    }

    fn enter(&mut self, Ask { key, client, priority }: Ask) {
        self.held.entry(client).or_default().all += 1;
        let number = self.next_number;
        self.next_number += 1;
        let ways = vec![(priority, client)];
        self.runs.insert(key, Run { client, ways, number, attempts: 0, wish: None, stage: Stage::Accepting });
    }

    /// One more wants a run that is on its way.
    fn join(&mut self, Ask { key, client, priority }: Ask) {
        let (way, Some(run)) = ((priority, client), self.runs.get_mut(&key)) else { return };
        if run.ways.len() >= WAYS_MAX || run.ways.contains(&way) {
            return;
        }
        run.ways.push(way);
        if run.stage == Stage::Waiting {
            self.lines.join(way, (run.number, key));
        }
    }

    fn leave(&mut self, key: RunKey, last: Last) {
        let Some(run) = self.runs.remove(&key) else { return };
        self.let_go(run.client, |held| held.all -= 1);
        self.effects.push_back(Effect::Over(key, last));
    }

    fn accepted(&mut self, key: RunKey) {
        let Some(run) = self.runs.get_mut(&key).filter(|run| run.stage == Stage::Accepting) else { return };
        match run.wish {
            Some(_) => self.conclude(key),
            None => self.wait(key),
        }
    }

    fn wait(&mut self, key: RunKey) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.stage = Stage::Waiting;
        for way in &run.ways {
            self.lines.join(*way, (run.number, key));
        }
    }

    /// It waits in no line any more.
    fn leave_lines(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        for way in &run.ways {
            self.lines.leave(*way, run.number);
        }
    }

    fn conclude(&mut self, key: RunKey) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.stage = Stage::Concluding;
        self.effects.push_back(Effect::Conclude(key, run.wish));
    }

    fn attempted(&mut self, key: RunKey, attempt: Attempt, now: Duration) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Stage::Running { since, by } = run.stage else { return };
        run.stage = Stage::Concluding;
        let (wished, attempts) = (run.wish.is_some(), run.attempts);
        self.stopped(by);
        self.mean = (self.mean * 7 + now.saturating_sub(since)) / 8;
        match attempt {
            Attempt::Interrupted if !wished && attempts < ATTEMPTS_MAX => self.rest(key, now + REST * attempts),
            Attempt::Interrupted | Attempt::Settled => self.conclude(key),
        }
    }

    fn rest(&mut self, key: RunKey, until: Duration) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.stage = Stage::Resting { until };
        self.resting.insert((until, key));
    }

    /// A slot is free again.
    fn stopped(&mut self, (_, client): Way) {
        self.running -= 1;
        self.let_go(client, |held| held.running -= 1);
    }

    fn let_go(&mut self, client: ClientId, what: impl FnOnce(&mut Held)) {
        if let Some(held) = self.held.get_mut(&client) {
            what(held);
            if (held.all, held.running) == (0, 0) {
                self.held.remove(&client);
            }
        }
    }

    fn dismiss(&mut self, key: RunKey, reason: Reason) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let first = run.wish.replace(reason).is_none();
        match run.stage {
            Stage::Accepting | Stage::Concluding => (),
            Stage::Waiting => {
                self.leave_lines(key);
                self.conclude(key);
            }
            Stage::Running { .. } if first => self.effects.push_back(Effect::Kill(key, reason)),
            Stage::Running { .. } => (),
            Stage::Resting { until } => {
                self.resting.remove(&(until, key));
                self.conclude(key);
            }
        }
    }

    /// Also for a run whose task is gone, at whatever stage: it is in the queue on disk, and the next server takes it up.
    fn concluded(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        match run.stage {
            Stage::Running { by, .. } => self.stopped(by),
            Stage::Waiting => self.leave_lines(key),
            Stage::Resting { until } => drop(self.resting.remove(&(until, key))),
            Stage::Accepting | Stage::Concluding => (),
        }
        self.leave(key, Last::Ended);
    }

    /// Those who have rested go back to their places.
    fn wake(&mut self, now: Duration) {
        while let Some((_, key)) = self.resting.first().copied().filter(|(until, _)| *until <= now) {
            self.resting.pop_first();
            self.wait(key);
        }
    }

    /// Gives every free slot to who is next.
    fn fill(&mut self, now: Duration) {
        while self.running < self.bounds.slots {
            let most = self.bounds.slots_of_one();
            let held = &self.held;
            let may = |client| held.get(&client).is_none_or(|it| it.running < most);
            let Some((key, by)) = self.lines.next(may) else { break };
            self.leave_lines(key);
            let Some(run) = self.runs.get_mut(&key) else { continue };
            self.held.entry(by.1).or_default().running += 1;
            run.stage = Stage::Running { since: now, by };
            run.attempts += 1;
            self.running += 1;
            self.effects.push_back(Effect::Start(key, run.attempts));
        }
    }
}
