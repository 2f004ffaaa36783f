//! Seccomp: the system calls that a confined process may make, each with what needs it. Any other kills the process.
//!
//! `tests/walls` takes every entry away in turn and sees that something breaks.

use std::collections::BTreeMap;
use std::io;

use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;

use super::Role;

/// One entry of the list.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub number: i64,
    /// What one of its arguments has to be.
    only: Option<(u8, Only)>,
    /// Who may make it.
    roles: &'static [Role],
    /// What needs it.
    pub needed: Need,
}

impl Only {
    /// Any one of which lets the call through.
    fn rules(self, argument: u8) -> io::Result<Vec<SeccompRule>> {
        match self {
            Self::OneOf(values) => values.iter().map(|value| when(argument, SeccompCmpOp::Eq, *value)).collect(),
            Self::Without(flags) => Ok(vec![when(argument, SeccompCmpOp::MaskedEq(flags), 0)?]),
        }
    }
}

impl Call {
    /// Whether such a process may make it.
    #[must_use]
    pub fn is_for(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What an argument has to be.
#[derive(Debug, Clone, Copy)]
enum Only {
    /// One of these.
    OneOf(&'static [u64]),
    /// Without any of these flags.
    Without(u64),
}

/// What needs a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Every process, or every run of a guest that does what guests do.
    Always(&'static str),
    /// What happens seldom or on other machines, so that no test can bring it about everywhere.
    Seldom(&'static str),
}

use Need::Always;
use Need::Seldom;

const WORKER: &[Role] = &[Role::Worker];
const COMPILER: &[Role] = &[Role::Compiler];
const BOTH: &[Role] = &[Role::Worker, Role::Compiler];

/// Every call that a confined process may make. Files are descriptors that the server opened.
pub const ALLOWED: &[Call] = &[
    call(libc::SYS_recvmsg, BOTH, Always("what the server says, and the descriptors that come with it")),
    call(libc::SYS_pread64, BOTH, Always("the sample, artifacts and scratch; the module")),
    call(libc::SYS_pwrite64, WORKER, Always("artifacts and scratch")),
    call(libc::SYS_ftruncate, WORKER, Always("a guest cuts or extends its file")),
    call(libc::SYS_fstat, COMPILER, Always("how long the module is")),
    call(libc::SYS_statx, WORKER, Always("how long a program is; taken away once it is loaded")),
    call(libc::SYS_close, BOTH, Always("what is done with")),
    // And not `sendmsg`: descriptors on their way count against all that the server's user may have on theirs.
    call(
        libc::SYS_write,
        BOTH,
        Always("what the server is told; the last word of a panic; the program that was compiled"),
    ),
    // Memory that is shared or grows down is not counted by the limit on data, and huge pages are not seen from outside.
    only(libc::SYS_mmap, (3, Only::Without(UNCOUNTED)), BOTH, Always("memory; code, until a program is loaded")),
    call(libc::SYS_munmap, BOTH, Always("memory given back")),
    call(libc::SYS_mprotect, BOTH, Always("a linear memory that grows; code, until a program is loaded")),
    call(libc::SYS_mremap, BOTH, Always("a buffer that grows; answered with an error once a program is loaded")),
    call(libc::SYS_brk, BOTH, Always("memory of the allocator")),
    // Other advice can take a page of the machine out of service.
    only(libc::SYS_madvise, (2, Only::OneOf(&[MADV_DONTNEED])), WORKER, Always("a used memory made fresh")),
    only(
        libc::SYS_ioctl,
        (1, Only::OneOf(&[PAGEMAP_SCAN])),
        WORKER,
        Seldom("telling used memory from untouched, from Linux 6.7 on"),
    ),
    call(libc::SYS_getrandom, COMPILER, Always("the seed of hash tables")),
    call(libc::SYS_nanosleep, WORKER, Always("a guest sleeps; the deadline is the server's")),
    call(libc::SYS_restart_syscall, WORKER, Always("a sleep that was stopped and continued")),
    call(libc::SYS_rt_sigaction, COMPILER, Always("a new engine sets its handlers; a worker's is older than its wall")),
    call(libc::SYS_rt_sigreturn, WORKER, Always("back from a trap, which is a signal")),
    call(libc::SYS_sigaltstack, BOTH, Always("a stack for the handler of a trap, and its end")),
    call(libc::SYS_exit_group, BOTH, Always("the end")),
    call(libc::SYS_gettid, BOTH, Seldom("the last word of a panic names its thread")),
    // Other clocks are those of other processes, by number.
    only(
        libc::SYS_clock_gettime,
        (0, Only::OneOf(&[CLOCK_REALTIME, CLOCK_MONOTONIC])),
        BOTH,
        Seldom("clocks, where the kernel does not map them into the process"),
    ),
    // Other operations name threads of other processes by number, and raise their priority.
    only(
        libc::SYS_futex,
        (1, Only::OneOf(FUTEX_OPERATIONS)),
        BOTH,
        Seldom("a lock of std or of the allocator that is not free"),
    ),
    call(libc::SYS_seccomp, WORKER, Always("the second filter; taken away by it")),
    only(
        libc::SYS_prctl,
        (0, Only::OneOf(&[PR_SET_NO_NEW_PRIVS])),
        WORKER,
        Always("the second filter says again what is so"),
    ),
    #[cfg(debug_assertions)]
    only(
        libc::SYS_fcntl,
        (1, Only::OneOf(&[F_GETFD])),
        BOTH,
        Always("std asks, where it asserts, whether what it closes is open"),
    ),
    #[cfg(target_arch = "aarch64")]
    call(libc::SYS_membarrier, BOTH, Seldom("new code is made visible to all cores")),
];

/// `PAGEMAP_SCAN`.
const PAGEMAP_SCAN: u64 = 0xc060_6610;
const MADV_DONTNEED: u64 = 4;
const PR_SET_NO_NEW_PRIVS: u64 = 38;
#[cfg(debug_assertions)]
const F_GETFD: u64 = 1;
const PROT_EXEC: u64 = 4;
/// `MAP_SHARED`, `MAP_GROWSDOWN` and `MAP_HUGETLB`.
const UNCOUNTED: u64 = 0x1 | 0x100 | 0x4_0000;
const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
/// `FUTEX_WAIT`, `FUTEX_WAKE`, and both with a set of bits, all within the process; the last by the clock of the day.
const FUTEX_OPERATIONS: &[u64] = &[128, 129, 137, 138, 256 | 137];
const ENOMEM: u32 = 12;

const fn call(number: i64, roles: &'static [Role], needed: Need) -> Call {
    Call { number, only: None, roles, needed }
}

const fn only(number: i64, only: (u8, Only), roles: &'static [Role], needed: Need) -> Call {
    Call { number, only: Some(only), roles, needed }
}

/// Kills the process at any call that is not one of those entries of the list.
pub(super) fn allow(entry: impl Fn(&Call) -> bool) -> io::Result<()> {
    let rule =
        |call: &Call| Ok((call.number, call.only.map_or(Ok(Vec::new()), |(argument, only)| only.rules(argument))?));
    let rules: io::Result<_> = ALLOWED.iter().filter(|it| entry(it)).map(rule).collect();
    install(rules?, SeccompAction::KillProcess, SeccompAction::Allow)
}

/// Takes away what only loading a program needs.
pub(super) fn forbid_new_code() -> io::Result<()> {
    // Growing the mapping of a program's code would map what follows in its file, the data of the guest, as code.
    // Allocators that cannot grow a buffer in place copy it.
    let grown = BTreeMap::from([(libc::SYS_mremap, Vec::new())]);
    install(grown, SeccompAction::Allow, SeccompAction::Errno(ENOMEM))?;
    let executable = when(2, SeccompCmpOp::MaskedEq(PROT_EXEC), PROT_EXEC)?;
    let rules = BTreeMap::from([
        (libc::SYS_mmap, vec![executable.clone()]),
        (libc::SYS_mprotect, vec![executable]),
        (libc::SYS_prctl, Vec::new()),
        (libc::SYS_seccomp, Vec::new()),
        // Tells by path what exists, which Landlock lets pass; loading a program asked it of a descriptor.
        (libc::SYS_statx, Vec::new()),
    ]);
    install(rules, SeccompAction::Allow, SeccompAction::KillProcess)
}

fn when(argument: u8, operator: SeccompCmpOp, value: u64) -> io::Result<SeccompRule> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    SeccompRule::new(vec![condition.map_err(io::Error::other)?]).map_err(io::Error::other)
}

fn install(rules: BTreeMap<i64, Vec<SeccompRule>>, otherwise: SeccompAction, matched: SeccompAction) -> io::Result<()> {
    let architecture = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, otherwise, matched, architecture).map_err(io::Error::other)?;
    let program: seccompiler::BpfProgram = filter.try_into().map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}
