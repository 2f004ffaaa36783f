//! Mach-O: what macOS' loader reads.

use object::Endianness;
use object::Object;
use object::ObjectSymbol;
use object::macho as consts;
use object::read::macho::LoadCommandVariant;
use object::read::macho::MachHeader;
use object::read::macho::MachOFile;

use crate::hardening::check;
use crate::native;
use crate::program::Program;
use crate::program::hex;
use crate::program::text;
use crate::signs;

/// So many load commands are read.
const COMMANDS_MAX: u32 = 10_000;

pub fn program<Mach: MachHeader<Endian = Endianness>>(bytes: &[u8], names_max: usize) -> object::Result<Program> {
    let file = MachOFile::<Mach>::parse(bytes)?;
    let endian = file.endian();
    let mut program = native::program(&file, bytes, names_max);
    program.format = "mach-o";
    let flags = file.macho_header().flags(endian);
    let (mut signed, mut encrypted, mut ends, mut base) = (false, false, Vec::new(), 0);
    // The start is told from the segment that begins the file, wherever that is loaded.
    let mut start = None;
    let mut commands = file.macho_load_commands()?;
    for _ in 0..COMMANDS_MAX {
        let Ok(Some(command)) = commands.next() else {
            break;
        };
        let string = |it| command.string(endian, it).map(text).unwrap_or_default();
        match command.variant() {
            Ok(LoadCommandVariant::Dylib(it)) => program.libraries.push(string(it.dylib.name)),
            Ok(LoadCommandVariant::IdDylib(it)) => program.name = Some(string(it.dylib.name)),
            Ok(LoadCommandVariant::LoadDylinker(it)) => program.interpreter = Some(string(it.name)),
            Ok(LoadCommandVariant::Rpath(it)) => program.search_paths.push(string(it.path)),
            Ok(LoadCommandVariant::Uuid(it)) => program.build_id = Some(hex(&it.uuid)),
            Ok(LoadCommandVariant::LinkeditData(it)) if it.cmd.get(endian) == consts::LC_CODE_SIGNATURE => {
                signed = true
            }
            Ok(LoadCommandVariant::EncryptionInfo32(it)) => encrypted |= it.cryptid.get(endian) != 0,
            Ok(LoadCommandVariant::EncryptionInfo64(it)) => encrypted |= it.cryptid.get(endian) != 0,
            Ok(LoadCommandVariant::Segment32(it, _)) => {
                if it.fileoff.get(endian) == 0 && it.filesize.get(endian) > 0 {
                    base = u64::from(it.vmaddr.get(endian));
                }
                ends.push((it.fileoff.get(endian).into(), it.filesize.get(endian).into()));
            }
            Ok(LoadCommandVariant::Segment64(it, _)) => {
                if it.fileoff.get(endian) == 0 && it.filesize.get(endian) > 0 {
                    base = it.vmaddr.get(endian);
                }
                ends.push((it.fileoff.get(endian), it.filesize.get(endian)));
            }
            Ok(LoadCommandVariant::EntryPoint(it)) => start = Some(it.entryoff.get(endian)),
            _ => {}
        }
    }
    program.entry = start.map(|it| base.saturating_add(it)).or(program.entry);
    program.overlay_bytes = native::overlay(bytes, ends.into_iter());
    let guarded = file.symbols().any(|it| it.name_bytes().is_ok_and(|it| it.starts_with(b"___stack_chk_fail")));
    program.hardening = vec![
        check("pie", flags & consts::MH_PIE != 0 || program.kind == "library"),
        check("nx", flags & consts::MH_ALLOW_STACK_EXECUTION == 0),
        check("stack-protector", guarded),
        check("signed", signed),
        check("no-encryption", !encrypted),
    ];
    program.signs = signs::of(&program, bytes);
    Ok(program)
}
