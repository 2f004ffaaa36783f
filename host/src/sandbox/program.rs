//! A compiled program, loaded and linked, ready to run any number of times.

use std::os::fd::OwnedFd;

use wasmtime::Engine;
use wasmtime::InstancePre;
use wasmtime::Linker;
use wasmtime::Module;

use super::execute::Guest;
use super::port::Host;
use super::wasi;

/// A program and its imports, resolved once.
pub struct Program<H: Host> {
    pub(super) instance: InstancePre<Guest<H>>,
}

impl<H: Host> std::fmt::Debug for Program<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Program")
    }
}

/// What a guest may import besides WASI. A server offers [`NoMore`].
pub trait Imports {
    /// Defines it.
    ///
    /// # Errors
    /// When a name is taken.
    fn link<H: Host>(&self, linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()>;
}

/// Nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoMore;

impl Imports for NoMore {
    fn link<H: Host>(&self, _: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl<H: Host> Program<H> {
    /// Maps a program that `belljar compile` of this version wrote.
    ///
    /// # Errors
    /// When it was made by another engine or with other settings.
    pub fn load(engine: &Engine, program: OwnedFd, more: &impl Imports) -> wasmtime::Result<Self> {
        Self::link(engine, &deserialize(engine, program)?, more)
    }

    /// Whether a module can be linked and called at all: its imports have the types of what is offered, and its
    /// entry point is one.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn check(engine: &Engine, module: &Module) -> wasmtime::Result<()> {
        Self::link(engine, module, &NoMore)?;
        let start = module.get_export("_start").and_then(|it| it.func().cloned());
        match start {
            Some(start) if start.params().len() == 0 && start.results().len() == 0 => Ok(()),
            Some(_) | None => Err(wasmtime::Error::msg("`_start` is not a function without parameters and results")),
        }
    }

    fn link(engine: &Engine, module: &Module, more: &impl Imports) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasi::link(&mut linker)?;
        more.link(&mut linker)?;
        Ok(Self { instance: linker.instantiate_pre(module)? })
    }
}

/// The one unsafe call of the project.
///
/// JUSTIFICATION: loading machine code from a file is what a precompiled program is; there is no safe way to say it.
#[expect(unsafe_code, reason = "see the docstring")]
fn deserialize(engine: &Engine, program: OwnedFd) -> wasmtime::Result<Module> {
    // SAFETY: the descriptor comes from the server, which hands over only files below `data/programs/`: written by
    // its own compiling process, mode 0444, never changed in place, their digest checked when they were registered.
    unsafe { Module::deserialize_open_file(engine, program.into()) }
}
