//! The only code that touches the data directory. The file system is the database; `ARCHITECTURE.md` has the layout.
//!
//! Invariants: what stands under its final name is whole for every reader, for it was staged and renamed there; what
//! is answered for has reached the disk first (`Durability::Full`); a run is pending exactly while its entry in `queue/`
//! stands. After power loss an upload is whole because it was on disk before its rename, an ending because recovery
//! checks it against the digests in its record before it leaves the queue.

pub mod audit;
pub mod cache;
pub mod commit;
pub mod digest;
pub mod disk;
#[cfg(debug_assertions)]
pub mod faults;
pub mod fsck;
pub mod lists;
pub mod marks;
pub mod media_type;
mod modules;
pub mod names;
pub mod notices;
pub mod partial;
pub mod prepared;
pub mod probe;
mod recovery;
pub mod retention;
pub mod runs;
pub mod scratch;
pub mod tenants;
pub mod tokens;
pub mod uploads;
pub mod verdict;

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::disk::Disk;
use self::disk::Durability;
use self::lists::Listing;
use self::probe::Probe;
use crate::id::FileId;
use crate::id::RunKey;
use crate::id::Tenant;

const FORMAT: &str = "belljar-data 1\n";
/// Stands from when a server ends on purpose until the next begins.
const STOPPED: &str = "STOPPED";
const STRIPES: usize = 64;
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// Kept free besides bytes: files.
const RESERVE_FILES: u64 = 1000;

/// What the operator decides about a store.
#[derive(Debug, Clone)]
pub struct Options {
    pub durability: Durability,
    /// Kept free on the disk, bytes: writers are refused before it is touched, so that what was accepted can end.
    pub reserve_bytes: u64,
    /// For tests.
    pub probe: Option<Arc<dyn Probe>>,
}

enum Founded {
    Now,
    Before,
}

/// How the server ended that worked here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Former {
    /// On purpose, and said so.
    Stopped,
    /// By itself, or with its machine; or it cannot be told.
    Died,
}

/// A data directory, held by this process alone: the one that there is, or within it one of a tenant (`tenants`).
#[derive(Debug)]
pub struct Store {
    tenant: Tenant,
    /// Where modules and programs lie, which are for all tenants.
    base: PathBuf,
    root: PathBuf,
    disk: Arc<Disk>,
    reserve_bytes: u64,
    staged: AtomicU64,
    boot_id: String,
    former: Former,
    /// Writers of one upload take turns.
    stripes: [Mutex<()>; STRIPES],
    listing: Listing,
    /// Locked as long as the store lives; a view holds none.
    _lock: Option<File>,
}

/// What a data directory has from its beginning.
const DIRECTORIES: [&str; 10] = [
    "staging",
    "queue",
    "analyses",
    "analyses/names",
    "analyses/own",
    "analyses/held",
    "programs",
    "gone",
    "partial",
    "notify",
];

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another server works on this data directory")]
    InUse,
    #[error("the data directory has format {0:?}; this version knows {FORMAT:?}")]
    Format(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Store {
    /// Opens or founds a data directory, and sweeps what was half written.
    ///
    /// # Errors
    /// When it is in use, of another format, or cannot be written.
    pub fn open(root: &Path, options: Options) -> Result<Self, OpenError> {
        // What strangers sent is nobody else's to read.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let root = root.canonicalize()?;
        let lock = lock(&root)?;
        let founded = match fs::read_to_string(root.join("FORMAT")) {
            Ok(format) if format == FORMAT => Founded::Before,
            Ok(format) => return Err(OpenError::Format(format)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Founded::Now,
            Err(error) => return Err(error.into()),
        };
        let disk = Disk::new(&root, options.durability, options.probe)?;
        for directory in DIRECTORIES {
            disk.make_directory(&root.join(directory))?;
        }
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
        let stopped = root.join(STOPPED);
        let former = if stopped.exists() { Former::Stopped } else { Former::Died };
        disk.remove_if_there(&stopped)?;
        let store = Self {
            tenant: Tenant::MAIN,
            disk: Arc::new(disk),
            base: root.clone(),
            root,
            boot_id,
            former,
            reserve_bytes: options.reserve_bytes,
            staged: AtomicU64::new(0),
            stripes: [const { Mutex::new(()) }; STRIPES],
            listing: Listing::default(),
            _lock: Some(lock),
        };
        store.sweep_staging()?;
        match founded {
            Founded::Now => {
                store.disk.replace(&store.staging_path(), &store.root.join("FORMAT"), FORMAT.as_bytes())?;
            }
            Founded::Before => store.disk.settle()?,
        }
        Ok(store)
    }

    /// Says that this server ends on purpose: what it had on its way is not to blame.
    ///
    /// # Errors
    /// Of the disk.
    pub fn say_stopped(&self) -> io::Result<()> {
        self.disk.overwrite(&self.root.join(STOPPED), b"")
    }

    /// Looks at a data directory that may be another's: for reading alone.
    ///
    /// # Errors
    /// When it is of another format, or cannot be read.
    pub fn view(root: &Path) -> Result<Self, OpenError> {
        Self::as_it_is(&root.canonicalize()?, Durability::Process, None)
    }

    /// Takes a data directory for this process alone, and leaves it as it is: for looking it through.
    ///
    /// # Errors
    /// When it is in use or of another format, or cannot be read.
    pub fn hold(root: &Path) -> Result<Self, OpenError> {
        let root = root.canonicalize()?;
        // Before anything is made in a directory that may be no such thing.
        fs::metadata(root.join("FORMAT"))?;
        Self::as_it_is(&root, Durability::Full, Some(lock(&root)?))
    }

    fn as_it_is(root: &Path, durability: Durability, lock: Option<File>) -> Result<Self, OpenError> {
        let format = fs::read_to_string(root.join("FORMAT"))?;
        if format != FORMAT {
            return Err(OpenError::Format(format));
        }
        Ok(Self {
            tenant: Tenant::MAIN,
            disk: Arc::new(Disk::new(root, durability, None)?),
            base: root.to_owned(),
            root: root.to_owned(),
            boot_id: String::new(),
            former: Former::Died,
            reserve_bytes: 0,
            staged: AtomicU64::new(0),
            stripes: [const { Mutex::new(()) }; STRIPES],
            _lock: lock,
            listing: Listing::default(),
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// Whether that many bytes more would leave the reserve alone.
    ///
    /// # Errors
    /// `StorageFull` when they would not.
    pub fn check_room(&self, bytes: u64) -> io::Result<()> {
        let free = self.free()?;
        let full = free.bytes.saturating_sub(bytes) < self.reserve_bytes || free.files < RESERVE_FILES;
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// What is kept free, bytes.
    #[must_use]
    pub fn reserve_bytes(&self) -> u64 {
        self.reserve_bytes
    }

    /// Removes what was staged and never put into place, or on its way out. For who has the directory alone and has not
    /// staged anything: names begin anew there.
    ///
    /// # Errors
    /// Of the disk.
    pub fn sweep_staging(&self) -> io::Result<()> {
        let staging = self.root.join("staging");
        self.disk.remove_tree(&staging)?;
        self.disk.make_directory(&staging).map(drop)
    }

    /// Removes what was moved below `staging/` to be rid of it: it is gone for every reader already. What cannot be removed
    /// now is swept at the next start.
    fn discard(&self, trash: &Path) {
        if let Err(error) = self.disk.remove_tree(trash) {
            tracing::warn!(%error, "what was removed takes its room until the next start");
        }
    }

    /// A path below `staging/` that nobody else has.
    #[must_use]
    pub fn staging_path(&self) -> PathBuf {
        self.root.join("staging").join(self.staged.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Where installed modules lie.
    #[must_use]
    pub fn analyses_dir(&self) -> PathBuf {
        self.base.join("analyses")
    }

    /// Where compiled programs lie.
    #[must_use]
    pub fn programs_dir(&self) -> PathBuf {
        self.base.join("programs")
    }

    /// The one way to make things durable.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    fn upload_dir(&self, file_id: FileId) -> PathBuf {
        let hex = file_id.to_string();
        self.root.join(&hex[..2]).join(&hex[2..])
    }

    fn run_dir(&self, key: RunKey) -> PathBuf {
        self.upload_dir(key.file_id).join("analysis").join(key.analysis_id.to_string())
    }

    fn lock_file(&self, file_id: FileId) -> MutexGuard<'_, ()> {
        let stripe = usize::from(file_id.bytes()[0]) % STRIPES;
        // The lock guards the disk, which a panic elsewhere has not harmed.
        self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held as long as the file is open, here or in a process that was being started when its server was killed: that takes
/// a moment to end.
fn lock(root: &Path) -> Result<File, OpenError> {
    let lock = File::options().create(true).append(true).open(root.join("LOCK"))?;
    for _ in 0..LOCK_TRIES {
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(lock);
        }
        std::thread::park_timeout(LOCK_PAUSE);
    }
    Err(OpenError::InUse)
}
