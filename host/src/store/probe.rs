//! What a test may do to a store: look at every change of the data directory, fail it, or end the process before it.

use std::fmt::Debug;
use std::io;
use std::path::Path;

/// One change of the data directory, as the file system sees it.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// A new file, empty.
    Create(&'a Path),
    /// The same; a confined process writes it.
    Lend(&'a Path),
    /// Appends to a file.
    Write(&'a Path, &'a [u8]),
    /// Cuts a file off at that many bytes.
    Truncate(&'a Path, u64),
    /// Replaces what is in a file; not whole for readers.
    Overwrite(&'a Path, &'a [u8]),
    /// The bytes of a file are on disk, its name need not be.
    SyncFile(&'a Path),
    MakeDirectory(&'a Path),
    /// A symbolic link to that name.
    Link(&'a str, &'a Path),
    Rename(&'a Path, &'a Path),
    Remove(&'a Path),
    RemoveTree(&'a Path),
    /// Everything made before this began is on disk once it is made.
    Sync,
}

/// Stands between a store and the file system.
pub trait Probe: Debug + Send + Sync {
    /// A change is about to be made.
    ///
    /// # Errors
    /// What the change is to fail with.
    fn before(&self, change: Change<'_>) -> io::Result<()>;

    /// It was made.
    fn after(&self, change: Change<'_>);
}
