//! What the surface has besides its founding routes and lists.

use serde_json::Value;
use serde_json::json;

use crate::server::Server;

/// Prints nothing.
const QUIET: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

fn quiet(members: Value) -> Value {
    let mut all = json!({ "stdout": "none" });
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    all
}

#[test]
fn whatever_can_be_got_has_a_head() {
    let server = Server::start(&[]);
    let file = server.upload("a.csv", b"a,b\n1,2\n");
    let run = server.analyse(&file, "digest", json!({}));
    server.result(&run).expect(200);
    let pending = server.analyse(&file, "dummy", json!({ "args": { "seconds": 60 } }));
    for (path, status) in [
        ("/upload", 200),
        (&format!("/upload/{file}"), 200),
        (&format!("/upload/{file}/analyses"), 200),
        (&format!("/download/{file}/a.csv"), 200),
        ("/analyses", 200),
        ("/analyses/digest", 200),
        (&format!("/results/{file}"), 200),
        (&format!("/results/{run}"), 200),
        (&format!("/results/{pending}"), 202),
        (&format!("/results/{run}/run"), 200),
        (&format!("/results/{run}/log"), 200),
        ("/healthz", 200),
        ("/limits", 200),
        ("/upload/da39a3ee5e6b4b0d3255bfef95601890afd80709", 404),
        ("/nothing", 404),
    ] {
        let (got, head) = (server.get(path).expect(status), server.head(path).expect(status));
        for name in ["content-type", "content-length", "etag", "retry-after", "content-disposition"] {
            assert_eq!(head.header(name), got.header(name), "{path}: {name}");
        }
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(got.header("content-length"), got.body.len().to_string(), "{path}");
    }
    server.head("/readyz").expect(200);
    server.head("/analyse").expect(405);
}

#[test]
fn a_file_tells_what_can_be_run_on_it() {
    let needs = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
    let server = Server::start(&[
        ("pictures", QUIET, quiet(json!({ "accepts": ["image/*"] }))),
        ("words", QUIET, quiet(json!({ "accepts": ["text/plain"], "title": "Words" }))),
        (
            "by_example",
            QUIET,
            quiet(json!({ "args": needs, "examples": [{}, { "args": {} }, { "args": { "n": 5 } }] })),
        ),
        ("by_hand", QUIET, quiet(json!({ "args": needs }))),
    ]);
    let file = server.upload("a.txt", b"some words");
    let list = server.get(&format!("/upload/{file}/analyses")).expect(200).json();
    assert_eq!((&list["media_type"], &list["file_id"]), (&json!("text/plain"), &json!(file)));
    let fitting = list["analyses"].as_array().unwrap();
    let names: Vec<_> = fitting.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"words") && names.contains(&"digest") && !names.contains(&"pictures"), "{names:?}");
    for it in fitting {
        let status = if it["name"] == "by_hand" { 422 } else { 200 };
        server.post("/analyse", &[], it["question"].to_string().as_bytes()).expect(status);
        assert_eq!(server.get(it["about"].as_str().unwrap()).expect(200).json()["name"], it["name"]);
    }
    let of = |name: &str| fitting.iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(of("words")["title"], "Words");
    assert_eq!(of("by_example")["question"]["args"], json!({ "n": 5 }));
    assert_eq!(of("by_hand")["question"]["args"], json!(null));
    assert!(of("csv-profile")["question"]["args"]["top"].is_u64(), "with the defaults filled in");
    let first = server.get(&format!("/upload/{file}/analyses?limit=1")).expect(200).json();
    assert_eq!(first["analyses"][0], fitting[0]);
    let second = server.get(first["next"].as_str().unwrap()).expect(200).json();
    assert_eq!(second["analyses"][0], fitting[1]);
    server.get("/upload/da39a3ee5e6b4b0d3255bfef95601890afd80709/analyses").expect(404);
    server.get(&format!("/upload/{file}/analyses?all=1")).expect(400);
}
