//! `notify/<run>-<accepted>`: who is still to be told of a run's end. What has been told is kept beside the run.
//!
//! An entry comes with the first who wants to be told, mostly while the run is on its way, and goes when everybody has
//! been; so what is looked at after a restart is what is still to be done. It holds all that is told: a file that is
//! deleted takes its runs with it, and not the news of them.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use super::Store;
use super::disk;
use super::runs::RunRecord;
use super::runs::RunState;
use crate::id::AnalysisName;
use crate::run::notice::Ended;
use crate::run::notice::Hook;
use crate::run::notice::NoticeId;
use crate::time::Timestamp;

/// Kept of those who were told, the newest.
const DELIVERIES_MAX: usize = 32;

/// One entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notice {
    pub version: u32,
    pub analysis: AnalysisName,
    /// Once the run has ended.
    pub ended: Option<Ended>,
    pub hooks: Vec<Hook>,
}

/// `deliveries.json` beside a run: who has been told of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Deliveries {
    version: u32,
    /// Of the run; those of a former one are no more.
    accepted: Timestamp,
    hooks: Vec<Hook>,
}

/// What the disk knows of a run's end.
#[derive(Debug)]
pub enum Fate {
    /// It has not ended.
    Open,
    Ended(Ended),
    /// It is no more.
    Gone,
}

impl Store {
    /// Puts an entry into place, over a former one; durable once the disk settles, and whole whatever happens before: one of
    /// the two is there.
    ///
    /// # Errors
    /// Of the disk; a former one then stands.
    pub fn put_notice(&self, id: NoticeId, notice: &Notice) -> io::Result<()> {
        let (target, json) = (self.notice_path(id), serde_json::to_vec(notice)?);
        if target.exists() {
            self.disk.swap_in_synced(&self.staging_path(), &target, &json)
        } else {
            self.disk.swap_in(&self.staging_path(), &target, &json)
        }
    }

    /// Everybody has been told: that is kept beside the run, if it is still there, and the entry goes.
    ///
    /// # Errors
    /// Of the disk; the entry then stands.
    pub fn end_notice(&self, id: NoticeId, hooks: &[Hook]) -> io::Result<()> {
        {
            let _turn = self.lock_file(id.key.file_id);
            if self.config(id.key)?.is_some_and(|config| config.accepted == id.accepted) {
                let mut told = self.delivered(id)?;
                told.extend(hooks.iter().map(|hook| Hook { secret: None, ..hook.clone() }));
                let hooks = told.split_off(told.len().saturating_sub(DELIVERIES_MAX));
                let json = serde_json::to_vec(&Deliveries { version: 1, accepted: id.accepted, hooks })?;
                let path = self.run_dir(id.key).join("deliveries.json");
                self.disk.swap_in(&self.staging_path(), &path, &json)?;
            }
        }
        self.disk.remove_if_there(&self.notice_path(id))
    }

    /// Who has been told of that run's end.
    ///
    /// # Errors
    /// Of the disk.
    pub fn delivered(&self, id: NoticeId) -> io::Result<Vec<Hook>> {
        let json = disk::read_if_there(&self.run_dir(id.key).join("deliveries.json"))?;
        let deliveries = json.and_then(|json| serde_json::from_slice::<Deliveries>(&json).ok());
        Ok(deliveries.filter(|it| it.accepted == id.accepted).map_or_else(Vec::new, |it| it.hooks))
    }

    /// Every entry that can be read; the others stay for [`Self::check`].
    ///
    /// # Errors
    /// Of the disk.
    pub fn notices(&self) -> io::Result<Vec<(NoticeId, Notice)>> {
        let mut notices = Vec::new();
        for entry in fs::read_dir(self.root.join("notify"))? {
            let entry = entry?;
            let Some(id) = entry.file_name().to_str().and_then(|it| it.parse::<NoticeId>().ok()) else { continue };
            let id = NoticeId { key: id.key.of(self.tenant), ..id };
            match fs::read(entry.path()).and_then(|json| Ok(serde_json::from_slice(&json)?)) {
                Ok(notice) => notices.push((id, notice)),
                Err(error) => tracing::error!(notice = %id, %error, "an entry of `notify/` cannot be read"),
            }
        }
        Ok(notices)
    }

    /// How that run ended, if it did.
    ///
    /// # Errors
    /// Of the disk.
    pub fn fate(&self, id: NoticeId) -> io::Result<Fate> {
        let config = self.config(id.key)?.filter(|config| config.accepted == id.accepted);
        let Some(config) = config else { return Ok(Fate::Gone) };
        let record = self.record(id.key)?.filter(|record| record.generation == config.generation);
        let Some(RunRecord { finished, .. }) = record else { return Ok(Fate::Open) };
        Ok(match self.state(id.key)? {
            RunState::Successful => Fate::Ended(Ended { failure: None, finished }),
            RunState::Failed(failure) => Fate::Ended(Ended { failure: Some(failure), finished }),
            RunState::Unknown | RunState::Pending => Fate::Open,
        })
    }

    fn notice_path(&self, id: NoticeId) -> PathBuf {
        self.root.join("notify").join(id.to_string())
    }
}
