//! `componentize command|library IN.wasm OUT.wasm`: a component out of a core module that was built for wasm32-wasip1.
//!
//! A command becomes one of WASI 0.2; a library that was built with `wit-bindgen` exports the world it was made for.

use anyhow::Context;
use wasi_preview1_component_adapter_provider as adapters;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [kind, from, to] = &arguments[..] else {
        anyhow::bail!("usage: componentize command|library IN.wasm OUT.wasm");
    };
    let adapter = match kind.as_str() {
        "command" => adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        "library" => adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        other => anyhow::bail!("`{other}` is neither command nor library"),
    };
    let module = std::fs::read(from).with_context(|| format!("cannot read {from}"))?;
    let mut encoder = wit_component::ComponentEncoder::default()
        .module(&module)?
        .adapter(adapters::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)?;
    std::fs::write(to, encoder.encode()?).with_context(|| format!("cannot write {to}"))
}
