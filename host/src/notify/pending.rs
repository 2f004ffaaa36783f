//! What is still to be told, in memory as on disk. Every change is made to a copy, written, and then holds.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use super::Denied;
use crate::id::AnalysisName;
use crate::id::ClientId;
use crate::id::RunKey;
use crate::places::Place;
use crate::places::Places;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::notice::Ended;
use crate::run::notice::Hook;
use crate::run::notice::NoticeId;
use crate::run::notice::State;
use crate::store::Store;
use crate::store::notices::Fate;
use crate::store::notices::Notice;
use crate::time::Timestamp;

/// Of one client, for one run, at the same time.
pub const HOOKS_OF_RUN_MAX: usize = 16;

/// Everything that is to be told, by run.
#[derive(Debug)]
pub(super) struct Pending {
    runs: Mutex<HashMap<RunKey, Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    id: NoticeId,
    notice: Notice,
    /// Of each hook, in the same order.
    holders: Vec<Holder>,
}

/// What one takes up among those of its client, and who sees to it.
#[derive(Debug)]
struct Holder {
    _place: Option<Place>,
    task: Task,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    None,
    Begun,
}

impl Holder {
    fn new(place: Option<Place>) -> Self {
        Self { _place: place, task: Task::None }
    }
}

impl Pending {
    /// What a former server left; each takes a place of its client's, as long as there are any.
    pub(super) fn of(notices: Vec<(NoticeId, Notice)>, places: &Places) -> Self {
        let mut runs: HashMap<RunKey, Vec<Entry>> = HashMap::new();
        for (id, notice) in notices {
            let holders = notice.hooks.iter().map(|hook| {
                let open = !hook.state.is_over();
                Holder::new(open.then(|| places.take(hook.client)).flatten())
            });
            let holders = holders.collect();
            runs.entry(id.key).or_default().push(Entry { id, notice, holders });
        }
        Self { runs: Mutex::new(runs) }
    }

    pub(super) fn keys(&self) -> Vec<RunKey> {
        self.runs().keys().copied().collect()
    }

    /// Receivers that are still to be told.
    pub(super) fn count(&self) -> usize {
        let runs = self.runs();
        runs.values().flatten().flat_map(|it| &it.notice.hooks).filter(|it| !it.state.is_over()).count()
    }

    /// Adds who wants to be told of a run. A client that wants the same receiver told, which has not been yet, changes its
    /// own wish: it is told once, as that client asked for last.
    pub(super) fn add(
        &self,
        store: &Store,
        (id, analysis): (NoticeId, AnalysisName),
        hooks: Vec<(Hook, Option<Place>)>,
    ) -> Result<(), Denied> {
        let mut runs = self.runs();
        let entries = runs.entry(id.key).or_default();
        let at = entries.iter().position(|it| it.id == id);
        let former = at.map(|at| &entries[at].notice);
        let mut notice = former.cloned().unwrap_or(Notice { version: 1, analysis, ended: None, hooks: Vec::new() });
        let mut holders = Vec::new();
        let mut crowded = false;
        for (hook, place) in hooks {
            match notice.hooks.iter_mut().find(|it| it.is_same_wish(&hook)) {
                Some(former) => former.wish_anew(hook),
                None => {
                    let open = notice.hooks.iter().filter(|it| it.client == hook.client && !it.state.is_over());
                    crowded |= open.count() >= HOOKS_OF_RUN_MAX;
                    notice.hooks.push(hook);
                    holders.push(Holder::new(place));
                }
            }
        }
        let written = if crowded { Err(Denied::Crowded) } else { store.put_notice(id, &notice).map_err(Denied::from) };
        match (written, at) {
            (Ok(()), Some(at)) => {
                entries[at].notice = notice;
                entries[at].holders.extend(holders);
            }
            (Ok(()), None) => entries.push(Entry { id, notice, holders }),
            (Err(denied), _) => {
                forget_if_empty(&mut runs, id.key);
                return Err(denied);
            }
        }
        Ok(())
    }

    /// Looks whether a run has ended; gives who is due now.
    pub(super) fn ended(&self, store: &Store, key: RunKey, now: Timestamp) -> Vec<(NoticeId, usize)> {
        let mut runs = self.runs();
        let Some(entries) = runs.get_mut(&key) else { return Vec::new() };
        for entry in entries.iter_mut().filter(|it| it.is_waiting()) {
            let ended = match &entry.notice.ended {
                Some(ended) => Some(ended.clone()),
                None => fate(store, entry.id, now),
            };
            let Some(ended) = ended else { continue };
            for hook in &mut entry.notice.hooks {
                hook.ended(ended.outcome(), now);
            }
            entry.notice.ended = Some(ended);
            entry.write(store);
        }
        let due = entries.iter_mut().flat_map(Entry::begin_due).collect();
        entries.retain(|it| !it.is_over());
        forget_if_empty(&mut runs, key);
        due
    }

    /// Who is due and has nobody to see to it.
    pub(super) fn begin_due(&self) -> Vec<(NoticeId, usize)> {
        self.runs().values_mut().flatten().flat_map(Entry::begin_due).collect()
    }

    /// When one is to be told, and for whom; None when there is nothing more to do.
    pub(super) fn due(&self, id: NoticeId, number: usize) -> Option<(Timestamp, ClientId)> {
        let runs = self.runs();
        let entry = runs.get(&id.key)?.iter().find(|it| it.id == id)?;
        match entry.notice.hooks.get(number)?.state {
            State::Due(when) => Some((when, entry.notice.hooks.get(number)?.client)),
            State::Waiting | State::Delivered | State::GivenUp | State::NotWanted => None,
        }
    }

    /// One who is to be told, and what of.
    pub(super) fn look(&self, id: NoticeId, number: usize) -> Option<(Hook, Notice)> {
        let runs = self.runs();
        let notice = &runs.get(&id.key)?.iter().find(|it| it.id == id)?.notice;
        Some((notice.hooks.get(number)?.clone(), Notice { hooks: Vec::new(), ..notice.clone() }))
    }

    /// One was called; what came of it is put down by `note`.
    pub(super) fn called(&self, store: &Store, (id, number): (NoticeId, usize), note: impl FnOnce(&mut Hook)) {
        let mut runs = self.runs();
        let Some(entries) = runs.get_mut(&id.key) else { return };
        let Some(entry) = entries.iter_mut().find(|it| it.id == id) else { return };
        let Some(hook) = entry.notice.hooks.get_mut(number) else { return };
        note(hook);
        entry.write(store);
        entries.retain(|it| !it.is_over());
        forget_if_empty(&mut runs, id.key);
    }

    /// Everybody who waits for that run's end or was not told of it yet.
    pub(super) fn hooks(&self, id: NoticeId) -> Vec<Hook> {
        let runs = self.runs();
        let entry = runs.get(&id.key).and_then(|it| it.iter().find(|it| it.id == id));
        entry.map_or_else(Vec::new, |it| it.notice.hooks.clone())
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunKey, Vec<Entry>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_waiting(&self) -> bool {
        self.notice.hooks.iter().any(|it| it.state == State::Waiting)
    }

    fn is_over(&self) -> bool {
        self.notice.hooks.iter().all(|it| it.state.is_over())
    }

    /// Not to be told for want of a disk would be worse than to be told once more by the next server.
    fn write(&self, store: &Store) {
        let written = if self.is_over() {
            store.end_notice(self.id, &self.notice.hooks)
        } else {
            store.put_notice(self.id, &self.notice)
        };
        if let Err(error) = written {
            tracing::error!(notice = %self.id, %error, "who has been told cannot be written down");
        }
    }

    fn begin_due(&mut self) -> Vec<(NoticeId, usize)> {
        let mut due = Vec::new();
        for (number, (hook, holder)) in self.notice.hooks.iter().zip(&mut self.holders).enumerate() {
            if matches!(hook.state, State::Due(_)) && holder.task == Task::None {
                holder.task = Task::Begun;
                due.push((self.id, number));
            }
        }
        due
    }
}

/// How a run ended; None while it is on its way, or as long as that cannot be told.
fn fate(store: &Store, id: NoticeId, now: Timestamp) -> Option<Ended> {
    match store.fate(id) {
        Ok(Fate::Open) => None,
        Ok(Fate::Ended(ended)) => Some(ended),
        Ok(Fate::Gone) => {
            let failure = Failure::new(Reason::FileDeleted, "the run was removed before it ended");
            Some(Ended { failure: Some(failure), finished: now })
        }
        Err(error) => {
            tracing::error!(notice = %id, %error, "how a run ended cannot be read");
            None
        }
    }
}

fn forget_if_empty(runs: &mut HashMap<RunKey, Vec<Entry>>, key: RunKey) {
    if runs.get(&key).is_some_and(Vec::is_empty) {
        runs.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::notice::Outcome;
    use crate::store;
    use crate::store::disk::Durability;

    #[test]
    fn a_client_has_so_many_receivers_for_a_run_and_leaves_others_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let options = store::Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
        let store = Store::open(dir.path(), options).unwrap();
        let id: NoticeId = format!("{}-{}-1795000000123", "a".repeat(40), "b".repeat(40)).parse().unwrap();
        let pending = Pending::of(Vec::new(), &Places::new(0));
        let add = |number: usize, client: u64| {
            let hook = Hook::new(format!("https://{number}.example"), Outcome::ALL.to_vec(), None);
            let hook = Hook { client: ClientId::Network(client), ..hook };
            pending.add(&store, (id, "x".parse().unwrap()), vec![(hook, None)])
        };
        assert!((0..HOOKS_OF_RUN_MAX).all(|number| add(number, 1).is_ok()));
        assert!(matches!(add(99, 1), Err(Denied::Crowded)));
        assert!(add(0, 1).is_ok(), "it is told already");
        assert!(add(99, 2).is_ok());
        assert_eq!(pending.hooks(id).len(), HOOKS_OF_RUN_MAX + 1);
    }

    #[test]
    fn what_a_former_server_left_counts_for_the_clients_whose_it_is() {
        let client = ClientId::Network(1);
        let hook = |url: &str| Hook { client, ..Hook::new(url.to_owned(), Outcome::ALL.to_vec(), None) };
        let told = Hook { state: State::Delivered, ..hook("d") };
        let hooks = vec![hook("a"), hook("b"), hook("c"), told];
        let notice = Notice { version: 1, analysis: "x".parse().unwrap(), ended: None, hooks };
        let name = format!("{}-{}-1795000000123", "a".repeat(40), "b".repeat(40));
        let places = Places::new(4);
        let pending = Pending::of(vec![(name.parse().unwrap(), notice)], &places);
        assert!(places.take(client).is_none(), "it has its share");
        assert!(places.take(ClientId::Network(2)).is_some());
        assert_eq!(pending.count(), 3);
    }
}
