//! A name stands for one module at a time, and stood for others before; and the operator's directory is followed.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::installs::packed;
use crate::installs::says;
use crate::server::Server;
use crate::server::wait_for;

fn version(letter: char, version: &str) -> Vec<u8> {
    packed(&says(letter), &json!({ "name": "theirs", "version": version }))
}

fn put(server: &Server, letter: char, number: &str) -> String {
    let answer = server.put("/analyses/theirs", &version(letter, number));
    assert!([200, 201].contains(&answer.status), "{}", answer.text());
    answer.json()["module_sha256"].as_str().unwrap().to_owned()
}

fn ask(server: &Server, file: &str, analysis: &str) -> Value {
    let run = server.analyse(file, analysis, json!({}));
    server.result(&run).expect(200).json()
}

fn versions(server: &Server) -> Vec<(String, bool)> {
    let listed = server.get("/analyses/theirs/versions").expect(200).json();
    let entry = |it: &Value| (it["version"].as_str().unwrap().to_owned(), it["current"].as_bool().unwrap());
    listed["versions"].as_array().unwrap().iter().map(entry).collect()
}

#[test]
fn versions_can_be_asked_for_and_gone_back_to_also_after_a_crash() {
    let mut server = Server::start_with(&[], &["--accept-modules", "--versions-kept", "3"]);
    let file = server.upload("x", b"x");
    let first = put(&server, 'a', "1.0.0");
    let of_first = server.analyse(&file, "theirs", json!({}));
    assert_eq!(server.result(&of_first).json(), "a");
    let superseded = |server: &Server| {
        server.get(&format!("/results/{of_first}/run")).expect(200).json()["superseded"].as_bool().unwrap()
    };
    assert!(!superseded(&server));
    put(&server, 'b', "1.1.0");
    put(&server, 'c', "1.2.0");
    assert!(superseded(&server));
    for _ in 0..2 {
        assert_eq!(ask(&server, &file, "theirs"), "c");
        assert_eq!(ask(&server, &file, "theirs@1.1.0"), "b");
        assert_eq!(ask(&server, &file, &format!("theirs@sha256:{first}")), "a");
        // It is the same question, whichever way its module is named.
        assert_eq!(server.analyse(&file, "theirs@1.0.0", json!({})), of_first);
        let several = json!({ "file_id": file, "analysis": ["theirs", "theirs@1.1.0", "theirs@9"] });
        let answer = server.post("/analyse", &[], several.to_string().as_bytes()).expect(200).json();
        assert_eq!(answer["analyses"][2]["problem"]["status"], 404, "{answer}");
        assert!(answer["analyses"][1]["results"].is_string());
        let expected = [("1.2.0", true), ("1.1.0", false), ("1.0.0", false)];
        assert_eq!(versions(&server), expected.map(|(version, current)| (version.to_owned(), current)));
        server.crash_and_restart();
    }

    let back = server.post("/analyses/theirs/rollback", &[], b"").expect(200).json();
    assert_eq!((&back["version"], ask(&server, &file, "theirs")), (&json!("1.1.0"), json!("b")));
    server.post("/analyses/theirs/rollback", &[], b"").expect(200);
    server.crash_and_restart();
    assert_eq!(ask(&server, &file, "theirs"), "a");
    assert!(!superseded(&server));
    server.post("/analyses/theirs/rollback", &[], b"").expect(409);
    server.post("/analyses/theirs/rollback", &[], br#"{"to": "1.2.0"}"#).expect(200);
    assert_eq!(ask(&server, &file, "theirs"), "c");

    put(&server, 'd', "2.0.0");
    let question = json!({ "file_id": file, "analysis": format!("theirs@sha256:{first}") });
    let problem = server.post("/analyse", &[], question.to_string().as_bytes()).expect(404).json();
    assert!(problem["detail"].as_str().unwrap().contains("/analyses/theirs/versions"), "the oldest went: {problem}");
    // Sent again, it is the newest and not there twice.
    put(&server, 'c', "1.2.0");
    assert_eq!(versions(&server).len(), 3);
    assert_eq!(versions(&server)[0], ("1.2.0".to_owned(), true));
}

#[test]
fn what_cannot_be_gone_back_to_is_told() {
    let server = Server::start_with(&[], &["--accept-modules"]);
    put(&server, 'a', "1.0.0");
    let refused = |path: &str, body: &str, status| {
        let problem = server.post(&format!("/analyses/{path}/rollback"), &[], body.as_bytes()).expect(status).json();
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    };
    refused("theirs", "", 409);
    refused("theirs", r#"{"to": "0.9"}"#, 404);
    refused("theirs", r#"{"to": "sha256:12"}"#, 422);
    refused("theirs", r#"{"two": "1"}"#, 422);
    refused("theirs", "{", 400);
    refused("nobodys", "", 404);
    refused("digest", "", 409);
    server.get("/analyses/nobodys/versions").expect(404);
    let closed = Server::start(&[]);
    closed.post("/analyses/digest/rollback", &[], b"").expect(403);
    assert_eq!(closed.get("/analyses/digest/versions").expect(200).json()["versions"].as_array().unwrap().len(), 1);
}

/// Writes it as an editor or `cp` does: not at once.
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_changes_in_the_directory_is_noticed() {
    let mut server = Server::start(&[("ours", &says('o'), json!({ "version": "1" }))]);
    let directory = server.dir.path().join("analyses");
    let file = server.upload("x", b"x");
    let answers = |server: &Server, name: &str| {
        let question = json!({ "file_id": file, "analysis": name }).to_string();
        let answer = server.post("/analyse", &[("prefer", "wait=10")], question.as_bytes());
        (answer.status == 200).then(|| server.get(answer.json()["results"].as_str().unwrap()).json())
    };
    let becomes = |server: &Server, name: &str, letter: Option<&str>| {
        wait_for(name, || (answers(server, name) == letter.map(|it| json!(it))).then_some(()));
    };
    becomes(&server, "ours", Some("o"));
    write(&directory.join("new.wasm"), &packed(&says('n'), &json!({ "name": "new" })));
    becomes(&server, "new", Some("n"));
    // A sidecar counts as the module does.
    write(&directory.join("ours.wasm"), &wat::parse_str(says('p')).unwrap());
    write(&directory.join("ours.json"), json!({ "name": "ours", "version": "2" }).to_string().as_bytes());
    becomes(&server, "ours", Some("p"));
    becomes(&server, "ours@1", Some("o"));
    // What is refused changes nothing, until it is mended.
    write(&directory.join("new.wasm"), b"half a module");
    write(&directory.join("other.wasm"), &packed(&says('q'), &json!({ "name": "other" })));
    becomes(&server, "other", Some("q"));
    becomes(&server, "new", Some("n"));
    write(&directory.join("new.wasm"), &packed(&says('m'), &json!({ "name": "renamed" })));
    becomes(&server, "renamed", Some("m"));
    becomes(&server, "new", None);
    std::fs::remove_file(directory.join("other.wasm")).unwrap();
    becomes(&server, "other", None);
    server.crash_and_restart();
    becomes(&server, "ours", Some("p"));
    becomes(&server, "ours@1", Some("o"));
    becomes(&server, "other", None);
}

#[test]
fn a_file_that_is_still_written_is_left_alone() {
    let server = Server::start(&[]);
    let path = server.dir.path().join("analyses/slow.wasm");
    let module = packed(&says('s'), &json!({ "name": "slow" }));
    // Each beginning is no module; only the last piece makes it one.
    for end in (module.len() - 8)..=module.len() {
        server.get("/analyses/slow").expect(404);
        std::fs::write(&path, &module[..end]).unwrap();
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    wait_for("the whole", || (server.get("/analyses/slow").status == 200).then_some(()));
}

#[test]
fn a_module_that_is_revoked_is_not_asked_and_its_results_say_so() {
    let options = ["--accept-modules"];
    let mut server = Server::start_with(&[], &options);
    let file = server.upload("x", b"x");
    let bad = put(&server, 'a', "1.0.0");
    let run = server.analyse(&file, "theirs", json!({}));
    assert_eq!(server.result(&run).expect(200).header("belljar-revoked"), "");
    let path = format!("/modules/{bad}/revocation");
    server.put(&path, br#"{"reason": ""}"#).expect(422);
    server.put("/modules/12/revocation", br#"{"reason": "x"}"#).expect(404);
    server.put(&path, r#"{"reason": "counts wrong – 100 %"}"#.as_bytes()).expect(200);
    let flagged = |server: &Server| {
        let result = server.result(&run).expect(200);
        assert_eq!((result.json(), result.header("belljar-revoked")), (json!("a"), "counts wrong %E2%80%93 100 %25"));
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        assert_eq!(record["revoked"]["reason"], "counts wrong – 100 %");
        let listed = server.get(&format!("/results/{file}")).expect(200).json();
        let listed = listed["results"].as_array().unwrap().clone();
        assert!(listed.iter().all(|it| it["revoked"] == (it["results"] == format!("/results/{run}"))), "{listed:?}");
        let question = json!({ "file_id": file, "analysis": format!("theirs@sha256:{bad}") }).to_string();
        let problem = server.post("/analyse", &[], question.as_bytes()).json();
        assert!([403, 404].contains(&problem["status"].as_u64().unwrap()), "{problem}");
    };
    flagged(&server);
    let question = json!({ "file_id": file, "analysis": "theirs" }).to_string();
    server.post("/analyse", &[], question.as_bytes()).expect(403);
    assert_eq!(server.get(&format!("/modules/{bad}")).expect(200).json()["names"], json!(["theirs"]));
    server.put("/analyses/theirs", &version('a', "1.0.0")).expect(422);
    put(&server, 'b', "1.0.1");
    assert_eq!(ask(&server, &file, "theirs"), "b");
    server.crash_and_restart();
    flagged(&server);
    server.post("/analyses/theirs/rollback", &[], b"").expect(422);

    // By the operator, beside the server.
    let other = server.get("/analyses/theirs").expect(200).json()["module_sha256"].as_str().unwrap().to_owned();
    let mut revoke = std::process::Command::new(env!("CARGO_BIN_EXE_belljar"));
    revoke.args(["revoke", &other, "--reason", "a trojan", "--data"]).arg(server.data());
    assert!(revoke.status().unwrap().success());
    wait_for("the word", || (server.post("/analyse", &[], question.as_bytes()).status == 403).then_some(()));
    server.delete(&format!("/modules/{other}/revocation")).expect(204);
    server.delete(&format!("/modules/{other}/revocation")).expect(404);
    assert_eq!(ask(&server, &file, "theirs"), "b");
    server.kill();
    let fsck =
        std::process::Command::new(env!("CARGO_BIN_EXE_belljar")).arg("fsck").arg("--data").arg(server.data()).output();
    assert!(fsck.unwrap().status.success());
    server.restart_with(&[]);
    server.put(&path, br#"{"reason": "x"}"#).expect(403);
}
