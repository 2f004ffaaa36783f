//! Runs: each has been asked, and has ended whole or is queued.

use std::io;
use std::path::Path;

use super::Kind;
use super::Look;
use super::Remedy;
use super::entries;
use super::name_of;
use super::of_file;
use crate::id::FileId;
use crate::id::RunKey;
use crate::store::runs::RunRecord;

const KNOWN: [&str; 8] =
    ["artifacts", "config.json", "deliveries.json", "failure.json", "inrun.pid", "log.txt", "results.json", "run.json"];

impl Look<'_> {
    pub(super) fn runs(&mut self, analyses: &Path, file_id: FileId) -> io::Result<()> {
        for entry in entries(analyses)? {
            match name_of(&entry).parse() {
                Ok(analysis_id) => {
                    let key = RunKey { tenant: self.store.tenant, file_id, analysis_id };
                    let looked = self.run(&entry.path(), key);
                    self.unless_read((&entry.path(), Remedy::RunAgain(key)), looked);
                }
                Err(_) => {
                    self.find(&entry.path(), (Kind::Orphan, Remedy::Quarantine), "names no run");
                }
            }
        }
        Ok(())
    }

    fn run(&mut self, path: &Path, key: RunKey) -> io::Result<()> {
        self.report.runs += 1;
        let queued = self.queued.contains(&key);
        let config = self.store.config(key).map_err(|error| of_file(&path.join("config.json"), &error));
        // Without it, it cannot run again.
        let Some(config) = self.unless_read((path, Remedy::Quarantine), config) else { return Ok(()) };
        let Some(config) = config else {
            if queued {
                self.unfinished(path, "a run that was never answered for");
            } else {
                self.find(path, (Kind::Incomplete, Remedy::Quarantine), "no record of what was asked");
            }
            return Ok(());
        };
        self.wanted.insert(config.module);
        if queued {
            // Its ending is looked at when it is taken up.
            self.unfinished(path, "a run that has not ended");
            return Ok(());
        }
        let record = self.record_of(path, key)?;
        if let Some((kind, detail)) = self.wrong_with_ending(path, record.as_ref())? {
            self.find(path, (kind, Remedy::RunAgain(key)), detail);
            return Ok(());
        }
        if record.is_some_and(|it| it.generation != config.generation) {
            // The former answer is whole, and is given until somebody asks for another.
            self.unfinished(path, "asked again, and never answered for");
        }
        if path.join("inrun.pid").exists() {
            let stale = "marked as running, and has ended";
            self.find(&path.join("inrun.pid"), (Kind::Unfinished, Remedy::Remove), stale);
        }
        for entry in entries(path)? {
            if !KNOWN.contains(&name_of(&entry).as_str()) {
                self.find(&entry.path(), (Kind::Orphan, Remedy::Quarantine), "no part of a run");
            }
        }
        Ok(())
    }

    /// None where it is not there, or torn.
    fn record_of(&self, path: &Path, key: RunKey) -> io::Result<Option<RunRecord>> {
        match self.store.record(key) {
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => Ok(None),
            read => read.map_err(|error| of_file(&path.join("run.json"), &error)),
        }
    }

    fn wrong_with_ending(&mut self, path: &Path, record: Option<&RunRecord>) -> io::Result<Option<(Kind, String)>> {
        let Some(record) = record else {
            return Ok(Some((Kind::Incomplete, "it is not queued and has no record of its ending".to_owned())));
        };
        let endings = [self.digest(&path.join("results.json"))?, self.digest(&path.join("failure.json"))?];
        match endings {
            [None, None] => return Ok(Some((Kind::Incomplete, "it is not queued and has no ending".to_owned()))),
            [Some(_), Some(_)] => return Ok(Some((Kind::Damaged, "it has a result and a failure".to_owned()))),
            [Some(sha256), None] | [None, Some(sha256)] if sha256 != record.ending_sha256 => {
                return Ok(Some((Kind::Damaged, "its ending is another than was recorded".to_owned())));
            }
            [Some(_), None] | [None, Some(_)] => (),
        }
        if !record.is_of_log(self.digest(&path.join("log.txt"))?) {
            return Ok(Some((Kind::Damaged, "its log is another than was recorded".to_owned())));
        }
        self.wrong_with_artifacts(&path.join("artifacts"), record)
    }

    fn wrong_with_artifacts(&mut self, path: &Path, record: &RunRecord) -> io::Result<Option<(Kind, String)>> {
        for artifact in &record.artifacts {
            self.report.artifacts += 1;
            match self.digest(&path.join(artifact.name.as_str()))? {
                None => return Ok(Some((Kind::Incomplete, format!("the artifact {} is not there", artifact.name)))),
                Some(sha256) if sha256 != artifact.sha256 => {
                    let detail = format!("the artifact {} is another than was recorded", artifact.name);
                    return Ok(Some((Kind::Damaged, detail)));
                }
                Some(_) => (),
            }
        }
        for entry in entries(path)? {
            if !record.artifacts.iter().any(|it| it.name.as_str() == name_of(&entry)) {
                let detail = "an artifact that the record does not know";
                self.find(&entry.path(), (Kind::Orphan, Remedy::Quarantine), detail);
            }
        }
        Ok(None)
    }
}
