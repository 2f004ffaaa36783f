//! A compiled program, loaded and linked, ready to run any number of times.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::Linker;
use wasmtime::Module;
use wasmtime::Store;
use wasmtime::component::Component;
use wasmtime::component::ComponentExportIndex;

use super::component;
use super::execute::Guest;
use super::names;
use super::port::Host;
use super::resources::Resources;
use super::signature;
use super::wasi;
use crate::analysis::module::ModuleKind;

/// A program and its imports, resolved once.
pub struct Program<H: Host> {
    pub(super) engine: Engine,
    pub(super) entry: Entry<H>,
    pub(super) resources: Option<Arc<Resources>>,
}

/// What is called.
pub(super) enum Entry<H: Host> {
    Command(wasmtime::InstancePre<Guest<H>>),
    CommandComponent(wasmtime::component::InstancePre<Guest<H>>, ComponentExportIndex),
    AsyncCommandComponent(wasmtime::component::InstancePre<Guest<H>>, ComponentExportIndex),
    Typed(wasmtime::component::InstancePre<Guest<H>>, ComponentExportIndex),
}

/// How a call came back.
pub(super) enum Answer {
    /// The result is what was printed.
    Returned,
    Printed(Vec<u8>),
    /// The guest says that it failed, and why.
    Failed(String),
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
    pub fn load(
        engine: &Engine,
        (kind, program): (ModuleKind, OwnedFd),
        resources: Option<Resources>,
        more: &impl Imports,
    ) -> wasmtime::Result<Self> {
        let entry = match kind {
            ModuleKind::Command => Entry::command(engine, &deserialize(engine, program)?, more)?,
            ModuleKind::CommandComponent | ModuleKind::AsyncCommandComponent | ModuleKind::Typed => {
                Entry::component(engine, &deserialize_component(engine, &program)?, kind)?
            }
        };
        Ok(Self { engine: engine.clone(), entry, resources: resources.map(Arc::new) })
    }
}

impl<H: Host> Entry<H> {
    /// Links a core module: its imports have the types of what is offered, and its entry point is one.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn command(engine: &Engine, module: &Module, more: &impl Imports) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasi::link(&mut linker)?;
        more.link(&mut linker)?;
        let start = module.get_export("_start").and_then(|it| it.func().cloned());
        match start {
            Some(start) if start.params().len() == 0 && start.results().len() == 0 => {
                Ok(Self::Command(linker.instantiate_pre(module)?))
            }
            Some(_) | None => Err(wasmtime::Error::msg("`_start` is not a function without parameters and results")),
        }
    }

    /// Links a component, and finds its entry point.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn component(engine: &Engine, component: &Component, kind: ModuleKind) -> wasmtime::Result<Self> {
        let mut linker = wasmtime::component::Linker::new(engine);
        component::link(&mut linker, kind)?;
        let instance = linker.instantiate_pre(component)?;
        let missing = || wasmtime::Error::msg("the entry point is not exported");
        let exports = component.component_type();
        if kind == ModuleKind::Typed {
            let item = exports.get_export(engine, names::TYPED_ENTRY).map(|it| it.ty);
            signature::typed(item.as_ref())?;
            let analyse = component.get_export_index(None, names::TYPED_ENTRY).ok_or_else(missing)?;
            return Ok(Self::Typed(instance, analyse));
        }
        let waits = kind == ModuleKind::AsyncCommandComponent;
        let is_run = if waits { names::is_run_03 } else { names::is_run };
        let (name, interface) = exports.exports(engine).find(|(name, _)| is_run(name)).ok_or_else(missing)?;
        signature::command(engine, &interface.ty, kind)?;
        let run = component.get_export_index(None, name).ok_or_else(missing)?;
        let run = component.get_export_index(Some(&run), "run").ok_or_else(missing)?;
        Ok(if waits { Self::AsyncCommandComponent(instance, run) } else { Self::CommandComponent(instance, run) })
    }

    pub(super) fn is_component(&self) -> bool {
        !matches!(self, Self::Command(_))
    }

    /// Instantiates it and calls its entry point.
    ///
    /// # Errors
    /// Whatever ended it before it returned.
    pub(super) fn call(&self, store: &mut Store<Guest<H>>) -> wasmtime::Result<Answer> {
        match self {
            Self::Command(instance) => {
                let instance = instance.instantiate(&mut *store)?;
                instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(store, ())?;
                Ok(Answer::Returned)
            }
            Self::CommandComponent(instance, run) => {
                let instance = instance.instantiate(&mut *store)?;
                let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, run)?;
                let (ended,) = run.call(store, ())?;
                Ok(ended.map_or_else(|()| Answer::Failed("exit code 1".to_owned()), |()| Answer::Returned))
            }
            Self::AsyncCommandComponent(instance, run) => {
                let ended = component::call_and_wait(store, instance, run)?;
                Ok(ended.map_or_else(|()| Answer::Failed("exit code 1".to_owned()), |()| Answer::Returned))
            }
            Self::Typed(instance, analyse) => {
                let instance = instance.instantiate(&mut *store)?;
                let args = store.data_mut().vfs.args()?;
                let analyse = instance.get_typed_func::<(String,), (Result<String, String>,)>(&mut *store, analyse)?;
                let (answer,) = analyse.call(store, (args,))?;
                Ok(answer.map_or_else(Answer::Failed, |json| Answer::Printed(json.into_bytes())))
            }
        }
    }
}

/// One of the two unsafe calls that load a program.
///
/// JUSTIFICATION: loading machine code from a file is what a precompiled program is; there is no safe way to say it.
#[expect(unsafe_code, reason = "see the docstring")]
fn deserialize(engine: &Engine, program: OwnedFd) -> wasmtime::Result<Module> {
    // SAFETY: the descriptor comes from the server, which hands over only files below `data/programs/`: written by
    // its own compiling process, mode 0444, never changed in place, their digest checked when they were registered.
    unsafe { Module::deserialize_open_file(engine, program.into()) }
}

/// The other: a component can be loaded from bytes only.
///
/// JUSTIFICATION: as above.
#[expect(unsafe_code, reason = "see the docstring")]
fn deserialize_component(engine: &Engine, program: &OwnedFd) -> wasmtime::Result<Component> {
    use rustix::fs::AtFlags;
    use rustix::fs::StatxFlags;
    // Asked in the one way that a worker may, as for a module.
    let facts = rustix::fs::statx(program, "", AtFlags::EMPTY_PATH, StatxFlags::SIZE).map_err(std::io::Error::from)?;
    let bytes = super::port::read_all(program, facts.stx_size)?;
    // SAFETY: as above.
    unsafe { Component::deserialize(engine, bytes) }
}
