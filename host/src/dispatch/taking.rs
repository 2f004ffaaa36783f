//! What a worker takes while it carries out a run, of what only the server sees whole: room on the disk, by the files
//! that it writes by itself, memory, whose limit can be got round from within, and CPU time, which fuel counts in part.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::pool::process::cpu_time;
use crate::pool::process::memory_taken;
use crate::run::Failure;
use crate::run::Reason;
use crate::store::Store;
use crate::store::disk;

/// How often it is looked, at most: in that time a process writes less than the reserve that a disk has by default.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Of all time, no more than one part in so many goes into looking.
const LOOK_SHARE: u32 = 30;
/// Files change while they are looked at, one after the other: what was moved from one to another is seen twice.
const LENT_SLACK_BYTES: u64 = 16 << 20;
/// And so often in a row it is not moved just then.
const LENT_LOOKS: usize = 3;

/// The files that a worker was lent.
#[derive(Debug, Default)]
pub(super) struct Lent(Mutex<Vec<PathBuf>>);

impl Lent {
    pub(super) fn add(&self, path: PathBuf) {
        self.paths().push(path);
    }

    pub(super) fn any(&self) -> bool {
        !self.paths().is_empty()
    }

    /// What they take on the disk.
    fn bytes(&self) -> u64 {
        self.paths().iter().map(|path| disk::room_taken(path)).sum()
    }

    fn paths(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of all attempts on their way.
#[derive(Debug, Default)]
pub(super) struct AllLent(Mutex<Vec<Weak<Lent>>>);

impl AllLent {
    pub(super) fn add(&self, lent: &Arc<Lent>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|it| it.strong_count() > 0);
        all.push(Arc::downgrade(lent));
    }

    /// What they take on the disk: all of it that is not kept is free again when they have ended.
    pub(super) fn bytes(&self) -> u64 {
        let all: Vec<_> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
        all.iter().map(|it| it.bytes()).sum()
    }
}

/// What a worker may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    pub(super) cpu_ms: u64,
    /// In files, those that the guest removed among them: it cuts them short first.
    pub(super) lent_bytes: u64,
    /// Of the whole process.
    pub(super) memory_bytes: u64,
}

/// One worker at one run.
#[derive(Debug)]
pub(super) struct Taking {
    pub(super) store: Arc<Store>,
    pub(super) lent: Arc<Lent>,
    /// 0 until there is a process.
    pub(super) pid: AtomicU32,
    pub(super) most: Most,
}

impl Taking {
    /// Waits until it is too much of something.
    pub(super) async fn too_much(&self) -> Failure {
        // What a warm worker took before: as of the first look, so that a run that is over by then costs nothing.
        let mut before = None;
        let mut pause = LOOK_EVERY;
        loop {
            tokio::time::sleep(pause).await;
            let began = Instant::now();
            let pid = self.pid.load(Ordering::Relaxed);
            let found = self.cpu(pid, &mut before).or_else(|| self.files()).or_else(|| self.memory(pid));
            if let Some(failure) = found {
                return failure;
            }
            pause = LOOK_EVERY.max(began.elapsed() * LOOK_SHARE);
        }
    }

    fn cpu(&self, pid: u32, before: &mut Option<Duration>) -> Option<Failure> {
        let now = cpu_time(pid)?;
        let spent = now.saturating_sub(*before.get_or_insert(now));
        let most = self.most.cpu_ms;
        let failure = || Failure::new(Reason::Deadline, format!("more CPU time than `cpu_ms` allows, {most}"));
        (spent > Duration::from_millis(most)).then(failure)
    }

    fn files(&self) -> Option<Failure> {
        if !self.lent.any() {
            return None;
        }
        if self.store.check_room(0).is_err() {
            return Some(Failure::new(Reason::StorageFull, "the disk is full"));
        }
        let most = self.most.lent_bytes.saturating_add(LENT_SLACK_BYTES);
        let failure = || Failure::new(Reason::OutputLimit, "its process wrote more than `artifacts_bytes` allows");
        (0..LENT_LOOKS).all(|_| self.lent.bytes() > most).then(failure)
    }

    fn memory(&self, pid: u32) -> Option<Failure> {
        let most = self.most.memory_bytes;
        let failure =
            || Failure::new(Reason::MemoryLimit, format!("its process takes more than {most} bytes of memory"));
        (memory_taken(pid)? > most).then(failure)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::process::Child;
    use std::process::Command;
    use std::process::Stdio;

    use super::*;
    use crate::store;
    use crate::store::disk::Durability;

    const MIB: u64 = 1 << 20;
    const PLENTY: Most = Most { cpu_ms: u64::MAX, lent_bytes: u64::MAX, memory_bytes: u64::MAX };

    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    /// Takes 256 MiB, and all the time there is.
    fn greedy() -> Killed {
        let mut command = Command::new("dd");
        Killed(command.args(["if=/dev/zero", "of=/dev/null", "bs=256M"]).stderr(Stdio::null()).spawn().unwrap())
    }

    fn taking(pid: u32, most: Most) -> (tempfile::TempDir, Taking) {
        let data = tempfile::tempdir().unwrap();
        let options = store::Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
        let store = Arc::new(Store::open(data.path(), options).unwrap());
        (data, Taking { store, lent: Arc::default(), pid: AtomicU32::new(pid), most })
    }

    async fn found(taking: &Taking) -> Failure {
        tokio::time::timeout(Duration::from_secs(60), taking.too_much()).await.expect("it is seen")
    }

    #[tokio::test]
    async fn a_process_that_takes_more_memory_than_it_may_ends_its_run() {
        let process = greedy();
        let (_data, taking) = taking(process.0.id(), Most { memory_bytes: 64 * MIB, ..PLENTY });
        let failure = found(&taking).await;
        assert_eq!(failure.reason, Reason::MemoryLimit);
        assert_eq!(failure.detail, "its process takes more than 67108864 bytes of memory");
    }

    #[tokio::test]
    async fn a_process_that_takes_more_cpu_time_than_it_may_ends_its_run() {
        let process = greedy();
        let (_data, taking) = taking(process.0.id(), Most { cpu_ms: 10, ..PLENTY });
        assert_eq!(found(&taking).await.reason, Reason::Deadline);
    }

    #[test]
    fn what_was_lent_is_summed() {
        let (_data, taking) = taking(0, Most { lent_bytes: 2 * MIB, ..PLENTY });
        assert_eq!(taking.files(), None);
        let block = vec![1; usize::try_from(MIB).unwrap()];
        for number in 0..18 {
            let path = taking.store.staging_path();
            let file = taking.store.disk().lend(&path).unwrap();
            taking.lent.add(path);
            file.write_all_at(&block, 0).unwrap();
            assert_eq!(taking.files(), None, "after {number} files");
        }
        // As much again in holes takes nothing.
        let path = taking.store.staging_path();
        let file = taking.store.disk().lend(&path).unwrap();
        file.set_len(18 * MIB).unwrap();
        taking.lent.add(path);
        assert_eq!(taking.files(), None);
        file.write_all_at(&block, 0).unwrap();
        let failure = taking.files().unwrap();
        assert_eq!(failure.reason, Reason::OutputLimit);
        assert_eq!(failure.detail, "its process wrote more than `artifacts_bytes` allows");
    }
}
