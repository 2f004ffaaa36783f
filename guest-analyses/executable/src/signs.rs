//! Signs of packing, injection and tampering. A sign is no proof: installers are packed too, and debuggers inject.

use schemars::JsonSchema;
use serde::Serialize;

use crate::program::Program;
use crate::program::Section;

/// Something that honest programs seldom have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sign {
    /// packed, writable-code, entry-outside-code, overlay, injection, keylogging, anti-debugging, few-imports,
    /// no-sections, tls-callbacks or dotnet.
    pub kind: &'static str,
    pub detail: String,
}

/// From so many bits per byte on, code is packed or encrypted.
const PACKED_BITS: f64 = 7.2;
/// Shorter sections are too short to be measured.
const MEASURED_BYTES: u64 = 4096;
/// Names that packers give to sections.
const PACKERS: [(&str, &str); 8] = [
    ("UPX", "UPX"),
    (".aspack", "ASPack"),
    (".adata", "ASPack"),
    (".MPRESS", "MPRESS"),
    (".petite", "Petite"),
    (".themida", "Themida"),
    (".vmp", "VMProtect"),
    (".nsp", "NsPack"),
];
/// Functions that give a purpose away.
const TELLING: [(&str, &[&str]); 3] = [
    (
        "injection",
        &[
            "WriteProcessMemory",
            "CreateRemoteThread",
            "VirtualAllocEx",
            "NtUnmapViewOfSection",
            "QueueUserAPC",
            "SetThreadContext",
            "process_vm_writev",
            "task_for_pid",
        ],
    ),
    ("keylogging", &["SetWindowsHookExA", "SetWindowsHookExW", "GetAsyncKeyState", "GetKeyboardState"]),
    ("anti-debugging", &["IsDebuggerPresent", "CheckRemoteDebuggerPresent", "NtQueryInformationProcess", "ptrace"]),
];

/// With that detail.
pub fn sign(kind: &'static str, detail: impl Into<String>) -> Sign {
    Sign { kind, detail: detail.into() }
}

/// What can be told of any native program.
pub fn of(program: &Program, bytes: &[u8]) -> Vec<Sign> {
    let mut signs = Vec::new();
    for section in &program.sections {
        of_section(section, &mut signs);
    }
    let linked = program.kind == "executable" || program.kind == "library";
    // A Mach-O counts its entry from where its code is loaded, and Windows from there too: both are absolute here.
    if let Some(entry) = program.entry.filter(|_| linked && !program.sections.is_empty())
        && !program.sections.iter().any(|it| it.is_code() && it.holds(entry))
    {
        signs.push(sign("entry-outside-code", format!("it starts at {entry:#x}, which is in no section of code")));
    }
    if linked && program.sections.is_empty() {
        signs.push(sign("no-sections", "its table of sections is gone, as packers and those who hide do"));
    }
    if program.overlay_bytes > 0 {
        let start = bytes.len() - usize::try_from(program.overlay_bytes).unwrap_or(0);
        let bits = crate::program::entropy(&bytes[start..]);
        let detail = format!(
            "{} bytes follow the program, at {bits} bits per byte; installers and droppers carry their load so",
            program.overlay_bytes
        );
        signs.push(sign("overlay", detail));
    }
    for (kind, names) in TELLING {
        let found: Vec<_> =
            names.iter().copied().filter(|name| program.imports.iter().any(|it| is_named(it, name))).collect();
        if !found.is_empty() {
            signs.push(sign(kind, format!("it imports {}", found.join(", "))));
        }
    }
    if program.format == "pe" && program.kind == "executable" && (1..10).contains(&program.import_count) {
        signs.push(sign(
            "few-imports",
            format!("it imports {} functions; what it needs besides it looks up at run time", program.import_count),
        ));
    }
    signs
}

fn of_section(section: &Section, signs: &mut Vec<Sign>) {
    let name = &section.name;
    if let Some((_, packer)) = PACKERS.iter().find(|it| name.starts_with(it.0)) {
        signs.push(sign("packed", format!("section {name} is named as {packer} names them")));
    }
    if section.permissions.contains('w') && section.is_code() {
        signs.push(sign("writable-code", format!("section {name} can be written and run")));
    }
    if section.is_code() && section.entropy_bits > PACKED_BITS && section.file_bytes >= MEASURED_BYTES {
        signs.push(sign(
            "packed",
            format!("section {name} has {} bits per byte: packed or encrypted code", section.entropy_bits),
        ));
    }
}

/// Whether an import is that function, of whatever library; Mach-O puts an underscore before it.
fn is_named(import: &str, name: &str) -> bool {
    import.strip_suffix(name).is_some_and(|it| it.is_empty() || it.ends_with('.') || it.ends_with("._") || it == "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_a_whole() {
        assert!(is_named("kernel32.dll.CreateRemoteThread", "CreateRemoteThread") && is_named("_ptrace", "ptrace"));
        assert!(!is_named("my_ptrace", "ptrace") && !is_named("ptrace2", "ptrace"));
    }

    #[test]
    fn packed_and_writable_code_is_told() {
        let section = Section {
            name: "UPX1".to_owned(),
            permissions: "rwx".to_owned(),
            file_bytes: 8192,
            size_bytes: 8192,
            entropy_bits: 7.9,
            ..Section::default()
        };
        let program = Program { kind: "executable", entry: Some(9000), sections: vec![section], ..Program::default() };
        let kinds: Vec<_> = of(&program, b"").into_iter().map(|it| it.kind).collect();
        assert_eq!(kinds, ["packed", "writable-code", "packed", "entry-outside-code"]);
    }
}
