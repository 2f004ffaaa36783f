//! `wasi:cli`: arguments, environment, the end; no terminal, ever.

use wasmtime::component::Linker;
use wasmtime::component::Resource;

use super::Interface;
use super::types::TerminalInput;
use super::types::TerminalOutput;
use super::version::Version;
use crate::sandbox::errno::CallError;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;

/// Defines what every version has; the directory to start in goes by different names.
pub(super) fn link<H: Host, V: Version>(linker: &mut Linker<Guest<H>>, cwd: &str) -> wasmtime::Result<()> {
    let mut environment = Interface::<H, V>::wasi(linker, "cli/environment")?;
    environment.plain("get-environment", |guest, ()| {
        guest.work.count_words(&guest.environment);
        let pairs = guest.environment.iter().filter_map(|it| it.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>())
    })?;
    environment.plain("get-arguments", |guest, ()| {
        guest.work.count_words(&guest.argv);
        Ok(guest.argv.clone())
    })?;
    environment.plain(cwd, |_, ()| Ok(None::<String>))?;
    let mut exit = Interface::<H, V>::wasi(linker, "cli/exit")?;
    exit.silent("exit", |_, (status,): (Result<(), ()>,)| Err(CallError::Exit(i32::from(status.is_err()))))?;
    exit.silent("exit-with-code", |_, (code,): (u8,)| Err(CallError::Exit(i32::from(code))))?;
    Interface::<H, V>::wasi(linker, "cli/terminal-input")?.resource::<TerminalInput>("terminal-input", |_, _| ())?;
    Interface::<H, V>::wasi(linker, "cli/terminal-output")?.resource::<TerminalOutput>("terminal-output", |_, _| ())?;
    Interface::<H, V>::wasi(linker, "cli/terminal-stdin")?
        .plain("get-terminal-stdin", |_, ()| Ok(None::<Resource<TerminalInput>>))?;
    Interface::<H, V>::wasi(linker, "cli/terminal-stdout")?
        .plain("get-terminal-stdout", |_, ()| Ok(None::<Resource<TerminalOutput>>))?;
    Interface::<H, V>::wasi(linker, "cli/terminal-stderr")?
        .plain("get-terminal-stderr", |_, ()| Ok(None::<Resource<TerminalOutput>>))
}
