//! Other processes: making some, and reaching the server.

use libc::EPERM;
use libc::SIGCONT;

use crate::probe::Probe;
use crate::probe::Want;
use crate::script::Arg;
use crate::script::Script;

pub(super) fn probes() -> Vec<Probe> {
    let parent = || Arg::Number(i64::from(std::process::id()));
    let killed = |name: &str, number, arguments: Vec<Arg>| Probe::killed(name, Script::once(number, arguments));
    let harmless =
        |name: &str, number, arguments: Vec<Arg>| Probe::new(name, Script::once(number, arguments), Want::Harmless);
    // `CPUCLOCK_SCHED` of a process by its number.
    let cpu_clock = || Arg::Number((!i64::from(std::process::id()) << 3) | 2);
    let owned_by_parent = || Arg::Bytes([std::process::id().to_le_bytes(), [0; 4]].concat());
    let vector = || Arg::Words(vec![Arg::Bytes(vec![0; 8]), 8.into()]);
    // Where the parent's own code lies, which is the worker's as well.
    let remote = Arg::Words(vec![Arg::Number(0x1000), 8.into()]);
    let clone_args = Arg::Words([vec![0.into(); 4], vec![17.into()], vec![0.into(); 6]].concat());
    let mut probes = vec![
        killed("clone", libc::SYS_clone, vec![17.into()]),
        killed("clone a thread", libc::SYS_clone, vec![0x50f00.into(), 0.into()]),
        killed("clone3", libc::SYS_clone3, vec![clone_args, 88.into()]),
        killed("kill the server", libc::SYS_kill, vec![parent(), SIGCONT.into()]).or(&[EPERM]),
        killed("kill everybody", libc::SYS_kill, vec![(-1).into(), 0.into()]),
        killed("tgkill the server", libc::SYS_tgkill, vec![parent(), parent(), SIGCONT.into()]).or(&[EPERM]),
        killed("tkill the server", libc::SYS_tkill, vec![parent(), SIGCONT.into()]).or(&[EPERM]),
        killed("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo, vec![parent(), SIGCONT.into(), Arg::Bytes(vec![0; 128])])
            .or(&[EPERM]),
        killed("pidfd_open, pidfd_send_signal", libc::SYS_pidfd_open, vec![parent(), 0.into()]).or_by(
            Script::once(libc::SYS_pidfd_open, [parent(), 0.into()])
                .call(libc::SYS_pidfd_send_signal, [Arg::Answer(0), SIGCONT.into(), 0.into(), 0.into()]),
            &[EPERM],
        ),
        killed("pidfd_getfd", libc::SYS_pidfd_getfd, vec![5.into(), 0.into(), 0.into()]).or_by(
            Script::once(libc::SYS_pidfd_open, [parent(), 0.into()])
                .call(libc::SYS_pidfd_getfd, [Arg::Answer(0), 0.into(), 0.into()]),
            &[EPERM],
        ),
        // PTRACE_SEIZE: unlike an attach it does not stop who is seized.
        killed("ptrace the server", libc::SYS_ptrace, vec![0x4206.into(), parent(), 0.into(), 0.into()]).or(&[EPERM]),
        killed(
            "process_vm_readv",
            libc::SYS_process_vm_readv,
            vec![parent(), vector(), 1.into(), remote.clone(), 1.into(), 0.into()],
        )
        .or(&[EPERM]),
        killed(
            "process_vm_writev",
            libc::SYS_process_vm_writev,
            vec![parent(), vector(), 1.into(), remote, 1.into(), 0.into()],
        )
        .or(&[EPERM]),
        killed("kcmp", libc::SYS_kcmp, vec![parent(), parent(), 0.into(), 0.into(), 0.into()]).or(&[EPERM]),
        killed("setpriority of the server", libc::SYS_setpriority, vec![0.into(), parent(), (-20).into()]),
        killed("sched_setaffinity", libc::SYS_sched_setaffinity, vec![0.into(), 8.into(), Arg::Bytes(vec![1; 8])]),
        killed("setpgid", libc::SYS_setpgid, vec![0.into(), 0.into()]),
        killed("wait4", libc::SYS_wait4, vec![(-1).into(), 0.into(), 1.into()]),
        killed(
            "clock_gettime, CPU time of the server",
            libc::SYS_clock_gettime,
            vec![cpu_clock(), Arg::Bytes(vec![0; 16])],
        ),
        killed("clock_gettime, CPU time of its own", libc::SYS_clock_gettime, vec![2.into(), Arg::Bytes(vec![0; 16])]),
        // FUTEX_LOCK_PI, shared and private, of a word that names a thread of the server as its owner.
        killed("futex, priority lent to the server", libc::SYS_futex, vec![owned_by_parent(), 6.into()]),
        killed("futex, priority lent within", libc::SYS_futex, vec![owned_by_parent(), (128 | 6).into()]),
        // FUTEX_WAIT.
        killed(
            "futex, a wait that others can share",
            libc::SYS_futex,
            vec![Arg::Bytes(vec![0; 8]), 0.into(), 1.into()],
        ),
        harmless("clock_gettime, time since boot", libc::SYS_clock_gettime, vec![1.into(), Arg::Bytes(vec![0; 16])]),
        // FUTEX_WAKE, private.
        harmless("futex, nobody to wake", libc::SYS_futex, vec![Arg::Bytes(vec![0; 8]), 129.into(), 1.into()]),
    ];
    #[cfg(target_arch = "x86_64")]
    probes.extend([killed("fork", libc::SYS_fork, vec![]), killed("vfork", libc::SYS_vfork, vec![])]);
    probes
}
