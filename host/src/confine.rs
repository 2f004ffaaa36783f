//! The second wall: what a process gives up before it hears of anything untrusted.
//!
//! Landlock handles every access and allows no path; seccomp lets a short list of system calls through and kills on
//! any other; rlimits bound files, descriptors and memory. Nothing here can be taken back.

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
    /// Address space, bytes; `None` where wasmtime reserves it by the gigabyte.
    pub address_space_bytes: Option<u64>,
}

/// Confines the calling process, which must have one thread.
///
/// # Errors
/// When a limit cannot be set. A kernel without Landlock or seccomp is no error: the walls tell.
pub fn enter(allowance: Allowance) -> io::Result<Walls> {
    lower(Resource::Fsize, allowance.file_bytes)?;
    lower(Resource::Nofile, allowance.descriptors)?;
    lower(Resource::Core, 0)?;
    lower(Resource::Data, allowance.data_bytes)?;
    if let Some(cpu_s) = allowance.cpu_s {
        lower(Resource::Cpu, cpu_s)?;
    }
    if let Some(bytes) = allowance.address_space_bytes {
        lower(Resource::As, bytes)?;
    }
    system::enter()
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

/// Gives up the right to map anything executable, or to change the filter again.
///
/// # Errors
/// When the filter cannot be installed.
pub fn forbid_new_code() -> io::Result<()> {
    system::forbid_new_code()
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::BTreeMap;
    use std::io;

    use landlock::ABI;
    use landlock::Access;
    use landlock::AccessFs;
    use landlock::AccessNet;
    use landlock::CompatLevel;
    use landlock::Compatible;
    use landlock::Ruleset;
    use landlock::RulesetAttr;
    use landlock::RulesetError;
    use landlock::RulesetStatus;
    use landlock::Scope;
    use seccompiler::SeccompAction;
    use seccompiler::SeccompCmpArgLen;
    use seccompiler::SeccompCmpOp;
    use seccompiler::SeccompCondition;
    use seccompiler::SeccompFilter;
    use seccompiler::SeccompRule;

    use crate::wire::Wall;
    use crate::wire::Walls;

    /// Every call that a confined process may make, and what for.
    const ALLOWED: &[i64] = &[
        // The channel to the server.
        libc::SYS_recvmsg,
        libc::SYS_sendmsg,
        // The sample, artifacts and scratch, all by descriptors that the server opened; stderr for a last word.
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_pread64,
        libc::SYS_pwrite64,
        libc::SYS_ftruncate,
        libc::SYS_lseek,
        libc::SYS_fstat,
        libc::SYS_statx,
        libc::SYS_close,
        // Memory. Executable mappings are taken away after the program is loaded.
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        // Locks of the allocator and of std.
        libc::SYS_futex,
        libc::SYS_sched_yield,
        // Clocks and sleeping; the deadline is the server's.
        libc::SYS_clock_gettime,
        libc::SYS_nanosleep,
        // A sleep that was stopped and continued.
        libc::SYS_restart_syscall,
        libc::SYS_clock_nanosleep,
        // Traps are signals.
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        // Hash seeds.
        libc::SYS_getrandom,
        // The last word of a panic.
        libc::SYS_gettid,
        libc::SYS_writev,
        // The end.
        libc::SYS_exit,
        libc::SYS_exit_group,
        // The second filter.
        libc::SYS_seccomp,
        libc::SYS_prctl,
    ];
    /// `PAGEMAP_SCAN`, by which a used memory is told from an untouched one.
    const PAGEMAP_SCAN: u64 = 0xc060_6610;
    const F_GETFD: u64 = 1;
    const PROT_EXEC: u64 = 4;

    pub(super) fn enter() -> io::Result<Walls> {
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
        rustix::thread::set_no_new_privs(true)?;
        let landlock = match restrict_paths() {
            Ok(RulesetStatus::FullyEnforced) => Wall::Enforced,
            Ok(RulesetStatus::PartiallyEnforced) => Wall::Partial,
            Ok(RulesetStatus::NotEnforced) | Err(_) => Wall::Missing,
        };
        let seccomp = install(allow_list()?).map_or(Wall::Missing, |()| Wall::Enforced);
        Ok(Walls { landlock, seccomp, no_new_privs: Wall::Enforced })
    }

    pub(super) fn forbid_new_code() -> io::Result<()> {
        let executable = vec![rule(vec![condition(2, SeccompCmpOp::MaskedEq(PROT_EXEC), PROT_EXEC)?])?];
        let rules = BTreeMap::from([
            (libc::SYS_mmap, executable.clone()),
            (libc::SYS_mprotect, executable),
            (libc::SYS_prctl, Vec::new()),
            (libc::SYS_seccomp, Vec::new()),
            // Tells by path what exists, which Landlock lets pass; loading a program asked it of a descriptor.
            (libc::SYS_statx, Vec::new()),
        ]);
        install(filter(rules, SeccompAction::Allow, SeccompAction::KillProcess)?)
    }

    fn restrict_paths() -> Result<RulesetStatus, RulesetError> {
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V5))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()?;
        Ok(status.ruleset)
    }

    fn allow_list() -> io::Result<SeccompFilter> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|it| (*it, Vec::new())).collect();
        // std asks in debug builds whether a descriptor that it closes is open.
        rules.insert(libc::SYS_fcntl, vec![rule(vec![condition(1, SeccompCmpOp::Eq, F_GETFD)?])?]);
        // wasmtime makes new code visible to all cores.
        #[cfg(target_arch = "aarch64")]
        rules.insert(libc::SYS_membarrier, Vec::new());
        rules.insert(libc::SYS_ioctl, vec![rule(vec![condition(1, SeccompCmpOp::Eq, PAGEMAP_SCAN)?])?]);
        filter(rules, SeccompAction::KillProcess, SeccompAction::Allow)
    }

    fn filter(
        rules: BTreeMap<i64, Vec<SeccompRule>>,
        otherwise: SeccompAction,
        matched: SeccompAction,
    ) -> io::Result<SeccompFilter> {
        let architecture = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
        SeccompFilter::new(rules, otherwise, matched, architecture).map_err(io::Error::other)
    }

    fn rule(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
        SeccompRule::new(conditions).map_err(io::Error::other)
    }

    fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> io::Result<SeccompCondition> {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(io::Error::other)
    }

    fn install(filter: SeccompFilter) -> io::Result<()> {
        let program: seccompiler::BpfProgram = filter.try_into().map_err(io::Error::other)?;
        seccompiler::apply_filter(&program).map_err(io::Error::other)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use crate::wire::Walls;

    pub(super) fn enter() -> io::Result<Walls> {
        Ok(Walls::MISSING)
    }

    pub(super) fn forbid_new_code() -> io::Result<()> {
        Ok(())
    }
}
