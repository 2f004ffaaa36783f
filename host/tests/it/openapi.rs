//! `GET /openapi.json`, and whether it is true.

pub(crate) mod contract;

use std::collections::BTreeSet;

use host::analysis::module::DESCRIPTOR_SECTION;
use host::analysis::module::with_sections;
use serde_json::Value;
use serde_json::json;

use crate::server::Server;

const QUIET: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
const METHODS: [&str; 6] = ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"];
const PLACE: &str = "#/components/schemas/";

fn server() -> Server {
    Server::start_with(&[], &["--accept-modules"])
}

fn document(server: &Server) -> Value {
    server.get("/openapi.json").expect(200).json()
}

/// A schema of the document, ready to check with.
fn schema(document: &Value, name: &str) -> jsonschema::Validator {
    let whole = json!({ "components": document["components"], "$ref": format!("{PLACE}{name}") });
    jsonschema::draft202012::new(&whole).unwrap()
}

fn install(server: &Server, name: &str, members: Value) {
    let mut descriptor = json!({ "name": name, "stdout": "none" });
    descriptor.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let module = wat::parse_str(QUIET).unwrap();
    let module = with_sections(&module, &[(DESCRIPTOR_SECTION, descriptor.to_string().as_bytes())]);
    server.put(&format!("/analyses/{name}"), &module).expect(201);
}

/// Every text that a member of that name has, however deep.
pub(crate) fn texts_of<'a>(value: &'a Value, member: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(member).and_then(Value::as_str));
            members.values().for_each(|it| texts_of(it, member, found));
        }
        Value::Array(elements) => elements.iter().for_each(|it| texts_of(it, member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

fn broken_references(document: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    texts_of(document, "$ref", &mut found);
    let mut found = BTreeSet::from_iter(found);
    assert!(found.len() > 20);
    found.retain(|it| it.strip_prefix('#').and_then(|it| document.pointer(it)).is_none());
    found.into_iter().collect()
}

/// Against the schema of the OpenAPI Initiative it is held by `scripts/schemathesis`.
#[test]
fn the_schemas_and_references_of_the_document_are_sound() {
    let document = document(&server());
    let meta = jsonschema::draft202012::meta::validator();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(meta.is_valid(schema), "{name}");
    }
    assert_eq!(broken_references(&document), [""; 0]);
    let mut ids = BTreeSet::new();
    for methods in document["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{operation:.300}");
        }
    }
    for methods in document["paths"].as_object().unwrap().values() {
        for link in methods.as_object().unwrap().values().flat_map(links) {
            assert!(ids.contains(link["operationId"].as_str().unwrap()), "{link}");
        }
    }
}

fn links(operation: &Value) -> Vec<&Value> {
    let answers = operation["responses"].as_object().unwrap().values();
    answers.filter_map(|it| it["links"].as_object()).flat_map(|it| it.values()).collect()
}

#[test]
fn what_is_described_is_routed_and_nothing_else() {
    let server = server();
    let document = document(&server);
    for (path, methods) in document["paths"].as_object().unwrap() {
        let called = path.split('/').map(|it| if it.starts_with('{') { "x" } else { it }).collect::<Vec<_>>().join("/");
        for method in METHODS {
            let answer = server.send((method, &called), &[("tus-resumable", "1.0.0"), ("connection", "close")], b"");
            let described = methods.get(method.to_lowercase()).is_some();
            // One of the methods that are described stands for others.
            let routed = answer.status != 405 || (method == "POST" && path == "/resumable/{id}");
            assert_eq!(routed, described, "{method} {path}");
        }
    }
}

#[test]
fn an_analysis_is_in_the_document_while_it_is_installed() {
    let server = server();
    let before = server.get("/openapi.json").expect(200);
    let same = server.get_with("/openapi.json", ("if-none-match", before.header("etag")));
    assert_eq!((same.status, same.header("cache-control")), (304, "no-cache"));
    let args = json!({
        "type": "object", "additionalProperties": false, "required": ["n", "unit"],
        "properties": { "n": { "$ref": "#/$defs/count" }, "unit": { "enum": ["m", "s"], "default": "m" } },
        "$defs": { "count": { "type": "integer" } },
    });
    install(&server, "theirs", json!({ "args": args, "result": { "type": "null" } }));

    let changed = server.get_with("/openapi.json", ("if-none-match", before.header("etag"))).expect(200);
    let document = changed.json();
    assert_eq!(broken_references(&document), [""; 0]);
    let question =
        |analysis: &str, args: Value| json!({ "file_id": "a".repeat(40), "analysis": analysis, "args": args });
    let any = schema(&document, "AnyQuestion");
    assert!(any.is_valid(&question("theirs", json!({ "n": 1 }))));
    assert!(any.is_valid(&question("theirs", json!({ "n": 1, "unit": "s" }))));
    assert!(!any.is_valid(&question("theirs", json!({ "n": "1" }))), "not by its schema");
    assert!(!any.is_valid(&question("theirs", json!({ "n": 1, "seconds": 1 }))), "args of another");
    assert!(!any.is_valid(&json!({ "file_id": "a".repeat(40), "analysis": "theirs" })), "args that it needs");
    assert!(any.is_valid(&question("dummy_5", json!({}))) && !any.is_valid(&question("theirs_5", json!({ "n": 1 }))));
    let several =
        json!({ "file_id": "a".repeat(40), "analysis": ["theirs", "digest"], "args": { "theirs": { "n": "1" } } });
    assert!(!any.is_valid(&several), "not by its schema, among several");
    assert!(schema(&document, "analysis.theirs.result").is_valid(&Value::Null));

    server.delete("/analyses/theirs").expect(204);
    let after = server.get("/openapi.json").expect(200);
    assert_eq!(after.header("etag"), before.header("etag"));
    assert!(!after.text().contains("theirs"));
}

#[test]
fn a_strangers_schema_captures_nothing_and_breaks_nothing() {
    let server = server();
    let before = document(&server);
    let tricky = json!({
        "$id": "https://example.com/", "type": "object", "discriminator": 7, "xml": "x",
        "properties": { "$ref": { "$ref": "#/$defs/a-b" }, "p": { "$ref": "#/definitions/Problem" } },
        "$defs": { "a-b": { "type": "string" } }, "definitions": { "Problem": { "type": "integer" } },
    });
    install(&server, "problem", json!({ "args": tricky }));
    install(&server, "question", json!({ "args": { "default": { "$ref": "#/$defs/a" }, "$defs": { "a": true } } }));

    let after = document(&server);
    assert_eq!(broken_references(&after), [""; 0]);
    for (name, schema) in before["components"]["schemas"].as_object().unwrap() {
        let by_analysis = ["AnyQuestion", "AnyResult", "Questions"].contains(&name.as_str());
        assert!(by_analysis || *schema == after["components"]["schemas"][name], "{name}");
    }
    let args = schema(&after, "analysis.problem.args");
    assert!(args.is_valid(&json!({ "$ref": "s", "p": 1 })));
    assert!(!args.is_valid(&json!({ "$ref": 1 })) && !args.is_valid(&json!({ "p": "1" })));
    assert!(!after["components"]["schemas"]["analysis.problem.args"].to_string().contains("discriminator"));
    let elsewhere = after["components"]["schemas"]["analysis.question.args"]["description"].as_str().unwrap();
    assert!(elsewhere.contains("GET /analyses/question"), "{elsewhere}");
}

#[test]
fn results_and_events_are_as_the_document_says() {
    let server = Server::start_with(&[], &crate::server::ALL);
    let document = document(&server);
    let file = server.upload("a.csv", b"a,b\n1,2\n3,4\n");
    for name in ["digest", "entropy", "strings", "csv-profile", "file-type", "text"] {
        let run = server.analyse(&file, name, json!({}));
        let result = server.result(&run).expect(200).json();
        assert!(schema(&document, &format!("analysis.{name}.result")).is_valid(&result), "{name}: {result:.300}");
        let stream = &document["paths"]["/results/{file_id}/{analysis_id}/events"]["get"]["responses"]["200"];
        let by_name = &stream["content"]["text/event-stream"]["schema"]["x-event-data"];
        let lines: Vec<_> = server.lines(&format!("/results/{run}/events"), &[]).collect();
        let field = |name| lines.iter().filter_map(|it| it.strip_prefix(name)).map(str::trim).collect::<Vec<_>>();
        let mut told = 0;
        for (event, data) in field("event:").into_iter().zip(field("data:")) {
            let schema = by_name[event]["$ref"].as_str().unwrap().strip_prefix(PLACE).unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            assert!(self::schema(&document, schema).is_valid(&data), "{event}: {data}");
            told += 1;
        }
        assert!(told >= 3, "{lines:?}");
    }
}

#[test]
fn what_json_schema_calls_an_integer_is_one() {
    let server = server();
    let file = server.upload("x", b"x");
    let run = server.analyse(&file, "digest", json!({ "limits": { "wall_ms": 5000.0, "fuel_base": null } }));
    assert_eq!(server.get(&format!("/results/{run}/run")).expect(200).json()["limits"]["wall_ms"], 5000);
    let half = json!({ "file_id": file, "analysis": "digest", "limits": { "wall_ms": 5000.5 } });
    server.post("/analyse", &[], half.to_string().as_bytes()).expect(422);
}

#[test]
fn a_method_that_stands_for_another_says_for_which() {
    let server = server();
    let headers = [("tus-resumable", "1.0.0")];
    let answer = server.send(("POST", &format!("/resumable/{}", "0".repeat(32))), &headers, b"").expect(405);
    assert!(answer.header("allow").contains("PATCH"));
}
