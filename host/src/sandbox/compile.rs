//! Module in, program out. Runs in the confined one-shot process, never in the server.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::admission;
use super::admission::Facts;
use super::engine;
use super::engine::Effort;
use super::port::Host;
use super::program::Program;
use crate::limits::CompileLimits;

/// What compiling gave.
#[derive(Debug)]
pub struct Compiled {
    pub facts: Facts,
    pub program: Vec<u8>,
}

/// Checks and compiles a module.
///
/// # Errors
/// Every reason for refusal, in words for its author.
pub fn compile(module: &[u8], limits: &CompileLimits, effort: Effort) -> Result<Compiled, Vec<String>> {
    let facts = admission::admit(module, limits)?;
    let refuse = |error: wasmtime::Error| vec![format!("{error:#}").chars().take(500).collect()];
    let engine = engine::compiling(effort).map_err(refuse)?;
    let module = wasmtime::Module::new(&engine, module).map_err(refuse)?;
    // What would fail at every run is refused here, once.
    Program::<Nobody>::check(&engine, &module).map_err(refuse)?;
    let program = module.serialize().map_err(refuse)?;
    Ok(Compiled { facts, program })
}

/// The host of a program that is only looked at.
enum Nobody {}

impl Host for Nobody {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        match *self {}
    }

    fn log(&mut self, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    fn progress(&mut self, _: u64) {
        match *self {}
    }

    fn sleep(&mut self, _: Duration) {
        match *self {}
    }
}
