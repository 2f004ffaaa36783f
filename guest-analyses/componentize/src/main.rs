//! `componentize command|library IN.wasm OUT.wasm [--descriptor FILE]`: a component out of a core module that was built
//! for wasm32-wasip1.
//!
//! A command becomes one of WASI 0.2; a library that was built with `wit-bindgen` exports the world it was made for. The
//! descriptor goes into a custom section of the component itself, for of the modules inside the host reads none.

use std::fs;

use anyhow::Context;
use wasi_preview1_component_adapter_provider as adapters;
use wasm_encoder::ComponentSection;
use wasm_encoder::CustomSection;

const USAGE: &str = "usage: componentize command|library IN.wasm OUT.wasm [--descriptor FILE]";
const DESCRIPTOR_SECTION: &str = "belljar:analysis";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (kind, from, to, descriptor) = match arguments[..] {
        [kind, from, to] => (kind, from, to, None),
        [kind, from, to, "--descriptor", descriptor] => (kind, from, to, Some(descriptor)),
        _ => anyhow::bail!(USAGE),
    };
    let adapter = match kind {
        "command" => adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        "library" => adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        other => anyhow::bail!("`{other}` is neither command nor library; {USAGE}"),
    };
    let read = |path: &str| fs::read(path).with_context(|| format!("cannot read {path}"));
    let mut component =
        component(&read(from)?, adapter).with_context(|| format!("cannot make a component of {from}"))?;
    if let Some(descriptor) = descriptor {
        add_descriptor(&mut component, &read(descriptor)?);
    }
    fs::write(to, component).with_context(|| format!("cannot write {to}"))
}

fn component(module: &[u8], adapter: &[u8]) -> anyhow::Result<Vec<u8>> {
    let encoder = wit_component::ComponentEncoder::default().module(module)?;
    encoder.adapter(adapters::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)?.encode()
}

fn add_descriptor(component: &mut Vec<u8>, descriptor: &[u8]) {
    CustomSection { name: DESCRIPTOR_SECTION.into(), data: descriptor.into() }.append_to_component(component);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_is_the_last_section() {
        let mut component = wasm_encoder::Component::new().finish();
        let header_bytes = component.len();
        add_descriptor(&mut component, b"{}");
        assert_eq!(component[header_bytes..], *b"\x00\x13\x10belljar:analysis{}");
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(component(b"no module", adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER).is_err());
    }
}
