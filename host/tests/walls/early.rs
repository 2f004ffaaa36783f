//! Before a program is loaded: what the second filter takes away later is not there to be relied on.

use std::process::Command;
use std::process::ExitCode;

use host::confine;
use host::confine::Allowance;
use host::confine::LeftOut;
use host::confine::Role;
use std::os::unix::process::ExitStatusExt;

use crate::probe::Score;

const BYTES: usize = 64 << 20;

pub(crate) fn run(score: &mut Score) {
    println!("early: behind the first filter alone");
    let kinds = [
        ("private", libc::MAP_PRIVATE, None),
        ("shared", libc::MAP_SHARED, Some(libc::SIGSYS)),
        ("shared, validated", libc::MAP_SHARED_VALIDATE, Some(libc::SIGSYS)),
        ("growing down", libc::MAP_PRIVATE | libc::MAP_GROWSDOWN, Some(libc::SIGSYS)),
        ("huge", libc::MAP_PRIVATE | libc::MAP_HUGETLB, Some(libc::SIGSYS)),
    ];
    for (role, arguments) in [("worker", "early-worker"), ("compiler", "early-compile")] {
        for (name, flags, wanted) in kinds {
            let name = format!("mmap {name} memory in a {role} before anything is loaded");
            if score.wants(&name) {
                let status = Command::new("/proc/self/exe").args([arguments, &flags.to_string()]).status().unwrap();
                let held = status.signal() == wanted && (wanted.is_some() || status.success());
                score.take(&name, if held { Ok(status.to_string()) } else { Err(status.to_string()) });
            }
        }
    }
}

/// The process of one attempt: confined as they are, it maps memory and ends.
#[expect(unsafe_code, reason = "a test of what happens when a guest gets this far")]
pub(crate) fn confined(arguments: &[String]) -> ExitCode {
    let role = if arguments[0] == "early-worker" { Role::Worker } else { Role::Compiler };
    let flags: i32 = arguments[1].parse().unwrap();
    let plenty = 1 << 30;
    let allowance =
        Allowance { file_bytes: 0, descriptors: 16, cpu_s: None, data_bytes: plenty, address_space_bytes: 8 * plenty };
    confine::enter(allowance, role, LeftOut::Nothing).unwrap();
    // SAFETY: a new mapping, which nothing stands for.
    let mapped = unsafe {
        libc::mmap(std::ptr::null_mut(), BYTES, libc::PROT_READ | libc::PROT_WRITE, flags | libc::MAP_ANONYMOUS, -1, 0)
    };
    if mapped == libc::MAP_FAILED { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
