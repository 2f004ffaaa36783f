//! Uploads that come in pieces: as many bytes as count must be there.

use std::io;
use std::path::Path;

use super::Kind;
use super::Look;
use super::Remedy;
use super::entries;
use super::name_of;
use crate::id::PartialId;
use crate::store::disk;
use crate::store::partial::Partial;
use crate::store::partial::State;

impl Look<'_> {
    pub(super) fn partials(&mut self) -> io::Result<()> {
        for entry in entries(&self.store.root.join("partial"))? {
            let path = entry.path();
            match name_of(&entry).parse() {
                Ok(id) => {
                    let looked = self.partial(&path, id);
                    self.unless_read((&path, Remedy::Quarantine), looked);
                }
                Err(_) => self.find(&path, (Kind::Orphan, Remedy::Quarantine), "names no upload"),
            }
        }
        Ok(())
    }

    fn partial(&mut self, path: &Path, id: PartialId) -> io::Result<()> {
        let info = Self::read(&path.join("info.json"))?;
        let Some(partial) = info.and_then(|json| serde_json::from_slice::<Partial>(&json).ok()) else {
            self.find(path, (Kind::Incomplete, Remedy::Quarantine), "no record of that upload");
            return Ok(());
        };
        let there = disk::open_if_there(&self.store.partial_file(id, &partial))?.map(|(_, bytes)| bytes);
        let Partial { offset_bytes, length_bytes, .. } = partial;
        match (partial.state, there) {
            (State::Receiving, None) => {
                self.find(path, (Kind::Incomplete, Remedy::Quarantine), "its bytes are not there");
            }
            (State::Receiving | State::Placing(_), Some(bytes)) if bytes < offset_bytes => {
                let detail = format!("{bytes} bytes are left of {offset_bytes} that had come");
                self.find(path, (Kind::Damaged, Remedy::Quarantine), detail);
            }
            (State::Receiving, Some(_)) => {
                self.unfinished(path, &format!("{offset_bytes} of {length_bytes} bytes have come"));
            }
            (State::Placing(_), _) => self.unfinished(path, "whole, and not yet told to be stored"),
            (State::Gone, Some(_)) => self.unfinished(path, "given up, and not yet removed"),
            (State::Stored(_) | State::Gone, _) => (),
        }
        Ok(())
    }
}
