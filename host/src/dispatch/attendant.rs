//! The server's part in a run: files for the guest, its log, its progress.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::MutexGuard;

use super::board::Live;
use super::board::Phase;
use super::board::Progress;
use super::board::Written;
use super::taking::Lent;
use crate::pool::worker::Attendant;
use crate::run::SoFar;
use crate::run::Usage;
use crate::store::Store;

/// What begins a line of the log in which a guest tells how far it is: `@progress 0.42 reading frames`.
const PROGRESS: &str = "@progress ";
const LAST_LINE_BYTES_MAX: usize = 512;

fn told_permille(line: &[u8]) -> Option<u16> {
    let told = std::str::from_utf8(line).ok()?.strip_suffix('\n')?.strip_prefix(PROGRESS)?;
    let fraction: f64 = told.split_whitespace().next()?.parse().ok()?;
    // By way of text, since there is no conversion that cannot fail.
    format!("{:.0}", fraction.clamp(0.0, 1.0) * 1000.0).parse().ok()
}

/// What one attempt gathers. What is not moved away of its files vanishes with it.
pub(super) struct Files {
    store: Arc<Store>,
    live: Live,
    /// In the order in which the guest made them.
    pub(super) staged: Vec<PathBuf>,
    /// The same, for who looks at what they take.
    pub(super) lent: Arc<Lent>,
    /// Whether it was refused one.
    refused: bool,
    progress: Progress,
}

impl Files {
    /// For the attempt of that number; its log begins anew.
    pub(super) fn new(store: Arc<Store>, live: Live, attempt: u32) -> Self {
        let former = match *live.phase.borrow() {
            Phase::Running(former) => former,
            Phase::Accepting | Phase::Accepted | Phase::Ended | Phase::Answered | Phase::Withdrawn => {
                Progress::default()
            }
        };
        let progress = Progress { attempt, log_bytes: 0, ..former };
        live.log.begin(attempt);
        Self { store, live, staged: Vec::new(), lent: Arc::default(), refused: false, progress }
    }

    /// What the guest wrote to stderr.
    pub(super) fn log_of(&self) -> MutexGuard<'_, Written> {
        self.live.log.written()
    }

    /// The attempt has a worker, from now on.
    pub(super) fn began(&self) {
        self.show_progress();
    }
}

impl Attendant for Files {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        self.lend().inspect_err(|_| self.refused = true)
    }

    fn log(&mut self, bytes: &[u8]) {
        let (told, log_bytes) = {
            let log = &mut self.log_of().bytes;
            log.extend_from_slice(bytes);
            // Lines come in pieces; what counts is the last that is whole.
            let tail = &log[log.len().saturating_sub(bytes.len() + LAST_LINE_BYTES_MAX)..];
            (tail.split_inclusive(|byte| *byte == b'\n').rev().find_map(told_permille), log.len())
        };
        self.progress.permille = self.progress.permille.max(told);
        self.progress.log_bytes = log_bytes;
        self.show_progress();
    }

    fn progress(&mut self, so_far: SoFar) {
        let former = self.progress.so_far;
        self.progress.so_far = SoFar {
            bytes_read: former.bytes_read.max(so_far.bytes_read),
            fuel: former.fuel.max(so_far.fuel),
            memory_bytes: former.memory_bytes.max(so_far.memory_bytes),
        };
        self.show_progress();
    }

    fn is_full(&self) -> bool {
        self.refused || self.store.check_room(0).is_err()
    }
}

impl Files {
    fn lend(&mut self) -> io::Result<OwnedFd> {
        self.store.check_room(0)?;
        let path = self.store.staging_path();
        let made = self.store.disk().lend(&path);
        self.staged.push(path.clone());
        self.lent.add(path);
        made.map(OwnedFd::from)
    }

    /// What was used as far as is known of an attempt that did not come to its end.
    pub(super) fn used(&self) -> Usage {
        let SoFar { bytes_read, fuel, memory_bytes } = self.progress.so_far;
        Usage { fuel, fuel_exact: false, memory_bytes_peak: memory_bytes, bytes_read }
    }

    fn show_progress(&self) {
        self.live.phase.send_replace(Phase::Running(self.progress));
    }

    /// The last line of the log that a person can read, short and without control characters.
    pub(super) fn last_line(&self) -> Option<String> {
        let log = &self.log_of().bytes;
        let tail = &log[log.len().saturating_sub(LAST_LINE_BYTES_MAX)..];
        let text = String::from_utf8_lossy(tail);
        let line = text.lines().rev().map(str::trim).find(|it| !it.is_empty() && !it.starts_with(PROGRESS))?;
        Some(line.chars().filter(|it| !it.is_control()).collect())
    }

    /// Removes all that was staged but what is to be kept for now; that goes too, unless it is moved away.
    pub(super) fn keep(&mut self, kept: &[PathBuf]) {
        self.staged.retain(|path| {
            let keep = kept.contains(path);
            if !keep {
                // What cannot be removed now is swept at the next start.
                drop(self.store.disk().remove_if_there(path));
            }
            keep
        });
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.keep(&[]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::board::Granted;
    use super::super::board::Log;
    use super::super::board::Orders;
    use super::super::board::Step;
    use super::*;
    use crate::store;
    use crate::store::disk::Durability;
    use tokio::sync::watch;

    #[test]
    fn what_is_kept_and_never_moved_away_vanishes_with_the_attempt() {
        let data = tempfile::tempdir().unwrap();
        let options = store::Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
        let store = Arc::new(Store::open(data.path(), options).unwrap());
        let orders = Orders { step: Step::Wait, kill: None };
        let live = Live {
            log: Log::default(),
            granted: Granted::default(),
            phase: watch::Sender::new(Phase::Accepted),
            orders: watch::Sender::new(orders),
        };
        let mut files = Files::new(store, live, 1);
        files.create_file().unwrap();
        files.create_file().unwrap();
        let (scratch, artifact) = (files.staged[0].clone(), files.staged[1].clone());
        files.keep(std::slice::from_ref(&artifact));
        assert!(!scratch.exists() && artifact.exists());
        drop(files);
        assert!(!artifact.exists(), "an ending that could not be stored leaves its room behind");
    }

    #[test]
    fn only_a_line_of_its_own_tells_progress() {
        assert_eq!(told_permille(b"@progress 0.42 reading frames\n"), Some(420));
        assert_eq!(told_permille(b"@progress 7\n"), Some(1000));
        assert_eq!(told_permille(b"@progress -1\n"), Some(0));
        for other in
            [&b"@progress NaN\n"[..], b"@progress\n", b"@progress 0.5", b" @progress 0.5\n", b"0.5\n", b"\xff\n"]
        {
            assert_eq!(told_permille(other), None);
        }
    }
}
