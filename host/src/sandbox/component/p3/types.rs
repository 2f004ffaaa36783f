//! Types of WASI 0.3 that are not those of 0.2, in the order of their WIT: the order is the encoding.

use wasmtime::component::ComponentType;
use wasmtime::component::Lift;
use wasmtime::component::Lower;

use crate::sandbox::component::types::DirectoryEntry;
use crate::sandbox::errno::Errno;
use crate::sandbox::tree::Stat;

/// `wasi:filesystem/types.directory-entry`.
pub(super) type Entry = DirectoryEntry<FileType>;

/// `wasi:clocks/system-clock.instant`.
#[derive(Debug, Clone, Copy, Default, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct Instant {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
}

/// `wasi:cli/types.error-code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "the order and number of all of them is the encoding")]
pub(super) enum CliError {
    #[component(name = "io")]
    Io,
    #[component(name = "illegal-byte-sequence")]
    IllegalByteSequence,
    #[component(name = "pipe")]
    Pipe,
}

impl From<Errno> for CliError {
    fn from(_: Errno) -> Self {
        Self::Io
    }
}

/// `wasi:filesystem/types.descriptor-type`.
#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum FileType {
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
    #[component(name = "other")]
    Other(Option<String>),
}

impl From<Stat> for FileType {
    fn from(stat: Stat) -> Self {
        if stat.directory { Self::Directory } else { Self::RegularFile }
    }
}

/// `wasi:filesystem/types.error-code`.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum ErrorCode {
    #[component(name = "access")]
    Access,
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
    #[component(name = "other")]
    Other(Option<String>),
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
            // As in 0.2: WASI has no word for too many descriptors.
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
