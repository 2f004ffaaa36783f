//! What is looked at before a module may be compiled: what kind it is, cheap counts that bound what compiling can
//! cost, the imports it wants, and what it carries. Runs in the confined compiling process; no guest code runs.

use wasmparser::ComponentExternalKind;
use wasmparser::Encoding;
use wasmparser::Payload;
use wasmparser::TypeRef;

use super::names;
use crate::analysis::module::DESCRIPTOR_SECTION;
use crate::analysis::module::FILES_SECTION;
use crate::analysis::module::ModuleFacts;
use crate::analysis::module::ModuleKind;
use crate::analysis::module::Span;
use crate::analysis::module::WITHOUT_WASI_03;
use crate::analysis::module::Wasi03;
use crate::limits::CompileLimits;

/// Longest descriptor, bytes.
pub const DESCRIPTOR_BYTES_MAX: usize = 48 * 1024;
/// Most reasons listed for one refusal.
const REASONS_MAX: usize = 50;
const REASON_CHARS_MAX: usize = 300;

/// Reads a module's facts, or every reason to refuse it.
///
/// # Errors
/// The reasons, at least one.
pub fn admit(module: &[u8], limits: &CompileLimits, wasi_03: Wasi03) -> Result<ModuleFacts, Vec<String>> {
    if u64::try_from(module.len()).unwrap_or(u64::MAX) > limits.module_bytes {
        return Err(vec![format!("the module is larger than {} bytes", limits.module_bytes)]);
    }
    let mut scan = Scan::new(limits, wasi_03);
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let read = payload.map_err(|error| error.to_string()).and_then(|it| scan.section(it));
        if let Err(reason) = read {
            scan.reasons.push(format!("not a WebAssembly module: {reason}"));
            break;
        }
    }
    scan.finish()
}

struct Scan<'a> {
    facts: ModuleFacts,
    reasons: Vec<String>,
    limits: &'a CompileLimits,
    wasi_03: Wasi03,
    /// What it is at its outermost.
    encoding: Encoding,
    /// How many modules and components surround the section at hand.
    depth: usize,
    entries: Vec<ModuleKind>,
    /// That of a core module within a component, which counts if the component has none.
    descriptor_within: Option<String>,
    /// Imports of WASI 0.3 that are offered to its commands.
    imports_03: Vec<String>,
    counts: Counts,
    /// Memories that the core module at hand imports or has.
    memories_here: u32,
}

/// Over everything in the module, nested modules and components included.
#[derive(Default)]
struct Counts {
    functions: u32,
    globals: u32,
    types: u32,
    tables: u32,
    memories: u32,
    segments: u32,
    instances: u32,
    components: u32,
}

impl<'a> Scan<'a> {
    fn new(limits: &'a CompileLimits, wasi_03: Wasi03) -> Self {
        Self {
            facts: ModuleFacts::default(),
            reasons: Vec::new(),
            limits,
            wasi_03,
            encoding: Encoding::Module,
            depth: 0,
            entries: Vec::new(),
            descriptor_within: None,
            imports_03: Vec::new(),
            counts: Counts::default(),
            memories_here: 0,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "wasmparser's payloads are not our enum, and it grows")]
    fn section(&mut self, payload: Payload<'_>) -> Result<(), String> {
        let outermost = self.depth == 1;
        let fault = |error: wasmparser::BinaryReaderError| error.to_string();
        match payload {
            Payload::Version { encoding, .. } => {
                if self.depth == 0 {
                    self.encoding = encoding;
                }
                self.depth += 1;
                self.memories_here = 0;
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::ImportSection(imports) if outermost => {
                for import in imports.into_imports() {
                    self.import(import.map_err(fault)?);
                }
            }
            Payload::ExportSection(exports) if outermost => {
                for export in exports {
                    let export = export.map_err(fault)?;
                    if export.name == "_start" && export.kind == wasmparser::ExternalKind::Func {
                        self.entries.push(ModuleKind::Command);
                    }
                }
            }
            Payload::ComponentImportSection(imports) if outermost => {
                for import in imports {
                    self.component_import(import.map_err(fault)?.name.name);
                }
            }
            Payload::ComponentExportSection(exports) if outermost => {
                for export in exports {
                    let export = export.map_err(fault)?;
                    self.component_export(export.name.name, export.kind);
                }
            }
            Payload::CustomSection(custom) if outermost && custom.name() == DESCRIPTOR_SECTION => {
                Self::descriptor(&mut self.facts.descriptor, custom.data()).unwrap_or_else(|why| self.refuse(why));
            }
            // A linker of components keeps the sections of a module inside it.
            Payload::CustomSection(custom) if self.depth == 2 && custom.name() == DESCRIPTOR_SECTION => {
                Self::descriptor(&mut self.descriptor_within, custom.data()).unwrap_or_else(|why| self.refuse(why));
            }
            Payload::CustomSection(custom) if outermost && custom.name() == FILES_SECTION => {
                if self.facts.files.is_some() {
                    self.refuse(format!("two `{FILES_SECTION}` sections"));
                }
                let bytes = custom.data().len();
                let span = u64::try_from(custom.range().end - bytes).ok().zip(u64::try_from(bytes).ok());
                self.facts.files = span.map(|(offset, bytes)| Span { offset, bytes });
            }
            other => self.count(other)?,
        }
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "wasmparser's payloads are not our enum, and it grows")]
    fn count(&mut self, payload: Payload<'_>) -> Result<(), String> {
        let counts = &mut self.counts;
        match payload {
            Payload::FunctionSection(it) => counts.functions = counts.functions.saturating_add(it.count()),
            Payload::GlobalSection(it) => counts.globals = counts.globals.saturating_add(it.count()),
            Payload::TypeSection(it) => counts.types = counts.types.saturating_add(it.count()),
            Payload::CoreTypeSection(it) => counts.types = counts.types.saturating_add(it.count()),
            Payload::ComponentTypeSection(it) => counts.types = counts.types.saturating_add(it.count()),
            Payload::InstanceSection(it) => counts.instances = counts.instances.saturating_add(it.count()),
            Payload::ComponentInstanceSection(it) => counts.instances = counts.instances.saturating_add(it.count()),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => counts.components += 1,
            Payload::DataSection(it) => counts.segments = counts.segments.saturating_add(it.count()),
            Payload::ElementSection(it) => counts.segments = counts.segments.saturating_add(it.count()),
            Payload::TableSection(tables) => {
                counts.tables = counts.tables.saturating_add(tables.count());
                for table in tables {
                    self.table(table.map_err(|error| error.to_string())?.ty);
                }
            }
            // Of a module within a component: it may import what another part exports.
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(|error| error.to_string())?;
                    self.memories_here(u32::from(matches!(import.ty, TypeRef::Memory(_))));
                }
            }
            Payload::MemorySection(memories) => {
                counts.memories = counts.memories.saturating_add(memories.count());
                self.memories_here(memories.count());
                for memory in memories {
                    self.memory(memory.map_err(|error| error.to_string())?);
                }
            }
            Payload::CodeSectionEntry(body) => {
                let bytes = u64::try_from(body.range().len()).unwrap_or(u64::MAX);
                if bytes > self.limits.function_bytes {
                    self.refuse(format!("a function of {bytes} bytes; at most {}", self.limits.function_bytes));
                }
            }
            _ => (),
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'_>) {
        let name = format!("{}.{}", import.module, import.name);
        let function = matches!(import.ty, TypeRef::Func(_));
        if import.module != names::WASI_0_1 || !function || !names::WASI_0_1_FUNCTIONS.contains(&import.name) {
            self.refuse(format!("imports `{}`, which this host does not offer", name.escape_debug()));
        }
        self.imported(name);
    }

    fn component_import(&mut self, name: &str) {
        if names::offers_03(name) && self.wasi_03 == Wasi03::Taken {
            self.imports_03.push(name.to_owned());
        } else if !names::offers(name) {
            let why = match name {
                it if it.starts_with("wasi:sockets/") => "sockets are never offered".to_owned(),
                it if it.starts_with("wasi:http/") => "HTTP is never offered".to_owned(),
                it if names::offers_03(it) => WITHOUT_WASI_03.to_owned(),
                _ => "which this host does not offer".to_owned(),
            };
            self.refuse(format!("imports `{}`: {why}", name.escape_debug()));
        }
        self.imported(name.to_owned());
    }

    fn component_export(&mut self, name: &str, kind: ComponentExternalKind) {
        if names::is_run(name) && kind == ComponentExternalKind::Instance {
            self.entries.push(ModuleKind::CommandComponent);
        } else if name == names::TYPED_ENTRY && kind == ComponentExternalKind::Func {
            self.entries.push(ModuleKind::Typed);
        } else if names::is_run_03(name) && kind == ComponentExternalKind::Instance {
            self.entries.push(ModuleKind::AsyncCommandComponent);
            if self.wasi_03 == Wasi03::Refused {
                self.refuse(format!("exports `{}`: {WITHOUT_WASI_03}", name.escape_debug()));
            }
        } else if name.starts_with("wasi:cli/run@0.3.") {
            self.refuse(format!("exports `{}`: a draft, which this host does not run", name.escape_debug()));
        }
    }

    fn imported(&mut self, name: String) {
        if self.facts.imports.len() < IMPORTS_MAX && name.len() <= REASON_CHARS_MAX {
            self.facts.imports.push(name);
        }
    }

    fn descriptor(place: &mut Option<String>, bytes: &[u8]) -> Result<(), String> {
        match std::str::from_utf8(bytes) {
            _ if place.is_some() => Err(format!("two `{DESCRIPTOR_SECTION}` sections")),
            Ok(text) if text.len() <= DESCRIPTOR_BYTES_MAX => {
                *place = Some(text.to_owned());
                Ok(())
            }
            Ok(_) => Err(format!("a descriptor of more than {DESCRIPTOR_BYTES_MAX} bytes")),
            Err(_) => Err("the descriptor is not UTF-8".to_owned()),
        }
    }

    fn table(&mut self, table: wasmparser::TableType) {
        if table.initial > self.limits.table_elements_initial {
            let max = self.limits.table_elements_initial;
            self.refuse(format!("a table starts with {} elements; at most {max}", table.initial));
        }
    }

    /// Adapters of the engine may see two memories, so the engine lets any module of a component; this does not.
    fn memories_here(&mut self, more: u32) {
        self.memories_here = self.memories_here.saturating_add(more);
        if self.encoding == Encoding::Component && self.memories_here > 1 {
            self.refuse("a core module with more than one memory".to_owned());
        }
    }

    fn memory(&mut self, memory: wasmparser::MemoryType) {
        let bytes = memory.initial.saturating_mul(1 << 16);
        if bytes > self.limits.memory_initial_bytes {
            self.refuse(format!("starts with {bytes} bytes of memory; at most {}", self.limits.memory_initial_bytes));
        }
        if memory.shared {
            self.refuse("shared memory (threads), which this host does not offer".to_owned());
        }
        if memory.memory64 {
            self.refuse("64-bit memory (memory64), which this host does not offer".to_owned());
        }
    }

    fn at_most(&mut self, what: &str, count: u32, max: u32) {
        if count > max {
            self.refuse(format!("{count} {what}; at most {max}"));
        }
    }

    /// All reasons travel in one datagram.
    fn refuse(&mut self, reason: String) {
        if self.reasons.len() < REASONS_MAX {
            self.reasons.push(reason.chars().take(REASON_CHARS_MAX).collect());
        }
    }

    fn finish(mut self) -> Result<ModuleFacts, Vec<String>> {
        let Counts { functions, globals, types, tables, memories, segments, instances, components } = self.counts;
        let limits = self.limits;
        self.at_most("functions", functions, limits.functions);
        self.at_most("globals", globals, limits.globals);
        self.at_most("types", types, limits.functions);
        self.at_most("segments", segments, limits.segments);
        self.at_most("instances", instances, limits.instances);
        self.at_most("nested modules and components", components, limits.instances);
        let memories_max = match self.encoding {
            Encoding::Module => 1,
            Encoding::Component => limits.memories,
        };
        self.at_most("memories", memories, memories_max);
        self.at_most("tables", tables, memories_max * limits.tables);
        match self.entries[..] {
            [kind] => self.facts.kind = kind,
            [] if self.reasons.is_empty() => self.refuse(NO_ENTRY.to_owned()),
            [] => (),
            _ => self.refuse(MORE_ENTRIES.to_owned()),
        }
        if self.facts.kind != ModuleKind::AsyncCommandComponent {
            for name in std::mem::take(&mut self.imports_03) {
                self.refuse(format!("imports `{}`: {ONLY_COMMANDS}", name.escape_debug()));
            }
        }
        self.facts.imports.sort();
        self.facts.descriptor = self.facts.descriptor.or(self.descriptor_within);
        if self.reasons.is_empty() { Ok(self.facts) } else { Err(self.reasons) }
    }
}

/// Most imports that a description lists.
const IMPORTS_MAX: usize = 100;
const MORE_ENTRIES: &str = "exports more than one `wasi:cli/run`, or that and `analyse`: one entry point is wanted";
const ONLY_COMMANDS: &str = "only what exports `wasi:cli/run@0.3` may import interfaces of WASI 0.3";
const NO_ENTRY: &str = "no entry point: neither a function `_start` (WASI 0.1), nor `wasi:cli/run@0.2` (WASI 0.2) \
                        or `@0.3`, nor `analyse` (the typed world)";

#[cfg(test)]
mod tests;
