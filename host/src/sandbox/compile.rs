//! Module in, program out. Runs in the confined one-shot process, never in the server.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::admission;
use super::engine;
use super::port::Host;
use super::program::Entry;
use super::program::NoMore;
use super::resources::Resources;
use crate::analysis::module::Manner;
use crate::analysis::module::ModuleFacts;
use crate::analysis::module::ModuleKind;
use crate::analysis::module::Nan;
use crate::limits::CompileLimits;
use crate::run::SoFar;

const REASON_CHARS_MAX: usize = 500;

/// What compiling gave.
#[derive(Debug)]
pub struct Compiled {
    pub facts: ModuleFacts,
    pub program: Vec<u8>,
}

/// Checks and compiles a module, which lies in `file` too.
///
/// # Errors
/// Every reason for refusal, in words for its author.
pub fn compile(
    (module, file): (&[u8], OwnedFd),
    limits: &CompileLimits,
    manner: Manner,
) -> Result<Compiled, Vec<String>> {
    let facts = admission::admit(module, limits, manner.wasi_03)?;
    if let Some(span) = facts.files {
        // Where they will be mounted is not known yet, and does not matter to what is in them.
        Resources::open(file, span, "/").map_err(|error| short(&format!("the files that ship with it: {error}")))?;
    }
    let refuse = |error: wasmtime::Error| short(&format!("{error:#}"));
    let asked = facts.descriptor.as_deref().map_or(Nan::Native, asked_nan);
    let nan = if asked == Nan::Canonical { asked } else { manner.nan };
    let engine = engine::compiling(manner.effort, nan, facts.kind).map_err(refuse)?;
    // What would fail at every run is refused here, once.
    let program = match facts.kind {
        ModuleKind::Command => {
            let module = wasmtime::Module::new(&engine, module).map_err(refuse)?;
            Entry::<Nobody>::command(&engine, &module, &NoMore).and_then(|_| module.serialize())
        }
        ModuleKind::CommandComponent | ModuleKind::AsyncCommandComponent | ModuleKind::Typed => {
            let component = wasmtime::component::Component::new(&engine, module).map_err(refuse)?;
            Entry::<Nobody>::component(&engine, &component, facts.kind).and_then(|_| component.serialize())
        }
    };
    Ok(Compiled { facts, program: program.map_err(refuse)? })
}

/// As much of a reason as is told: all of them travel in one datagram.
fn short(reason: &str) -> Vec<String> {
    vec![reason.chars().take(REASON_CHARS_MAX).collect()]
}

/// A descriptor that is wrong otherwise is refused by who reads all of it.
fn asked_nan(descriptor: &str) -> Nan {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Asked {
        nan: Nan,
    }
    serde_json::from_str::<Asked>(descriptor).unwrap_or_default().nan
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

    fn progress(&mut self, _: SoFar) {
        match *self {}
    }

    fn sleep(&mut self, _: Duration) {
        match *self {}
    }
}
