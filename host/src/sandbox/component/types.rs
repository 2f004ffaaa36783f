//! Types of WASI 0.2 as they cross between guest and host, in the order of their WIT: the order is the encoding.

use wasmtime::component::ComponentType;
use wasmtime::component::Lift;
use wasmtime::component::Lower;
use wasmtime::component::Resource;
use wasmtime::component::flags;

use crate::sandbox::errno::Errno;
use crate::sandbox::tree::Stat;

/// `wasi:io/error.error`; its representation is the error number.
pub(super) enum IoError {}
/// `wasi:io/poll.pollable`; its representation is a number in [`super::Polls`], or one that is always ready.
pub(super) enum Pollable {}
/// `wasi:io/streams.input-stream`; its representation is a descriptor of its own.
pub(super) enum InputStream {}
/// `wasi:io/streams.output-stream`; its representation is a descriptor of its own.
pub(super) enum OutputStream {}
/// `wasi:filesystem/types.descriptor`; its representation is the descriptor.
pub(super) enum Descriptor {}
/// `wasi:filesystem/types.directory-entry-stream`; its representation is a number in [`super::Listings`].
pub(super) enum EntryStream {}
/// `wasi:cli/terminal-input.terminal-input`; there never is one.
pub(super) enum TerminalInput {}
/// `wasi:cli/terminal-output.terminal-output`; there never is one.
pub(super) enum TerminalOutput {}

/// `wasi:io/streams.stream-error`.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

/// `wasi:clocks/wall-clock.datetime`.
#[derive(Debug, Clone, Copy, Default, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct Datetime {
    pub(super) seconds: u64,
    pub(super) nanoseconds: u32,
}

/// `wasi:filesystem/types.new-timestamp`, of the points in time of a version.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum NewTimestamp<I> {
    #[component(name = "no-change")]
    NoChange,
    #[component(name = "now")]
    Now,
    #[component(name = "timestamp")]
    Timestamp(I),
}

/// `wasi:filesystem/types.descriptor-type`.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "the order and number of all of them is the encoding")]
pub(super) enum DescriptorType {
    #[component(name = "unknown")]
    Unknown,
    #[component(name = "block-device")]
    BlockDevice,
    #[component(name = "character-device")]
    CharacterDevice,
    #[component(name = "directory")]
    Directory,
    #[component(name = "fifo")]
    Fifo,
    #[component(name = "symbolic-link")]
    SymbolicLink,
    #[component(name = "regular-file")]
    RegularFile,
    #[component(name = "socket")]
    Socket,
}

/// `wasi:filesystem/types.advice`.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "the order and number of all of them is the encoding")]
pub(super) enum Advice {
    #[component(name = "normal")]
    Normal,
    #[component(name = "sequential")]
    Sequential,
    #[component(name = "random")]
    Random,
    #[component(name = "will-need")]
    WillNeed,
    #[component(name = "dont-need")]
    DontNeed,
    #[component(name = "no-reuse")]
    NoReuse,
}

/// `wasi:filesystem/types.descriptor-stat`, of the types of files and points in time of a version.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct DescriptorStat<K, I> {
    #[component(name = "type")]
    file_type: K,
    #[component(name = "link-count")]
    link_count: u64,
    size: u64,
    #[component(name = "data-access-timestamp")]
    accessed: Option<I>,
    #[component(name = "data-modification-timestamp")]
    modified: Option<I>,
    #[component(name = "status-change-timestamp")]
    changed: Option<I>,
}

/// `wasi:filesystem/types.directory-entry`, of the types of files of a version.
#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct DirectoryEntry<K> {
    #[component(name = "type")]
    pub(super) file_type: K,
    pub(super) name: String,
}

/// `wasi:filesystem/types.metadata-hash-value`.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct MetadataHash {
    pub(super) lower: u64,
    pub(super) upper: u64,
}

flags! {
    DescriptorFlags {
        #[component(name = "read")]
        const READ;
        #[component(name = "write")]
        const WRITE;
        #[component(name = "file-integrity-sync")]
        const FILE_INTEGRITY_SYNC;
        #[component(name = "data-integrity-sync")]
        const DATA_INTEGRITY_SYNC;
        #[component(name = "requested-write-sync")]
        const REQUESTED_WRITE_SYNC;
        #[component(name = "mutate-directory")]
        const MUTATE_DIRECTORY;
    }
}

flags! {
    PathFlags {
        #[component(name = "symlink-follow")]
        const SYMLINK_FOLLOW;
    }
}

flags! {
    OpenFlags {
        #[component(name = "create")]
        const CREATE;
        #[component(name = "directory")]
        const DIRECTORY;
        #[component(name = "exclusive")]
        const EXCLUSIVE;
        #[component(name = "truncate")]
        const TRUNCATE;
    }
}

/// `wasi:filesystem/types.error-code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "the order and number of all of them is the encoding")]
pub(super) enum ErrorCode {
    #[component(name = "access")]
    Access,
    #[component(name = "would-block")]
    WouldBlock,
    #[component(name = "already")]
    Already,
    #[component(name = "bad-descriptor")]
    BadDescriptor,
    #[component(name = "busy")]
    Busy,
    #[component(name = "deadlock")]
    Deadlock,
    #[component(name = "quota")]
    Quota,
    #[component(name = "exist")]
    Exist,
    #[component(name = "file-too-large")]
    FileTooLarge,
    #[component(name = "illegal-byte-sequence")]
    IllegalByteSequence,
    #[component(name = "in-progress")]
    InProgress,
    #[component(name = "interrupted")]
    Interrupted,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "io")]
    Io,
    #[component(name = "is-directory")]
    IsDirectory,
    #[component(name = "loop")]
    Loop,
    #[component(name = "too-many-links")]
    TooManyLinks,
    #[component(name = "message-size")]
    MessageSize,
    #[component(name = "name-too-long")]
    NameTooLong,
    #[component(name = "no-device")]
    NoDevice,
    #[component(name = "no-entry")]
    NoEntry,
    #[component(name = "no-lock")]
    NoLock,
    #[component(name = "insufficient-memory")]
    InsufficientMemory,
    #[component(name = "insufficient-space")]
    InsufficientSpace,
    #[component(name = "not-directory")]
    NotDirectory,
    #[component(name = "not-empty")]
    NotEmpty,
    #[component(name = "not-recoverable")]
    NotRecoverable,
    #[component(name = "unsupported")]
    Unsupported,
    #[component(name = "no-tty")]
    NoTty,
    #[component(name = "no-such-device")]
    NoSuchDevice,
    #[component(name = "overflow")]
    Overflow,
    #[component(name = "not-permitted")]
    NotPermitted,
    #[component(name = "pipe")]
    Pipe,
    #[component(name = "read-only")]
    ReadOnly,
    #[component(name = "invalid-seek")]
    InvalidSeek,
    #[component(name = "text-file-busy")]
    TextFileBusy,
    #[component(name = "cross-device")]
    CrossDevice,
}

impl From<Errno> for ErrorCode {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::Badf => Self::BadDescriptor,
            Errno::Exist => Self::Exist,
            Errno::Fault | Errno::Inval => Self::Invalid,
            Errno::Ilseq => Self::IllegalByteSequence,
            Errno::Io => Self::Io,
            Errno::Isdir => Self::IsDirectory,
            // The nearest that there is: WASI 0.2 has no word for too many descriptors.
            Errno::Mfile => Self::InsufficientMemory,
            Errno::Nametoolong => Self::NameTooLong,
            Errno::Noent => Self::NoEntry,
            Errno::Notdir => Self::NotDirectory,
            Errno::Notempty => Self::NotEmpty,
            Errno::Notsock | Errno::Notsup => Self::Unsupported,
            Errno::Perm | Errno::Notcapable => Self::NotPermitted,
            Errno::Rofs => Self::ReadOnly,
            Errno::Spipe => Self::InvalidSeek,
        }
    }
}

impl From<Stat> for DescriptorType {
    fn from(stat: Stat) -> Self {
        if stat.directory { Self::Directory } else { Self::RegularFile }
    }
}

impl<K: From<Stat>, I: Default + Copy> From<Stat> for DescriptorStat<K, I> {
    /// Every time is 0, every link count 1.
    fn from(stat: Stat) -> Self {
        let never = Some(I::default());
        Self {
            file_type: stat.into(),
            link_count: 1,
            size: stat.size,
            accessed: never,
            modified: never,
            changed: never,
        }
    }
}

impl From<Stat> for MetadataHash {
    fn from(stat: Stat) -> Self {
        Self { lower: stat.ino, upper: 0 }
    }
}
