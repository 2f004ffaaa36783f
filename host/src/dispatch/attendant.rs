//! The server's part in a run: files for the guest, its log, its progress.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::Phase;
use crate::pool::worker::Attendant;
use crate::store::Store;

/// What one attempt gathers. What is not moved away of its files vanishes with it.
pub(super) struct Files {
    store: Arc<Store>,
    phase: Option<watch::Sender<Phase>>,
    /// In the order in which the guest made them.
    pub(super) staged: Vec<PathBuf>,
    pub(super) log: Vec<u8>,
    pub(super) disk_full: Option<String>,
}

impl Files {
    pub(super) fn new(store: Arc<Store>, phase: Option<watch::Sender<Phase>>) -> Self {
        Self { store, phase, staged: Vec::new(), log: Vec::new(), disk_full: None }
    }
}

impl Attendant for Files {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        self.store.check_room(0).inspect_err(|error| self.disk_full = Some(error.to_string()))?;
        let path = self.store.staging_path();
        let made = File::options().read(true).write(true).create_new(true).open(&path);
        self.staged.push(path);
        made.map(OwnedFd::from).inspect_err(|error| self.disk_full = Some(error.to_string()))
    }

    fn log(&mut self, bytes: &[u8]) {
        self.log.extend_from_slice(bytes);
    }

    fn progress(&mut self, bytes_read: u64) {
        if let Some(phase) = &self.phase {
            phase.send_replace(Phase::Running { bytes_read });
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.staged {
            // Artifacts have been renamed away; the rest was scratch.
            drop(std::fs::remove_file(path));
        }
    }
}
