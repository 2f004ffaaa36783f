//! Uploads that have ended and are told of for a while, so that whoever lost the last answer learns how it went. Each lies
//! on the disk: there are so many of one client, and so many in all, and the oldest go first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::id::ClientId;
use crate::id::PartialId;

const OF_CLIENT_MAX: usize = 1_000;
const MAX: usize = 20_000;

/// All of them, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended(Arc<Mutex<VecDeque<(PartialId, ClientId)>>>);

impl Ended {
    /// One more has ended; gives the one to be forgotten for it.
    pub(super) fn add(&self, id: PartialId, client: ClientId) -> Option<PartialId> {
        let mut all = self.all();
        all.push_back((id, client));
        let oldest = match all.iter().filter(|it| it.1 == client).count() {
            count if count > OF_CLIENT_MAX => all.iter().position(|it| it.1 == client)?,
            _ if all.len() > MAX => 0,
            _ => return None,
        };
        all.remove(oldest).map(|it| it.0)
    }

    /// It is told of no more.
    pub(super) fn remove(&self, id: PartialId) {
        self.all().retain(|it| it.0 != id);
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<(PartialId, ClientId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> PartialId {
        PartialId::new(u128::try_from(number).unwrap().to_be_bytes())
    }

    #[test]
    fn a_client_has_its_own_oldest_forgotten() {
        let ended = Ended::default();
        assert_eq!(ended.add(id(0), ClientId::Network(2)), None);
        for number in 1..=OF_CLIENT_MAX {
            assert_eq!(ended.add(id(number), ClientId::Network(1)), None);
        }
        ended.remove(id(1));
        assert_eq!(ended.add(id(5000), ClientId::Network(1)), None);
        assert_eq!(ended.add(id(5001), ClientId::Network(1)), Some(id(2)));
    }

    #[test]
    fn many_clients_have_a_bound_too() {
        let ended = Ended::default();
        let forgotten = (0..MAX + 5).filter_map(|it| ended.add(id(it), ClientId::Network(u64::try_from(it).unwrap())));
        assert_eq!(forgotten.collect::<Vec<_>>(), (0..5).map(id).collect::<Vec<_>>());
    }
}
