//! `belljar selftest` as an operator runs it, and what the server then tells of it.

use std::process::Command;

use host::selftest::suite::SUITE;
use serde_json::Value;

use crate::server::Server;

#[test]
fn every_module_passes_and_the_verdict_is_told() {
    let server = Server::start(&[]);
    assert_eq!(server.get("/readyz").expect(200).json()["selftest"], Value::Null);
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_belljar"))
        .args(["selftest", "--json", "--data"])
        .arg(server.data())
        .env("TMPDIR", scratch.path())
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let differing: Vec<_> =
        said["modules"].as_array().unwrap().iter().filter(|it| it["differs"] != Value::Null).collect();
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
