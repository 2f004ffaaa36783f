//! `belljar inspect`: what a module is, from its bytes alone.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use super::say;
use crate::analysis::module::ModuleKind;
use crate::inspect;
use crate::inspect::Inspection;
use crate::inspect::Section;
use crate::registry::package;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A `.wasm` file; `<name>.json` and `<name>.files/` beside it count as part of it, as they do for a server.
    module: PathBuf,
    /// One JSON document instead of a page.
    #[arg(long)]
    json: bool,
}

/// Tells it; runs nothing of it.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let path = &arguments.module;
    let module = package::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let found = inspect::inspect(&module.module);
    say(&if arguments.json { serde_json::to_string_pretty(&found)? } else { page(path, &found) });
    Ok(())
}

fn page(path: &Path, found: &Inspection) -> String {
    let kind = match found.kind {
        Some(ModuleKind::Command) => "a command of WASI 0.1",
        Some(ModuleKind::CommandComponent) => "a command component of WASI 0.2",
        Some(ModuleKind::AsyncCommandComponent) => "a command component of WASI 0.3",
        Some(ModuleKind::Typed) => "a component of the typed world",
        None => "not a module that a server takes",
    };
    let mut page = format!("{}: {kind}, {} bytes\nsha256        {}", path.display(), found.size_bytes, found.sha256);
    let mut rows = |title: &str, rows: Vec<String>| {
        for (number, row) in rows.into_iter().enumerate() {
            page.push_str(&format!("\n{:<14}{row}", if number == 0 { title } else { "" }));
        }
    };
    rows("refused", found.refused.clone());
    rows("descriptor", found.descriptor.as_ref().map(described).unwrap_or_default());
    rows("capabilities", found.capabilities.clone());
    rows("exports", found.exports.iter().map(|it| format!("{} ({})", it.name, it.kind)).collect());
    rows("sections", sections(&found.sections));
    rows("made by", found.made_by.iter().map(|it| format!("{} {} ({})", it.name, it.version, it.field)).collect());
    rows("files", found.files.iter().map(|it| format!("{:>10}  {}", it.size_bytes, it.path)).collect());
    page
}

/// By name: components have hundreds.
fn sections(all: &[Section]) -> Vec<String> {
    let mut by_name: Vec<(&str, usize, usize)> = Vec::new();
    for Section { name, bytes } in all {
        match by_name.iter_mut().find(|(known, ..)| known == name) {
            Some((_, count, total)) => {
                *count += 1;
                *total += bytes;
            }
            None => by_name.push((name, 1, *bytes)),
        }
    }
    let row = |(name, count, bytes): (&str, usize, usize)| match count {
        1 => format!("{bytes:>10}  {name}"),
        count => format!("{bytes:>10}  {name}, {count} of them"),
    };
    by_name.into_iter().map(row).collect()
}

fn described(descriptor: &Value) -> Vec<String> {
    let text = |name: &str| descriptor[name].as_str().unwrap_or_default();
    let list = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Value::Object(members) => members.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => String::new(),
    };
    let mut rows = vec![format!("{} {}", text("name"), text("version")), text("description").to_owned()];
    let more = [
        ("accepts", list(&descriptor["accepts"])),
        ("args", list(&descriptor["args"]["properties"])),
        ("limits", descriptor.get("limits").map(Value::to_string).unwrap_or_default()),
        ("license", text("license").to_owned()),
    ];
    rows.extend(
        more.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}: {value}")),
    );
    rows.retain(|row| !row.trim().is_empty());
    rows
}
