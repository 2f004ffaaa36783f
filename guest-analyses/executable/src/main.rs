//! What a program is made of and how well it defends itself: ELF, PE, Mach-O and WebAssembly.
//!
//! `native` reads what all but WebAssembly have in common, `elf`, `pe` and `macho` what is their own, `wasm` the rest;
//! `signs` judges the outcome.

mod elf;
mod hardening;
mod macho;
mod native;
mod pe;
mod program;
mod signs;
mod wasm;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use object::FileKind;
use object::elf::FileHeader32;
use object::elf::FileHeader64;
use object::macho::MachHeader32;
use object::macho::MachHeader64;
use object::pe::ImageNtHeaders32;
use object::pe::ImageNtHeaders64;
use object::read::macho::FatArch;
use object::read::macho::MachOFatFile32;
use object::read::macho::MachOFatFile64;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::program::Program;

/// Programs are looked at as a whole.
const BYTES_MAX: u64 = 160 << 20;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// So many imports, and so many exports, are listed; all of them are counted.
    #[serde(default = "names_max")]
    #[schemars(range(max = 20_000))]
    names_max: usize,
}

fn names_max() -> usize {
    500
}

/// What a program is made of: format, machine, sections with their entropy, libraries, imports and exports; how well it is
/// hardened (position independence, stack protection, RELRO, signatures, …); and signs of packing, injection or tampering.
/// ELF, PE, Mach-O (of a universal file the first part) and WebAssembly. Nothing of it is run.
#[analysis(
    title = "Executable",
    accepts = ["application/x-executable", "application/vnd.microsoft.portable-executable", "application/x-msdownload", "application/x-mach-binary", "application/wasm",
        "application/x-sharedlib", "application/x-msdos-program", "application/octet-stream"],
    limits = { "memory_bytes": 268435456 },
    examples = [
        { "input_base64": "AGFzbQEAAAABBAFgAAACBwEBYQFmAAADAgEABwUBAWcAAQoEAQIACw==", "args": {},
          "result": { "format": "wasm", "kind": "executable", "imports": ["a.f"], "exports": ["g"], "section_count": 5 } }
    ]
)]
fn inspect(mut sample: Sample, args: Args) -> Result<Program, Failure> {
    let bytes = sample.whole(BYTES_MAX)?;
    if bytes.starts_with(b"\0asm") {
        return wasm::program(&bytes, args.names_max);
    }
    let kind = FileKind::parse(bytes.as_slice())
        .map_err(|_| Failure::new("this is no ELF, PE, Mach-O or WebAssembly file"))?;
    let program = match kind {
        FileKind::Elf32 => elf::program::<FileHeader32<_>>(&bytes, args.names_max),
        FileKind::Elf64 => elf::program::<FileHeader64<_>>(&bytes, args.names_max),
        FileKind::Pe32 => pe::program::<ImageNtHeaders32>(&bytes, args.names_max),
        FileKind::Pe64 => pe::program::<ImageNtHeaders64>(&bytes, args.names_max),
        FileKind::MachO32 => macho::program::<MachHeader32<_>>(&bytes, args.names_max),
        FileKind::MachO64 => macho::program::<MachHeader64<_>>(&bytes, args.names_max),
        FileKind::MachOFat32 => {
            MachOFatFile32::parse(bytes.as_slice()).and_then(|it| fat(&bytes, it.arches(), args.names_max))
        }
        FileKind::MachOFat64 => {
            MachOFatFile64::parse(bytes.as_slice()).and_then(|it| fat(&bytes, it.arches(), args.names_max))
        }
        _ => return Err(Failure::new(format!("this is {kind:?}, not a program: ELF, PE, Mach-O and WebAssembly are"))),
    };
    program.map_err(|error| Failure::new(format!("the headers of this {kind:?} file cannot be read: {error}")))
}

/// The first part of a universal file, with what others there are.
fn fat<A: FatArch>(bytes: &[u8], arches: &[A], names_max: usize) -> object::Result<Program> {
    /// So many are told; the count in the header is anyone's.
    const ARCHES_MAX: usize = 64;
    let first = arches.first().map(|it| it.data(bytes)).transpose()?.unwrap_or_default();
    let mut program = match FileKind::parse(first)? {
        FileKind::MachO32 => macho::program::<MachHeader32<_>>(first, names_max)?,
        _ => macho::program::<MachHeader64<_>>(first, names_max)?,
    };
    program.architectures = arches.iter().take(ARCHES_MAX).map(|it| native::lower(it.architecture())).collect();
    program.format = "mach-o universal";
    Ok(program)
}

#[cfg(test)]
mod tests;
