//! `belljar serve` by file and environment, and what it says of them.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

use crate::server::Server;

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.arg("serve").args(arguments);
    command
}

fn check(dir: &Path, text: &str) -> Output {
    let file = dir.join("belljar.toml");
    std::fs::write(&file, text).unwrap();
    serve(&["--check-config", "--config", file.to_str().unwrap()]).output().unwrap()
}

#[test]
fn what_is_configured_is_told_and_checked_and_nothing_starts() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let sound = check(dir.path(), &format!("data = '{}'\nworkers = 3\n[cap]\nwall_ms = 5\n", data.display()));
    let said = String::from_utf8(sound.stdout).unwrap();
    assert!(sound.status.success());
    for line in ["workers = 3    # ", "cap = wall_ms=5    # ", "queue_max = 10000    # default", "# tls_key is not set"]
    {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert!(!data.exists(), "it only looks");
    for (text, code, says) in [
        ("wrokers = 3", 1, "`wrokers` is no option"),
        ("workers = 0", 2, "--workers"),
        ("tls_certificate = '/nowhere'\ntls_key = '/nowhere'", 1, "/nowhere"),
        ("tls_certificate = '/nowhere'", 2, "--tls-key"),
        ("trusted_keys = '/nowhere'", 1, "/nowhere"),
        ("[cap]\nwall = 5", 1, "--cap"),
        ("analyses = '/nowhere'", 1, "/nowhere"),
    ] {
        let refused = check(dir.path(), text);
        let error = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(code), "{text}: {error}");
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn the_environment_configures_a_server_and_its_log_may_be_json() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = serve(&[]);
    command.env("BELLJAR_LISTEN", "127.0.0.1:0").env("BELLJAR_DATA", dir.path().join("data"));
    command.env("BELLJAR_SHIPPED", "none").env("BELLJAR_LOG_FORMAT", "json");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut listening = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut listening).unwrap();
    child.kill().unwrap();
    assert!(listening.starts_with("listening on http://127.0.0.1:"), "{listening}");
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    let events: Vec<Value> = said.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let installed = events.iter().find(|it| it["message"] == "installed").unwrap();
    assert_eq!((&installed["level"], &installed["analyses"]), (&"INFO".into(), &0.into()));
}

#[test]
fn an_operator_says_whether_it_is_noted_who_does_what() {
    let noted = |arguments: &[&str]| {
        let server = Server::start_with(&[], &[&["--shipped", "none"], arguments].concat());
        server.get("/upload");
        server.get("/nowhere").expect(404);
        let Ok(days) = std::fs::read_dir(server.data().join("audit")) else { return None };
        let days: Vec<_> = days.map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap()).collect();
        Some(days.concat().lines().count())
    };
    assert_eq!(noted(&[]), None, "nobody is told apart");
    assert_eq!(noted(&["--audit", "always"]), Some(1), "what is no route is not noted");
    assert_eq!(noted(&["--require-tokens"]), Some(1));
    let server = Server::start_with(&[], &["--shipped", "none", "--require-tokens"]);
    server.get("/metrics").expect(401);
    server.get("/healthz").expect(200);
    let days = std::fs::read_dir(server.data().join("audit")).unwrap();
    let text: String = days.map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap()).collect();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("/metrics"), "who was not let in is noted wherever it was");
    assert_eq!(noted(&["--require-tokens", "--audit", "never"]), None);
}
