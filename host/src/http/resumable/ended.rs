//! Uploads that have ended and are told of for a while, so that whoever lost the last answer learns how it went. Each lies
//! on the disk: there are so many of one client, and so many in all, and the oldest go first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::id::ClientId;
use crate::id::PartialId;
use crate::id::Tenant;

const OF_CLIENT_MAX: usize = 1_000;
const MAX: usize = 20_000;

/// One, whose it is and in which store it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: PartialId,
    pub(super) client: ClientId,
    pub(super) tenant: Tenant,
}

/// All of them, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended(Arc<Mutex<VecDeque<Entry>>>);

impl Ended {
    /// One more has ended; gives the one to be forgotten for it.
    pub(super) fn add(&self, entry: Entry) -> Option<Entry> {
        let mut all = self.all();
        all.push_back(entry);
        let mut of_client = all.iter().enumerate().filter(|(_, it)| it.client == entry.client);
        let first = of_client.next().map(|(at, _)| at);
        let oldest = if of_client.count() >= OF_CLIENT_MAX { first } else { (all.len() > MAX).then_some(0) };
        all.remove(oldest?)
    }

    /// It is told of no more.
    pub(super) fn remove(&self, id: PartialId) {
        self.all().retain(|it| it.id != id);
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> PartialId {
        PartialId::new(u128::try_from(number).unwrap().to_be_bytes())
    }

    fn add(ended: &Ended, number: usize, client: u64) -> Option<PartialId> {
        let entry = Entry { id: id(number), client: ClientId::Network(client), tenant: Tenant::MAIN };
        ended.add(entry).map(|it| it.id)
    }

    #[test]
    fn a_client_has_its_own_oldest_forgotten() {
        let ended = Ended::default();
        assert_eq!(add(&ended, 0, 2), None);
        for number in 1..=OF_CLIENT_MAX {
            assert_eq!(add(&ended, number, 1), None);
        }
        ended.remove(id(1));
        assert_eq!(add(&ended, 5000, 1), None);
        assert_eq!(add(&ended, 5001, 1), Some(id(2)));
    }

    #[test]
    fn many_clients_have_a_bound_too() {
        let ended = Ended::default();
        let forgotten = (0..MAX + 5).filter_map(|it| add(&ended, it, u64::try_from(it).unwrap()));
        assert_eq!(forgotten.collect::<Vec<_>>(), (0..5).map(id).collect::<Vec<_>>());
    }
}
