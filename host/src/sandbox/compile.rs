//! Module in, program out. Runs in the confined one-shot process, never in the server.

use super::admission;
use super::admission::Facts;
use super::engine;
use super::engine::Effort;
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
    let program = engine.precompile_module(module).map_err(refuse)?;
    Ok(Compiled { facts, program })
}
