//! Who is next: the client who went longest ago, with the first of its runs; those who never did before all others, but
//! not for ever.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::id::ClientId;
use crate::id::RunKey;
use crate::run::Priority;

/// After so many interactive runs a bulk run goes first, so that it is not for ever that it waits.
pub(super) const BULK_EVERY: u32 = 8;

/// After so many clients in a row who never went before, one goes who did: clients can be made up without end.
pub(super) const NEWCOMERS_MAX: u32 = 8;

/// Clients of whom is known when they went, at least.
const REMEMBERED: usize = 1024;

/// A number that a run gets when it is accepted; it keeps its place in the line by that, also after an attempt.
pub(super) type Number = u64;

/// In which line a run waits, and for whom.
pub(super) type Way = (Priority, ClientId);

/// The two lines: of those who look at a screen, and of those who can wait.
#[derive(Debug, Default)]
pub(super) struct Lines {
    interactive: Line,
    bulk: Line,
    /// Interactive runs that went while bulk runs waited.
    went_before: u32,
}

impl Lines {
    pub(super) fn join(&mut self, (priority, client): Way, (number, key): (Number, RunKey)) {
        self.line(priority).join(client, number, key);
    }

    pub(super) fn leave(&mut self, (priority, client): Way, number: Number) {
        self.line(priority).leave(client, number);
    }

    /// Takes the next run out of a line, of a client that may have one more; with the line. It stays in the others that it
    /// is in.
    pub(super) fn next(&mut self, may: impl Fn(ClientId) -> bool) -> Option<(RunKey, Way)> {
        let (interactive, bulk) = (self.interactive.first(&may), self.bulk.first(&may));
        let (priority, turn) = match (interactive, bulk) {
            (Some(turn), None) => {
                self.went_before = 0;
                (Priority::Interactive, turn)
            }
            (Some(turn), Some(_)) if self.went_before < BULK_EVERY => {
                self.went_before += 1;
                (Priority::Interactive, turn)
            }
            (_, Some(turn)) => {
                self.went_before = 0;
                (Priority::Bulk, turn)
            }
            (None, None) => return None,
        };
        let (key, client) = self.line(priority).take(turn)?;
        Some((key, (priority, client)))
    }

    fn line(&mut self, priority: Priority) -> &mut Line {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Bulk => &mut self.bulk,
        }
    }
}

/// Invariant: every client in `waiting` has a run there, and its turn in `turns`.
#[derive(Debug, Default)]
struct Line {
    waiting: HashMap<ClientId, Waiting>,
    turns: BTreeMap<Turn, ClientId>,
    /// When each client went last, in runs of this line; those who did so long ago are forgotten.
    went: HashMap<ClientId, u64>,
    /// Runs that went, and clients that joined.
    count: u64,
    /// Those who went in a row and never had before, while others waited.
    newcomers: u32,
}

/// Who went longest ago is next; among those who never did, who joined first.
type Turn = (u64, u64);

/// The turns from here on are of clients who went before.
const FIRST_RETURNING: Turn = (1, 0);

#[derive(Debug)]
struct Waiting {
    turn: Turn,
    runs: BTreeMap<Number, RunKey>,
}

impl Line {
    fn join(&mut self, client: ClientId, number: Number, key: RunKey) {
        if let Some(waiting) = self.waiting.get_mut(&client) {
            waiting.runs.insert(number, key);
            return;
        }
        self.count += 1;
        let turn = (self.went.get(&client).copied().unwrap_or(0), self.count);
        self.turns.insert(turn, client);
        self.waiting.insert(client, Waiting { turn, runs: BTreeMap::from([(number, key)]) });
    }

    fn leave(&mut self, client: ClientId, number: Number) {
        let Some(waiting) = self.waiting.get_mut(&client) else { return };
        waiting.runs.remove(&number);
        if waiting.runs.is_empty() {
            self.turns.remove(&waiting.turn);
            self.waiting.remove(&client);
        }
    }

    /// The turn of who is next.
    fn first(&self, may: impl Fn(ClientId) -> bool) -> Option<Turn> {
        let of = |(turn, client): (&Turn, &ClientId)| may(*client).then_some(*turn);
        let returning = || self.turns.range(FIRST_RETURNING..).find_map(of);
        if self.newcomers >= NEWCOMERS_MAX
            && let Some(turn) = returning()
        {
            return Some(turn);
        }
        self.turns.iter().find_map(of)
    }

    fn take(&mut self, turn: Turn) -> Option<(RunKey, ClientId)> {
        let client = self.turns.remove(&turn)?;
        let others_wait = self.turns.range(FIRST_RETURNING..).next().is_some();
        self.newcomers = if turn < FIRST_RETURNING && others_wait { self.newcomers + 1 } else { 0 };
        let waiting = self.waiting.get_mut(&client)?;
        let (_, key) = waiting.runs.pop_first()?;
        self.count += 1;
        self.went.insert(client, self.count);
        if waiting.runs.is_empty() {
            self.waiting.remove(&client);
        } else {
            waiting.turn = (self.count, 0);
            self.turns.insert(waiting.turn, client);
        }
        if self.went.len() > 2 * REMEMBERED {
            let oldest = self.count.saturating_sub(u64::try_from(REMEMBERED).unwrap_or(u64::MAX));
            self.went.retain(|_, at| *at > oldest);
        }
        Some((key, client))
    }
}
