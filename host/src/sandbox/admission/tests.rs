//! What is admitted and what is refused, by what words.

use super::*;

const START: &str = "(memory (export \"memory\") 1) (func (export \"_start\"))";

fn admitted(wat: &str, limits: CompileLimits) -> Result<ModuleFacts, String> {
    admitted_with(wat, limits, Wasi03::Refused)
}

fn admitted_with(wat: &str, limits: CompileLimits, wasi_03: Wasi03) -> Result<ModuleFacts, String> {
    admit(&wat::parse_str(wat).unwrap(), &limits, wasi_03).map_err(|reasons| reasons.join("; "))
}

#[test]
fn every_count_is_admitted_at_its_limit_and_refused_one_over() {
    let module = |more: &str| format!("(module {START} {more})");
    let component = |more: &str| format!("(component (core module $m) {more} {COMMAND})");
    let module_bytes = u64::try_from(wat::parse_str(module("")).unwrap().len()).unwrap();
    let small = |value: u64| u32::try_from(value).unwrap();
    // What the refusal says, what needs so much of it, which limit that is.
    type Set = fn(&mut CompileLimits, u64, u32);
    let cases: [(&str, String, u64, Set); 11] = [
        ("larger than", module(""), module_bytes, |it, value, _| it.module_bytes = value),
        ("functions", module("(func) (func)"), 3, |it, _, value| it.functions = value),
        ("types", module("(type (func (param i32))) (type (func (param i64)))"), 3, |it, _, value| {
            it.functions = value
        }),
        ("a function of", module("(func nop nop)"), 4, |it, value, _| it.function_bytes = value),
        ("globals", module("(global i32 (i32.const 0))"), 1, |it, _, value| it.globals = value),
        ("segments", module("(data \"\") (data \"\")"), 2, |it, _, value| it.segments = value),
        ("tables", module("(table 1 funcref) (table 1 funcref)"), 2, |it, _, value| it.tables = value),
        ("a table starts", module("(table 7 funcref)"), 7, |it, value, _| it.table_elements_initial = value),
        ("bytes of memory", module(""), 65_536, |it, value, _| it.memory_initial_bytes = value),
        ("memories", component("(core module (memory 1)) (core module (memory 1))"), 2, |it, _, value| {
            it.memories = value
        }),
        ("nested", component(""), 3, |it, _, value| it.instances = value),
    ];
    for (named, wat, needs, set) in cases {
        let limited = |value: u64| {
            let mut limits = CompileLimits::DEFAULT;
            set(&mut limits, value, small(value));
            limits
        };
        assert!(admitted(&wat, limited(needs)).is_ok(), "{named}: {:?}", admitted(&wat, limited(needs)));
        let refused = admitted(&wat, limited(needs - 1)).unwrap_err();
        assert!(refused.contains(named), "{named}: {refused}");
    }
}

#[test]
fn a_module_within_a_component_sees_one_memory_as_any_other_does() {
    let both = [r#"(import "" "a" (memory 1)) (memory 1)"#, r#"(import "" "a" (memory 1)) (import "" "b" (memory 1))"#];
    for two in both.into_iter().chain(["(memory 1) (memory 1)"]) {
        let wat = format!("(component (core module $m) (core module {two}) {COMMAND})");
        let refused = admitted(&wat, CompileLimits::DEFAULT).unwrap_err();
        assert_eq!(refused, "a core module with more than one memory", "{two}");
    }
    let one = format!(r#"(component (core module $m) (core module (import "" "a" (memory 1))) {COMMAND})"#);
    assert!(admitted(&one, CompileLimits::DEFAULT).is_ok());
}

#[test]
fn sections_of_ours_come_once_and_as_text() {
    let module = |sections: &str| format!("(module {sections} {START})");
    let descriptor = |text: &str| format!(r#"(@custom "belljar:analysis" "{text}")"#);
    assert_eq!(admitted(&module(&descriptor("{}")), CompileLimits::DEFAULT).unwrap().descriptor.unwrap(), "{}");
    for (named, sections) in [
        ("two `belljar:analysis`", descriptor("{}").repeat(2)),
        ("not UTF-8", descriptor("\\ff\\fe")),
        ("a descriptor of more than", descriptor(&" ".repeat(DESCRIPTOR_BYTES_MAX + 1))),
        ("two `belljar:files`", r#"(@custom "belljar:files" "")"#.repeat(2)),
    ] {
        let refused = admitted(&module(&sections), CompileLimits::DEFAULT).unwrap_err();
        assert!(refused.contains(named), "{named}: {refused}");
    }
}

#[test]
fn a_component_has_its_own_descriptor_or_that_of_a_module_within() {
    let packed = |outer: &str, inner: &[&str]| {
        let section = |text: &str| format!(r#"(@custom "belljar:analysis" "{}")"#, text.escape_default());
        let modules: String = inner.iter().map(|text| format!("(core module {})", section(text))).collect();
        let outer = if outer.is_empty() { String::new() } else { section(outer) };
        admitted(&format!("(component {modules} {COMMAND} {outer})"), CompileLimits::DEFAULT)
    };
    let descriptor = |outer, inner: &[&str]| packed(outer, inner).unwrap().descriptor;
    assert_eq!(descriptor("", &["within"]).as_deref(), Some("within"));
    assert_eq!(descriptor("own", &["within"]).as_deref(), Some("own"));
    assert_eq!(descriptor("", &[]), None);
    assert!(packed("", &["one", "two"]).unwrap_err().contains("two `belljar:analysis` sections"));
}

#[test]
fn a_kind_is_found_and_what_it_may_not_import_is_named() {
    assert_eq!(admitted(&format!("(module {START})"), CompileLimits::DEFAULT).unwrap().kind, ModuleKind::Command);
    let command = admitted(&format!("(component {COMMAND})"), CompileLimits::DEFAULT).unwrap();
    assert_eq!(command.kind, ModuleKind::CommandComponent);
    let refused = admitted(
        r#"(component
            (import "wasi:sockets/tcp@0.2.0" (instance))
            (import "wasi:http/types@0.2.0" (instance))
            (import "wasi:cli/stdin@0.3.0" (instance))
            (import "wasi:io/streams@0.3.0" (instance))
            (import "other:thing/x" (instance))
            (import "wasi:io/streams@0.2.1" (instance)))"#,
        CompileLimits::DEFAULT,
    )
    .unwrap_err();
    for named in [
        "wasi:sockets/tcp@0.2.0`: sockets",
        "wasi:http/types@0.2.0`: HTTP",
        "stdin@0.3.0`: WASI 0.3",
        "streams@0.3.0`: which this host does not offer",
        "other:thing/x",
    ] {
        assert!(refused.contains(named), "{named}: {refused}");
    }
    assert!(!refused.contains("streams@0.2.1"), "{refused}");
}

#[test]
fn wasi_0_3_is_taken_with_the_switch_and_refused_by_its_name_without() {
    let command = |imports: &str| format!("(component {imports} {})", COMMAND.replace("@0.2.0", "@0.3.0"));
    let with = |wat: &str| admitted_with(wat, CompileLimits::DEFAULT, Wasi03::Taken);
    let both = r#"(import "wasi:random/random@0.3.0" (instance)) (import "wasi:io/poll@0.2.0" (instance))"#;
    let taken = with(&command(both)).unwrap();
    assert_eq!(taken.kind, ModuleKind::AsyncCommandComponent);
    assert_eq!(taken.imports, ["wasi:io/poll@0.2.0", "wasi:random/random@0.3.0"]);
    let refused = admitted(&command(both), CompileLimits::DEFAULT).unwrap_err();
    for named in ["imports `wasi:random/random@0.3.0`", "exports `wasi:cli/run@0.3.0`", "`--experimental-wasi-03`"] {
        assert!(refused.contains(named), "{named}: {refused}");
    }
    let refused = with(&command(
        r#"(import "wasi:sockets/types@0.3.0" (instance))
           (import "wasi:http/client@0.3.0" (instance))
           (import "wasi:clocks/timezone@0.3.0" (instance))"#,
    ));
    let refused = refused.unwrap_err();
    for named in ["sockets/types@0.3.0`: sockets", "http/client@0.3.0`: HTTP", "clocks/timezone@0.3.0`: which"] {
        assert!(refused.contains(named), "{named}: {refused}");
    }
    let refused = with(&format!(r#"(component (import "wasi:random/random@0.3.0" (instance)) {COMMAND})"#));
    assert!(refused.unwrap_err().contains("wasi:random/random@0.3.0`: only what exports `wasi:cli/run@0.3`"));
    let refused = with(&format!("(component {})", COMMAND.replace("@0.2.0", "@0.3.0-rc-2025-09-16")));
    assert!(refused.unwrap_err().contains("a draft"));
}

/// The export that makes a component a command.
const COMMAND: &str = r#"
    (core module $main (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $main))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (component $wrap (import "run" (func $it (result (result)))) (export "run" (func $it)))
    (instance $wrapped (instantiate $wrap (with "run" (func $run))))
    (export "wasi:cli/run@0.2.0" (instance $wrapped))"#;
