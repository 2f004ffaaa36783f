//! What is told of a program.

use schemars::JsonSchema;
use serde::Serialize;

use crate::hardening::Check;
use crate::signs::Sign;

/// A program, a library, or a part of one.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Program {
    /// elf, pe, mach-o, mach-o universal, wasm or wasm component.
    pub format: &'static str,
    /// executable, library, object, core or unknown.
    pub kind: &'static str,
    pub architecture: String,
    /// All of them, in a universal file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endian: Option<&'static str>,
    /// The address of its first instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// What loads it: the dynamic linker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// What a library calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was linked, as it says itself: seconds since 1970. Builds that can be repeated put something else here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_at: Option<u32>,
    /// console, gui, driver, …: PE alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subsystem: Option<String>,
    /// What tells this build from any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// Where its author's compiler put the debugging information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pdb_path: Option<String>,
    /// Where libraries are looked for first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub search_paths: Vec<String>,
    pub libraries: Vec<String>,
    pub import_count: usize,
    /// `library.name`, or the name alone.
    pub imports: Vec<String>,
    pub export_count: usize,
    pub exports: Vec<String>,
    /// Entries of its symbol table, which a stripped program does not have.
    pub symbol_count: usize,
    pub section_count: usize,
    pub sections: Vec<Section>,
    /// Bytes after all that its headers speak of.
    pub overlay_bytes: u64,
    pub hardening: Vec<Check>,
    pub signs: Vec<Sign>,
}

/// One section.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Section {
    pub name: String,
    pub address: u64,
    /// In memory.
    pub size_bytes: u64,
    /// Where it is in the file.
    pub file_offset: u64,
    pub file_bytes: u64,
    /// `r`, `w` and `x`, in that order, as far as it has them.
    pub permissions: String,
    /// Bits per byte, 0 to 8: above 7.2 it is packed or encrypted.
    pub entropy_bits: f64,
}

impl Section {
    /// Whether it may be run.
    pub fn is_code(&self) -> bool {
        self.permissions.contains('x')
    }

    /// Whether that address is in it.
    pub fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.address).is_some_and(|it| it < self.size_bytes)
    }
}

/// Bytes of a file as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// In bits per byte, to a thousandth.
pub fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u64; 256];
    bytes.iter().for_each(|it| counts[usize::from(*it)] += 1);
    let total = bytes.len() as f64;
    let bits: f64 = counts.iter().filter(|it| **it > 0).map(|it| *it as f64 / total).map(|it| -it * it.log2()).sum();
    (bits.max(0.0) * 1000.0).round() / 1000.0
}
