//! The kernel's wider surface: mounts, namespaces, limits, rings, programs, keys; and ways around the filter itself.

use libc::AT_FDCWD;
use libc::ENOSYS;
use libc::EPERM;

use crate::probe::Probe;
use crate::scene::Scene;
use crate::script::Arg;
use crate::script::Script;

pub(super) fn probes(scene: &Scene) -> Vec<Probe> {
    let killed = |name: &str, number, arguments: Vec<Arg>| Probe::killed(name, Script::once(number, arguments));
    let (zero, buffer, dir) = (|| Arg::from(0), || Arg::Bytes(vec![0; 256]), scene.path("."));
    let more = || Arg::Words(vec![1_000_000.into(), 1_000_000.into()]);
    let handle = || Arg::Bytes([vec![128, 0, 0, 0], vec![0; 140]].concat());
    let mut probes = vec![
        killed("prlimit64 up", libc::SYS_prlimit64, vec![zero(), 7.into(), more(), zero()]).or(&[EPERM]),
        killed("setrlimit up", libc::SYS_setrlimit, vec![7.into(), more()]).or(&[EPERM]),
        killed("mount", libc::SYS_mount, vec!["none".into(), (&*dir).into(), "tmpfs".into(), zero(), zero()])
            .or(&[EPERM]),
        killed("umount2", libc::SYS_umount2, vec![(&*dir).into(), zero()]).or(&[EPERM]),
        killed("fsopen", libc::SYS_fsopen, vec!["tmpfs".into(), zero()]).or(&[EPERM]),
        killed("chroot", libc::SYS_chroot, vec![(&*dir).into()]).or(&[EPERM]),
        killed("pivot_root", libc::SYS_pivot_root, vec![(&*dir).into(), (&*dir).into()]).or(&[EPERM]),
        killed("unshare a user namespace", libc::SYS_unshare, vec![0x1000_0000.into()]),
        killed("unshare mounts", libc::SYS_unshare, vec![0x20000.into()]).or(&[EPERM]),
        killed("setns", libc::SYS_setns, vec![0.into(), 0.into()]),
        killed("io_uring_setup", libc::SYS_io_uring_setup, vec![8.into(), buffer()]),
        killed("io_uring_enter", libc::SYS_io_uring_enter, vec![3.into()]),
        killed("bpf", libc::SYS_bpf, vec![zero(), buffer(), 48.into()]),
        killed("userfaultfd", libc::SYS_userfaultfd, vec![zero()]),
        killed("perf_event_open", libc::SYS_perf_event_open, vec![buffer(), zero(), (-1).into(), (-1).into()]),
        killed("keyctl", libc::SYS_keyctl, vec![zero(), (-3).into(), zero()]),
        killed("add_key", libc::SYS_add_key, vec!["user".into(), "a".into(), "b".into(), 1.into(), (-3).into()]),
        killed(
            "name_to_handle_at",
            libc::SYS_name_to_handle_at,
            vec![AT_FDCWD.into(), "/etc/passwd".into(), handle(), buffer(), zero()],
        ),
        killed("open_by_handle_at", libc::SYS_open_by_handle_at, vec![AT_FDCWD.into(), handle(), zero()]).or(&[EPERM]),
        killed("capset", libc::SYS_capset, vec![buffer(), buffer()]),
        killed("setuid", libc::SYS_setuid, vec![12345.into()]),
        killed("reboot", libc::SYS_reboot, vec![zero()]).or(&[EPERM]),
        killed("sethostname", libc::SYS_sethostname, vec!["x".into(), 1.into()]).or(&[EPERM]),
        killed("init_module", libc::SYS_init_module, vec![buffer(), 1.into(), "".into()]).or(&[EPERM, ENOSYS]),
        killed("personality READ_IMPLIES_EXEC", libc::SYS_personality, vec![0x40_0000.into()]),
        killed("landlock_create_ruleset", libc::SYS_landlock_create_ruleset, vec![zero(), zero(), 1.into()]),
        killed("prctl, dumpable again", libc::SYS_prctl, vec![4.into(), 1.into()]),
        killed("prctl, no signal when the server dies", libc::SYS_prctl, vec![1.into(), zero()]),
        killed("prctl NO_NEW_PRIVS", libc::SYS_prctl, vec![38.into(), 1.into()]),
        killed("seccomp, another filter", libc::SYS_seccomp, vec![1.into(), zero(), buffer()]),
        killed("getpid", libc::SYS_getpid, vec![]),
        killed("uname", libc::SYS_uname, vec![Arg::Bytes(vec![0; 512])]),
        killed("rt_sigtimedwait", libc::SYS_rt_sigtimedwait, vec![buffer(), zero(), zero(), 8.into()]),
        killed("timer_create", libc::SYS_timer_create, vec![zero(), zero(), buffer()]),
        killed("a number past the table", 0xffff, vec![]),
        // The upper half of the register is not looked at, by the filter and the kernel alike.
        killed("openat with an upper half", libc::SYS_openat | 1 << 32, vec![AT_FDCWD.into(), "/etc/passwd".into()]),
    ];
    #[cfg(target_arch = "x86_64")]
    probes.extend([
        killed("read of the x32 table", 0x4000_0000, vec![]),
        killed("arch_prctl", libc::SYS_arch_prctl, vec![0x1003.into(), buffer()]),
        killed("ioperm", libc::SYS_ioperm, vec![0.into(), 1.into(), 1.into()]).or(&[EPERM, ENOSYS]),
        killed("modify_ldt", libc::SYS_modify_ldt, vec![0.into(), buffer(), 16.into()]),
        // 20 is getpid there, and writev, which is no stranger than read, in the 64-bit table.
        Probe::killed("getpid of the 32-bit table", Script::new().call32(20)),
        // 3 is read there, and close, which is allowed, in the 64-bit table.
        Probe::killed("read of the 32-bit table", Script::new().call32(3)),
    ]);
    probes
}
