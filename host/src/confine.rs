//! The second wall: what a process gives up before it hears of anything untrusted.
//!
//! Landlock handles every access and allows no path (`paths`); seccomp lets a short list of system calls through and
//! kills on any other ([`calls`]); rlimits bound files, descriptors and memory; capabilities are dropped. Nothing here
//! can be taken back.

#[cfg(target_os = "linux")]
pub mod calls;
#[cfg(target_os = "linux")]
mod inherited;
#[cfg(target_os = "linux")]
mod paths;

use std::io;

use rustix::process::Resource;
use rustix::process::Rlimit;

use crate::wire::Walls;

/// What a process may still use.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Longest file it may write, bytes.
    pub file_bytes: u64,
    /// Descriptors open at once.
    pub descriptors: u64,
    /// CPU seconds; `None` for a process that lives on.
    pub cpu_s: Option<u64>,
    /// Private memory that can be written to, bytes.
    pub data_bytes: u64,
    /// Address space, bytes. It bounds what page tables cost, which no other limit counts.
    pub address_space_bytes: u64,
}

/// Whose wall it is: each has calls that the other has no use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Worker,
    Compiler,
}

/// A part of the wall that a test leaves out, to see the others stand alone. A build without the back door knows of
/// none: see `build.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    Nothing,
    /// The filter of system calls.
    #[cfg(back_door)]
    Calls,
    /// One entry in the list of system calls.
    #[cfg(back_door)]
    Call(i64),
    /// None of this wall: what the guest is held to by the first one, memory and output and fuel.
    #[cfg(back_door)]
    Limits,
}

/// Closes every descriptor but the three streams: what the server itself inherited and does not know of is not for a
/// confined process. Comes before anything is opened.
///
/// # Errors
/// Of the system.
pub fn close_inherited() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    inherited::close()?;
    Ok(())
}

/// Where memory is short, those that run guests go before all others. Where that cannot be said, it is not.
pub fn go_first() {
    system::go_first();
}

/// Gives up every capability: a server that root started must not have workers that are root.
///
/// # Errors
/// Of the system.
pub fn drop_rights() -> io::Result<()> {
    system::drop_rights()
}

/// Confines the calling process, which must have one thread.
///
/// # Errors
/// When a limit cannot be set. A kernel without Landlock or seccomp is no error: the walls tell.
pub fn enter(allowance: Allowance, role: Role, left_out: LeftOut) -> io::Result<Walls> {
    lower(Resource::Fsize, allowance.file_bytes)?;
    lower(Resource::Nofile, allowance.descriptors)?;
    lower(Resource::Core, 0)?;
    lower(Resource::Data, allowance.data_bytes)?;
    lower(Resource::As, allowance.address_space_bytes)?;
    if let Some(cpu_s) = allowance.cpu_s {
        lower(Resource::Cpu, cpu_s)?;
    }
    system::enter(role, left_out)
}

/// Never above what was inherited, which only a privileged process could raise.
fn lower(resource: Resource, value: u64) -> io::Result<()> {
    let inherited = rustix::process::getrlimit(resource).maximum;
    let value = inherited.map_or(value, |it| it.min(value));
    rustix::process::setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
    Ok(())
}

/// Lets the calling process have as many descriptors as it may, and tells how many that is.
///
/// # Errors
/// Of the system.
pub fn raise_descriptors() -> io::Result<u64> {
    let inherited = rustix::process::getrlimit(Resource::Nofile);
    let most = inherited.maximum.unwrap_or(1 << 20).min(1 << 20);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..inherited })?;
    Ok(most)
}

/// Gives up the right to map anything executable, or to change the filter again; where there is a filter.
///
/// # Errors
/// When the filter cannot be installed.
pub fn forbid_new_code() -> io::Result<()> {
    system::forbid_new_code()
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use rustix::fs::Mode;
    use rustix::fs::OFlags;
    use rustix::thread::CapabilitySet;
    use rustix::thread::CapabilitySets;

    use super::LeftOut;
    use super::Role;
    use super::calls;
    use super::paths;
    use crate::wire::Wall;
    use crate::wire::Walls;

    /// `oom_score_adj` of proc(5), the highest there is.
    pub(super) fn go_first() {
        let adjusted = rustix::fs::open("/proc/self/oom_score_adj", OFlags::WRONLY, Mode::empty());
        let _ = adjusted.and_then(|file| rustix::io::write(file, b"1000"));
    }

    pub(super) fn drop_rights() -> io::Result<()> {
        let none = CapabilitySet::empty();
        let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
        Ok(rustix::thread::set_capabilities(None, none)?)
    }

    pub(super) fn enter(role: Role, left_out: LeftOut) -> io::Result<Walls> {
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
        rustix::thread::set_no_new_privs(true)?;
        drop_rights()?;
        let landlock = paths::restrict();
        let seccomp = match left_out {
            LeftOut::Nothing => calls::allow(|call| call.is_for(role)),
            #[cfg(back_door)]
            LeftOut::Calls => return Ok(Walls { landlock, no_new_privs: Wall::Enforced, ..Walls::MISSING }),
            #[cfg(back_door)]
            LeftOut::Call(number) => calls::allow(|call| call.is_for(role) && call.number != number),
            #[cfg(back_door)]
            LeftOut::Limits => calls::allow(|call| call.is_for(role)),
        };
        let seccomp = seccomp.map_or(Wall::Missing, |()| Wall::Enforced);
        // What others see of it is for them to say.
        Ok(Walls { landlock, seccomp, no_new_privs: Wall::Enforced, proc: Wall::Missing })
    }

    pub(super) fn forbid_new_code() -> io::Result<()> {
        calls::forbid_new_code()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use super::LeftOut;
    use super::Role;
    use crate::wire::Walls;

    pub(super) fn go_first() {}

    pub(super) fn drop_rights() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn enter(_: Role, _: LeftOut) -> io::Result<Walls> {
        Ok(Walls::MISSING)
    }

    pub(super) fn forbid_new_code() -> io::Result<()> {
        Ok(())
    }
}
