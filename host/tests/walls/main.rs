//! The second wall, proved from the inside: a guest with a back door makes any system call out of a real worker.
//!
//! This binary is its own worker: the parent starts itself, as the server does, and the worker takes the very path of
//! `belljar worker` but for one import more (`door`). Each probe has a process of its own, says what it expects, and
//! looks for the effect as well. Printed is a score; any surprise fails.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]
#![expect(clippy::print_stdout, reason = "the score")]

#[cfg(all(back_door, target_os = "linux"))]
mod door;
#[cfg(all(back_door, target_os = "linux"))]
mod early;
#[cfg(all(back_door, target_os = "linux"))]
mod held;
#[cfg(all(back_door, target_os = "linux"))]
mod limitless;
#[cfg(all(back_door, target_os = "linux"))]
mod needed;
#[cfg(all(back_door, target_os = "linux"))]
mod pooled;
#[cfg(all(back_door, target_os = "linux"))]
mod probe;
#[cfg(all(back_door, target_os = "linux"))]
mod probes;
#[cfg(all(back_door, target_os = "linux"))]
mod scene;
#[cfg(all(back_door, target_os = "linux"))]
mod script;

#[cfg(all(back_door, target_os = "linux"))]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == "worker" || it == "compile") {
        return door::confined(&arguments);
    }
    if arguments.first().is_some_and(|it| it.starts_with("early-")) {
        return early::confined(&arguments);
    }
    // As the harness that this is not would take it.
    if arguments.iter().any(|it| it == "--list") {
        return std::process::ExitCode::SUCCESS;
    }
    // Cargo puts the filter first; what follows an option may be its value, such as a number of threads.
    let wanted = arguments.into_iter().next().filter(|it| !it.starts_with('-')).unwrap_or_default();
    let mut score = probe::Score::new(wanted);
    probes::run(&mut score);
    early::run(&mut score);
    needed::run(&mut score);
    pooled::run(&mut score);
    limitless::run(&mut score);
    score.finish()
}

#[cfg(not(all(back_door, target_os = "linux")))]
fn main() {
    println!("walls: skipped, for they need Linux and the back door of the dev profile");
}
