//! WebAssembly: modules and components.

use belljar_sdk::Failure;
use wasmparser::ComponentExternalKind;
use wasmparser::Encoding;
use wasmparser::Parser;
use wasmparser::Payload;

use crate::program::Program;
use crate::program::Section;
use crate::program::entropy;

/// So many sections are listed, those of modules within a component included.
const SECTIONS_MAX: usize = 1000;

pub fn program(bytes: &[u8], names_max: usize) -> Result<Program, Failure> {
    let mut program = Program { kind: "executable", architecture: "wasm32".to_owned(), ..Program::default() };
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| Failure::new(format!("this WebAssembly cannot be read: {error}")))?;
        match &payload {
            Payload::Version { encoding, .. } => {
                if depth == 0 {
                    program.format = if *encoding == Encoding::Component { "wasm component" } else { "wasm" };
                }
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            _ => {}
        }
        section(&payload, bytes, &mut program);
        // What stands in modules within a component is that component's own business.
        if depth == 1 {
            names(&payload, names_max, &mut program)
                .map_err(|error| Failure::new(format!("this WebAssembly cannot be read: {error}")))?;
        }
    }
    let mut libraries: Vec<_> =
        program.imports.iter().filter_map(|it| it.split_once('.')).map(|it| it.0.to_owned()).collect();
    libraries.dedup();
    if program.format == "wasm" {
        program.libraries = libraries;
    }
    Ok(program)
}

fn section(payload: &Payload<'_>, bytes: &[u8], program: &mut Program) {
    let name = match payload {
        Payload::CustomSection(it) => it.name().to_owned(),
        it => it.as_section().map_or_else(String::new, |(id, _)| name(id, program.format)),
    };
    let Some((_, range)) = payload.as_section() else {
        return;
    };
    program.section_count += 1;
    if program.sections.len() < SECTIONS_MAX {
        let data = bytes.get(range.clone()).unwrap_or_default();
        program.sections.push(Section {
            name,
            size_bytes: data.len() as u64,
            file_offset: range.start as u64,
            file_bytes: data.len() as u64,
            entropy_bits: entropy(data),
            ..Section::default()
        });
    }
}

fn name(id: u8, format: &str) -> String {
    const MODULE: [&str; 14] = [
        "custom",
        "type",
        "import",
        "function",
        "table",
        "memory",
        "global",
        "export",
        "start",
        "element",
        "code",
        "data",
        "data count",
        "tag",
    ];
    let name = if format == "wasm" { MODULE.get(usize::from(id)).copied() } else { None };
    name.map_or_else(|| id.to_string(), str::to_owned)
}

fn names(payload: &Payload<'_>, names_max: usize, program: &mut Program) -> wasmparser::Result<()> {
    let mut import = |name: String| {
        program.import_count += 1;
        if program.imports.len() < names_max {
            program.imports.push(name);
        }
    };
    let mut export = |name: &str| {
        program.export_count += 1;
        if program.exports.len() < names_max {
            program.exports.push(name.to_owned());
        }
    };
    match payload {
        Payload::ImportSection(section) => {
            for it in section.clone().into_imports() {
                let it = it?;
                import(format!("{}.{}", it.module, it.name));
            }
        }
        Payload::ExportSection(section) => {
            for it in section.clone() {
                let it = it?;
                export(it.name);
            }
        }
        Payload::ComponentImportSection(section) => {
            for it in section.clone() {
                import(it?.name.name.to_owned());
            }
        }
        Payload::ComponentExportSection(section) => {
            for it in section.clone() {
                let it = it?;
                if it.kind != ComponentExternalKind::Type {
                    export(it.name.name);
                }
            }
        }
        _ => {}
    }
    Ok(())
}
