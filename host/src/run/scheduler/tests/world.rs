//! Everything around the scheduler, as a model: a disk, tasks that do as they are told, and what must always hold.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use super::super::ATTEMPTS_MAX;
use super::super::Admission;
use super::super::Ask;
use super::super::Attempt;
use super::super::Bounds;
use super::super::Effect;
use super::super::Event;
use super::super::Last;
use super::super::REST;
use super::super::Refusal;
use super::super::Scheduler;
use super::super::Stage;
use super::super::WAYS_MAX;
use super::super::line::BULK_EVERY;
use super::super::line::NEWCOMERS_MAX;
use crate::id::AnalysisId;
use crate::id::ClientId;
use crate::id::FileId;
use crate::id::FileKey;
use crate::id::RunKey;
use crate::id::Tenant;
use crate::run::Priority;
use crate::run::Reason;

/// A run as whoever carries it out knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Placed,
    /// In line, or resting.
    Waiting,
    Trying,
    Concluding,
}

#[derive(Debug)]
struct Mirror {
    ask: Ask,
    /// The line of whoever asked, the first one and others as far as there is room.
    ways: Vec<(bool, ClientId)>,
    /// By whose turn it runs.
    by: Option<ClientId>,
    known: Known,
    attempts: u32,
    wished: bool,
    /// Between two attempts, until then: not in line.
    resting: Option<Duration>,
}

impl Mirror {
    fn is_in_line(&self) -> bool {
        self.known == Known::Waiting && self.resting.is_none() && !self.wished
    }
}

/// How often.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) concluded: u64,
    pub(super) started: u64,
    pub(super) dismissed: u64,
    pub(super) interrupted: u64,
    pub(super) denied: u64,
    pub(super) joined: u64,
    /// Started in the line of one who joined.
    pub(super) lifted: u64,
    pub(super) crashes: u64,
}

pub(super) struct World {
    bounds: Bounds,
    scheduler: Scheduler,
    now: Duration,
    runs: BTreeMap<RunKey, Mirror>,
    deleting: Vec<FileKey>,
    /// Clients in each line.
    in_line: BTreeSet<(bool, ClientId)>,
    /// The start at which each client went last.
    went: BTreeMap<(bool, ClientId), u64>,
    before_bulk: u32,
    /// In each line: starts in a row of those who never went before, while others waited.
    newcomers: BTreeMap<bool, u32>,
    pub(super) counts: Counts,
}

pub(super) fn key(number: u8) -> RunKey {
    // Two tenants have the same bytes.
    let tenant = if number % 8 < 4 { Tenant::MAIN } else { "other".parse().unwrap() };
    RunKey { tenant, file_id: FileId::new([number % 4; 20]), analysis_id: AnalysisId::new([number; 20]) }
}

fn way(ask: Ask) -> (bool, ClientId) {
    (ask.priority == Priority::Bulk, ask.client)
}

impl World {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            scheduler: Scheduler::new(bounds),
            now: Duration::ZERO,
            runs: BTreeMap::new(),
            deleting: Vec::new(),
            in_line: BTreeSet::new(),
            went: BTreeMap::new(),
            before_bulk: 0,
            newcomers: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn ask(&mut self, ask: Ask) {
        let admission = self.scheduler.ask(ask, self.now);
        let wished = self.runs.get(&ask.key).map(|it| it.wished);
        let expected = match wished {
            _ if self.deleting.contains(&ask.key.file()) => Some(Admission::Denied(Refusal::Deleting)),
            Some(true) => Some(Admission::Ending),
            Some(false) => Some(Admission::InFlight),
            None if self.runs.len() >= self.bounds.queue_max => Some(Admission::Denied(Refusal::QueueFull)),
            None => None,
        };
        match expected {
            Some(expected) => assert_eq!(admission, expected),
            None => {
                let held = self.runs.values().filter(|it| it.ask.client == ask.client).count();
                let others = self.runs.len() - held;
                let denied = admission == Admission::Denied(Refusal::OverShare);
                assert!(denied || admission == Admission::Place);
                // Nobody is turned away who holds less than half of what the others leave.
                assert!(!denied || 2 * held >= self.bounds.queue_max - others, "{held} beside {others}");
            }
        }
        match admission {
            Admission::Place => self.place(ask),
            Admission::Denied(_) => self.counts.denied += 1,
            Admission::InFlight => {
                self.counts.joined += 1;
                self.with(ask.key, |it| {
                    if it.ways.len() < WAYS_MAX && !it.ways.contains(&way(ask)) {
                        it.ways.push(way(ask));
                    }
                });
            }
            Admission::Ending => (),
        }
        self.settle();
    }

    fn place(&mut self, ask: Ask) {
        let ways = vec![way(ask)];
        let mirror = Mirror { ask, ways, by: None, known: Known::Placed, attempts: 0, wished: false, resting: None };
        assert!(self.runs.insert(ask.key, mirror).is_none(), "two places for one run");
    }

    pub(super) fn known(&self, key: RunKey) -> Option<Known> {
        self.runs.get(&key).map(|it| it.known)
    }

    /// Those that whoever carries them out knows to be at that stage.
    pub(super) fn all(&self, known: Known) -> Vec<RunKey> {
        self.runs.iter().filter(|(_, it)| it.known == known).map(|(key, _)| *key).collect()
    }

    /// The disk has it.
    pub(super) fn accept(&mut self, key: RunKey) {
        if self.known(key) == Some(Known::Placed) {
            self.counts.accepted += 1;
            self.with(key, |it| it.known = Known::Waiting);
            self.tell(Event::Accepted(key));
        }
    }

    pub(super) fn give_back(&mut self, key: RunKey) {
        if self.known(key) == Some(Known::Placed) {
            self.tell(Event::Withdrawn(key));
            assert_eq!(self.known(key), None);
        }
    }

    pub(super) fn attempted(&mut self, key: RunKey, attempt: Attempt) {
        if self.known(key) == Some(Known::Trying) {
            self.counts.interrupted += u64::from(attempt == Attempt::Interrupted);
            let now = self.now;
            self.with(key, |it| {
                it.known = Known::Waiting;
                let again = attempt == Attempt::Interrupted && !it.wished && it.attempts < ATTEMPTS_MAX;
                it.resting = again.then(|| now + REST * it.attempts);
            });
            self.tell(Event::Attempted(key, attempt));
        }
    }

    pub(super) fn dismiss(&mut self, key: RunKey) {
        self.counts.dismissed += u64::from(self.runs.contains_key(&key));
        self.with(key, |it| it.wished = true);
        self.tell(Event::Dismiss(key, Reason::Dismissed));
    }

    pub(super) fn conclude(&mut self, key: RunKey) {
        if self.known(key) == Some(Known::Concluding) {
            self.counts.concluded += 1;
            self.tell(Event::Concluded(key));
            assert_eq!(self.known(key), None, "whoever waits is told");
        }
    }

    /// The task of a run is gone, whatever it was at.
    pub(super) fn lose(&mut self, key: RunKey) {
        if self.known(key).is_some_and(|known| known != Known::Placed) {
            self.counts.concluded += 1;
            // Taken down before anything else may begin in its place.
            self.with(key, |it| (it.known, it.resting) = (Known::Concluding, None));
            self.tell(Event::Concluded(key));
            assert_eq!(self.known(key), None, "whoever waits is told");
        }
    }

    pub(super) fn delete(&mut self, file: FileKey) {
        self.deleting.push(file);
        for (_, mirror) in self.runs.iter_mut().filter(|(key, _)| key.file() == file) {
            mirror.wished = true;
        }
        let keys = self.scheduler.delete(file, self.now);
        assert!(keys.iter().all(|key| key.file() == file));
        self.settle();
    }

    pub(super) fn deleted(&mut self) {
        if let Some(file) = self.deleting.pop() {
            self.scheduler.deleted(file);
            self.settle();
        }
    }

    /// Something that was true a while ago.
    pub(super) fn late(&mut self, key: RunKey) {
        let known = self.known(key);
        let before = self.scheduler.load();
        if known != Some(Known::Placed) {
            for event in [Event::Accepted(key), Event::Withdrawn(key), Event::Answered(key)] {
                self.tell(event);
            }
        }
        if known != Some(Known::Trying) {
            self.tell(Event::Attempted(key, Attempt::Settled));
            self.tell(Event::Attempted(key, Attempt::Interrupted));
        }
        assert_eq!((self.known(key), self.scheduler.load()), (known, before));
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        for mirror in self.runs.values_mut() {
            mirror.resting = mirror.resting.filter(|until| *until > self.now);
        }
        self.tell(Event::Tick);
    }

    /// The server is killed, and another takes up what is on disk.
    pub(super) fn crash(&mut self) {
        self.counts.crashes += 1;
        self.scheduler = Scheduler::new(self.bounds);
        self.now = Duration::ZERO;
        self.deleting.clear();
        self.went.clear();
        self.before_bulk = 0;
        self.newcomers.clear();
        let left = std::mem::take(&mut self.runs);
        // A run without an acceptance on disk was never answered for. Others begin anew, whatever became of them.
        for (key, mirror) in left.into_iter().filter(|(_, it)| it.known != Known::Placed) {
            let ask = mirror.ask;
            assert!(self.scheduler.hold(ask), "one acceptance for each");
            self.place(ask);
            self.with(key, |it| it.known = Known::Waiting);
            self.tell(Event::Accepted(key));
        }
    }

    fn with(&mut self, key: RunKey, change: impl FnOnce(&mut Mirror)) {
        if let Some(mirror) = self.runs.get_mut(&key) {
            change(mirror);
        }
    }

    fn tell(&mut self, event: Event) {
        self.scheduler.handle(event, self.now);
        self.settle();
    }

    /// Does what is asked for, and looks whether all is as it must be.
    fn settle(&mut self) {
        self.note_who_waits();
        while let Some(effect) = self.scheduler.poll() {
            self.check(effect);
            self.note_who_waits();
        }
        let trying = self.all(Known::Trying).len();
        let may_go = |it: &&Mirror| it.is_in_line() && it.ways.iter().any(|way| self.may_go(way.1));
        let in_line = self.runs.values().filter(may_go).count();
        assert!(trying <= self.bounds.slots, "more runs than slots");
        assert!(in_line == 0 || trying == self.bounds.slots, "{in_line} wait, though only {trying} run");
        assert_eq!(self.scheduler.load().in_flight, self.runs.len());
    }

    fn check(&mut self, effect: Effect) {
        match effect {
            Effect::Start(key, number) => {
                self.counts.started += 1;
                self.starts(key);
                self.with(key, |it| {
                    assert_eq!((it.known, it.wished), (Known::Waiting, false), "started out of turn");
                    assert!(number == it.attempts + 1 && number <= ATTEMPTS_MAX, "attempt {number}");
                    (it.known, it.attempts, it.resting) = (Known::Trying, number, None);
                });
                assert_eq!(self.known(key), Some(Known::Trying), "what runs was accepted");
            }
            Effect::Kill(key, _) => {
                assert!(self.runs.get(&key).is_some_and(|it| it.wished && it.known == Known::Trying));
            }
            Effect::Conclude(key, wish) => {
                self.with(key, |it| {
                    assert_eq!((it.known, it.wished), (Known::Waiting, wish.is_some()), "concluded out of turn");
                    it.known = Known::Concluding;
                });
                assert_eq!(self.known(key), Some(Known::Concluding));
            }
            Effect::Over(key, last) => {
                let mirror = self.runs.remove(&key).expect("over only once");
                let expected = if mirror.known == Known::Placed { Last::Withdrawn } else { Last::Ended };
                assert_eq!(last, expected);
            }
        }
    }

    fn note_who_waits(&mut self) {
        let waiting = self.runs.values().filter(|it| it.is_in_line());
        self.in_line = waiting.flat_map(|it| it.ways.iter().copied()).collect();
    }

    /// Whether it would not have every slot then.
    fn may_go(&self, client: ClientId) -> bool {
        let trying = self.runs.values().filter(|it| it.known == Known::Trying && it.by == Some(client)).count();
        self.bounds.slots < 4 || trying < self.bounds.slots - 1
    }

    /// Nobody goes before one who went longer ago; bulk runs do not wait for ever.
    fn starts(&mut self, key: RunKey) {
        let Some(Stage::Running { by: (priority, client), .. }) = self.scheduler.runs.get(&key).map(|it| it.stage)
        else {
            panic!("started, and does not run")
        };
        let who = (priority == Priority::Bulk, client);
        let Some(mirror) = self.runs.get_mut(&key) else { return };
        assert!(mirror.ways.contains(&who), "{who:?} never asked for it");
        mirror.by = Some(client);
        self.counts.lifted += u64::from(who != way(mirror.ask));
        assert!(self.may_go(who.1), "{who:?} has every slot");
        let ago = |who| self.went.get(who).copied().unwrap_or(0);
        let in_line: Vec<_> = self.in_line.iter().filter(|other| self.may_go(other.1)).copied().collect();
        let newcomers = self.newcomers.get(&who.0).copied().unwrap_or(0);
        let returning = self.in_line.iter().any(|other| other.0 == who.0 && *other != who && ago(other) > 0);
        for other in in_line.iter().filter(|other| other.0 == who.0) {
            // Newcomers let one who is not go before them, now and then.
            let lets = ago(other) == 0 && newcomers == NEWCOMERS_MAX;
            assert!(lets || ago(other) >= ago(&who), "{who:?} goes before {other:?}");
        }
        let may = in_line.iter().any(|other| other.0 == who.0 && ago(other) > 0);
        assert!(newcomers < NEWCOMERS_MAX || !may || ago(&who) > 0, "newcomers go before {in_line:?} for ever");
        let newcomer = ago(&who) == 0 && returning;
        let newcomers = if newcomer { newcomers + 1 } else { 0 };
        self.newcomers.insert(who.0, newcomers.min(NEWCOMERS_MAX));
        self.went.insert(who, self.counts.started);
        let bulk_waits = in_line.iter().any(|(bulk, _)| *bulk);
        self.before_bulk = if who.0 || !bulk_waits { 0 } else { self.before_bulk + 1 };
        assert!(self.before_bulk <= BULK_EVERY, "bulk runs wait for ever");
    }

    /// Whatever is left comes to its end, without anybody's help but that of those who carry it out.
    pub(super) fn run_dry(&mut self) {
        for _ in 0..100_000 {
            if self.runs.is_empty() {
                assert_eq!(self.counts.accepted, self.counts.concluded, "lost or doubled");
                return;
            }
            for key in self.all(Known::Placed) {
                self.give_back(key);
            }
            for key in self.all(Known::Trying) {
                self.attempted(key, Attempt::Settled);
            }
            for key in self.all(Known::Concluding) {
                self.conclude(key);
            }
            self.pass(Duration::from_millis(50));
        }
        panic!("stuck: {:?}", self.runs);
    }
}
