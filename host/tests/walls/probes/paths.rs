//! Files by name: reading, making, moving, removing, looking.

use libc::AT_FDCWD;
use libc::EACCES;
use libc::ENOENT;
use libc::EPERM;
use libc::EXDEV;
use libc::O_CREAT;
use libc::O_RDONLY;
use libc::O_RDWR;

use crate::probe::Probe;
use crate::scene::Scene;
use crate::script::Arg;
use crate::script::Script;

pub(super) fn probes(scene: &Scene) -> Vec<Probe> {
    let secret = scene.path("secret");
    let mut probes = opening(scene);
    probes.extend(changing(scene));
    let looking = |name: &str, number, arguments: [Arg; 5]| Probe::killed(name, Script::once(number, arguments));
    let (here, buffer, none) = (|| Arg::from(AT_FDCWD), || Arg::Bytes(vec![0; 512]), || Arg::from(0));
    // Landlock lets pass what only looks; the filter does not.
    probes.extend([
        looking("newfstatat /etc/passwd", STAT_AT, [here(), "/etc/passwd".into(), buffer(), none(), none()]),
        looking("statx the secret", libc::SYS_statx, [here(), (&*secret).into(), none(), 0xfff.into(), buffer()]),
        looking("faccessat /etc/passwd", libc::SYS_faccessat, [here(), "/etc/passwd".into(), none(), none(), none()]),
        looking(
            "readlinkat /proc/self/exe",
            libc::SYS_readlinkat,
            [here(), "/proc/self/exe".into(), buffer(), 512.into(), none()],
        ),
        looking("chdir /", libc::SYS_chdir, ["/".into(), none(), none(), none(), none()]),
        looking("getdents64 of a descriptor", libc::SYS_getdents64, [4.into(), buffer(), 512.into(), none(), none()]),
        looking("statfs /", libc::SYS_statfs, ["/".into(), buffer(), none(), none(), none()]),
        looking("inotify_init1", libc::SYS_inotify_init1, [none(), none(), none(), none(), none()]),
    ]);
    probes
}

#[cfg(target_arch = "x86_64")]
const STAT_AT: i64 = libc::SYS_newfstatat;
#[cfg(not(target_arch = "x86_64"))]
const STAT_AT: i64 = libc::SYS_fstatat;

fn opening(scene: &Scene) -> Vec<Probe> {
    let open = |path: &str, flags: i32| {
        Script::once(libc::SYS_openat, [AT_FDCWD.into(), path.into(), flags.into(), 0o600.into()])
    };
    let opened = |path: &str| Probe::killed(format!("openat {path}"), open(path, O_RDONLY)).or(&[EACCES]);
    let how = Arg::Words(vec![O_RDONLY.into(), 0.into(), 0.into()]);
    let secret = scene.path("secret");
    let mut probes = vec![
        opened("/etc/passwd"),
        opened("/proc/self/mem"),
        opened("/proc/1/environ"),
        opened("/proc/self/environ"),
        opened("/dev/kmsg"),
        opened("/"),
        Probe::killed("openat the secret to write", open(&secret, O_RDWR)).or(&[EACCES]),
        Probe::killed("openat makes a file", open(&scene.path("planted"), O_RDWR | O_CREAT)).or(&[EACCES]),
        Probe::killed(
            "openat2 /etc/passwd",
            Script::once(libc::SYS_openat2, [AT_FDCWD.into(), "/etc/passwd".into(), how, 24.into()]),
        )
        .or(&[EACCES]),
        // A handle without a right to use it; Landlock lets it pass, and the next step fails.
        Probe::killed("openat O_PATH, then openat through it", open(&secret, libc::O_PATH)).or_by(
            open(&scene.path("."), libc::O_PATH | libc::O_DIRECTORY)
                .call(libc::SYS_openat, [Arg::Answer(0), "secret".into(), O_RDONLY.into()]),
            &[EACCES],
        ),
    ];
    #[cfg(target_arch = "x86_64")]
    probes.extend([
        Probe::killed("open /etc/passwd", Script::once(libc::SYS_open, ["/etc/passwd".into(), O_RDONLY.into()]))
            .or(&[EACCES]),
        Probe::killed("creat", Script::once(libc::SYS_creat, [(&*scene.path("planted")).into(), 0o600.into()]))
            .or(&[EACCES]),
        Probe::killed("stat", Script::once(libc::SYS_stat, ["/etc/passwd".into(), Arg::Bytes(vec![0; 256])])),
        Probe::killed("access", Script::once(libc::SYS_access, ["/etc/passwd".into(), 4.into()])),
        Probe::killed(
            "readlink",
            Script::once(libc::SYS_readlink, ["/proc/self/exe".into(), Arg::Bytes(vec![0; 256])]),
        ),
    ]);
    probes
}

fn changing(scene: &Scene) -> Vec<Probe> {
    let (secret, planted) = (scene.path("secret"), scene.path("planted"));
    let (secret, planted) = (|| Arg::from(&*secret), || Arg::from(&*planted));
    let here = || Arg::from(AT_FDCWD);
    let changed = |name: &str, number, arguments: Vec<Arg>, errnos: &[i32]| {
        Probe::killed(name, Script::once(number, arguments)).or(errnos)
    };
    vec![
        changed("unlinkat", libc::SYS_unlinkat, vec![here(), secret(), 0.into()], &[EACCES]),
        changed("renameat2", libc::SYS_renameat2, vec![here(), secret(), here(), planted(), 0.into()], &[EACCES]),
        changed("linkat", libc::SYS_linkat, vec![here(), secret(), here(), planted(), 0.into()], &[EACCES, EXDEV]),
        changed("symlinkat", libc::SYS_symlinkat, vec!["/etc".into(), here(), planted()], &[EACCES]),
        changed("mkdirat", libc::SYS_mkdirat, vec![here(), planted(), 0o700.into()], &[EACCES]),
        changed("mknodat a pipe", libc::SYS_mknodat, vec![here(), planted(), 0o010_600.into(), 0.into()], &[EACCES]),
        changed(
            "mknodat a device",
            libc::SYS_mknodat,
            vec![here(), planted(), 0o020_600.into(), 0x103.into()],
            &[EACCES, EPERM],
        ),
        changed("truncate by path", libc::SYS_truncate, vec![secret(), 0.into()], &[EACCES]),
        // Landlock lets modes, owners, times and attributes pass.
        Probe::killed("fchmodat", Script::once(libc::SYS_fchmodat, [here(), secret(), 0o400.into()])),
        Probe::killed("fchmod of the sample's descriptor", Script::once(libc::SYS_fchmod, [6.into(), 0o777.into()])),
        Probe::killed("fchownat", Script::once(libc::SYS_fchownat, [here(), secret(), 1.into(), 1.into(), 0.into()])),
        Probe::killed("utimensat", Script::once(libc::SYS_utimensat, [here(), secret(), 0.into(), 0.into()])),
        Probe::killed(
            "setxattr",
            Script::once(libc::SYS_setxattr, [secret(), "user.a".into(), "b".into(), 1.into(), 0.into()]),
        ),
        changed("execve /bin/true", libc::SYS_execve, vec!["/bin/true".into(), 0.into(), 0.into()], &[EACCES, ENOENT]),
        changed(
            "execveat /bin/true",
            libc::SYS_execveat,
            vec![here(), "/bin/true".into(), 0.into(), 0.into()],
            &[EACCES, ENOENT],
        ),
    ]
}
