//! Error numbers as WASI 0.1 writes them (witx `errno`), and how a host call ends otherwise.

use crate::run::Reason;

/// A WASI 0.1 error number; what a guest is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Errno {
    Badf = 8,
    Exist = 20,
    Fault = 21,
    Ilseq = 25,
    Inval = 28,
    Io = 29,
    Isdir = 31,
    Mfile = 33,
    Nametoolong = 37,
    Noent = 44,
    Notdir = 54,
    Notempty = 55,
    Notsock = 57,
    Notsup = 58,
    Perm = 63,
    Rofs = 69,
    Spipe = 70,
    Notcapable = 76,
}

impl Errno {
    const ALL: [Self; 18] = [
        Self::Badf,
        Self::Exist,
        Self::Fault,
        Self::Ilseq,
        Self::Inval,
        Self::Io,
        Self::Isdir,
        Self::Mfile,
        Self::Nametoolong,
        Self::Noent,
        Self::Notdir,
        Self::Notempty,
        Self::Notsock,
        Self::Notsup,
        Self::Perm,
        Self::Rofs,
        Self::Spipe,
        Self::Notcapable,
    ];

    /// The number on the wire between guest and host.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u16) enum has no From")]
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The error of that number.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|it| u32::from(it.code()) == code)
    }

    /// The same, as a call returns it.
    #[must_use]
    pub fn number(self) -> i32 {
        i32::from(self.code())
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WASI error {} ({self:?})", self.code())
    }
}

impl std::error::Error for Errno {}

/// How a host call fails: with a number for the guest, or with the end of the run.
#[derive(Debug)]
pub enum CallError {
    /// The guest is told and goes on.
    Errno(Errno),
    /// A limit is passed: the run ends with this reason.
    Limit(Reason, &'static str),
    /// There is no fuel for the work that the call would be.
    OutOfFuel,
    /// The guest called `proc_exit`.
    Exit(i32),
    /// We failed, not the guest.
    Host(std::io::Error),
}

impl From<Errno> for CallError {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<rustix::io::Errno> for CallError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Host(errno.into())
    }
}
