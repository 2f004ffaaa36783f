//! Who is next: the client who went longest ago, with the first of its runs.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::id::ClientId;
use crate::id::RunKey;
use crate::run::Priority;

/// After so many interactive runs a bulk run goes first, so that it is not for ever that it waits.
pub(super) const BULK_EVERY: u32 = 8;

/// Clients of whom is known when they went, at least.
const REMEMBERED: usize = 1024;

/// A number that a run gets when it is accepted; it keeps its place in the line by that, also after an attempt.
pub(super) type Number = u64;

/// The two lines: of those who look at a screen, and of those who can wait.
#[derive(Debug, Default)]
pub(super) struct Lines {
    interactive: Line,
    bulk: Line,
    /// Interactive runs that went while bulk runs waited.
    went_before: u32,
}

impl Lines {
    pub(super) fn join(&mut self, priority: Priority, client: ClientId, (number, key): (Number, RunKey)) {
        self.line(priority).join(client, number, key);
    }

    pub(super) fn leave(&mut self, priority: Priority, client: ClientId, number: Number) {
        self.line(priority).leave(client, number);
    }

    /// Takes the next run out of its line.
    pub(super) fn next(&mut self) -> Option<RunKey> {
        if self.bulk.is_empty() {
            self.went_before = 0;
            return self.interactive.next();
        }
        if self.interactive.is_empty() || self.went_before == BULK_EVERY {
            self.went_before = 0;
            return self.bulk.next();
        }
        self.went_before += 1;
        self.interactive.next()
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
}

/// Who went longest ago is next; among those who never did, who joined first.
type Turn = (u64, u64);

#[derive(Debug)]
struct Waiting {
    turn: Turn,
    runs: BTreeMap<Number, RunKey>,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

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

    fn next(&mut self) -> Option<RunKey> {
        let (_, client) = self.turns.pop_first()?;
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
        Some(key)
    }
}
