//! `belljar selftest` as an operator runs it, and what the server then tells of it.

use std::process::Command;
use std::process::Output;

use host::selftest::suite::SUITE;
use serde_json::Value;
use tempfile::TempDir;

use crate::server::Server;
#[cfg(target_os = "linux")]
use crate::walls::without;

#[test]
fn every_module_passes_and_the_verdict_is_told() {
    let server = Server::start(&[]);
    assert_eq!(server.get("/readyz").expect(200).json()["selftest"], Value::Null);
    let scratch = tempfile::tempdir().unwrap();
    let (output, said) = selftest(&server, &scratch);
    let differing = differing(&said);
    assert!(differing.is_empty(), "{differing:#?}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said["modules"].as_array().unwrap().len(), SUITE.len());
    let verdict = &said["verdict"];
    assert_eq!((&verdict["passed"], &verdict["failed"]), (&SUITE.len().into(), &0.into()));
    let stored: Value = serde_json::from_slice(&std::fs::read(server.data().join("selftest.json")).unwrap()).unwrap();
    assert_eq!(&stored, verdict);
    assert_eq!(&server.get("/readyz").expect(200).json()["selftest"], verdict);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "its own data are gone");
}

/// On a kernel whose workers cannot write at a place, what writes does not come to what it should.
#[cfg(target_os = "linux")]
#[test]
fn a_module_that_comes_to_something_else_fails_it_and_the_verdict_says_so() {
    let server = Server::start(&[]);
    let scratch = tempfile::tempdir().unwrap();
    let (output, said) = without(&[libc::SYS_pwrite64], || selftest(&server, &scratch));
    let differing = differing(&said);
    let name = |it: &&Value| it["name"].as_str().unwrap().to_owned();
    let names: Vec<_> = differing.iter().map(name).collect();
    assert!(names.contains(&"out_flood".to_owned()), "{names:?}");
    assert!(!names.contains(&"loop".to_owned()), "what does not write is as it was: {names:?}");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let words = format!("{} of {} modules did not come to what they should", names.len(), SUITE.len());
    assert!(String::from_utf8_lossy(&output.stderr).contains(&words), "{words}");
    let verdict = &said["verdict"];
    assert_eq!((&verdict["failed"], &verdict["passed"]), (&names.len().into(), &(SUITE.len() - names.len()).into()));
    assert_eq!(&server.get("/readyz").expect(200).json()["selftest"], verdict);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "its own data are gone");
}

/// Runs it with its data below `scratch` and its verdict beside the data of `server`; what it prints is read.
fn selftest(server: &Server, scratch: &TempDir) -> (Output, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_belljar"))
        .args(["selftest", "--json", "--data"])
        .arg(server.data())
        .env("TMPDIR", scratch.path())
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap();
    (output, said)
}

fn differing(said: &Value) -> Vec<&Value> {
    said["modules"].as_array().unwrap().iter().filter(|it| it["differs"] != Value::Null).collect()
}
