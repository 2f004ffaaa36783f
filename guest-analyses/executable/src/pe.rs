//! PE: what Windows' loader reads.

use object::LittleEndian as Le;
use object::pe as consts;
use object::read::pe::ImageNtHeaders;
use object::read::pe::ImageOptionalHeader;
use object::read::pe::PeFile;

use crate::hardening::Check;
use crate::hardening::State;
use crate::hardening::check;
use crate::native;
use crate::program::Program;
use crate::program::text;
use crate::signs;

/// So many libraries are listed.
const LIBRARIES_MAX: usize = 1000;

pub fn program<Pe: ImageNtHeaders>(bytes: &[u8], names_max: usize) -> object::Result<Program> {
    let file = PeFile::<Pe>::parse(bytes)?;
    let (header, optional) = (file.nt_headers().file_header(), file.nt_headers().optional_header());
    let mut program = native::program(&file, bytes, names_max);
    program.format = "pe";
    let characteristics = header.characteristics.get(Le);
    program.kind = if characteristics & consts::IMAGE_FILE_DLL != 0 { "library" } else { "executable" };
    program.linked_at = Some(header.time_date_stamp.get(Le));
    program.subsystem = Some(subsystem(optional.subsystem()));
    program.libraries = libraries(&file);
    program.name = name(&file);
    let signature = signature(&file);
    program.hardening = hardening(optional.dll_characteristics(), signature.is_some().into(), program.bits);
    let headers = (0, u64::from(optional.size_of_headers()));
    // What a section takes in the file may be more than what is loaded of it.
    let sections = file.section_table();
    let sections =
        sections.iter().map(|it| (u64::from(it.pointer_to_raw_data.get(Le)), u64::from(it.size_of_raw_data.get(Le))));
    program.overlay_bytes = native::overlay(bytes, sections.chain([headers]).chain(signature));
    for section in file.section_table().iter().zip(&mut program.sections) {
        section.1.permissions = permissions(section.0.characteristics.get(Le));
    }
    program.signs = signs::of(&program, bytes);
    if file.data_directory(consts::IMAGE_DIRECTORY_ENTRY_TLS).is_some_and(|it| it.virtual_address.get(Le) != 0) {
        program.signs.push(signs::sign("tls-callbacks", "code may run before its entry point"));
    }
    if file
        .data_directory(consts::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR)
        .is_some_and(|it| it.virtual_address.get(Le) != 0)
    {
        program.signs.push(signs::sign("dotnet", "most of it is code for .NET, which this does not look into"));
    }
    Ok(program)
}

/// What a library calls itself, which is in its table of exports.
fn name<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Option<String> {
    let table = file.export_table().ok()??;
    let name = table.name_from_pointer(table.directory().name.get(Le)).ok()?;
    Some(text(name)).filter(|it| !it.is_empty())
}

fn libraries<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Vec<String> {
    let mut libraries = Vec::new();
    if let Ok(Some(table)) = file.import_table()
        && let Ok(mut descriptors) = table.descriptors()
    {
        while let Ok(Some(descriptor)) = descriptors.next() {
            let name = table.name(descriptor.name.get(Le)).map(text).unwrap_or_default();
            if libraries.len() == LIBRARIES_MAX {
                break;
            }
            libraries.push(name);
        }
    }
    libraries
}

/// Where the signature is in the file, if there is one: its directory has an offset, not an address.
fn signature<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Option<(u64, u64)> {
    let directory = file.data_directory(consts::IMAGE_DIRECTORY_ENTRY_SECURITY)?;
    let (offset, size) = (directory.virtual_address.get(Le), directory.size.get(Le));
    (offset != 0 && size != 0).then(|| (u64::from(offset), u64::from(size)))
}

fn hardening(flags: u16, signed: State, width: Option<u8>) -> Vec<Check> {
    let has = |flag: u16| flags & flag != 0;
    let aslr = has(consts::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE);
    let mut checks = vec![
        check("aslr", aslr),
        check("nx", has(consts::IMAGE_DLLCHARACTERISTICS_NX_COMPAT)),
        check("control-flow-guard", has(consts::IMAGE_DLLCHARACTERISTICS_GUARD_CF)),
        check("signed", signed),
    ];
    if width == Some(64) {
        checks.push(check("high-entropy-aslr", aslr && has(consts::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA)));
    }
    checks
}

fn permissions(characteristics: u32) -> String {
    let letters =
        [(consts::IMAGE_SCN_MEM_READ, 'r'), (consts::IMAGE_SCN_MEM_WRITE, 'w'), (consts::IMAGE_SCN_MEM_EXECUTE, 'x')];
    letters.into_iter().filter(|it| characteristics & it.0 != 0).map(|it| it.1).collect()
}

fn subsystem(number: u16) -> String {
    let name = match number {
        consts::IMAGE_SUBSYSTEM_NATIVE => "driver",
        consts::IMAGE_SUBSYSTEM_WINDOWS_GUI => "gui",
        consts::IMAGE_SUBSYSTEM_WINDOWS_CUI => "console",
        consts::IMAGE_SUBSYSTEM_EFI_APPLICATION => "efi application",
        consts::IMAGE_SUBSYSTEM_EFI_BOOT_SERVICE_DRIVER | consts::IMAGE_SUBSYSTEM_EFI_RUNTIME_DRIVER => "efi driver",
        _ => return number.to_string(),
    };
    name.to_owned()
}
