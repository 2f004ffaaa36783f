//! `componentize command|library IN.wasm OUT.wasm [--wit DIR] [--descriptor FILE]`: a component out of a core module that
//! was built for wasm32-wasip1.
//!
//! A command becomes one of WASI 0.2; a library exports the world it was made for. Most of `wit-bindgen`'s languages note in
//! the module which world that is; for one that does not, as Go, `--wit` says it. The descriptor goes into a custom section
//! of the component itself, for of the modules inside the host reads none.

use std::fs;

use anyhow::Context;
use wasi_preview1_component_adapter_provider as adapters;
use wasm_encoder::ComponentSection;
use wasm_encoder::CustomSection;
use wit_component::StringEncoding;
use wit_parser::Resolve;

const USAGE: &str = "usage: componentize command|library IN.wasm OUT.wasm [--wit DIR] [--descriptor FILE]";
const DESCRIPTOR_SECTION: &str = "belljar:analysis";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let [kind, from, to, options @ ..] = &arguments[..] else { anyhow::bail!(USAGE) };
    let (mut wit, mut descriptor) = (None, None);
    for option in options.chunks(2) {
        match option {
            ["--wit", dir] => wit = Some(*dir),
            ["--descriptor", file] => descriptor = Some(*file),
            _ => anyhow::bail!(USAGE),
        }
    }
    let adapter = match *kind {
        "command" => adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        "library" => adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        other => anyhow::bail!("`{other}` is neither command nor library; {USAGE}"),
    };
    let read = |path: &str| fs::read(path).with_context(|| format!("cannot read {path}"));
    let mut module = read(from)?;
    if let Some(dir) = wit {
        add_world(&mut module, dir).with_context(|| format!("cannot tell the world of {dir}"))?;
    }
    let mut component = component(&module, adapter).with_context(|| format!("cannot make a component of {from}"))?;
    if let Some(descriptor) = descriptor {
        add_descriptor(&mut component, &read(descriptor)?);
    }
    fs::write(to, component).with_context(|| format!("cannot write {to}"))
}

fn add_world(module: &mut Vec<u8>, dir: &str) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(dir)?;
    let world = resolve.select_world(&[package], None)?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
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
    fn a_module_is_told_its_world() {
        let mut module = wasm_encoder::Module::new().finish();
        add_world(&mut module, "../../wit").unwrap();
        assert!(String::from_utf8_lossy(&module).contains("belljar:analysis/analysis@1.0.0"));
        assert!(add_world(&mut module, "src").is_err());
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(component(b"no module", adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER).is_err());
    }
}
