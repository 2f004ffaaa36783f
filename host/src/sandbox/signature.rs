//! Whether the entry point of a component has the type that it is called by: what would fail at every run is refused once.

use wasmtime::Engine;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::types::Type;

use crate::analysis::module::ModuleKind;

/// `analyse: func(args: string) -> result<string, string>`, of the typed world.
///
/// # Errors
/// What it should be.
pub(super) fn typed(item: Option<&ComponentItem>) -> wasmtime::Result<()> {
    let fits = function(item).is_some_and(|function| {
        let answers = |it: &Type| matches!(it, Type::Result(it) if [it.ok(), it.err()].iter().all(is_text));
        !function.async_()
            && only(function.params().map(|(_, ty)| ty)).is_some_and(|it| it == Type::String)
            && only(function.results()).is_some_and(|it| answers(&it))
    });
    if fits {
        Ok(())
    } else {
        Err(wasmtime::Error::msg("`analyse` is no `func(args: string) -> result<string, string>`"))
    }
}

/// `run: func() -> result`, of `wasi:cli/run`; one that waits may be `async`.
///
/// # Errors
/// What it should be.
pub(super) fn command(engine: &Engine, interface: &ComponentItem, kind: ModuleKind) -> wasmtime::Result<()> {
    let ComponentItem::ComponentInstance(interface) = interface else { return Err(wasmtime::Error::msg(NO_RUN)) };
    let run = interface.get_export(engine, "run").map(|it| it.ty);
    let fits = function(run.as_ref()).is_some_and(|function| {
        (kind == ModuleKind::AsyncCommandComponent || !function.async_())
            && function.params().len() == 0
            && only(function.results())
                .is_some_and(|it| matches!(it, Type::Result(it) if it.ok().or(it.err()).is_none()))
    });
    if fits { Ok(()) } else { Err(wasmtime::Error::msg(NO_RUN)) }
}

const NO_RUN: &str = "`run` of `wasi:cli/run` is no `func() -> result`";

fn function(item: Option<&ComponentItem>) -> Option<&ComponentFunc> {
    match item {
        Some(ComponentItem::ComponentFunc(function)) => Some(function),
        Some(_) | None => None,
    }
}

fn only(mut types: impl ExactSizeIterator<Item = Type>) -> Option<Type> {
    types.next().filter(|_| types.len() == 0)
}

fn is_text(ty: &Option<Type>) -> bool {
    *ty == Some(Type::String)
}
