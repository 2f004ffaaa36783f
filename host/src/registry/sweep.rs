//! Modules that nothing stands for any more go: no name, no run that is stored or on its way, and not the operator's
//! directory.
//!
//! Runs on their way are found by who holds their analysis; stored ones by looking through all there are, which is done
//! only when there is something to be rid of, and again for what was found to be of use only once a day.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;
use std::time::Instant;

use super::Registry;
use super::workshop::Analysis;
use crate::id::ModuleDigest;

/// How long a module stays out of question that some stored run was found to stand for.
const USED_FOR: Duration = Duration::from_hours(24);

/// The analyses that were made here, as long as anybody holds them or a sweep has not noticed that nobody does.
#[derive(Debug, Default)]
pub(super) struct InHand(Mutex<Hands>);

#[derive(Debug, Default)]
struct Hands {
    made: Vec<(ModuleDigest, Weak<Analysis>)>,
    /// Nobody held these, but when all runs were looked through some stood for them.
    used: HashSet<ModuleDigest>,
    looked: Option<Instant>,
}

impl InHand {
    /// An analysis was made.
    pub(super) fn note(&self, analysis: &Arc<Analysis>) {
        self.hands().made.push((analysis.module, Arc::downgrade(analysis)));
    }

    /// Forgets those that nobody holds, and strikes out the others and what is known to be of use.
    fn begin(&self, stored: HashSet<ModuleDigest>) -> HashSet<ModuleDigest> {
        let mut hands = self.hands();
        hands.made.retain(|(_, analysis)| analysis.strong_count() > 0);
        if hands.looked.is_none_or(|it| it.elapsed() >= USED_FOR) {
            hands.used.clear();
        }
        let used = &hands.used;
        let mut idle: HashSet<_> = stored.into_iter().filter(|module| !used.contains(module)).collect();
        for (module, _) in &hands.made {
            idle.remove(module);
        }
        idle
    }

    /// Of those that were idle at the beginning, some are of use; gives the others, without what was made since.
    fn end(&self, idle: &HashSet<ModuleDigest>, mut unused: HashSet<ModuleDigest>) -> HashSet<ModuleDigest> {
        let mut hands = self.hands();
        if hands.used.is_empty() {
            hands.looked = Some(Instant::now());
        }
        hands.used.extend(idle.difference(&unused));
        for (module, _) in &hands.made {
            unused.remove(module);
        }
        unused
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        // A panic leaves the list whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Removes modules that nothing stands for, with what was made of them, and what was made for former engines; gives how
    /// many modules went.
    ///
    /// # Errors
    /// Of the disk; what is left goes with the next sweep.
    pub async fn sweep(&self) -> io::Result<usize> {
        let engine = self.fingerprint().to_owned();
        self.workshop.on_disk(move |store| store.remove_programs_but(&engine)).await?;
        let idle = self.in_hand.begin(self.workshop.on_disk(|store| store.modules()).await?);
        if idle.is_empty() {
            return Ok(0);
        }
        let looked_at = idle.clone();
        let unused = self.workshop.on_disk(move |store| store.unused(looked_at)).await?;
        // Nobody installs one of them while it goes.
        let _one_at_a_time = self.placing.lock().await;
        let going = self.in_hand.end(&idle, unused);
        let count = going.len();
        self.workshop.on_disk(move |store| going.into_iter().try_for_each(|it| store.remove_module(it))).await?;
        Ok(count)
    }
}
