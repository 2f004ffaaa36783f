//! `belljar top`, and `GET /runs`, which it shows.

use std::process::Command;

use serde_json::json;

use crate::server::Server;
use crate::server::wait_for;
use crate::tokens::made_with;

#[test]
fn what_workers_are_at_is_told_and_shown() {
    let server = Server::start_with(&[], &["--workers", "2", "--shipped", "dummy"]);
    assert_eq!(server.get("/runs").expect(200).json(), json!({ "runs": [], "waiting": 0 }));
    let files: Vec<_> = (0..3_u8).map(|number| server.upload("a.bin", &[number])).collect();
    for file in &files {
        server.analyse(file, "dummy", json!({ "args": { "seconds": 600 } }));
    }
    let told = wait_for("two runs", || {
        let told = server.get("/runs").expect(200).json();
        (told["runs"].as_array().unwrap().len() == 2).then_some(told)
    });
    assert_eq!(told["waiting"], 1);
    for run in told["runs"].as_array().unwrap() {
        assert_eq!((&run["analysis"], &run["tenant"], &run["attempt"]), (&json!("dummy"), &json!("main"), &json!(1)));
        assert!(files.iter().any(|it| run["file_id"] == **it));
        assert_eq!(run["progress"]["size_bytes"], 1);
    }
    let shown = Command::new(env!("CARGO_BIN_EXE_belljar"))
        .args(["top", "--once", "--url", &format!("http://{}", server.address())])
        .output()
        .unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with("    ready"), "{text}");
    assert!(lines[1].contains("2 of 2 at work, 0 warm    queue  1 waiting"), "{text}");
    assert_eq!(lines.iter().filter(|it| it.starts_with("dummy ")).count(), 2, "{text}");
}

#[test]
fn it_is_told_to_whoever_looks_after_the_server() {
    let server = Server::start_with(&[], &["--shipped", "none", "--require-tokens"]);
    let reader = made_with(&server, "ann", &["--scope", "read"]);
    reader.get(&server, "/runs").expect(403);
    let operator = made_with(&server, "main", &["--scope", "admin"]);
    operator.get(&server, "/runs").expect(200);
    let top = |token: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
        command.args(["top", "--once", "--url", &format!("http://{}", server.address())]);
        let dir = tempfile::tempdir().unwrap();
        if let Some(token) = token {
            let file = dir.path().join("token");
            std::fs::write(&file, format!("{token}\n")).unwrap();
            command.arg("--token-file").arg(file);
        }
        command.output().unwrap()
    };
    let secret = operator.0.strip_prefix("Bearer ").unwrap();
    assert!(top(Some(secret)).status.success());
    let refused = top(None);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("--token-file"), "{error}");
}
