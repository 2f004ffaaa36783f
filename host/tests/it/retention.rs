//! What goes by itself, and what does not.

use std::collections::HashSet;
use std::fs::File;
use std::fs::FileTimes;
use std::io::Write;
use std::process::Command;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::flows::SLEEPER;
use crate::server::Server;
use crate::server::wait_for;

/// As if nobody had used it for so long.
fn used_ago(server: &Server, file: &str, seconds: u64) {
    let path = server.data().join(&file[..2]).join(&file[2..]).join("upload.json");
    let then = path.metadata().unwrap().modified().unwrap() - Duration::from_secs(seconds);
    File::open(path).unwrap().set_times(FileTimes::new().set_modified(then)).unwrap();
}

fn gone(server: &Server, file: &str) {
    // Whoever asks for it uses it.
    wait_for("an end of it", || (!server.data().join(&file[..2]).join(&file[2..]).exists()).then_some(()));
    server.get(&format!("/upload/{file}")).expect(410);
}

fn gc(server: &Server, arguments: &[&str]) -> Output {
    let mut gc = Command::new(env!("CARGO_BIN_EXE_belljar"));
    gc.arg("gc").arg("--data").arg(server.data()).args(arguments).output().unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn an_upload_goes_when_its_time_is_over_unless_it_is_pinned() {
    let server = Server::start_with(&[], &["--expire-after-s", "2", "--sweep-every-s", "1"]);
    let (short, long) = (server.upload("a.txt", b"short"), server.upload("a.txt", b"long"));
    let shown = server.get(&format!("/upload/{short}")).expect(200).json();
    assert_eq!(shown["pinned"], false);
    assert!(shown["expires"].as_str() > shown["created"].as_str(), "{shown}");
    server.put(&format!("/upload/{long}/pin"), b"").expect(204);
    let shown = server.get(&format!("/upload/{long}")).expect(200).json();
    assert_eq!((&shown["pinned"], &shown["expires"]), (&json!(true), &Value::Null));
    gone(&server, &short);
    server.get(&format!("/upload/{long}")).expect(200);
    server.delete(&format!("/upload/{long}/pin")).expect(204);
    gone(&server, &long);
    server.put(&format!("/upload/{long}/pin"), b"").expect(410);
}

#[test]
fn a_file_with_a_run_on_its_way_stays_until_that_has_ended() {
    let arguments = ["--expire-after-s", "1", "--sweep-every-s", "1"];
    let server = Server::start_with(&[("sleeper", SLEEPER, json!({}))], &arguments);
    let (kept, other) = (server.upload("a.txt", b"kept"), server.upload("a.txt", b"other"));
    let run = server.analyse(&kept, "sleeper", json!({}));
    gone(&server, &other);
    server.get(&format!("/results/{run}")).expect(202);
    server.delete(&format!("/results/{run}")).expect(204);
    gone(&server, &kept);
}

#[test]
fn what_nobody_uses_goes_and_whoever_asks_uses_it() {
    let server = Server::start_with(&[], &["--expire-idle-s", "3600", "--sweep-every-s", "1"]);
    let files = [server.upload("a.txt", b"idle"), server.upload("a.txt", b"used"), server.upload("a.txt", b"again")];
    let run = server.analyse(&files[1], "digest", json!({}));
    server.result(&run).expect(200);
    // A sweep between the two would take them all.
    // Uses are noted once a minute: there may have been another until a minute after the one noted last.
    files.iter().for_each(|file| used_ago(&server, file, 3658));
    server.get(&format!("/results/{run}")).expect(200);
    assert_eq!(server.upload("b.txt", b"again"), files[2]);
    gone(&server, &files[0]);
    server.get(&format!("/upload/{}", files[1])).expect(200);
    server.get(&format!("/upload/{}", files[2])).expect(200);
}

#[test]
fn for_room_those_go_first_that_were_used_longest_ago() {
    let mut server = Server::start(&[]);
    let files: Vec<_> = (0..4_u8).map(|number| server.upload("a.txt", &[number])).collect();
    server.put(&format!("/upload/{}/pin", files[1]), b"").expect(204);
    for (file, seconds) in files.iter().zip([100, 400, 300, 200]) {
        used_ago(&server, file, seconds);
    }
    let most = u64::MAX.to_string();
    let told = lines(&gc(&server, &["--dry-run", "--free-bytes-low", &most, "--free-bytes-high", &most]));
    let order: Vec<_> = told.iter().map(|it| it.split(':').next().unwrap()).collect();
    assert_eq!(order, [&files[2], &files[3], &files[0], "3 uploads would go"]);
    files.iter().for_each(|file| drop(server.get(&format!("/upload/{file}")).expect(200)));
    let refused = gc(&server, &["--expire-after-s", "0"]);
    assert!(!refused.status.success(), "a server works there");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another server"), "{refused:?}");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(lines(&gc(&server, &["--expire-after-s", "0"])).last().unwrap(), "3 uploads went");
    assert!(!gc(&server, &[]).status.success(), "without a rule nothing goes, and it says so");
    server.crash_and_restart();
    server.get(&format!("/upload/{}", files[1])).expect(200);
    server.get(&format!("/upload/{}", files[0])).expect(410);
}

#[test]
fn what_a_kill_left_staged_does_not_keep_gc_from_its_work() {
    let mut server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let mut begun = server.connect();
    begun.write_all(b"POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
    wait_for("half an upload", || (!server.lying_in("staging").is_empty()).then_some(()));
    // As after a start over warm data: names below `staging/` begin with the first.
    server.kill();
    let staging = server.data().join("staging");
    for number in 0..8 {
        std::fs::create_dir_all(staging.join(number.to_string())).unwrap();
    }
    assert_eq!(lines(&gc(&server, &["--expire-after-s", "0", "--dry-run"])).last().unwrap(), "1 upload would go");
    assert!(!server.lying_in("staging").is_empty(), "it only looks");
    assert_eq!(lines(&gc(&server, &["--expire-after-s", "0"])).last().unwrap(), "1 upload went");
    assert_eq!(server.lying_in("staging"), Vec::<String>::new());
    server.crash_and_restart();
    server.get(&format!("/upload/{file}")).expect(410);
}

/// As if it had been deleted that day.
fn deleted_long_ago(server: &Server, file: &str) {
    std::fs::write(server.data().join("gone").join(file), "2020-01-01T00:00:00Z").unwrap();
}

#[test]
fn what_was_deleted_long_ago_is_forgotten_without_any_rule() {
    let mut server = Server::start_with(&[], &["--sweep-every-s", "1"]);
    let files = [server.upload("a.txt", b"old"), server.upload("a.txt", b"older"), server.upload("a.txt", b"new")];
    for file in &files {
        server.delete(&format!("/upload/{file}")).expect(204);
    }
    deleted_long_ago(&server, &files[0]);
    let only = |server: &Server, kept: &[&String]| {
        server.lying_in("gone").iter().collect::<HashSet<_>>() == kept.iter().copied().collect()
    };
    wait_for("an end of it", || only(&server, &[&files[1], &files[2]]).then_some(()));
    assert_eq!(server.stop(), Some(0));
    deleted_long_ago(&server, &files[1]);
    lines(&gc(&server, &["--expire-after-s", "0", "--dry-run"]));
    assert!(only(&server, &[&files[1], &files[2]]), "it only looks");
    lines(&gc(&server, &["--expire-after-s", "0"]));
    assert!(only(&server, &[&files[2]]));
}

#[test]
fn a_server_that_is_short_of_room_makes_some() {
    let most = u64::MAX.to_string();
    let server = Server::start_with(&[], &["--free-files-low", &most, "--sweep-every-s", "1"]);
    let file = server.upload("a.txt", b"abc");
    gone(&server, &file);
}

#[test]
fn gc_gives_up_uploads_in_pieces_that_nobody_goes_on_with() {
    let mut server = Server::start(&[]);
    let head = [("tus-resumable", "1.0.0"), ("upload-length", "5")];
    let path = server.send(("POST", "/resumable"), &head, b"").expect(201).header("location").to_owned();
    let id = path.rsplit('/').next().unwrap().to_owned();
    let rules = ["--expire-after-s", "1000000", "--partial-expire-s"];
    let would = |server: &Server, seconds: &str| lines(&gc(server, &[&rules[..], &[seconds, "--dry-run"]].concat()));
    assert_eq!(would(&server, "1000"), ["0 uploads would go"]);
    std::thread::park_timeout(Duration::from_millis(1100));
    assert!(would(&server, "1").iter().any(|it| it.starts_with(&id)));
    assert_eq!(server.stop(), Some(0));
    assert!(lines(&gc(&server, &[&rules[..], &["1"]].concat())).iter().any(|it| it.starts_with(&id)));
    server.crash_and_restart();
    server.get(&path).expect(410);
    assert!(!server.data().join("partial").join(&id).join("upload").exists());
}
