//! A server gives way to one with another engine. The one that canonicalises NaNs stands for it here: its programs are not
//! those of the other.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use serde_json::json;

use crate::flows::ECHO;
use crate::server::Server;

fn prepare(server: &Server, shipped: &str) -> Output {
    let data = server.data();
    let analyses = data.with_file_name("analyses");
    Command::new(env!("CARGO_BIN_EXE_belljar"))
        .args(["serve", "--prepare", "--shipped", shipped, "--nan", "canonical", "--data"])
        .arg(&data)
        .arg("--analyses")
        .arg(analyses)
        .output()
        .unwrap()
}

/// Programs for the other engine, by name, each with the number of its file: which is the same when it was only moved.
fn programs(dir: &Path) -> BTreeMap<String, u64> {
    let files = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let of_other = files.filter(|it| it.file_name().to_str().unwrap().ends_with("-nan.cwasm"));
    of_other.map(|it| (it.file_name().into_string().unwrap(), it.metadata().unwrap().ino())).collect()
}

#[test]
fn what_the_next_server_needs_is_made_beside_the_one_that_works() {
    let arguments = ["--shipped", "digest", "--accept-modules"];
    let mut server = Server::start_with(&[("echo", ECHO, json!({}))], &arguments);
    let module = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-analyses/prebuilt/dummy.wasm")).unwrap();
    server.put("/analyses/dummy", &module).expect(201);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 600 } }));
    // One that was cut off leaves nothing in the way.
    std::fs::create_dir_all(server.data().join("next/programs")).unwrap();
    std::fs::write(server.data().join("next/programs/half"), b"made").unwrap();
    let said = prepare(&server, "digest");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(String::from_utf8_lossy(&said.stdout), "prepared 3 analyses; the next start takes them over\n");
    server.result(&server.analyse(&file, "digest", json!({}))).expect(200);
    assert_eq!(programs(&server.data().join("programs")), BTreeMap::new(), "the one that works is left alone");
    let made = programs(&server.data().join("next/programs"));
    assert_eq!(made.len(), 3);
    server.restart_with(&[&["--nan", "canonical"], &arguments[..]].concat());
    assert_eq!(programs(&server.data().join("programs")), made, "none was compiled again");
    assert!(!server.data().join("next").exists());
    server.get(&format!("/results/{run}")).expect(202);
    let echoed = server.analyse(&file, "echo", json!({}));
    server.get_with(&format!("/results/{echoed}"), ("prefer", "wait=30")).expect(200);
}

#[test]
fn a_module_that_runs_wait_for_is_prepared_and_counted_once() {
    let server = Server::start_with(&[], &["--shipped", "dummy"]);
    server.analyse(&server.upload("a.txt", b"abc"), "dummy", json!({ "args": { "seconds": 600 } }));
    let said = prepare(&server, "dummy");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "prepared 1 analyses; the next start takes them over\n");
}

#[test]
fn what_was_prepared_is_believed_no_more_than_what_was_compiled_here() {
    let mut server = Server::start_with(&[("echo", ECHO, json!({}))], &["--shipped", "none"]);
    assert!(prepare(&server, "none").status.success());
    let next = server.data().join("next/programs");
    let (name, number) = programs(&next).pop_first().unwrap();
    let mut program = std::fs::read(next.join(&name)).unwrap();
    let last = program.len() - 1;
    program[last] ^= 1;
    std::fs::write(next.join(&name), program).unwrap();
    server.restart_with(&["--nan", "canonical", "--shipped", "none"]);
    let found = programs(&server.data().join("programs"));
    assert_eq!(found.keys().collect::<Vec<_>>(), [&name]);
    assert_ne!(found[&name], number, "it was compiled again");
    let file = server.upload("a.txt", b"abc");
    server
        .get_with(&format!("/results/{}", server.analyse(&file, "echo", json!({}))), ("prefer", "wait=30"))
        .expect(200);
}
