//! Messages between server and confined processes: one datagram each over a `SOCK_SEQPACKET` pair, open files beside
//! them as descriptors. No path ever crosses. Either side treats the other as broken at the first odd message.

use std::io;
use std::io::IoSlice;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::net::RecvAncillaryBuffer;
use rustix::net::RecvAncillaryMessage;
use rustix::net::RecvFlags;
use rustix::net::SendAncillaryBuffer;
use rustix::net::SendAncillaryMessage;
use rustix::net::SendFlags;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::analysis::module::Manner;
use crate::analysis::module::ModuleFacts;
use crate::analysis::module::ModuleKind;
use crate::analysis::module::Span;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::run::Failure;
use crate::run::SoFar;
use crate::run::Usage;

/// What a worker may use besides the guest's linear memory, bytes: its program, tables, result, buffers.
pub const OWN_MEMORY_BYTES_MAX: u64 = 512 << 20;
/// At least so long lies between two messages of progress in a run.
pub const PROGRESS_EVERY_MS: u64 = 250;
/// Longest message, bytes; below the kernel's default send buffer.
pub const MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// Bytes of output that one message carries.
pub const CHUNK_BYTES: usize = 64 * 1024;
const DESCRIPTORS_MAX: usize = 2;

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// With the compiled program, and the module when files ship with it: load it.
    Load(LoadSpec),
    /// With the sample: run the program once.
    Run(Box<RunSpec>),
    /// With an empty file, as asked for.
    File,
    /// There is no room for another file.
    NoFile,
    /// With the module and an empty file for the program.
    Compile(CompileLimits, Manner),
}

/// What is to be known of a program to load it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadSpec {
    pub kind: ModuleKind,
    /// Where the tar lies in the module, and where its files are mounted.
    pub files: Option<(Span, String)>,
}

/// What stdin gives the guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum StdinSpec {
    Bytes(Vec<u8>),
    Sample,
}

impl Default for StdinSpec {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

/// One run, without its sample.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunSpec {
    pub argv: Vec<String>,
    /// As `name=value`.
    pub environment: Vec<String>,
    pub epoch_s: u64,
    pub media_type: String,
    pub sha1: String,
    pub sha256: String,
    pub seed: [u8; 20],
    pub sample_name: String,
    pub sample_bytes: u64,
    pub stdin: StdinSpec,
    pub limits: Limits,
}

/// What a confined process says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Event {
    /// Confined, and listening.
    Ready(Walls),
    Loaded,
    /// A piece of the guest's stderr.
    Log(Vec<u8>),
    Progress(SoFar),
    /// The guest makes a file: answer with one.
    NeedFile,
    /// A piece of the result; the last one travels with `Done`.
    Stdout(Vec<u8>),
    /// The guest left this file.
    Artifact(ArtifactSpec),
    Done(Done),
    Compiled(ModuleFacts),
    /// The module is refused, for these reasons.
    Refused(Vec<String>),
    /// We failed.
    Fault(String),
}

impl Event {
    /// What kind it is, for the log: what is in it comes from a guest.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ready(_) => "Ready",
            Self::Loaded => "Loaded",
            Self::Log(_) => "Log",
            Self::Progress(_) => "Progress",
            Self::NeedFile => "NeedFile",
            Self::Stdout(_) => "Stdout",
            Self::Artifact(_) => "Artifact",
            Self::Done(_) => "Done",
            Self::Compiled(_) => "Compiled",
            Self::Refused(_) => "Refused",
            Self::Fault(_) => "Fault",
        }
    }
}

/// The end of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    pub outcome: Result<Vec<u8>, Failure>,
    pub log_tail: Vec<u8>,
    pub usage: Usage,
}

/// A file left below `/out`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ArtifactSpec {
    pub path: String,
    pub size_bytes: u64,
    /// Which of the files that the server sent, from 0.
    pub file_number: u32,
}

/// Which parts of the second wall stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// No access to files, sockets and other processes by name or number.
    pub landlock: Wall,
    /// Only listed system calls are let through.
    pub seccomp: Wall,
    /// No program gains rights that this one has not.
    pub no_new_privs: Wall,
    /// The server sees what memory and CPU time the process takes: by the server's own eyes, whatever the process says.
    pub proc: Wall,
}

/// How far one part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wall {
    Enforced,
    /// As much of it as this kernel knows.
    Partial,
    Missing,
}

impl Walls {
    /// None at all.
    pub const MISSING: Self =
        Self { landlock: Wall::Missing, seccomp: Wall::Missing, no_new_privs: Wall::Missing, proc: Wall::Missing };

    /// Whether the whole of it stands.
    #[must_use]
    pub fn stand(&self) -> bool {
        self.lacking().is_empty()
    }

    /// What does not stand, or not as a whole, in words for the operator.
    #[must_use]
    pub fn lacking(&self) -> Vec<&'static str> {
        let lacks = |wall, missing, partial| match wall {
            Wall::Enforced => None,
            Wall::Partial => Some(partial),
            Wall::Missing => Some(missing),
        };
        let landlock = lacks(
            self.landlock,
            "landlock is missing: the kernel has none, or it is off at boot (`lsm=`), or refused by what contains this server",
            "landlock is partial: the kernel is older than Linux 6.12, and knows of fewer rights",
        );
        let seccomp = lacks(
            self.seccomp,
            "seccomp is missing: the kernel has no filters, or they are refused by what contains this server",
            "seccomp is partial",
        );
        let no_new_privs =
            lacks(self.no_new_privs, "no_new_privs is missing: this is not Linux", "no_new_privs is partial");
        let proc = lacks(
            self.proc,
            "proc tells nothing of workers, whose memory and CPU time then have no limit: mount it without `hidepid`, and run without `ProtectProc=`",
            "proc is partial",
        );
        [landlock, seccomp, no_new_privs, proc].into_iter().flatten().collect()
    }
}

/// Two ends of a channel: the server's does not block, the process's does.
///
/// # Errors
/// Out of descriptors.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::net::AddressFamily;
    use rustix::net::SocketFlags;
    use rustix::net::SocketType;
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    Ok((ours, theirs))
}

/// Sends one message with its descriptors.
///
/// # Errors
/// `WouldBlock` on a full non-blocking socket; otherwise the other side is gone.
pub fn send<T: Serialize>(socket: BorrowedFd<'_>, message: &T, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "message too long for the wire"));
    }
    if descriptors.is_empty() {
        // A confined process has no other way: it has no descriptors to send.
        rustix::io::retry_on_intr(|| rustix::io::write(socket, &bytes))?;
        return Ok(());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors for one message"));
    }
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)
    })?;
    Ok(())
}

/// A place to receive into, used again and again.
#[derive(Debug)]
pub struct Inbox(Vec<u8>);

impl Default for Inbox {
    fn default() -> Self {
        Self(vec![0; MESSAGE_BYTES_MAX])
    }
}

impl Inbox {
    /// Receives one message; `None` when the other side has closed.
    ///
    /// # Errors
    /// `WouldBlock` on an empty non-blocking socket; `InvalidData` for what is no message.
    pub fn receive<T: DeserializeOwned>(&mut self, socket: BorrowedFd<'_>) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::io::retry_on_intr(|| {
            let mut vectors = [IoSliceMut::new(&mut self.0)];
            rustix::net::recvmsg(socket.as_fd(), &mut vectors, &mut control, RecvFlags::CMSG_CLOEXEC)
        })?;
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        let message = postcard::from_bytes(&self.0[..received.bytes])
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Some((message, descriptors)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_is_missing_is_named_alone() {
        let whole = Walls {
            landlock: Wall::Enforced,
            seccomp: Wall::Enforced,
            no_new_privs: Wall::Enforced,
            proc: Wall::Enforced,
        };
        assert!(whole.stand());
        let unseen = Walls { proc: Wall::Missing, ..whole };
        assert!(!unseen.stand());
        assert_eq!(unseen.lacking().len(), 1);
        assert!(unseen.lacking()[0].starts_with("proc tells nothing of workers"));
    }
}
