//! ELF: what the dynamic linker reads.

use object::Endianness;
use object::Object;
use object::ObjectSymbol;
use object::elf as consts;
use object::read::elf::ElfFile;
use object::read::elf::FileHeader;
use object::read::elf::ProgramHeader;
use object::read::elf::SectionHeader;

use crate::hardening::Check;
use crate::hardening::State;
use crate::hardening::check;
use crate::native;
use crate::program::Program;
use crate::program::text;
use crate::signs;

/// So many entries of the dynamic section are read; honest ones have some thirty.
const DYNAMIC_MAX: usize = 10_000;

/// What the dynamic section says.
#[derive(Default)]
struct Linked {
    libraries: Vec<String>,
    search_paths: Vec<String>,
    name: Option<String>,
    /// All addresses are looked up before it starts.
    now: bool,
    pie: bool,
}

pub fn program<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8], names_max: usize) -> object::Result<Program> {
    let file = ElfFile::<Elf>::parse(bytes)?;
    let endian = file.endian();
    let segments = file.elf_program_headers();
    let linked = linked(&file);
    let interpreter = segments.iter().find_map(|it| it.interpreter(endian, bytes).ok().flatten()).map(text);
    let mut program = native::program(&file, bytes, names_max);
    program.format = "elf";
    let is_dynamic = file.elf_header().e_type(endian) == consts::ET_DYN;
    let pie = is_dynamic && (interpreter.is_some() || linked.pie);
    if pie {
        program.kind = "executable";
    }
    program.hardening = hardening(&file, &linked, State::from(is_dynamic));
    program.interpreter = interpreter;
    program.overlay_bytes = overlay(&file, bytes);
    program.libraries = linked.libraries;
    program.search_paths = linked.search_paths;
    program.name = linked.name;
    program.signs = signs::of(&program, bytes);
    Ok(program)
}

fn linked<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>) -> Linked {
    let mut linked = Linked::default();
    let Ok(table) = file.elf_dynamic_table() else {
        return linked;
    };
    for entry in table.iter().take(DYNAMIC_MAX) {
        let string = || table.string(entry).map(text).unwrap_or_default();
        match entry.tag {
            consts::DT_NEEDED => linked.libraries.push(string()),
            consts::DT_RPATH | consts::DT_RUNPATH => linked.search_paths.extend(string().split(':').map(str::to_owned)),
            consts::DT_SONAME => linked.name = Some(string()),
            consts::DT_BIND_NOW => linked.now = true,
            consts::DT_FLAGS => linked.now |= entry.val & u64::from(consts::DF_BIND_NOW) != 0,
            consts::DT_FLAGS_1 => {
                linked.now |= entry.val & u64::from(consts::DF_1_NOW) != 0;
                linked.pie |= entry.val & u64::from(consts::DF_1_PIE) != 0;
            }
            _ => {}
        }
    }
    linked
}

fn hardening<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>, linked: &Linked, pie: State) -> Vec<Check> {
    let endian = file.endian();
    if file.elf_header().e_type(endian) == consts::ET_REL {
        return Vec::new();
    }
    let segment = |kind| file.elf_program_headers().iter().find(move |it| it.p_type(endian) == kind);
    let relro = match (segment(consts::PT_GNU_RELRO), linked.now) {
        (None, _) => State::No,
        (Some(_), false) => State::Partial,
        (Some(_), true) => State::Yes,
    };
    let stack = segment(consts::PT_GNU_STACK);
    let named = |is: &dyn Fn(&[u8]) -> bool| {
        file.dynamic_symbols().chain(file.symbols()).any(|it| it.name_bytes().is_ok_and(is))
    };
    vec![
        check("pie", pie),
        check("nx", stack.is_some_and(|it| it.p_flags(endian) & consts::PF_X == 0)),
        check("relro", relro),
        check("stack-protector", named(&|it| it.starts_with(b"__stack_chk_fail"))),
        check("fortify", named(&|it| it.starts_with(b"__") && it.ends_with(b"_chk"))),
        check("no-search-path", linked.search_paths.is_empty()),
        check("stripped", file.symbol_table().is_none_or(|_| file.elf_symbol_table().is_empty())),
    ]
}

fn overlay<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>, bytes: &[u8]) -> u64 {
    let (header, endian) = (file.elf_header(), file.endian());
    let table =
        |offset: Elf::Word, size: u16, count: usize| (offset.into(), u64::from(size).saturating_mul(count as u64));
    let sections = file.elf_section_table();
    let segments = file.elf_program_headers();
    let tables = [
        table(header.e_shoff(endian), header.e_shentsize(endian), sections.len()),
        table(header.e_phoff(endian), header.e_phentsize(endian), segments.len()),
    ];
    let of_sections = sections.iter().filter_map(|it| it.file_range(endian));
    native::overlay(bytes, tables.into_iter().chain(of_sections).chain(segments.iter().map(|it| it.file_range(endian))))
}
