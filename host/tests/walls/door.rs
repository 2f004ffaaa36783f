//! The back door: what a guest imports to get at the system past the first wall; and the worker that offers it.

use std::process::ExitCode;

use host::confine::LeftOut;
use host::limits::CompileLimits;
use host::limits::Limits;
use host::sandbox::execute::Guest;
use host::sandbox::port::Host;
use host::sandbox::program::Imports;
use host::worker;
use wasmtime::Caller;
use wasmtime::Linker;

/// `belljar worker` with the door, or `belljar compile`; with the part left out that `--without` names.
pub(crate) fn confined(arguments: &[String]) -> ExitCode {
    let option = |name: &str| {
        let at = arguments.iter().position(|it| it == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let caps: Limits = option("--caps").map_or(Limits::CAP, |it| serde_json::from_str(it).unwrap());
    let left_out = match option("--without") {
        None if caps.random_bytes == LIMITS_LEFT_OUT => LeftOut::Limits,
        None => LeftOut::Nothing,
        Some("calls") => LeftOut::Calls,
        Some(number) => LeftOut::Call(number.parse().unwrap()),
    };
    let socket = worker::channel().unwrap();
    let served = match arguments[0].as_str() {
        "worker" => worker::serve_with(socket, caps, &Door, left_out),
        _ => worker::compile_with(socket, CompileLimits::DEFAULT, left_out),
    };
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A cap by which a worker that the server's own pool starts is told to leave the limits of the first wall out: caps are
/// all that the pool tells it.
pub(crate) const LIMITS_LEFT_OUT: u64 = 4_242;

struct Door;

impl Imports for Door {
    fn link<H: Host>(&self, linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
        linker.func_wrap("back_door", "base", |mut caller: Caller<'_, Guest<H>>| {
            let memory = caller.get_export("memory").and_then(wasmtime::Extern::into_memory).unwrap();
            i64::try_from(memory.data_ptr(&caller).addr()).unwrap()
        })?;
        linker.func_wrap("back_door", "syscall", syscall)?;
        linker.func_wrap("back_door", "syscall32", syscall32)?;
        linker.func_wrap("back_door", "panic", || -> () { panic!("as the guest wished") })?;
        Ok(())
    }
}

/// Any call with any arguments; an error is a negative number.
#[expect(unsafe_code, reason = "a test of what happens when a guest gets this far")]
#[expect(clippy::too_many_arguments, reason = "a call has six of them")]
fn syscall(number: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> i64 {
    // SAFETY: none whatever, which is the point; the process is there to be killed.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answer == -1 { -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(1)) } else { answer }
}

/// A call of the 32-bit table, by the interrupt that a 64-bit process may use as well.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "a test of what happens when a guest gets this far")]
fn syscall32(number: i64) -> i64 {
    let answer: i64;
    // SAFETY: as above; the registers that the kernel may change are named.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("rax") number => answer, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn syscall32(_: i64) -> i64 {
    -38
}
