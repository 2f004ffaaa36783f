//! What is looked at before a module may be compiled: cheap counts that bound what compiling can cost, the imports
//! it wants, and the descriptor it carries. Runs in the confined compiling process; no guest code runs.

use wasmparser::Payload;
use wasmparser::TypeRef;

use crate::limits::CompileLimits;

/// The custom section that carries a descriptor.
pub const DESCRIPTOR_SECTION: &str = "belljar:analysis";
/// Longest descriptor, bytes.
pub const DESCRIPTOR_BYTES_MAX: usize = 48 * 1024;
/// Most reasons listed for one refusal.
const REASONS_MAX: usize = 50;
const REASON_CHARS_MAX: usize = 300;
const WASI: &str = "wasi_snapshot_preview1";

/// What a module says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// The text of the descriptor section, if there is one.
    pub descriptor: Option<String>,
    /// Everything imported, as `module.name`, sorted.
    pub imports: Vec<String>,
}

/// Reads a module's facts, or every reason to refuse it.
///
/// # Errors
/// The reasons, at least one.
pub fn admit(module: &[u8], limits: &CompileLimits) -> Result<Facts, Vec<String>> {
    let mut scan = Scan { facts: Facts::default(), reasons: Vec::new(), limits, start_exported: false, segments: 0 };
    if u64::try_from(module.len()).unwrap_or(u64::MAX) > limits.module_bytes {
        return Err(vec![format!("the module is larger than {} bytes", limits.module_bytes)]);
    }
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
    facts: Facts,
    reasons: Vec<String>,
    limits: &'a CompileLimits,
    start_exported: bool,
    segments: u32,
}

impl Scan<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "wasmparser's payloads are not our enum, and it grows")]
    fn section(&mut self, payload: Payload<'_>) -> Result<(), String> {
        match payload {
            Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                return Err("components are not supported yet; ship a WASI 0.1 command".to_owned());
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(|error| error.to_string())?;
                    self.import(import);
                }
            }
            Payload::FunctionSection(it) => self.at_most("functions", it.count(), self.limits.functions),
            Payload::GlobalSection(it) => self.at_most("globals", it.count(), self.limits.globals),
            Payload::TypeSection(it) => self.at_most("types", it.count(), self.limits.functions),
            Payload::TableSection(tables) => {
                self.at_most("tables", tables.count(), 4);
                for table in tables {
                    self.table(table.map_err(|error| error.to_string())?.ty);
                }
            }
            Payload::MemorySection(memories) => {
                self.at_most("memories", memories.count(), 1);
                for memory in memories {
                    self.memory(memory.map_err(|error| error.to_string())?);
                }
            }
            Payload::DataSection(it) => self.segments += it.count(),
            Payload::ElementSection(it) => self.segments += it.count(),
            Payload::CodeSectionEntry(body) => {
                let bytes = u64::try_from(body.range().len()).unwrap_or(u64::MAX);
                if bytes > self.limits.function_bytes {
                    self.refuse(format!("a function of {bytes} bytes; at most {}", self.limits.function_bytes));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(|error| error.to_string())?;
                    self.start_exported |= export.name == "_start" && export.kind == wasmparser::ExternalKind::Func;
                }
            }
            Payload::CustomSection(custom) if custom.name() == DESCRIPTOR_SECTION => {
                match (std::str::from_utf8(custom.data()), &self.facts.descriptor) {
                    (_, Some(_)) => self.refuse(format!("two `{DESCRIPTOR_SECTION}` sections")),
                    (Ok(text), None) if text.len() <= DESCRIPTOR_BYTES_MAX => {
                        self.facts.descriptor = Some(text.to_owned());
                    }
                    (Ok(_), None) => self.refuse(format!("a descriptor of more than {DESCRIPTOR_BYTES_MAX} bytes")),
                    (Err(_), None) => self.refuse("the descriptor is not UTF-8".to_owned()),
                }
            }
            _ => (),
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'_>) {
        let name = format!("{}.{}", import.module, import.name);
        let function = matches!(import.ty, TypeRef::Func(_));
        if import.module != WASI || !function || !super::wasi::NAMES.contains(&import.name) {
            self.refuse(format!("imports `{}`, which this host does not offer", name.escape_debug()));
        }
        if self.facts.imports.len() < REASONS_MAX && name.len() <= REASON_CHARS_MAX {
            self.facts.imports.push(name);
        }
    }

    fn table(&mut self, table: wasmparser::TableType) {
        if table.initial > self.limits.table_elements_initial {
            let max = self.limits.table_elements_initial;
            self.refuse(format!("a table starts with {} elements; at most {max}", table.initial));
        }
    }

    fn memory(&mut self, memory: wasmparser::MemoryType) {
        let bytes = memory.initial.saturating_mul(1 << 16);
        if bytes > self.limits.memory_initial_bytes {
            self.refuse(format!("starts with {bytes} bytes of memory; at most {}", self.limits.memory_initial_bytes));
        }
        if memory.shared || memory.memory64 {
            self.refuse("shared or 64-bit memory, which this host does not offer".to_owned());
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

    fn finish(mut self) -> Result<Facts, Vec<String>> {
        self.at_most("segments", self.segments, self.limits.segments);
        if self.reasons.is_empty() && !self.start_exported {
            self.refuse("no exported function `_start`: not a WASI command".to_owned());
        }
        self.facts.imports.sort();
        if self.reasons.is_empty() { Ok(self.facts) } else { Err(self.reasons) }
    }
}
