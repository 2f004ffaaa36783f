//! Components over the same file system: modules of WASI 0.1, put behind the adapter to 0.2, must answer the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use wasi_preview1_component_adapter_provider as adapters;

use crate::server::Server;

/// The component that `wit-component` makes of a core module.
fn component(module: &[u8], adapter: &[u8]) -> Vec<u8> {
    let encoder = wit_component::ComponentEncoder::default().module(module).unwrap();
    encoder.adapter(adapters::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter).unwrap().encode().unwrap()
}

fn command(module: &[u8]) -> Vec<u8> {
    component(module, adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)
}

fn shipped(name: &str) -> (Vec<u8>, Value) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-analyses/prebuilt");
    let module = std::fs::read(dir.join(name).with_extension("wasm")).unwrap();
    let mut members: BTreeMap<String, Value> = BTreeMap::new();
    for payload in wasmparser::Parser::new(0).parse_all(&module) {
        if let wasmparser::Payload::CustomSection(custom) = payload.unwrap()
            && custom.name() == "belljar:analysis"
        {
            members = serde_json::from_slice(custom.data()).unwrap();
        }
    }
    (module, json!(members))
}

#[test]
fn a_shipped_analysis_answers_the_same_as_a_component() {
    let names = ["digest", "entropy", "csv-profile"];
    let twins: Vec<_> = names.iter().map(|name| format!("{name}-component")).collect();
    let modules: Vec<_> = std::iter::zip(names, &twins)
        .map(|(name, twin)| {
            let (module, mut descriptor) = shipped(name);
            descriptor["name"] = json!(twin);
            (twin.as_str(), command(&module), descriptor.to_string())
        })
        .collect();
    let server = Server::start_modules(modules.into_iter(), &[]);
    let file = server.upload("table.csv", b"a,b\n1,2\n3,x\n");
    for (name, twin) in std::iter::zip(names, &twins) {
        let described = server.get(&format!("/analyses/{twin}")).expect(200).json();
        assert_eq!(described["kind"], "wasi-0.2-command");
        let imports = described["capabilities"].to_string();
        assert!(imports.contains("wasi:filesystem/types@0.2") && !imports.contains("sockets"), "{imports}");
        let answers = [name, twin].map(|name| {
            let run = server.analyse(&file, name, json!({}));
            let body = server.result(&run).expect(200).text().to_owned();
            let record = server.get(&format!("/results/{run}/run")).expect(200).json();
            let artifacts: Vec<_> =
                record["artifacts"].as_array().unwrap().iter().map(|it| it["sha256"].clone()).collect();
            (body.replace(&run, "RUN"), artifacts)
        });
        assert_eq!(answers[0], answers[1], "{name}");
    }
}

/// A component that asks for more memory than it may have, and returns an error when it is told no.
const GIVES_UP: &str = r#"(component
  (core module $main
    (memory 1)
    (func (export "run") (result i32) (i32.eq (memory.grow (i32.const 100)) (i32.const -1))))
  (core instance $m (instantiate $main))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (component $wrap (import "run" (func $it (result (result)))) (export "run" (func $it)))
  (instance $wrapped (instantiate $wrap (with "run" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $wrapped)))"#;

#[test]
fn a_component_that_returns_an_error_over_a_limit_failed_over_that_limit() {
    let server =
        Server::start(&[("gives_up", GIVES_UP, json!({ "stdout": "none", "limits": { "memory_bytes": 1 << 20 } }))]);
    let file = server.upload("x", b"x");
    let failed = server.result(&server.analyse(&file, "gives_up", json!({}))).expect(422).json();
    assert_eq!(failed["reason"], "memory-limit", "{failed}");
    let enough = json!({ "args": { "again": true } });
    let server = Server::start(&[("gives_up", GIVES_UP, json!({ "stdout": "none" }))]);
    let file = server.upload("x", b"x");
    server.result(&server.analyse(&file, "gives_up", enough)).expect(200);
}

#[test]
fn a_typed_analysis_reads_reports_and_leaves_an_artifact() {
    let server = Server::start(&[]);
    let described = server.get("/analyses/strings").expect(200).json();
    assert_eq!(described["kind"], "typed");
    let imports = described["capabilities"].to_string();
    assert!(imports.contains("belljar:analysis/sample@1.0") && imports.contains("belljar:analysis/report@1.0"));
    let file = server.upload("a.bin", b"\0\x01https://example.com/x\0\xff\xfe");
    let run = server.analyse(&file, "strings", json!({}));
    let result = server.result(&run).expect(200).json();
    assert_eq!(result["strings"][0]["text"], "https://example.com/x", "{result}");
    let record = server.get(&format!("/results/{run}/run")).expect(200).json();
    assert!(record["usage"]["bytes_read"].as_u64().unwrap() >= 26, "{record}");
    let artifact = &record["artifacts"][0];
    assert_eq!(artifact["name"], "strings.txt");
    assert!(result.to_string().contains(artifact["download"].as_str().unwrap()), "the path became a link: {result}");
    let text = server.get(artifact["download"].as_str().unwrap()).expect(200);
    assert!(text.text().contains("https://example.com/x"));
    let log = server.get(&format!("/results/{run}/log")).expect(200);
    assert!(log.text().contains("info "), "{}", log.text());
    let little = json!({ "args": { "min_length": 5 }, "limits": { "artifact_bytes": 4 } });
    let failed = server.result(&server.analyse(&file, "strings", little)).expect(422).json();
    assert_eq!(failed["reason"], "output-limit", "{failed}");
}

#[test]
fn a_typed_analysis_gets_its_args_whatever_its_descriptor_says_of_stdin() {
    let (module, mut descriptor) = shipped("strings");
    descriptor["name"] = json!("deaf");
    descriptor["stdin"] = json!("sample");
    let server = Server::start_modules(std::iter::once(("deaf", module, descriptor.to_string())), &[]);
    let file = server.upload("a.bin", b"short\0much longer\0");
    let run = server.analyse(&file, "deaf", json!({ "args": { "min_length": 8 } }));
    let result = server.result(&run).expect(200).json();
    assert_eq!(result["strings"].as_array().unwrap().len(), 1, "{result}");
}
