//! Uploads: the file itself, what is recorded of it, and its runs.

use std::fs::File;
use std::io;
use std::path::Path;

use super::Kind;
use super::Look;
use super::Remedy;
use super::entries;
use super::name_of;
use super::of_file;
use crate::id::FileId;
use crate::store::digest::Digests;
use crate::store::disk;
use crate::store::retention::FORMER_PIN;
use crate::store::retention::PIN;
use crate::store::uploads::UploadFacts;

impl Look<'_> {
    /// Those in one of the 256 folders.
    pub(super) fn uploads(&mut self, folder: &Path) -> io::Result<()> {
        let begin = folder.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        for entry in entries(folder)? {
            let path = entry.path();
            match format!("{begin}{}", name_of(&entry)).parse() {
                Ok(file_id) => {
                    let looked = self.upload(&path, file_id);
                    self.unless_read((&path, Remedy::Quarantine), looked);
                }
                Err(_) => self.find(&path, (Kind::Orphan, Remedy::Quarantine), "no part of the layout"),
            }
        }
        Ok(())
    }

    fn upload(&mut self, path: &Path, file_id: FileId) -> io::Result<()> {
        let facts = Self::read(&path.join("upload.json"))?;
        let facts = facts.and_then(|json| serde_json::from_slice::<UploadFacts>(&json).ok());
        let Some(facts) = facts.filter(|facts| facts.sha1 == file_id) else {
            self.find(path, (Kind::Incomplete, Remedy::Quarantine), "no record of that file");
            return Ok(());
        };
        self.report.uploads += 1;
        if let Some(wrong) = self.wrong_with(path, &facts)? {
            // Its runs are about bytes that nobody has any more: they go along.
            self.find(path, (wrong.0, Remedy::Quarantine), wrong.1);
            return Ok(());
        }
        let name = facts.safe_name.as_str();
        let link = path.join("the_file");
        if std::fs::read_link(&link).ok().is_none_or(|target| target != Path::new(name)) {
            self.find(&link, (Kind::Dangling, Remedy::Relink(name.to_owned())), "does not lead to the file");
        }
        for entry in entries(path)? {
            match name_of(&entry).as_str() {
                "upload.json" | "the_file" | "analysis" | PIN => (),
                FORMER_PIN if self.store.has_former_pin(file_id)? => (),
                other if other == name => (),
                _ => self.find(&entry.path(), (Kind::Orphan, Remedy::Quarantine), "no part of the upload".to_owned()),
            }
        }
        let runs = path.join("analysis");
        let looked = self.runs(&runs, file_id);
        self.unless_read((&runs, Remedy::Quarantine), looked);
        Ok(())
    }

    fn wrong_with(&mut self, path: &Path, facts: &UploadFacts) -> io::Result<Option<(Kind, String)>> {
        let path = path.join(facts.safe_name.as_str());
        let opened = disk::open_if_there(&path).map_err(|error| of_file(&path, &error))?;
        let Some((mut file, bytes)) = opened else {
            return Ok(Some((Kind::Incomplete, "the file itself is not there".to_owned())));
        };
        if bytes != facts.size_bytes {
            return Ok(Some((Kind::Damaged, format!("{bytes} bytes, {} were stored", facts.size_bytes))));
        }
        let (sha1, sha256) = self.digests(&mut file).map_err(|error| of_file(&path, &error))?;
        let same = sha1 == facts.sha1 && sha256 == facts.sha256;
        Ok((!same).then(|| (Kind::Damaged, "its digests are others than when it was stored".to_owned())))
    }

    fn digests(&mut self, file: &mut File) -> io::Result<(FileId, crate::id::Sha256)> {
        let mut digests = Digests::default();
        self.report.bytes += io::copy(file, &mut digests)?;
        Ok(digests.finish())
    }
}
