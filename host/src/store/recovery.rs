//! What a former server left in the queue: runs that have ended whole, and those that are to run again.
//!
//! An ending is synced in one go with all that belongs to it, so a power cut may keep any part of it. It is believed when
//! every byte is as its record has it, and nothing lies beside it.

use std::fs::File;
use std::io;
use std::path::Path;

use super::Former;
use super::Store;
use super::digest::Sha256Writer;
use super::disk;
use super::runs::RunConfig;
use crate::id::RunKey;
use crate::id::Sha256;

impl Store {
    /// What was asked of a queued run that a former server left; `None`, and no longer queued, when it has ended or was
    /// never answered for. What was cut short is cleaned away. If its server died while it had a worker, that is counted,
    /// durably.
    ///
    /// # Errors
    /// Of the disk; it stays queued.
    pub fn take_up(&self, key: RunKey) -> io::Result<Option<RunConfig>> {
        let directory = self.run_dir(key);
        let mark = directory.join("inrun.pid");
        let config = disk::read_if_there(&directory.join("config.json"))?.unwrap_or_default();
        match serde_json::from_slice::<RunConfig>(&config) {
            Ok(config) if self.ended_whole(key, config.generation)? => (),
            Ok(mut config) => {
                if self.former == Former::Died && mark.exists() {
                    config.crashes = config.crashes.saturating_add(1);
                    let counted = serde_json::to_vec_pretty(&config)?;
                    self.disk.swap_in_synced(&self.staging_path(), &directory.join("config.json"), &counted)?;
                }
                self.disk.remove_if_there(&mark)?;
                self.remove_ending(&directory)?;
                return Ok(Some(config));
            }
            Err(error) if error.is_data() => {
                // Whole, and of a version that knows more than this one.
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            // Never answered for: its config would be whole on disk.
            Err(_) if directory.exists() && !has_ending(&directory) => self.disk.remove_tree(&directory)?,
            // A former ending stays.
            Err(_) => (),
        }
        self.retire(key)?;
        Ok(None)
    }

    /// Whether an ending of that generation stands whose every byte is as the record has it, with nothing beside it of the
    /// ending whose place it took.
    fn ended_whole(&self, key: RunKey, generation: u64) -> io::Result<bool> {
        let directory = self.run_dir(key);
        let Ok(Some(record)) = self.record(key) else { return Ok(false) };
        if record.generation != generation || !record.is_of_log(digest_if_there(&directory.join("log.txt"))?) {
            return Ok(false);
        }
        let [result, failure] = ["results.json", "failure.json"].map(|name| digest_if_there(&directory.join(name)));
        let ((Some(ending), None) | (None, Some(ending))) = (result?, failure?) else { return Ok(false) };
        let artifacts = directory.join("artifacts");
        for artifact in &record.artifacts {
            if digest_if_there(&artifacts.join(artifact.name.as_str()))? != Some(artifact.sha256) {
                return Ok(false);
            }
        }
        let no_more = disk::names_if_there(&artifacts)?.len() == record.artifacts.len();
        Ok(ending == record.ending_sha256 && no_more)
    }
}

fn has_ending(directory: &Path) -> bool {
    ["results.json", "failure.json"].iter().any(|name| directory.join(name).exists())
}

fn digest_if_there(path: &Path) -> io::Result<Option<Sha256>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // From the disk, not from memory: after a failed write the one may not have what the other has.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    let mut digest = Sha256Writer::default();
    io::copy(&mut file, &mut digest)?;
    Ok(Some(digest.finish()))
}
