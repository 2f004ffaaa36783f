//! What a server does on a kernel that has not all that the second wall is made of. The kernel is the one there is, with
//! a filter over the server that answers some calls as an older one would: that they are not there.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use seccompiler::SeccompAction;
use seccompiler::SeccompFilter;
use serde_json::json;

use crate::server::Server;

const ENOSYS: u32 = 38;

#[test]
fn a_server_that_requires_walls_starts_behind_them_and_says_nothing_is_lacking() {
    let server = Server::start_with(&[], &["--require-walls"]);
    let walls = server.get("/readyz").expect(200).json()["walls"].clone();
    assert_eq!(walls["process"], true);
    assert_eq!(walls["lacking"], json!([]));
}

#[test]
fn a_server_that_requires_walls_does_not_start_without_landlock_and_names_it() {
    let Output { status, stderr, .. } = without(&[libc::SYS_landlock_create_ruleset], || refused(&["--require-walls"]));
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!status.success());
    assert!(said.contains("landlock is missing"), "{said}");
    assert!(!said.contains("seccomp is"), "{said}");
}

#[test]
fn every_missing_wall_is_named() {
    let Output { status, stderr, .. } =
        without(&[libc::SYS_landlock_create_ruleset, libc::SYS_seccomp], || refused(&["--require-walls"]));
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!status.success());
    assert!(said.contains("landlock is missing") && said.contains("seccomp is missing"), "{said}");
}

#[test]
fn without_walls_a_server_still_runs_analyses_and_readyz_says_what_is_lacking() {
    let server = without(&[libc::SYS_landlock_create_ruleset, libc::SYS_seccomp], || Server::start(&[]));
    let walls = server.get("/readyz").expect(200).json()["walls"].clone();
    assert_eq!(
        (&walls["process"], &walls["landlock"], &walls["seccomp"]),
        (&json!(false), &json!("missing"), &json!("missing"))
    );
    assert_eq!(walls["lacking"].as_array().unwrap().len(), 2);
    let file = server.upload("a.txt", b"abc");
    let run = server.analyse(&file, "dummy", json!({ "args": { "seconds": 0 } }));
    server.result(&run).expect(200);
}

#[test]
fn the_log_says_what_is_lacking() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = without(&[libc::SYS_landlock_create_ruleset], || {
        command(dir.path(), &[]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let found = lines
        .map(|it| it.unwrap())
        .take_while(|it| !it.contains("installed"))
        .any(|it| it.contains("landlock is missing"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(found);
}

fn refused(arguments: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    command(dir.path(), arguments).output().unwrap()
}

fn command(dir: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(dir.join("data")).args(arguments);
    command
}

/// Does something in a thread, and starts processes from it, for which those calls are not there.
pub(crate) fn without<T: Send>(calls: &[i64], act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let acted = scope.spawn(move || {
            let rules: BTreeMap<_, _> = calls.iter().map(|call| (*call, Vec::new())).collect();
            let here = std::env::consts::ARCH.try_into().unwrap();
            let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(ENOSYS), here).unwrap();
            let filter: seccompiler::BpfProgram = filter.try_into().unwrap();
            seccompiler::apply_filter(&filter).unwrap();
            act()
        });
        acted.join().unwrap()
    })
}
