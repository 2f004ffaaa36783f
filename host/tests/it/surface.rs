//! What the surface has besides its founding routes and lists.

use serde_json::Value;
use serde_json::json;

use crate::server::Server;
use crate::server::wait_for;

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
    let record = format!("/results/{pending}/run");
    wait_for("its start", || (server.get(&record).json()["status"] == "running").then_some(()));
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
    server.head("/metrics").expect(200);
    server.head(&format!("/results/{run}/events")).expect(200);
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
    assert_eq!((&of("words")["accepts"], &of("digest")["accepts"]), (&json!(["text/plain"]), &json!(["*/*"])));
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

fn ask(server: &Server, members: &Value) -> crate::server::Answer {
    server.post("/analyse", &[], members.to_string().as_bytes())
}

#[test]
fn several_analyses_are_asked_at_once_and_each_has_its_own_answer() {
    let server = Server::start(&[("pictures", QUIET, quiet(json!({ "accepts": ["image/*"] })))]);
    let file = server.upload("a.txt", b"some words");
    let single = server.analyse(&file, "strings", json!({ "args": { "min_length": 9 } }));
    let names = ["digest", "pictures", "strings", "nothing", "entropy"];
    let args = json!({ "strings": { "min_length": 9 }, "entropy": { "surely": "not" } });
    let question = json!({ "file_id": file, "analysis": names, "args": args });
    let wait = [("prefer", "wait=60")];
    let answer = server.post("/analyse", &wait, question.to_string().as_bytes()).expect(200);
    assert_eq!(answer.header("preference-applied"), "wait=60");
    let answer = answer.json();
    assert_eq!(answer["file_id"], file.as_str());
    let entries = answer["analyses"].as_array().unwrap();
    assert_eq!(entries.iter().map(|it| it["analysis"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for taken in [0, 2] {
        let entry = &entries[taken];
        assert_eq!((&entry["status"], &entry["file_id"]), (&json!("successful"), &json!(file)));
        assert!(entry["problem"].is_null(), "{entry}");
        server.get(entry["results"].as_str().unwrap()).expect(200);
    }
    assert_eq!(entries[2]["results"], format!("/results/{single}"), "the question that was asked by itself");
    for (refused, status, args) in [(1, 415, json!({})), (3, 404, json!({})), (4, 422, json!({ "surely": "not" }))] {
        let alone = ask(&server, &json!({ "file_id": file, "analysis": names[refused], "args": args }));
        assert_eq!(entries[refused]["problem"], alone.expect(status).json(), "as alone");
    }
}

#[test]
fn a_star_asks_all_that_take_the_file() {
    let server = Server::start(&[
        ("pictures", QUIET, quiet(json!({ "accepts": ["image/*"] }))),
        ("traps", "(module (memory (export \"memory\") 1) (func (export \"_start\") unreachable))", json!({})),
    ]);
    let file = server.upload("a.txt", b"some words");
    let fitting = server.get(&format!("/upload/{file}/analyses")).expect(200).json();
    let fitting: Vec<_> = fitting["analyses"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    let question = json!({ "file_id": file, "analysis": "*", "args": { "dummy": { "seconds": 60 } } });
    let answer = ask(&server, &question).expect(200).json();
    let entries = answer["analyses"].as_array().unwrap();
    assert_eq!(entries.iter().map(|it| it["analysis"].clone()).collect::<Vec<_>>(), fitting);
    let of = |name: &str| entries.iter().find(|it| it["analysis"] == name).unwrap();
    server.get_with(of("digest")["results"].as_str().unwrap(), ("prefer", "wait=60")).expect(200);
    server.get_with(of("traps")["results"].as_str().unwrap(), ("prefer", "wait=60")).expect(422);
    server.get(of("dummy")["results"].as_str().unwrap()).expect(202);
}

#[test]
fn what_none_of_several_could_take_is_an_error() {
    let mut server = Server::start(&[("pictures", QUIET, quiet(json!({ "accepts": ["image/*"] })))]);
    let file = server.upload("a.txt", b"some words");
    let of = |names: Value| json!({ "file_id": file, "analysis": names });
    let unknown = ask(&server, &of(json!(["none", "nothing"]))).expect(404).json();
    assert_eq!(unknown["analyses"][1]["analysis"], "nothing");
    assert_eq!(unknown["analyses"][1]["problem"]["status"], 404);
    assert_eq!(
        ask(&server, &of(json!(["none", "pictures"]))).expect(422).json()["analyses"][1]["problem"]["status"],
        415
    );
    for wrong in [
        of(json!([])),
        of(json!([1])),
        of(json!(["digest", "digest"])),
        json!({ "file_id": file, "analysis": ["digest"], "args": { "strings": {} } }),
        json!({ "file_id": file, "analysis": ["digest"], "args": [] }),
        json!({ "file_id": file, "analysis": "*", "args": { "pictures": {} } }),
        json!({ "file_id": file, "analysis": ["digest"], "more": 1 }),
        json!({ "analysis": ["digest"] }),
        of((0..101).map(|it| format!("dummy_{it}")).collect()),
    ] {
        let problem = ask(&server, &wrong).expect(422).json();
        assert!(problem["analyses"].is_null(), "{problem}");
    }
    ask(&server, &json!({ "file_id": "x", "analysis": "*" })).expect(404);
    assert_eq!(server.get(&format!("/results/{file}")).expect(200).json()["results"], json!([]), "nothing was begun");
    let hundred: Value = (0..100).map(|it| format!("dummy_{}", it + 1000)).collect();
    let all = json!({ "file_id": file, "analysis": hundred, "priority": "bulk" });
    assert_eq!(ask(&server, &all).expect(200).json()["analyses"].as_array().unwrap().len(), 100);
    server.restart_with(&["--disk-reserve-bytes", "18446744073709551615"]);
    ask(&server, &json!({ "file_id": file, "analysis": ["digest"] })).expect(507);
}

#[test]
fn a_full_queue_refuses_those_that_came_too_late() {
    let server = Server::start_with(&[], &["--queue-max", "2", "--workers", "1"]);
    let file = server.upload("a.txt", b"some words");
    let question = json!({ "file_id": file, "analysis": ["dummy_60", "dummy_61", "dummy_62"] });
    let answer = ask(&server, &question).expect(200).json();
    let problem = &answer["analyses"][2]["problem"];
    assert_eq!(problem["status"], 503, "{answer}");
    assert!(problem["retry_after_ms"].as_u64().unwrap() >= 1000);
    assert!(answer["analyses"][1]["analysis_id"].is_string());
    let late = ask(&server, &json!({ "file_id": file, "analysis": ["dummy_63", "dummy_64"] })).expect(503);
    assert!(late.header("retry-after").parse::<u64>().unwrap() >= 1);
}

/// A digest as it stands in a field (RFC 9530).
fn digest(bytes: &[u8]) -> String {
    use base64::Engine;
    let sha256 = <sha2::Sha256 as sha2::Digest>::digest(bytes);
    format!("sha-256=:{}:", base64::engine::general_purpose::STANDARD.encode(sha256))
}

#[test]
fn what_is_served_has_its_digest() {
    let server = Server::start(&[]);
    let bytes: Vec<u8> = (0..40_000_u32).flat_map(|it| format!("string number {it}\n").into_bytes()).collect();
    let file = server.upload("a.txt", &bytes);
    let short = server.analyse(&file, "digest", json!({}));
    let long = server.analyse(&file, "strings", json!({ "args": { "max_strings": 10_000 } }));
    for run in [&short, &long] {
        let result = server.result(run).expect(200);
        assert_eq!(result.header("repr-digest"), digest(&result.body), "{} bytes", result.body.len());
        assert_eq!(server.head(&format!("/results/{run}")).header("repr-digest"), digest(&result.body));
    }
    assert!(server.result(&long).body.len() > 64 << 10, "long enough to be sent as it is read");
    let upload = format!("/download/{file}/a.txt");
    for (path, range) in [(&upload, "bytes=0-"), (&upload, "bytes=5-9")] {
        assert_eq!(server.get_with(path, ("range", range)).expect(206).header("repr-digest"), digest(&bytes), "of all");
    }
    let record = server.get(&format!("/results/{long}/run")).expect(200).json();
    let artifact = server.get(record["artifacts"][0]["download"].as_str().unwrap()).expect(200);
    assert_eq!(artifact.header("repr-digest"), digest(&artifact.body));
}

#[test]
fn an_upload_is_held_to_the_digest_that_comes_with_it() {
    let server = Server::start(&[]);
    let large = vec![7; 3 << 20];
    let form = b"preamble\r\n--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nabc\r\n--x--\r\nepilogue";
    let form_type = ("content-type", "multipart/form-data; boundary=x");
    let plain_type = ("content-type", "application/octet-stream");
    for (body, content_type) in [(&b"abc"[..], plain_type), (&large, plain_type), (b"", plain_type), (form, form_type)]
    {
        for field in ["content-digest", "repr-digest"] {
            let (right, wrong) = (digest(body), digest(b"other"));
            let problem = server.post("/upload", &[content_type, (field, &wrong)], body).expect(400);
            assert!(problem.json()["detail"].as_str().unwrap().contains(field));
            let both = format!("md5=:AAAA:, {wrong}");
            server.post("/upload", &[content_type, ("repr-digest", &right), (field, &both)], body).expect(400);
            assert_eq!(server.get("/upload").expect(200).json()["uploads"], json!([]), "nothing is stored");
            assert!(server.lying_in("staging").is_empty());
            let stored = server.post("/upload", &[content_type, (field, &right)], body).expect(200).json();
            server.delete(&format!("/upload/{}", stored["file_id"].as_str().unwrap())).expect(204);
        }
    }
    server.post("/upload", &[("repr-digest", "md5=:AAAA:")], b"abc").expect(200);
    let broken = "POST /upload HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 11\r\nrepr-digest: sha-256=x\r\n\r\n";
    assert!(server.raw(broken.as_bytes()).starts_with("HTTP/1.1 400"), "before the body is asked for");
}
