//! `wasi:cli`: arguments, environment, streams, the end; no terminal, ever.

use wasmtime::component::Linker;
use wasmtime::component::Resource;

use super::Interface;
use super::types::InputStream;
use super::types::OutputStream;
use super::types::TerminalInput;
use super::types::TerminalOutput;
use crate::sandbox::errno::CallError;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    let mut environment = Interface(linker.instance("wasi:cli/environment@0.2.12")?);
    environment.plain("get-environment", |guest, ()| {
        guest.work.count_words(&guest.environment);
        let pairs = guest.environment.iter().filter_map(|it| it.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>())
    })?;
    environment.plain("get-arguments", |guest, ()| {
        guest.work.count_words(&guest.argv);
        Ok(guest.argv.clone())
    })?;
    environment.plain("initial-cwd", |_, ()| Ok(None::<String>))?;
    let mut exit = Interface(linker.instance("wasi:cli/exit@0.2.12")?);
    exit.silent("exit", |_, (status,): (Result<(), ()>,)| Err(CallError::Exit(i32::from(status.is_err()))))?;
    exit.silent("exit-with-code", |_, (code,): (u8,)| Err(CallError::Exit(i32::from(code))))?;
    Interface(linker.instance("wasi:cli/stdin@0.2.12")?)
        .plain("get-stdin", |_, ()| Ok(Resource::<InputStream>::new_own(0)))?;
    Interface(linker.instance("wasi:cli/stdout@0.2.12")?)
        .plain("get-stdout", |_, ()| Ok(Resource::<OutputStream>::new_own(1)))?;
    Interface(linker.instance("wasi:cli/stderr@0.2.12")?)
        .plain("get-stderr", |_, ()| Ok(Resource::<OutputStream>::new_own(2)))?;
    Interface(linker.instance("wasi:cli/terminal-input@0.2.12")?)
        .resource::<TerminalInput>("terminal-input", |_, _| ())?;
    Interface(linker.instance("wasi:cli/terminal-output@0.2.12")?)
        .resource::<TerminalOutput>("terminal-output", |_, _| ())?;
    Interface(linker.instance("wasi:cli/terminal-stdin@0.2.12")?)
        .plain("get-terminal-stdin", |_, ()| Ok(None::<Resource<TerminalInput>>))?;
    Interface(linker.instance("wasi:cli/terminal-stdout@0.2.12")?)
        .plain("get-terminal-stdout", |_, ()| Ok(None::<Resource<TerminalOutput>>))?;
    Interface(linker.instance("wasi:cli/terminal-stderr@0.2.12")?)
        .plain("get-terminal-stderr", |_, ()| Ok(None::<Resource<TerminalOutput>>))
}
