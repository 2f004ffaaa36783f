//! New code, and more memory than is granted.

use libc::ENOMEM;
use libc::MAP_ANONYMOUS;
use libc::MAP_GROWSDOWN;
use libc::MAP_PRIVATE;
use libc::MAP_SHARED;
use libc::PROT_EXEC;
use libc::PROT_NONE;
use libc::PROT_READ;
use libc::PROT_WRITE;

use crate::probe::Probe;
use crate::probe::Want;
use crate::script::Arg;
use crate::script::Script;

const GIB: i64 = 1 << 30;

pub(super) fn probes() -> Vec<Probe> {
    let map = |bytes: i64, protection: i32, flags: i32| {
        let flags = flags | MAP_ANONYMOUS;
        Script::once(libc::SYS_mmap, mapping(bytes, protection, (flags, -1)))
    };
    let page = || map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    let protect = |script: Script, bytes: i64, protection: i32| {
        script.call(libc::SYS_mprotect, [Arg::Answer(0), bytes.into(), protection.into()])
    };
    let errno = |name: &str, script: Script| Probe::new(name, script, Want::Errno(vec![ENOMEM]));
    let writable = PROT_READ | PROT_WRITE;
    let many = (0..40).fold(Script::new(), |script, _| {
        script.call(libc::SYS_mmap, mapping(GIB / 64, writable, (MAP_PRIVATE | MAP_ANONYMOUS, -1)))
    });
    vec![
        Probe::new("mmap a page", page(), Want::Harmless),
        Probe::killed("mmap PROT_EXEC", map(4096, PROT_READ | PROT_EXEC, MAP_PRIVATE)),
        Probe::killed("mmap PROT_EXEC and nothing else", map(4096, PROT_EXEC, MAP_PRIVATE)),
        Probe::killed(
            "mmap an artifact PROT_EXEC",
            Script::once(libc::SYS_mmap, mapping(4096, PROT_EXEC, (MAP_PRIVATE, 7))).with_artifact(),
        ),
        Probe::killed("mprotect +EXEC", protect(page(), 4096, PROT_READ | PROT_EXEC)),
        Probe::killed(
            "pkey_mprotect +EXEC",
            page().call(libc::SYS_pkey_mprotect, [Arg::Answer(0), 4096.into(), 4.into(), (-1).into()]),
        ),
        // A mapping of the program's code that grows shows what follows in its file as code: the guest's data.
        errno("mremap a page larger", remap(page(), 8192)),
        errno("mremap a page to another place", remap(page(), 4096)),
        Probe::killed(
            "remap_file_pages",
            page().call(libc::SYS_remap_file_pages, [Arg::Answer(0), 4096.into(), 0.into(), 0.into(), 0.into()]),
        ),
        Probe::killed("memfd_create", Script::once(libc::SYS_memfd_create, ["x".into(), 0.into()])),
        Probe::killed("memfd_secret", Script::once(libc::SYS_memfd_secret, [0.into()])),
        Probe::killed("shmget", Script::once(libc::SYS_shmget, [0.into(), 4096.into(), 0o1700.into()])),
        errno("mmap 8 GiB", map(8 * GIB, writable, MAP_PRIVATE)).or(&[ENOMEM]),
        errno("mmap 64 GiB to read", map(64 * GIB, PROT_READ, MAP_PRIVATE)).or(&[ENOMEM]),
        errno("mmap 40 times 16 MiB", many).or(&[ENOMEM]),
        errno("mmap 1 GiB, then mprotect +WRITE", protect(map(GIB, PROT_NONE, MAP_PRIVATE), GIB, writable))
            .or(&[ENOMEM]),
        // Neither is counted by the limit on data.
        Probe::killed("mmap shared memory", map(GIB, writable, MAP_SHARED)),
        Probe::killed("mmap a stack that grows down", map(GIB, writable, MAP_PRIVATE | MAP_GROWSDOWN)),
        Probe::killed("mmap huge pages", map(GIB, writable, MAP_PRIVATE | libc::MAP_HUGETLB)),
        Probe::killed(
            "mmap an artifact shared",
            Script::once(libc::SYS_mmap, mapping(4096, writable, (MAP_SHARED, 7))).with_artifact(),
        ),
        Probe::killed("mlockall", Script::once(libc::SYS_mlockall, [3.into()])),
        Probe::killed(
            "madvise takes a page of the machine out of service",
            page().call(libc::SYS_madvise, [Arg::Answer(0), 4096.into(), 101.into()]),
        )
        .or(&[libc::EPERM, libc::EINVAL]),
        Probe::killed("process_madvise", Script::once(libc::SYS_process_madvise, [3.into(), 0.into(), 0.into()])),
    ]
}

fn mapping(bytes: i64, protection: i32, (flags, descriptor): (i32, i32)) -> [Arg; 6] {
    [0.into(), bytes.into(), protection.into(), flags.into(), descriptor.into(), 0.into()]
}

fn remap(script: Script, bytes: i64) -> Script {
    const MAYMOVE: i64 = 1;
    script.call(libc::SYS_mremap, [Arg::Answer(0), 4096.into(), bytes.into(), MAYMOVE.into(), 0.into()])
}
