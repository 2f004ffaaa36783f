//! Runs on disk: `config.json` accepts one, `inrun.pid` marks it running, `results.json` or `failure.json` ends it.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use super::Store;
use super::digest::sha256;
use super::disk;
use crate::access::TokenId;
use crate::analysis::args::Args;
use crate::id::AnalysisName;
use crate::id::ClientId;
use crate::id::ModuleDigest;
use crate::id::RunKey;
use crate::id::SafeName;
use crate::id::Sha256;
use crate::id::TraceContext;
use crate::limits::Limits;
use crate::run::Failure;
use crate::run::Priority;
use crate::run::Usage;
use crate::run::WorkerIdentity;
use crate::time::Timestamp;

/// `config.json`: what was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunConfig {
    pub version: u32,
    pub analysis: AnalysisName,
    pub module: ModuleDigest,
    pub args: Args,
    pub limits: Limits,
    #[serde(default)]
    pub priority: Priority,
    /// Whose run it is, also for a server that takes it up.
    #[serde(default)]
    pub client: ClientId,
    /// Who is charged for it, where tokens are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// The request that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    pub accepted: Timestamp,
    /// How often this question was accepted before: an ending of another generation is not of this run.
    #[serde(default)]
    pub generation: u64,
    /// Servers that died while it had a worker: it may be what kills them.
    #[serde(default)]
    pub crashes: u32,
}

/// `run.json`: what came of it, besides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunRecord {
    pub version: u32,
    /// Of the config that it belongs to.
    #[serde(default)]
    pub generation: u64,
    /// Of `results.json` or `failure.json`, whichever stands.
    pub ending_sha256: Sha256,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub attempts: u32,
    pub usage: Usage,
    pub engine: String,
    pub artifacts: Vec<ArtifactFacts>,
    /// Whether its process had served another run of the same client before: then it stands for that client alone.
    #[serde(default)]
    pub reused: bool,
    /// Of `log.txt`, which is not there when nothing was said. Former versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_sha256: Option<Sha256>,
}

impl RunRecord {
    /// Whether the log is the recorded one, by the digest of what was found.
    pub(super) fn is_of_log(&self, found: Option<Sha256>) -> bool {
        self.log_sha256.is_none_or(|recorded| found.unwrap_or_else(|| sha256(b"")) == recorded)
    }
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

impl Ending {
    /// The digest of the file that it becomes.
    ///
    /// # Errors
    /// Never for a failure of ours.
    pub fn sha256(&self) -> io::Result<Sha256> {
        Ok(match self {
            Self::Result(json) => sha256(json),
            Self::Failure(failure) => sha256(&failure_json(failure)?),
        })
    }
}

/// A run as the disk knows it.
#[derive(Debug)]
pub enum RunState {
    Unknown,
    Pending,
    Successful,
    Failed(Failure),
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
    /// Accepts a run, over a former ending if there is one; durable once the disk settles. A former ending stays until this
    /// run's takes its place, but is of another generation: whatever happens meanwhile, one of the two is whole.
    ///
    /// # Errors
    /// Of the disk; a former ending then stands as before.
    pub fn accept(&self, key: RunKey, config: &mut RunConfig) -> io::Result<()> {
        let _turn = self.lock_file(key.file_id);
        config.generation = self.config(key)?.map_or(0, |former| former.generation + 1);
        let config = serde_json::to_vec_pretty(config)?;
        // The entry comes first: one without a config is dropped at recovery, a config without one would never run.
        self.disk.overwrite(&self.queue_path(key), b"")?;
        self.accept_entered(key, &config).inspect_err(|_| {
            // What cannot be removed now is at recovery.
            drop(self.disk.remove_if_there(&self.queue_path(key)));
        })
    }

    fn accept_entered(&self, key: RunKey, config: &[u8]) -> io::Result<()> {
        let directory = self.run_dir(key);
        let target = directory.join("config.json");
        let made = self.disk.make_directory(&directory).or_else(|error| match (error.kind(), directory.parent()) {
            // The folder of all runs of that file went otherwise than by this server.
            (io::ErrorKind::NotFound, Some(runs)) => {
                self.disk.make_directory(runs)?;
                self.disk.make_directory(&directory)
            }
            _ => Err(error),
        });
        match made? {
            disk::Made::Now => self.disk.swap_in(&self.staging_path(), &target, config).inspect_err(|_| {
                drop(self.disk.remove_tree(&directory));
            }),
            // What stands here was answered for: not even its config may be lost.
            disk::Made::Before => self.disk.swap_in_synced(&self.staging_path(), &target, config),
        }
    }

    /// Removes what stands of an ending, so that another may take its place.
    ///
    /// # Errors
    /// Of the disk.
    pub fn clear_ending(&self, key: RunKey) -> io::Result<()> {
        let _turn = self.lock_file(key.file_id);
        self.remove_ending(&self.run_dir(key))
    }

    /// Runs that were accepted, and of which nobody has written down that they have ended.
    ///
    /// # Errors
    /// Of the disk.
    pub fn queued(&self) -> io::Result<Vec<RunKey>> {
        let keys = fs::read_dir(self.root.join("queue"))?
            .map(|entry| Ok(entry?.file_name().to_str().and_then(|it| it.parse::<RunKey>().ok())));
        let keys = keys.map(|key| key.map(|key| key.map(|key| key.of(self.tenant))));
        keys.filter_map(Result::transpose).collect()
    }

    /// Whether that run is one of [`Self::queued`].
    #[must_use]
    pub fn is_queued(&self, key: RunKey) -> bool {
        self.queue_path(key).exists()
    }

    /// Marks a run as running: the worker's pid, the boot it runs in, when in that boot it started. Needs no sync: after
    /// power loss nothing runs.
    ///
    /// # Errors
    /// Of the disk.
    pub fn mark_running(&self, key: RunKey, worker: WorkerIdentity) -> io::Result<()> {
        let line = format!("{}\n{}\n{}\n", worker.pid, self.boot_id, worker.start_token);
        self.disk.overwrite(&self.run_dir(key).join("inrun.pid"), line.as_bytes())
    }

    /// Ends a run: artifacts, log and record first, the ending last and whole. Durable once the disk settles; then
    /// [`Self::retire`] it.
    ///
    /// # Errors
    /// Of the disk; the run is then still pending.
    pub fn finish(&self, key: RunKey, finished: &Finished<'_>) -> io::Result<()> {
        let _turn = self.lock_file(key.file_id);
        let directory = self.run_dir(key);
        if !finished.staged.is_empty() {
            let artifacts = directory.join("artifacts");
            self.disk.make_directory(&artifacts)?;
            for (staged, facts) in finished.staged.iter().zip(&finished.record.artifacts) {
                self.disk.rename(staged, &artifacts.join(facts.name.as_str()))?;
            }
        }
        let put = |name: &str, bytes: &[u8]| self.disk.swap_in(&self.staging_path(), &directory.join(name), bytes);
        if !finished.log.is_empty() {
            put("log.txt", finished.log)?;
        }
        put("run.json", &serde_json::to_vec_pretty(finished.record)?)?;
        match finished.ending {
            Ending::Result(json) => put("results.json", json),
            Ending::Failure(failure) => put("failure.json", &failure_json(failure)?),
        }
    }

    /// Takes a run that has ended, durably, out of the queue.
    ///
    /// # Errors
    /// Of the disk; the next start takes it out then.
    pub fn retire(&self, key: RunKey) -> io::Result<()> {
        self.disk.remove_if_there(&self.run_dir(key).join("inrun.pid"))?;
        self.disk.remove_if_there(&self.queue_path(key))
    }

    /// Removes a run that has ended, with its result and artifacts, at once for every reader.
    ///
    /// # Errors
    /// Of the disk, `NotFound` among them.
    pub fn remove_run(&self, key: RunKey) -> io::Result<()> {
        let trash = self.staging_path();
        {
            let _turn = self.lock_file(key.file_id);
            self.disk.rename(&self.run_dir(key), &trash)?;
        }
        self.disk.settle()?;
        self.discard(&trash);
        Ok(())
    }

    /// What the disk knows of a run.
    ///
    /// # Errors
    /// Of the disk.
    pub fn state(&self, key: RunKey) -> io::Result<RunState> {
        let directory = self.run_dir(key);
        // Most questions are new: one look tells.
        if !directory.exists() {
            return Ok(RunState::Unknown);
        }
        if directory.join("results.json").exists() {
            return Ok(RunState::Successful);
        }
        if let Some(json) = disk::read_if_there(&directory.join("failure.json"))? {
            return Ok(RunState::Failed(serde_json::from_slice(&json)?));
        }
        Ok(if directory.join("config.json").exists() { RunState::Pending } else { RunState::Unknown })
    }

    /// Opens a result, with its size in bytes.
    ///
    /// # Errors
    /// Of the disk.
    pub fn open_result(&self, key: RunKey) -> io::Result<Option<(File, u64)>> {
        disk::open_if_there(&self.run_dir(key).join("results.json"))
    }

    /// The digest of an open result, as its record has it; `None` once another has taken its place.
    ///
    /// # Errors
    /// Of the disk.
    pub fn result_sha256(&self, key: RunKey, opened: &File) -> io::Result<Option<Sha256>> {
        // A rerun removes the result before it writes a record, so one that still stands after has that very record.
        let Some(record) = self.record(key)? else { return Ok(None) };
        let Some((standing, _)) = self.open_result(key)? else { return Ok(None) };
        let (opened, standing) = (opened.metadata()?, standing.metadata()?);
        let same = (opened.dev(), opened.ino()) == (standing.dev(), standing.ino());
        Ok(same.then_some(record.ending_sha256))
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

    /// Opens what the analysis wrote to stderr, with its size in bytes.
    ///
    /// # Errors
    /// Of the disk.
    pub fn open_log(&self, key: RunKey) -> io::Result<Option<(File, u64)>> {
        disk::open_if_there(&self.run_dir(key).join("log.txt"))
    }

    /// Opens an artifact.
    ///
    /// # Errors
    /// Of the disk, `NotFound` among them.
    pub fn open_artifact(&self, key: RunKey, name: &SafeName) -> io::Result<File> {
        File::open(self.run_dir(key).join("artifacts").join(name.as_str()))
    }

    /// Where nothing of a former ending may stay.
    pub(super) fn remove_ending(&self, directory: &Path) -> io::Result<()> {
        for name in ["results.json", "failure.json", "run.json", "log.txt"] {
            self.disk.remove_if_there(&directory.join(name))?;
        }
        self.disk.remove_tree(&directory.join("artifacts"))
    }

    pub(super) fn queue_path(&self, key: RunKey) -> PathBuf {
        self.root.join("queue").join(key.to_string())
    }
}

fn failure_json(failure: &Failure) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(failure)?)
}
