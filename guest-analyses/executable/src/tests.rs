use belljar_sdk::hostile;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::hardening::State;

/// `gcc -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-all -pie -Wl,-z,relro,-z,now -s`
const HARD: &[u8] = include_bytes!("../samples/hard.elf");
/// `gcc -fno-stack-protector -no-pie -Wl,-z,norelro,-z,execstack,-rpath,/tmp/x -s`
const SOFT: &[u8] = include_bytes!("../samples/soft.elf");
/// A program that would inject a thread into another.
const INJECT: &[u8] = include_bytes!("../samples/inject.exe");
const HELLO: &[u8] = include_bytes!("../samples/hello.macho");

fn of(bytes: &[u8]) -> Program {
    inspect(Sample::of_bytes(bytes), Args { names_max: 500 }).unwrap()
}

fn states(program: &Program) -> Vec<(&'static str, State)> {
    program.hardening.iter().map(|it| (it.name, it.state)).collect()
}

fn kinds(program: &Program) -> Vec<&'static str> {
    program.signs.iter().map(|it| it.kind).collect()
}

#[test]
fn a_hardened_elf_and_a_soft_one_are_told_apart() {
    use State::No;
    use State::Yes;
    let (hard, soft) = (of(HARD), of(SOFT));
    let names = ["pie", "nx", "relro", "stack-protector", "fortify", "no-search-path", "stripped"];
    let with = |states: [State; 7]| names.into_iter().zip(states).collect::<Vec<_>>();
    assert_eq!(states(&hard), with([Yes; 7]));
    assert_eq!(states(&soft), with([No, No, No, No, No, No, Yes]));
    for program in [&hard, &soft] {
        assert_eq!((program.format, program.kind, program.architecture.as_str()), ("elf", "executable", "x86_64"));
        assert_eq!(program.libraries, ["libc.so.6"]);
        assert_eq!(program.interpreter.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
        assert_eq!((program.overlay_bytes, kinds(program)), (0, vec![]));
    }
    assert_eq!(soft.search_paths, ["/tmp/x"]);
    assert!(hard.imports.contains(&"libc.so.6.__strcpy_chk".to_owned()), "{:?}", hard.imports);
    assert_eq!(hard.sections.iter().find(|it| it.name == ".text").unwrap().permissions, "rx");
}

#[test]
fn a_pe_that_injects_is_told() {
    let program = of(INJECT);
    assert_eq!((program.format, program.kind, program.bits), ("pe", "executable", Some(64)));
    assert_eq!(program.libraries, ["KERNEL32.dll"]);
    assert_eq!(program.subsystem.as_deref(), Some("console"));
    assert_eq!(program.import_count, 3);
    assert_eq!(kinds(&program), ["injection", "few-imports"]);
    let missing: Vec<_> = states(&program).into_iter().filter(|it| it.1 == State::No).map(|it| it.0).collect();
    assert_eq!(missing, ["aslr", "control-flow-guard", "signed", "high-entropy-aslr"]);
    assert_eq!(program.sections[0].permissions, "rx");
}

#[test]
fn a_mach_o_has_its_libraries_and_its_checks() {
    let program = of(HELLO);
    assert_eq!((program.format, program.kind, program.architecture.as_str()), ("mach-o", "executable", "x86_64"));
    assert_eq!(program.libraries, ["/usr/lib/libSystem.B.dylib"]);
    assert_eq!(program.interpreter.as_deref(), Some("/usr/lib/dyld"));
    assert!(
        states(&program).contains(&("stack-protector", State::Yes)) && states(&program).contains(&("pie", State::Yes))
    );
    assert_eq!(kinds(&program), [""; 0]);
    let mut fat = [0xcafe_babe_u32, 1, 0x0100_0007, 3, 4096, HELLO.len() as u32, 12].map(u32::to_be_bytes).concat();
    fat.resize(4096, 0);
    fat.extend_from_slice(HELLO);
    let universal = of(&fat);
    assert_eq!((universal.format, universal.architectures), ("mach-o universal", vec!["x86_64".to_owned()]));
    assert_eq!(universal.libraries, program.libraries);
}

#[test]
fn what_is_appended_is_told() {
    for (bytes, signs) in [(HARD, &["overlay"][..]), (INJECT, &["overlay", "injection", "few-imports"])] {
        let program = of(&[bytes, b"some more"].concat());
        assert_eq!((program.overlay_bytes, kinds(&program)), (9, signs.to_vec()));
    }
}

#[test]
fn a_stripped_section_table_is_told() {
    let mut bytes = HARD.to_vec();
    bytes[0x28..0x30].fill(0);
    bytes[0x3c..0x40].fill(0);
    assert!(kinds(&of(&bytes)).contains(&"no-sections"));
}

#[test]
fn a_component_has_the_names_of_its_world() {
    let bytes = include_bytes!("../../prebuilt/strings.wasm");
    let found = serde_json::to_value(inspect(Sample::of_bytes(*bytes), Args { names_max: 50 }).unwrap()).unwrap();
    assert_eq!((&found["format"], &found["hardening"]), (&json!("wasm component"), &json!([])));
    let has = |member: &str, part: &str| {
        found[member].as_array().unwrap().iter().filter_map(Value::as_str).any(|it| it.contains(part))
    };
    assert!(has("imports", "belljar:analysis/sample") && has("exports", "analyse"), "{found:#}");
}

#[test]
fn other_files_and_nothing_at_all_have_a_reason() {
    for bytes in
        [&b""[..], b"hello, this is no program", b"MZ", b"\x7fELF", b"\0asm", &[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 0]]
    {
        assert!(inspect(Sample::of_bytes(bytes), Args { names_max: 5 }).unwrap_err().message().len() > 20);
    }
}

#[test]
fn damaged_programs_have_a_result_or_a_reason() {
    for bytes in [HARD, SOFT, INJECT, HELLO] {
        hostile::survives(bytes, |sample| inspect(sample, Args { names_max: 5 }));
    }
}
