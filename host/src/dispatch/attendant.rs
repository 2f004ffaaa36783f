//! The server's part in a run: files for the guest, its log, its progress.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::board::Phase;
use crate::pool::worker::Attendant;
use crate::store::Store;

/// What one attempt gathers. What is not moved away of its files vanishes with it.
pub(super) struct Files {
    store: Arc<Store>,
    phase: Option<watch::Sender<Phase>>,
    /// In the order in which the guest made them.
    pub(super) staged: Vec<PathBuf>,
    pub(super) log: Vec<u8>,
}

impl Files {
    pub(super) fn new(store: Arc<Store>, phase: Option<watch::Sender<Phase>>) -> Self {
        Self { store, phase, staged: Vec::new(), log: Vec::new() }
    }
}

impl Attendant for Files {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        self.store.check_room(0)?;
        let path = self.store.staging_path();
        let made = File::options().read(true).write(true).create_new(true).open(&path);
        self.staged.push(path);
        made.map(OwnedFd::from)
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

impl Files {
    /// Removes all that was staged but what is to be kept.
    pub(super) fn keep(&mut self, kept: &[PathBuf]) {
        for path in std::mem::take(&mut self.staged) {
            if !kept.contains(&path) {
                // What cannot be removed now is swept at the next start.
                drop(std::fs::remove_file(path));
            }
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.keep(&[]);
    }
}
