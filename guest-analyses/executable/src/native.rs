//! What ELF, PE and Mach-O have in common.

use object::Object;
use object::ObjectKind;
use object::ObjectSection;
use object::ObjectSegment;
use object::ObjectSymbolTable;

use crate::program::Program;
use crate::program::Section;
use crate::program::entropy;
use crate::program::hex;
use crate::program::text;

/// So many sections are listed; PE and ELF can claim 65,535.
const SECTIONS_MAX: usize = 1000;
/// So many of the bytes of all sections together are measured, times the file: sections may lie over each other.
const MEASURED_TIMES: u64 = 2;

/// Fills in all that needs no knowledge of the format.
pub fn program<'data>(file: &impl Object<'data>, bytes: &'data [u8], names_max: usize) -> Program {
    let imports = file.imports().unwrap_or_default();
    let exports = file.exports().unwrap_or_default();
    let named = |library: &[u8], name: &[u8]| match library {
        [] => text(name),
        _ => format!("{}.{}", text(library), text(name)),
    };
    Program {
        kind: match file.kind() {
            ObjectKind::Executable => "executable",
            ObjectKind::Dynamic => "library",
            ObjectKind::Relocatable => "object",
            ObjectKind::Core => "core",
            _ => "unknown",
        },
        architecture: lower(file.architecture()),
        bits: Some(if file.is_64() { 64 } else { 32 }),
        endian: Some(if file.is_little_endian() { "little" } else { "big" }),
        entry: Some(file.entry()).filter(|it| *it != 0),
        build_id: file.build_id().ok().flatten().map(hex),
        pdb_path: file.pdb_info().ok().flatten().map(|it| text(it.path())),
        import_count: imports.len(),
        imports: imports.iter().take(names_max).map(|it| named(it.library(), it.name())).collect(),
        export_count: exports.len(),
        exports: exports.iter().take(names_max).map(|it| text(it.name())).collect(),
        symbol_count: file.symbol_table().map_or(0, |it| it.symbols().count()),
        section_count: file.sections().count(),
        sections: sections(file, bytes),
        ..Program::default()
    }
}

fn sections<'data>(file: &impl Object<'data>, bytes: &'data [u8]) -> Vec<Section> {
    let mut left = MEASURED_TIMES * bytes.len() as u64;
    let segments: Vec<_> = file.segments().take(SECTIONS_MAX).collect();
    file.sections()
        .take(SECTIONS_MAX)
        .map(|it| {
            let (file_offset, file_bytes) = it.file_range().unwrap_or_default();
            let data = it.data().unwrap_or_default();
            left = left.saturating_sub(data.len() as u64);
            let within = segments.iter().find(|segment| {
                it.address().checked_sub(segment.address()).is_some_and(|offset| offset < segment.size())
            });
            Section {
                name: text(it.name_bytes().unwrap_or_default()),
                address: it.address(),
                size_bytes: it.size(),
                file_offset,
                file_bytes,
                permissions: within.map(permissions).unwrap_or_default(),
                entropy_bits: if left > 0 { entropy(data) } else { 0.0 },
            }
        })
        .collect()
}

fn permissions<'data>(segment: &impl ObjectSegment<'data>) -> String {
    let it = segment.permissions();
    let letters = [(it.readable(), 'r'), (it.writable(), 'w'), (it.executable(), 'x')];
    letters.into_iter().filter(|it| it.0).map(|it| it.1).collect()
}

/// A name of the crate's as people write it.
pub fn lower(name: impl std::fmt::Debug) -> String {
    format!("{name:?}").to_lowercase()
}

/// How many bytes there are after the last one that anything speaks of.
pub fn overlay(bytes: &[u8], ends: impl Iterator<Item = (u64, u64)>) -> u64 {
    let end = ends.map(|(start, length)| start.saturating_add(length)).max().unwrap_or(0);
    (bytes.len() as u64).saturating_sub(end)
}
