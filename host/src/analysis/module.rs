//! What is known of a module from its bytes, and how descriptor and files are put into one.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// The custom section that carries a descriptor.
pub const DESCRIPTOR_SECTION: &str = "belljar:analysis";
/// The custom section that carries files: a tar.
pub const FILES_SECTION: &str = "belljar:files";
/// Name of the custom section that holds a signature of all that is before it; the last one.
pub const SIGNATURE_SECTION: &str = "belljar:signature";
const HEADER_BYTES: usize = 8;

/// The ways a module can be run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ModuleKind {
    /// A core module with `_start` over `wasi_snapshot_preview1`.
    #[default]
    #[serde(rename = "wasi-0.1-command")]
    Command,
    /// A component that exports `wasi:cli/run`.
    #[serde(rename = "wasi-0.2-command")]
    CommandComponent,
    /// A component that exports `wasi:cli/run` of WASI 0.3: streams and tasks of the component model itself.
    #[serde(rename = "wasi-0.3-command")]
    AsyncCommandComponent,
    /// A component that exports the world of `wit/analysis.wit`.
    #[serde(rename = "typed")]
    Typed,
}

/// How much effort the compiler spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effort {
    /// The default.
    Full,
    /// For modules that are too dear otherwise: no optimisation, single-pass register allocation.
    Least,
}

/// What becomes of NaNs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nan {
    /// As the machine makes them: the same on every machine of one architecture.
    #[default]
    Native,
    /// Every one has the bits that the core spec calls canonical; loops over floats take up to three times as long.
    Canonical,
}

/// What becomes of components of WASI 0.3, which the engine calls experimental and outside its security promise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wasi03 {
    /// They are not installed.
    #[default]
    Refused,
    /// They run: the operator has said so.
    Taken,
}

/// Why a component of WASI 0.3 is not installed, where it is not.
pub const WITHOUT_WASI_03: &str = "WASI 0.3 is experimental in this engine and outside its security promise; it is taken \
                                   only with the switch `--experimental-wasi-03`";

/// How a module is compiled, as the operator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    pub effort: Effort,
    /// A descriptor may ask for canonical NaNs by itself.
    pub nan: Nan,
    pub wasi_03: Wasi03,
}

impl Manner {
    /// What an operator gets who says nothing.
    pub const DEFAULT: Self = Self { effort: Effort::Full, nan: Nan::Native, wasi_03: Wasi03::Refused };
}

/// Where something lies in the module's file, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub offset: u64,
    pub bytes: u64,
}

/// What a module says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFacts {
    pub kind: ModuleKind,
    /// The text of the descriptor section, if there is one.
    pub descriptor: Option<String>,
    /// Everything imported: `module.name` of a core module, interfaces of a component; sorted.
    pub imports: Vec<String>,
    /// The tar of files that ship with it.
    pub files: Option<Span>,
}

/// The module with these custom sections in place of those of their names that it had.
///
/// Only the frames of sections are read, which modules and components share (core spec 5.5.2); what is no module is
/// given back with the sections behind it, and is refused when it is looked at. A signature that it had is of other bytes
/// from then on, and goes.
#[must_use]
pub fn with_sections(module: &[u8], sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = module[..HEADER_BYTES.min(module.len())].to_vec();
    let mut rest = &module[packed.len()..];
    while let Some(Section { bytes, custom }) = next_section(rest) {
        let name = custom.map(|(name, _)| name);
        if name != Some(SIGNATURE_SECTION) && !sections.iter().any(|(replaced, _)| name == Some(*replaced)) {
            packed.extend_from_slice(&rest[..bytes]);
        }
        rest = &rest[bytes..];
    }
    packed.extend_from_slice(rest);
    for (name, bytes) in sections {
        let body_bytes = leb(name.len()).len() + name.len() + bytes.len();
        packed.push(0);
        packed.extend(leb(body_bytes));
        packed.extend(leb(name.len()));
        packed.extend_from_slice(name.as_bytes());
        packed.extend_from_slice(bytes);
    }
    packed
}

/// What is signed of a module, and its signature, if that is its last section.
#[must_use]
pub fn split_signature(module: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut at = HEADER_BYTES.min(module.len());
    while let Some(section) = next_section(&module[at..]) {
        if let Some((SIGNATURE_SECTION, signature)) = section.custom
            && at + section.bytes == module.len()
        {
            return (&module[..at], Some(signature));
        }
        at += section.bytes;
    }
    (module, None)
}

/// Whether a mount point for shipped files is one: absolute, plain, and not where something else is.
///
/// # Errors
/// What is wrong with it.
pub fn check_mount(mount: &str) -> Result<(), String> {
    let names: Vec<_> = mount.strip_prefix('/').unwrap_or_default().split('/').collect();
    let plain = names.iter().all(|name| !matches!(*name, "" | "." | "..")) && !mount.contains('\0');
    let taken = ["input", "out", "tmp"].contains(names.first().unwrap_or(&""));
    if plain && !taken && Path::new(mount).is_absolute() {
        Ok(())
    } else {
        Err(format!(
            "`{}` is no place for files: give an absolute path outside of /input, /out and /tmp",
            mount.escape_debug()
        ))
    }
}

/// Length of the first section with its frame, and its name if it is a custom one.
fn next_section(bytes: &[u8]) -> Option<Section<'_>> {
    let (id, rest) = bytes.split_first()?;
    let (size, size_bytes) = read_leb(rest)?;
    let body = rest.get(size_bytes..size_bytes.checked_add(size)?)?;
    let custom = (*id == 0).then(|| read_leb(body)).flatten();
    let custom = custom.and_then(|(length, at)| {
        let (name, content) = body.get(at..)?.split_at_checked(length)?;
        Some((std::str::from_utf8(name).ok()?, content))
    });
    Some(Section { bytes: 1 + size_bytes + size, custom })
}

/// The frame of one.
struct Section<'a> {
    bytes: usize,
    /// Of a custom one: its name and what it holds.
    custom: Option<(&'a str, &'a [u8])>,
}

fn read_leb(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (number, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * number);
        if byte & 0x80 == 0 {
            return Some((value, number + 1));
        }
    }
    None
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn a_section_is_added_and_then_replaced() {
        let long = "x".repeat(300);
        let first = with_sections(EMPTY, &[("a", b"one"), ("b", long.as_bytes())]);
        let second = with_sections(&first, &[("a", b"two")]);
        let mut names = Vec::new();
        for payload in wasmparser::Parser::new(0).parse_all(&second) {
            if let wasmparser::Payload::CustomSection(custom) = payload.unwrap() {
                names.push((custom.name().to_owned(), custom.data().len(), custom.data()[0]));
            }
        }
        assert_eq!(names, [("b".to_owned(), 300, b'x'), ("a".to_owned(), 3, b't')]);
    }

    #[test]
    fn a_signature_is_of_all_before_it_and_goes_with_a_change() {
        let module = with_sections(EMPTY, &[("a", b"one")]);
        assert_eq!(split_signature(&module), (&module[..], None));
        let signed = with_sections(&module, &[(SIGNATURE_SECTION, b"by me")]);
        assert_eq!(split_signature(&signed), (&module[..], Some(&b"by me"[..])));
        let again = with_sections(&signed, &[(SIGNATURE_SECTION, b"by you")]);
        assert_eq!(split_signature(&again), (&module[..], Some(&b"by you"[..])));
        let more = [&signed[..], &[0, 2, 1, b'b']].concat();
        assert_eq!(split_signature(&more), (&more[..], None), "something stands behind it");
        let changed = with_sections(&signed, &[("a", b"two")]);
        assert_eq!(changed, with_sections(EMPTY, &[("a", b"two")]));
    }

    #[test]
    fn what_is_no_module_is_left_as_it_is() {
        for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0\x00\xff\xff\xff\xff\xff\xff", b"\0asm\x01\0\0\0\x01\x7f"] {
            assert!(with_sections(bytes, &[]) == bytes);
        }
    }

    #[test]
    fn files_may_not_lie_over_what_is_there() {
        assert!(check_mount("/usr/lib/python3").is_ok());
        for wrong in ["", "/", "usr", "/input", "/out/x", "/tmp", "/a/../b", "/a//b", "/a/"] {
            assert!(check_mount(wrong).is_err(), "{wrong}");
        }
    }
}
