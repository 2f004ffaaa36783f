//! What can be told of a module from its bytes alone: no guest code runs.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use sha2::Digest;
use wasmparser::KnownCustom;
use wasmparser::Payload;

use crate::analysis::contract::Contract;
use crate::analysis::module::DESCRIPTOR_SECTION;
use crate::analysis::module::FILES_SECTION;
use crate::analysis::module::ModuleKind;
use crate::analysis::module::Wasi03;
use crate::id::ModuleDigest;
use crate::limits::CompileLimits;
use crate::sandbox::admission;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Inspection {
    pub size_bytes: usize,
    /// By which a server knows it.
    pub sha256: ModuleDigest,
    /// None where it cannot be told.
    pub kind: Option<ModuleKind>,
    /// As it stands in the module, if it is JSON.
    pub descriptor: Option<Value>,
    /// What a server would refuse it for by its bytes; compiling it may find more.
    pub refused: Vec<String>,
    /// What it imports: core imports as `module.name`, those of a component by their interface.
    pub capabilities: Vec<String>,
    pub exports: Vec<Export>,
    /// In the order of the file.
    pub sections: Vec<Section>,
    /// The tools that made it, as they say themselves.
    pub made_by: Vec<Tool>,
    /// Files that ship with it.
    pub files: Vec<ShippedFile>,
}

/// What it offers.
#[derive(Debug, Serialize)]
pub struct Export {
    pub name: String,
    pub kind: &'static str,
}

/// A section, at its outermost.
#[derive(Debug, Serialize)]
pub struct Section {
    /// A custom one by its own name.
    pub name: String,
    pub bytes: usize,
}

/// From a `producers` section (the tool-conventions of WebAssembly), nested modules included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Tool {
    /// `language`, `processed-by` or `sdk`.
    pub field: String,
    pub name: String,
    pub version: String,
}

/// A file that ships with a module.
#[derive(Debug, Serialize)]
pub struct ShippedFile {
    pub path: String,
    pub size_bytes: u64,
}

/// Looks at a module, or at what may be none.
#[must_use]
pub fn inspect(module: &[u8]) -> Inspection {
    let admitted = admission::admit(module, &CompileLimits::DEFAULT, Wasi03::Taken);
    let carried = admitted.as_ref().ok().and_then(|facts| facts.descriptor.clone());
    let mut found = Inspection {
        size_bytes: module.len(),
        sha256: ModuleDigest::new(sha2::Sha256::digest(module).into()),
        kind: admitted.as_ref().ok().map(|facts| facts.kind),
        descriptor: None,
        refused: Vec::new(),
        capabilities: Vec::new(),
        exports: Vec::new(),
        sections: Vec::new(),
        made_by: Vec::new(),
        files: Vec::new(),
    };
    let mut walk = Walk { found: &mut found, depth: 0, tools: BTreeSet::new(), descriptor: None };
    // Where it breaks off is among the reasons of whoever admits modules.
    for payload in wasmparser::Parser::new(0).parse_all(module).map_while(Result::ok) {
        walk.payload(payload);
    }
    let Walk { tools, descriptor, .. } = walk;
    found.made_by = tools.into_iter().collect();
    let descriptor = carried.or(descriptor);
    found.capabilities.sort();
    found.refused = match (admitted, &descriptor) {
        (Err(reasons), _) => reasons,
        (Ok(_), None) => vec![format!("no descriptor: no section `{DESCRIPTOR_SECTION}` inside")],
        (Ok(_), Some(text)) => Contract::read(text).err().unwrap_or_default(),
    };
    found.descriptor = descriptor.and_then(|text| serde_json::from_str(&text).ok());
    found
}

struct Walk<'a> {
    found: &'a mut Inspection,
    /// How many modules and components surround what is at hand.
    depth: usize,
    tools: BTreeSet<Tool>,
    descriptor: Option<String>,
}

impl Walk<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "wasmparser's payloads are not our enum, and it grows")]
    fn payload(&mut self, payload: Payload<'_>) {
        let outermost = self.depth == 1;
        if outermost && let Some((name, range)) = frame(&payload) {
            self.found.sections.push(Section { name, bytes: range.len() });
        }
        match payload {
            Payload::Version { .. } => self.depth += 1,
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::ImportSection(imports) if outermost => {
                let name = |it: wasmparser::Import<'_>| format!("{}.{}", it.module, it.name);
                self.found.capabilities.extend(imports.into_imports().map_while(Result::ok).map(name));
            }
            Payload::ComponentImportSection(imports) if outermost => {
                let name = |it: wasmparser::ComponentImport<'_>| it.name.name.to_owned();
                self.found.capabilities.extend(imports.into_iter().map_while(Result::ok).map(name));
            }
            Payload::ExportSection(exports) if outermost => {
                let export = |it: wasmparser::Export<'_>| Export { name: it.name.to_owned(), kind: core_kind(it.kind) };
                self.found.exports.extend(exports.into_iter().map_while(Result::ok).map(export));
            }
            Payload::ComponentExportSection(exports) if outermost => {
                let export = |it: wasmparser::ComponentExport<'_>| Export {
                    name: it.name.name.to_owned(),
                    kind: it.kind.desc(),
                };
                self.found.exports.extend(exports.into_iter().map_while(Result::ok).map(export));
            }
            Payload::CustomSection(custom) => self.custom(&custom),
            _ => (),
        }
    }

    fn custom(&mut self, custom: &wasmparser::CustomSectionReader<'_>) {
        if let KnownCustom::Producers(fields) = custom.as_known() {
            for field in fields.into_iter().map_while(Result::ok) {
                for tool in field.values.into_iter().map_while(Result::ok) {
                    let [field, name, version] = [field.name, tool.name, tool.version].map(str::to_owned);
                    self.tools.insert(Tool { field, name, version });
                }
            }
        }
        if self.depth == 1 && custom.name() == DESCRIPTOR_SECTION {
            self.descriptor = std::str::from_utf8(custom.data()).ok().map(str::to_owned);
        }
        if self.depth == 1 && custom.name() == FILES_SECTION {
            self.found.files = shipped(custom.data()).unwrap_or_default();
        }
    }
}

fn shipped(tar: &[u8]) -> std::io::Result<Vec<ShippedFile>> {
    let mut archive = tar::Archive::new(tar);
    let file = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let entry = entry?;
        Ok(ShippedFile { path: entry.path()?.to_string_lossy().into_owned(), size_bytes: entry.size() })
    };
    archive.entries()?.map(file).collect()
}

fn core_kind(kind: wasmparser::ExternalKind) -> &'static str {
    match kind {
        wasmparser::ExternalKind::Func | wasmparser::ExternalKind::FuncExact => "func",
        wasmparser::ExternalKind::Table => "table",
        wasmparser::ExternalKind::Memory => "memory",
        wasmparser::ExternalKind::Global => "global",
        wasmparser::ExternalKind::Tag => "tag",
    }
}

/// What a section is called, and where it lies.
#[expect(clippy::wildcard_enum_match_arm, reason = "wasmparser's payloads are not our enum, and it grows")]
fn frame(payload: &Payload<'_>) -> Option<(String, std::ops::Range<usize>)> {
    let name = match payload {
        Payload::CustomSection(it) => return Some((it.name().to_owned(), it.range())),
        Payload::TypeSection(_) => "type",
        Payload::ImportSection(_) => "import",
        Payload::FunctionSection(_) => "function",
        Payload::TableSection(_) => "table",
        Payload::MemorySection(_) => "memory",
        Payload::TagSection(_) => "tag",
        Payload::GlobalSection(_) => "global",
        Payload::ExportSection(_) => "export",
        Payload::StartSection { .. } => "start",
        Payload::ElementSection(_) => "element",
        Payload::DataCountSection { .. } => "data count",
        Payload::DataSection(_) => "data",
        Payload::CodeSectionStart { .. } => "code",
        Payload::ModuleSection { .. } => "core module",
        Payload::InstanceSection(_) => "core instance",
        Payload::CoreTypeSection(_) => "core type",
        Payload::ComponentSection { .. } => "component",
        Payload::ComponentInstanceSection(_) => "instance",
        Payload::ComponentAliasSection(_) => "alias",
        Payload::ComponentTypeSection(_) => "component type",
        Payload::ComponentCanonicalSection(_) => "canonical function",
        Payload::ComponentStartSection { .. } => "component start",
        Payload::ComponentImportSection(_) => "component import",
        Payload::ComponentExportSection(_) => "component export",
        _ => return None,
    };
    Some((name.to_owned(), payload.as_section()?.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::module::with_sections;

    #[test]
    fn a_module_is_told_in_all_its_parts() {
        let module = wat::parse_str(
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1) (func (export "_start")) (@producers (language "Rust" "2024") (processed-by "rustc" "1.95")))"#,
        );
        let module = with_sections(&module.unwrap(), &[(DESCRIPTOR_SECTION, br#"{"name": "a", "version": "1.2.0"}"#)]);
        let found = inspect(&module);
        assert_eq!((found.kind, found.refused.as_slice()), (Some(ModuleKind::Command), &[][..]));
        assert_eq!(found.capabilities, ["wasi_snapshot_preview1.fd_write"]);
        let exports: Vec<_> = found.exports.iter().map(|it| (it.name.as_str(), it.kind)).collect();
        assert_eq!(exports, [("memory", "memory"), ("_start", "func")]);
        assert_eq!(found.descriptor.unwrap()["version"], "1.2.0");
        let names: Vec<_> = found.sections.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["type", "import", "function", "memory", "export", "code", "producers", DESCRIPTOR_SECTION]);
        let tools: Vec<_> = found.made_by.iter().map(|it| format!("{} {}", it.name, it.version)).collect();
        assert_eq!(tools, ["Rust 2024", "rustc 1.95"]);
        let bytes: usize = found.sections.iter().map(|it| it.bytes).sum();
        assert!(bytes < found.size_bytes && bytes + 8 + 12 * names.len() > found.size_bytes);
    }

    #[test]
    fn what_would_be_refused_is_told_with_its_reasons() {
        let module = wat::parse_str(r#"(module (import "env" "system" (func)))"#).unwrap();
        let found = inspect(&module);
        assert_eq!(found.kind, None);
        assert!(found.refused.iter().any(|it| it.contains("env.system")), "{:?}", found.refused);
        assert_eq!(found.capabilities, ["env.system"]);
        let packed = with_sections(
            &wat::parse_str(r#"(module (func (export "_start")))"#).unwrap(),
            &[(DESCRIPTOR_SECTION, br#"{"name": "a", "nmae": "b"}"#)],
        );
        assert!(inspect(&packed).refused[0].contains("nmae"));
        assert!(!inspect(b"\x7fELF").refused.is_empty());
    }
}
