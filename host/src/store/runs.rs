//! Runs on disk: `config.json` accepts one, `inrun.pid` marks it running, `results.json` or `failure.json` ends it.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::Store;
use super::disk;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::id::RunKey;
use crate::id::SafeName;
use crate::id::Sha256;
use crate::limits::Limits;
use crate::run::Failure;
use crate::run::Usage;
use crate::time::Timestamp;

/// `config.json`: what was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunConfig {
    pub version: u32,
    pub analysis: AnalysisName,
    pub module: ModuleDigest,
    pub args: Value,
    pub limits: Limits,
    pub accepted: Timestamp,
}

/// `run.json`: what came of it, besides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunRecord {
    pub started: Timestamp,
    pub finished: Timestamp,
    pub attempts: u32,
    pub usage: Usage,
    pub engine: String,
    pub artifacts: Vec<ArtifactFacts>,
}

/// One file that an analysis wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArtifactFacts {
    /// As it stands in the link.
    pub name: SafeName,
    /// As the guest called it.
    pub path: String,
    pub size_bytes: u64,
    pub media_type: String,
    pub sha256: Sha256,
}

/// How a finished run answers.
#[derive(Debug)]
pub enum Ending {
    Result(Vec<u8>),
    Failure(Failure),
}

/// A run as the disk knows it.
#[derive(Debug)]
pub enum RunState {
    Unknown,
    Pending,
    Ended(Ending),
}

/// Everything that ends a run.
#[derive(Debug)]
pub struct Finished<'a> {
    pub ending: &'a Ending,
    pub record: &'a RunRecord,
    pub log: &'a [u8],
    /// Where each artifact lies staged, in the order of the record.
    pub staged: &'a [PathBuf],
}

impl Store {
    /// Accepts a run: durable before it is answered for. A former ending is taken away.
    ///
    /// # Errors
    /// Of the disk.
    pub fn accept(&self, key: RunKey, config: &RunConfig) -> io::Result<()> {
        let _turn = self.lock_file(key.file_id);
        let directory = self.run_dir(key);
        // The entry comes first: one without a config is dropped at recovery, a config without one would never run.
        self.disk.write_new(&self.queue_path(key), b"").or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })?;
        self.disk.sync_directory(&self.root.join("queue"))?;
        if directory.exists() {
            for name in ["results.json", "failure.json", "run.json", "log.txt"] {
                disk::remove_if_there(&directory.join(name))?;
            }
        } else {
            fs::create_dir(&directory)?;
            self.disk.sync_directory(directory.parent().unwrap_or(&directory))?;
        }
        let json = serde_json::to_vec_pretty(config)?;
        self.disk.replace(&self.staging_path(), &directory.join("config.json"), &json)
    }

    /// Runs that were accepted and have not ended, oldest first.
    ///
    /// # Errors
    /// Of the disk.
    pub fn pending(&self) -> io::Result<Vec<(RunKey, RunConfig)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.root.join("queue"))? {
            let name = entry?.file_name();
            let Some(key) = name.to_str().and_then(|it| it.parse::<RunKey>().ok()) else { continue };
            match (self.state(key)?, self.config(key)?) {
                (RunState::Pending, Some(config)) => found.push((key, config)),
                (RunState::Unknown | RunState::Pending | RunState::Ended(_), _) => {
                    disk::remove_if_there(&self.queue_path(key))?;
                }
            }
        }
        found.sort_by_key(|(_, config)| config.accepted);
        Ok(found)
    }

    /// Marks a run as running. Needs no sync: after power loss nothing runs.
    ///
    /// # Errors
    /// Of the disk.
    pub fn mark_running(&self, key: RunKey, worker_pid: u32) -> io::Result<()> {
        let directory = self.run_dir(key);
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let mut file = File::create(directory.join("inrun.pid"))?;
        write!(file, "{worker_pid}\n{}\n{}\n", boot.trim(), std::process::id())
    }

    /// Ends a run: artifacts, log and record first, the ending last and whole.
    ///
    /// # Errors
    /// Of the disk; the run is then still pending.
    pub fn finish(&self, key: RunKey, finished: &Finished<'_>) -> io::Result<()> {
        let _turn = self.lock_file(key.file_id);
        let directory = self.run_dir(key);
        let artifacts = directory.join("artifacts");
        if artifacts.exists() {
            fs::remove_dir_all(&artifacts)?;
        }
        if !finished.staged.is_empty() {
            fs::create_dir(&artifacts)?;
            for (staged, facts) in finished.staged.iter().zip(&finished.record.artifacts) {
                self.disk.sync(&File::open(staged)?)?;
                fs::rename(staged, artifacts.join(facts.name.as_str()))?;
            }
            self.disk.sync_directory(&artifacts)?;
        }
        let write = |name: &str, bytes: &[u8]| {
            let staged = self.staging_path();
            self.disk.write_new(&staged, bytes)?;
            fs::rename(staged, directory.join(name))
        };
        if !finished.log.is_empty() {
            write("log.txt", finished.log)?;
        }
        write("run.json", &serde_json::to_vec_pretty(finished.record)?)?;
        let (name, bytes) = match finished.ending {
            Ending::Result(json) => ("results.json", json.clone()),
            Ending::Failure(failure) => ("failure.json", serde_json::to_vec_pretty(failure)?),
        };
        self.disk.replace(&self.staging_path(), &directory.join(name), &bytes)?;
        disk::remove_if_there(&directory.join("inrun.pid"))?;
        disk::remove_if_there(&self.queue_path(key))
    }

    /// What the disk knows of a run.
    ///
    /// # Errors
    /// Of the disk.
    pub fn state(&self, key: RunKey) -> io::Result<RunState> {
        let directory = self.run_dir(key);
        if let Some(json) = disk::read_if_there(&directory.join("results.json"))? {
            return Ok(RunState::Ended(Ending::Result(json)));
        }
        if let Some(json) = disk::read_if_there(&directory.join("failure.json"))? {
            return Ok(RunState::Ended(Ending::Failure(serde_json::from_slice(&json)?)));
        }
        Ok(if directory.join("config.json").exists() { RunState::Pending } else { RunState::Unknown })
    }

    /// What was asked.
    ///
    /// # Errors
    /// Of the disk.
    pub fn config(&self, key: RunKey) -> io::Result<Option<RunConfig>> {
        let bytes = disk::read_if_there(&self.run_dir(key).join("config.json"))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The record of a run that has ended.
    ///
    /// # Errors
    /// Of the disk.
    pub fn record(&self, key: RunKey) -> io::Result<Option<RunRecord>> {
        let bytes = disk::read_if_there(&self.run_dir(key).join("run.json"))?;
        Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    /// What the analysis wrote to stderr.
    ///
    /// # Errors
    /// Of the disk.
    pub fn log(&self, key: RunKey) -> io::Result<Option<Vec<u8>>> {
        disk::read_if_there(&self.run_dir(key).join("log.txt"))
    }

    /// Opens an artifact.
    ///
    /// # Errors
    /// Of the disk, `NotFound` among them.
    pub fn open_artifact(&self, key: RunKey, name: &SafeName) -> io::Result<File> {
        File::open(self.run_dir(key).join("artifacts").join(name.as_str()))
    }

    fn queue_path(&self, key: RunKey) -> PathBuf {
        self.root.join("queue").join(key.to_string())
    }
}
