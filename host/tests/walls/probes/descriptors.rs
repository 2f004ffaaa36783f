//! What can be done with the descriptors that a worker holds, and whether it holds others.

use std::fs::File;
use std::os::fd::AsRawFd;

use crate::held::CAPS;
use crate::held::Ending;
use crate::held::Held;
use crate::probe::Probe;
use crate::probe::Score;
use crate::probe::Want;
use crate::scene::Scene;
use crate::script::Arg;
use crate::script::Script;

/// More than a worker holds.
const NUMBERS: std::ops::Range<i32> = 0..40;

pub(super) fn probes() -> Vec<Probe> {
    let killed = |name: &str, number, arguments: Vec<Arg>| Probe::killed(name, Script::once(number, arguments));
    let each = |number: i64, rest: &[Arg]| {
        NUMBERS.fold(Script::new().with_artifact(), |script, descriptor| {
            // The stream that tells the answers is left alone.
            let descriptor = if descriptor == 2 { 39 } else { descriptor };
            script.call(number, [&[Arg::from(descriptor)], rest].concat())
        })
    };
    let past = i64::try_from(CAPS.artifact_bytes).unwrap();
    vec![
        Probe::new(
            "pwrite64 to every descriptor",
            each(libc::SYS_pwrite64, &["XXXX".into(), 4.into()]),
            Want::AnyHarmless,
        ),
        Probe::new("ftruncate of every descriptor", each(libc::SYS_ftruncate, &[0.into()]), Want::AnyHarmless),
        Probe::new(
            "pwrite64 past the longest file",
            each_until(libc::SYS_pwrite64, &["XXXX".into(), 4.into(), past.into()]),
            Want::Signal(libc::SIGXFSZ),
        ),
        Probe::new(
            "ftruncate past the longest file",
            each_until(libc::SYS_ftruncate, &[(past + 1).into()]),
            Want::Signal(libc::SIGXFSZ),
        ),
        killed("fallocate", libc::SYS_fallocate, vec![7.into(), 0.into(), 0.into(), 4096.into()]),
        killed("read", libc::SYS_read, vec![0.into(), Arg::Bytes(vec![0; 8]), 8.into()]),
        killed("lseek", libc::SYS_lseek, vec![6.into(), 0.into(), 0.into()]),
        killed("writev", libc::SYS_writev, vec![2.into(), 0.into(), 0.into()]),
        killed("copy_file_range", libc::SYS_copy_file_range, vec![6.into(), 0.into(), 7.into(), 0.into(), 4.into()]),
        killed("splice", libc::SYS_splice, vec![6.into(), 0.into(), 2.into(), 0.into(), 4.into()]),
        killed("sendfile", libc::SYS_sendfile, vec![0.into(), 6.into(), 0.into(), 4.into()]),
        killed("dup", libc::SYS_dup, vec![0.into()]),
        killed("dup3", libc::SYS_dup3, vec![0.into(), 5000.into(), 0.into()]),
        killed("pipe2", libc::SYS_pipe2, vec![Arg::Bytes(vec![0; 8]), 0.into()]),
        killed("epoll_create1", libc::SYS_epoll_create1, vec![0.into()]),
        killed("fcntl F_DUPFD", libc::SYS_fcntl, vec![0.into(), 0.into(), 5000.into()]),
        killed("fcntl F_SETFL", libc::SYS_fcntl, vec![0.into(), 4.into(), 0x800.into()]),
        killed("fcntl F_SETOWN", libc::SYS_fcntl, vec![0.into(), 8.into(), 1.into()]),
        killed("fcntl F_SETLK", libc::SYS_fcntl, vec![6.into(), 6.into(), Arg::Bytes(vec![0; 64])]),
        killed("fcntl F_NOTIFY", libc::SYS_fcntl, vec![0.into(), 1026.into(), 1.into()]),
        killed("flock of the sample", libc::SYS_flock, vec![6.into(), 6.into()]),
        killed("ioctl TIOCSTI", libc::SYS_ioctl, vec![0.into(), 0x5412.into(), "x".into()]),
        killed("ioctl FIONBIO", libc::SYS_ioctl, vec![0.into(), 0x5421.into(), Arg::Bytes(vec![1; 8])]),
        killed("ioctl FS_IOC_SETFLAGS", libc::SYS_ioctl, vec![6.into(), 0x4008_6602.into(), Arg::Bytes(vec![0; 8])]),
        Probe::new("ioctl PAGEMAP_SCAN of the channel", scan(), Want::Errno(vec![libc::ENOTTY])),
    ]
}

fn scan() -> Script {
    Script::once(libc::SYS_ioctl, [0.into(), Arg::Number(0xc060_6610), Arg::Bytes(vec![0; 96])])
}

/// On the artifact's descriptor alone: the highest, since it was opened last.
fn each_until(number: i64, rest: &[Arg]) -> Script {
    Script::new().with_artifact().call(number, [&[Arg::from(ARTIFACT)], rest].concat())
}

/// By count: streams, channel, page map, program, sample.
const ARTIFACT: i32 = 7;

/// Whether a worker holds what its server was started with: a descriptor that any child inherits.
pub(super) fn inherited(score: &mut Score, scene: &Scene) {
    let name = "descriptors that the server inherited";
    if !score.wants(name) {
        return;
    }
    let secret = File::open(scene.path("secret")).unwrap();
    let secret = rustix::io::fcntl_dupfd_cloexec(&secret, 100).unwrap();
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    let asked = (0..1024).fold(Script::new().with_artifact(), |script, descriptor| {
        script.call(libc::SYS_fcntl, [Arg::from(descriptor), libc::F_GETFD.into()])
    });
    let held = Held::start(None).unwrap();
    let outcome = held.run(&scene.program(&asked.wat()), scene);
    let open: Vec<_> = (0..).zip(outcome.answers()).filter(|(_, answer)| *answer >= 0).map(|it| it.0).collect();
    let expected: Vec<i32> = (0..=ARTIFACT).collect();
    let result = if matches!(outcome.ending, Ending::Ran(Ok(_))) && open == expected {
        Ok(format!("of 1024 numbers {open:?} are open"))
    } else {
        Err(format!("{open:?} are open, not {expected:?}; {} inherited; {:?}", secret.as_raw_fd(), outcome.ending))
    };
    score.take(name, result);
}
