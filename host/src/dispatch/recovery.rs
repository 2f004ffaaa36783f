//! What a former server left in its queue is taken up.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;

use super::Again;
use super::Dispatch;
use super::Question;
use super::owner::Place;
use crate::id::RunKey;
use crate::registry::workshop::Analysis;
use crate::registry::workshop::InstallError;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::scheduler::Ask;
use crate::store::Store;
use crate::store::runs::RunConfig;

/// What came of taking up the runs of a former server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    pub taken_up: usize,
    /// Still queued: they could not be looked at.
    pub left: usize,
}

impl Recovered {
    fn leave(&mut self, key: RunKey, error: &io::Error) {
        tracing::error!(run.id = %key, %error, "a queued run cannot be taken up now");
        self.left += 1;
    }
}

impl Dispatch {
    /// Takes up what a former server left; a run that can no longer be carried out is failed by name. What fails in a way
    /// that may be another tomorrow stays queued, for another call of this.
    ///
    /// # Errors
    /// Of the disk, when nothing can be taken up at all.
    pub async fn recover(self: &Arc<Self>) -> io::Result<Recovered> {
        let mut found = Vec::new();
        let mut recovered = Recovered::default();
        let mut queued = Vec::new();
        for store in self.ports.stores.all() {
            queued.extend(store.queued()?.into_iter().map(|key| (Arc::clone(&store), key)));
        }
        for (store, key) in queued {
            let config = store.config(key).unwrap_or_default();
            let (client, priority) = config.map_or_else(Default::default, |it| (it.client, it.priority));
            let ask = Ask { key, client, priority };
            let Some(place) = self.owner.hold(ask).await? else { continue };
            match store.take_up(key) {
                Ok(Some(config)) => found.push((place, (store, config))),
                Ok(None) => self.ports.notifier.ended(key),
                Err(error) => recovered.leave(key, &error),
            }
        }
        found.sort_by_key(|(_, (_, config))| config.accepted);
        let mut revived = HashMap::new();
        for (place, (store, config)) in found {
            let (key, module) = (place.key, config.module);
            if let Entry::Vacant(first) = revived.entry(module) {
                first.insert(self.ports.registry.revive(module).await);
            }
            match self.revive((store, config), (place, &revived[&module])).await {
                Ok(()) => recovered.taken_up += 1,
                Err(error) => recovered.leave(key, &error),
            }
        }
        Ok(recovered)
    }

    async fn revive(
        self: &Arc<Self>,
        (store, config): (Arc<Store>, RunConfig),
        (place, analysis): (Place, &Result<Arc<Analysis>, InstallError>),
    ) -> io::Result<()> {
        let key = place.key;
        let failure = match (store.upload(key.file_id)?, analysis) {
            (Some(_), _) if config.crashes >= self.ports.crashes_max => {
                let detail = format!("{} servers have died while it ran; `\"rerun\": true` asks again", config.crashes);
                Failure::new(Reason::HostInterrupted, detail)
            }
            (Some(upload), Ok(analysis)) => {
                let analysis = Arc::clone(analysis);
                if let Some(token) = config.token {
                    self.ports.ledger.resume(key, token, config.limits.fuel(upload.size_bytes));
                }
                self.entrust(
                    Question { key, store, analysis, upload, config, payer: None, again: Again::IfNeeded },
                    place,
                );
                return Ok(());
            }
            (None, _) => Failure::new(Reason::FileDeleted, "the file is not stored any more"),
            (Some(_), Err(InstallError::Io(error))) => return Err(io::Error::new(error.kind(), error.to_string())),
            (Some(_), Err(error @ InstallError::Refused(_))) => {
                let detail = format!("`{}` cannot be run any more: {error}", config.analysis);
                Failure::new(Reason::EngineError, detail)
            }
        };
        self.abandon((&store, key), failure).await?;
        place.answered();
        Ok(())
    }
}
