//! Who is still to be told of a run's end.

use std::io;
use std::path::Path;

use super::Kind;
use super::Look;
use super::Remedy;
use super::entries;
use super::name_of;
use crate::run::notice::NoticeId;
use crate::run::notice::State;
use crate::store::notices::Fate;
use crate::store::notices::Notice;

impl Look<'_> {
    pub(super) fn notices(&mut self) -> io::Result<()> {
        for entry in entries(&self.store.root.join("notify"))? {
            let path = entry.path();
            match name_of(&entry).parse() {
                Ok(id) => self.notice(&path, id),
                Err(_) => self.find(&path, (Kind::Orphan, Remedy::Quarantine), "names no notification"),
            }
        }
        Ok(())
    }

    fn notice(&mut self, path: &Path, id: NoticeId) {
        let json = Self::read(path);
        let Some(json) = self.unless_read((path, Remedy::Quarantine), json) else { return };
        let Some(notice) = json.and_then(|json| serde_json::from_slice::<Notice>(&json).ok()) else {
            return self.find(path, (Kind::Damaged, Remedy::Quarantine), "cannot be read");
        };
        let waiting = notice.hooks.iter().any(|it| it.state == State::Waiting);
        if !waiting || !self.queued.contains(&id.key) {
            let what = match self.store.fate(id) {
                // What cannot be read of a run was found with it.
                Ok(Fate::Open | Fate::Ended(_)) | Err(_) => "not everybody has been told of that run's end",
                Ok(Fate::Gone) => "not everybody has been told of the end of a run that is no more",
            };
            self.unfinished(path, what);
        }
    }
}
