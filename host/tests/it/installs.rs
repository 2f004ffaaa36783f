//! Analyses that come over HTTP: `PUT` and `DELETE /analyses/<name>`.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::io::Write;
use std::net::TcpStream;

use host::analysis::module::DESCRIPTOR_SECTION;
use host::analysis::module::with_sections;
use host::id::ModuleDigest;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;

use crate::limits::dear;
use crate::server::Server;
use crate::server::wait_for;

/// Prints the one byte that it is given, as a string.
pub(crate) fn says(letter: char) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\"{letter}\"")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.const 3))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#
    )
}

pub(crate) fn packed(wat: &str, descriptor: &Value) -> Vec<u8> {
    with_sections(&wat::parse_str(wat).unwrap(), &[(DESCRIPTOR_SECTION, descriptor.to_string().as_bytes())])
}

/// To be sent in one piece: a server that refuses by the head alone may hang up on who is still sending.
fn request(name: &str, module: &[u8]) -> Vec<u8> {
    let bytes = module.len();
    let head = format!(
        "PUT /analyses/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {bytes}\r\n\r\n"
    );
    [head.as_bytes(), module].concat()
}

fn server() -> Server {
    Server::start_with(&[("ours", &says('o'), json!({}))], &["--accept-modules"])
}

fn ask(server: &Server, file: &str, name: &str) -> Value {
    let run = server.analyse(file, name, json!({}));
    server.result(&run).expect(200).json()
}

#[test]
fn a_module_that_was_sent_answers_at_once_and_after_a_crash_until_it_is_taken_away() {
    let mut server = server();
    let file = server.upload("x", b"x");
    let first = packed(&says('a'), &json!({ "name": "theirs" }));
    let answer = server.put("/analyses/theirs", &first).expect(201);
    assert_eq!(answer.header("location"), "/analyses/theirs");
    assert_eq!(answer.json(), server.get("/analyses/theirs").expect(200).json());
    assert_eq!(ask(&server, &file, "theirs"), json!("a"));

    server.crash_and_restart();
    assert_eq!(ask(&server, &file, "theirs"), json!("a"));
    let second = packed(&says('b'), &json!({ "name": "theirs" }));
    server.put("/analyses/theirs", &second).expect(200);
    assert_eq!(ask(&server, &file, "theirs"), json!("b"));
    server.crash_and_restart();
    assert_eq!(ask(&server, &file, "theirs"), json!("b"));

    let run = server.analyse(&file, "theirs", json!({}));
    server.delete("/analyses/theirs").expect(204);
    server.delete("/analyses/theirs").expect(404);
    server.get("/analyses/theirs").expect(404);
    assert_eq!(server.result(&run).expect(200).json(), json!("b"));
    server.crash_and_restart();
    server.get("/analyses/theirs").expect(404);
}

#[test]
fn a_schema_that_would_cost_the_server_dear_is_refused_and_nobody_waits_for_it() {
    let server = server();
    let file = server.upload("x", b"x");
    let chain = |inner: Value| (0..110).fold(inner, |inner, _| json!({ "contains": inner }));
    let segment = |it: usize| (format!("d{it}"), chain(json!({ "$ref": format!("#/$defs/d{}", it + 1) })));
    let mut deep: serde_json::Map<_, _> = (0..7).map(segment).collect();
    deep.insert("d7".to_owned(), chain(json!(true)));
    let deep = json!({ "$defs": deep, "$ref": "#/$defs/d0" });
    let slow = vec![json!({ "pattern": "[a][ab]{800}[cd]" }); 60];
    let random: String =
        (0..40_000_u32).map(|it| if it.wrapping_mul(0x9E37_79B9) >> 31 == 0 { 'a' } else { 'b' }).collect();
    let slow_args = json!({ "properties": { "n": { "default": random, "allOf": slow } } });
    for (name, member, schema) in [
        ("deep_args", "args", deep.clone()),
        ("deep_result", "result", deep),
        ("slow_args", "args", slow_args),
        ("slow_to_read", "args", json!({ "pattern": format!("[{}]", "\\cA".repeat(4000)) })),
    ] {
        let problem =
            server.put(&format!("/analyses/{name}"), &packed(&says('a'), &json!({ "name": name, member: schema })));
        let problem = problem.expect(422).json();
        assert!(problem["errors"][0]["detail"].as_str().unwrap().len() < 1000, "{problem}");
        assert_eq!(ask(&server, &file, "ours"), json!("o"));
    }
    // What costs little for what it is held against is taken, and held against no more than that.
    let slow = json!({ "name": "slow", "args": { "properties": { "n": { "allOf": slow } } } });
    server.put("/analyses/slow", &packed(&says('a'), &slow)).expect(201);
    let question =
        |bytes: usize| json!({ "file_id": file, "analysis": "slow", "args": { "n": "a".repeat(bytes) } }).to_string();
    let problem = server.post("/analyse", &[], question(30_000).as_bytes()).expect(422).json();
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("more parts"), "{problem}");
    server.post("/analyse", &[], question(3).as_bytes()).expect(422);
    assert_eq!(ask(&server, &file, "ours"), json!("o"));
}

#[test]
fn what_is_another_document_than_it_seems_is_not_taken() {
    let hidden = json!({ "$serde_json::private::RawValue": "[]" });
    let mut server = server();
    let file = server.upload("x", b"x");
    let question = json!({ "file_id": file, "analysis": "ours", "args": { "a": hidden } });
    server.post("/analyse", &[], question.to_string().as_bytes()).expect(400);
    let packed = packed(&says('a'), &json!({ "name": "hidden", "args": { "not": hidden } }));
    server.put("/analyses/hidden", &packed).expect(422);
    // As deep as args may be, they are there again after a crash.
    let deep = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({ "a": inner }));
    let question = |depth| json!({ "file_id": file, "analysis": "ours", "args": deep(depth) }).to_string();
    let answers = [100, 120, 124, 126, 127].map(|depth| server.post("/analyse", &[], question(depth).as_bytes()));
    let taken: Vec<_> = answers.iter().filter(|it| it.status == 200).map(|it| it.json()["results"].clone()).collect();
    assert!((2..5).contains(&taken.len()), "{taken:?}");
    server.crash_and_restart();
    for results in taken {
        let record = server.get(&format!("{}/run", results.as_str().unwrap())).expect(200).json();
        assert!(record["args"]["a"].is_object());
    }
}

#[test]
fn a_run_that_was_accepted_keeps_its_module() {
    let mut server = Server::start_with(&[("ours", &says('o'), json!({}))], &["--accept-modules", "--workers", "1"]);
    let file = server.upload("x", b"x");
    // Nothing else runs while this one sleeps.
    server.analyse(&file, "dummy", json!({ "args": { "seconds": 600 } }));
    server.put("/analyses/theirs", &packed(&says('a'), &json!({ "name": "theirs" }))).expect(201);
    let waiting = server.analyse(&file, "theirs", json!({}));
    server.put("/analyses/theirs", &packed(&says('b'), &json!({ "name": "theirs" }))).expect(200);
    server.delete("/analyses/theirs").expect(204);
    server.restart_with(&["--accept-modules", "--workers", "2"]);
    assert_eq!(server.result(&waiting).expect(200).json(), json!("a"));
}

#[test]
fn clients_install_no_more_than_there_may_be() {
    let options = ["--accept-modules", "--analyses-max", "2"];
    let mut server = Server::start_with(&[("ours", &says('o'), json!({}))], &options);
    let put = |server: &Server, name: &str, letter| {
        server.put(&format!("/analyses/{name}"), &packed(&says(letter), &json!({ "name": name })))
    };
    put(&server, "first", 'a').expect(201);
    put(&server, "second", 'b').expect(201);
    let problem = put(&server, "third", 'c').expect(409).json();
    assert!(problem["detail"].as_str().unwrap().contains("2 analyses"), "{problem}");
    put(&server, "second", 'd').expect(200);
    server.restart_with(&options);
    put(&server, "third", 'c').expect(409);
    server.delete("/analyses/first").expect(204);
    put(&server, "third", 'c').expect(201);
    assert_eq!(server.get("/limits").expect(200).json()["analyses"], 2);
}

/// Of one a result stands, of one nothing, one runs, and one is installed.
#[test]
fn a_module_goes_when_nothing_stands_for_it_any_more() {
    let options = ["--accept-modules", "--sweep-every-s", "1", "--versions-kept", "1"];
    let mut server = Server::start_with(&[("ours", &says('o'), json!({}))], &options);
    let file = server.upload("x", b"x");
    let sleeps = r#"(module (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "\01") (data (i32.const 24) "\00\00\00\00\64")
      (func (export "_start") (drop (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512)))))"#;
    let modules = [says('a'), says('b'), sleeps.to_owned(), says('d')];
    let modules = modules.map(|it| packed(&it, &json!({ "name": "theirs", "limits": { "wall_ms": 600_000 } })));
    let digests = modules.each_ref().map(|it| ModuleDigest::new(sha2::Sha256::digest(it).into()).to_string());
    let [answered, forgotten, runs, installed] = &digests;
    let here = |server: &Server, digest: &str| {
        let names = |folder: &str| std::fs::read_dir(server.data().join(folder)).unwrap();
        let all = ["analyses", "programs"].into_iter().flat_map(names);
        all.filter(|it| it.as_ref().unwrap().file_name().to_str().unwrap().starts_with(digest)).count()
    };
    server.put("/analyses/theirs", &modules[0]).expect(201);
    assert_eq!(ask(&server, &file, "theirs"), json!("a"));
    assert_eq!(here(&server, answered), 3, "module, facts and program");
    server.put("/analyses/theirs", &modules[1]).expect(200);
    server.put("/analyses/theirs", &modules[2]).expect(200);
    let running = server.analyse(&server.upload("y", b"y"), "theirs", json!({}));
    server.put("/analyses/theirs", &modules[3]).expect(200);
    wait_for("what nothing stands for to go", || (here(&server, forgotten) == 0).then_some(()));
    assert_eq!([answered, runs, installed].map(|it| here(&server, it)), [3, 3, 3]);
    assert_eq!(server.get(&format!("/results/{running}/run")).expect(200).json()["status"], "running");

    // What it was found to be of use for goes, and so does who would know.
    server.delete(&format!("/upload/{file}")).expect(204);
    server.restart_with(&options);
    wait_for("what nothing stands for any more to go", || (here(&server, answered) == 0).then_some(()));
    assert_eq!([runs, installed].map(|it| here(&server, it)), [3, 3]);
    server.delete(&format!("/results/{running}")).expect(204);
    assert_eq!(ask(&server, &server.upload("y", b"y"), "theirs"), json!("d"));
}

#[test]
fn every_reason_against_a_module_is_told_and_nothing_of_it_stays() {
    let server = server();
    let stored = || -> BTreeSet<_> {
        let entries = |directory: &str| std::fs::read_dir(server.data().join(directory)).unwrap();
        ["analyses", "analyses/names", "analyses/own", "programs", "staging"]
            .into_iter()
            .flat_map(entries)
            .map(|it| it.unwrap().path())
            .collect()
    };
    let before = stored();
    let refused = |module: &[u8], words: &[&str]| {
        let answer = server.put("/analyses/theirs", module).expect(422);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        let errors: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|it| it["detail"].as_str().unwrap()).collect();
        for word in words {
            assert!(errors.iter().any(|it| it.contains(word)), "{word} in {errors:?}");
        }
        server.get("/analyses/theirs").expect(404);
    };
    refused(b"no module", &["magic"]);
    let imports = r#"(module
      (import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32 i32) (result i32)))
      (import "env" "system" (func (param i32) (result i32)))
      (import "wasi" "thread-spawn" (func (param i32) (result i32)))
      (memory (export "memory") 1) (func (export "_start")))"#;
    refused(
        &packed(imports, &json!({ "name": "theirs" })),
        &["wasi_snapshot_preview1.sock_open", "env.system", "wasi.thread-spawn"],
    );
    let component = r#"(component
      (import "wasi:http/outgoing-handler@0.2.0" (instance))
      (import "wasi:sockets/tcp@0.2.0" (instance)))"#;
    refused(
        &packed(component, &json!({ "name": "theirs" })),
        &["wasi:http/outgoing-handler@0.2.0", "wasi:sockets/tcp@0.2.0"],
    );
    refused(&wat::parse_str(says('a')).unwrap(), &["no descriptor"]);
    refused(&packed(&says('a'), &json!({ "name": "others" })), &["`others`", "`theirs`"]);
    refused(&packed(&says('a'), &json!({ "name": "theirs", "args": { "type": 5 } })), &["args:"]);
    let tables = include_str!("../hostile/component_five_tables.wat")
        .replace(" ;; times 5", "")
        .replace("(table 1 funcref)", &"(table 1 funcref)".repeat(5));
    refused(&packed(&tables, &json!({ "name": "theirs" })), &["no worker can load it"]);
    server.get("/analyses/others").expect(404);
    assert_eq!(stored(), before);
}

#[test]
fn what_no_worker_can_load_is_refused_when_it_is_sent() {
    // The operator takes more tables than a worker has.
    let server = Server::start_with(&[], &["--accept-modules", "--compile-cap", "tables=8"]);
    let imports = |count| {
        let import = "(import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))";
        format!("(module {} (memory (export \"memory\") 1) (func (export \"_start\")))", import.repeat(count))
    };
    let tables = |count| {
        let tables = "(table 1 funcref)".repeat(count);
        format!("(module {tables} (memory (export \"memory\") 1) (func (export \"_start\")))")
    };
    for (wat, says) in [
        (imports(140_000), Some("instance allocation for this module requires")),
        (imports(60_000), None),
        (tables(5), Some("defined tables count of 5 exceeds")),
        (tables(4), None),
    ] {
        let module = packed(&wat, &json!({ "name": "theirs", "stdout": "none" }));
        let answer = server.put("/analyses/theirs", &module);
        match says {
            Some(says) => {
                let answer = answer.expect(422);
                assert!(answer.text().contains("no worker can load it: "), "{}", answer.text());
                assert!(answer.text().contains(says), "{}", answer.text());
            }
            None => assert!(matches!(answer.status, 200 | 201), "{}", answer.text()),
        }
    }
    let file = server.upload("x", b"x");
    assert_eq!(ask(&server, &file, "theirs"), json!({}));
}

#[test]
fn a_name_of_the_operator_is_not_for_clients() {
    let server = server();
    for name in ["ours", "dummy", "dummy_5"] {
        let module = packed(&says('x'), &json!({ "name": name }));
        let problem = server.put(&format!("/analyses/{name}"), &module).expect(409).json();
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
        server.delete(&format!("/analyses/{name}")).expect(409);
    }
    server.put("/analyses/No", &packed(&says('x'), &json!({ "name": "no" }))).expect(422);
    let file = server.upload("x", b"x");
    assert_eq!(ask(&server, &file, "ours"), json!("o"));
}

#[test]
fn a_name_that_the_operator_takes_later_is_the_operators() {
    let mut server = server();
    server.put("/analyses/theirs", &packed(&says('a'), &json!({ "name": "theirs" }))).expect(201);
    let mine = server.dir.path().join("analyses/theirs");
    std::fs::write(mine.with_extension("wasm"), packed(&says('m'), &json!({ "name": "theirs" }))).unwrap();
    server.crash_and_restart();
    let file = server.upload("x", b"x");
    assert_eq!(ask(&server, &file, "theirs"), json!("m"));
    std::fs::remove_file(mine.with_extension("wasm")).unwrap();
    server.crash_and_restart();
    assert_eq!(ask(&server, &file, "theirs"), json!("a"));
}

#[test]
fn a_server_takes_no_modules_unless_told_to_and_none_that_are_too_long() {
    let server = Server::start(&[]);
    let module = packed(&says('a'), &json!({ "name": "theirs" }));
    server.put("/analyses/theirs", &module).expect(403);
    server.delete("/analyses/theirs").expect(403);
    let bytes = module.len();
    for (cap, status) in [(bytes, 201), (bytes - 1, 413)] {
        let server = Server::start_with(&[], &["--accept-modules", "--compile-cap", &format!("module_bytes={cap}")]);
        server.put("/analyses/theirs", &module).expect(status);
    }
}

#[test]
fn a_module_counts_until_it_is_installed_though_its_client_has_gone() {
    let server = server();
    let send = |module: &[u8]| {
        let mut stream = server.connect();
        // Those who are refused need not have been heard out.
        drop(stream.write_all(&request("dear", module)));
        stream.set_nonblocking(true).unwrap();
        stream
    };
    // It takes seconds to compile, and the others wait for their turn.
    let dear = packed(&dear(), &json!({ "name": "dear" }));
    let clients: Vec<_> = (0..8).map(|_| send(&dear)).collect();
    let waits = |client: &TcpStream| client.peek(&mut [0]).is_err_and(|it| it.kind() == ErrorKind::WouldBlock);
    // The fourth place is for another client.
    wait_for("five who are told to come again", || (clients.iter().filter(|it| waits(it)).count() == 3).then_some(()));
    let other = || server.put("/analyses/theirs", b"").status;
    // Long enough for the server to have heard the three out.
    for _ in 0..100 {
        assert_eq!(other(), 503);
    }
    drop(clients);
    for _ in 0..50 {
        assert_eq!(other(), 503);
    }
    wait_for("an end of it", || (other() == 422).then_some(()));
    server.get("/analyses/dear").expect(200);
}

#[test]
fn many_who_send_at_once_get_whole_analyses_or_are_told_to_come_again() {
    let server = server();
    let file = server.upload("x", b"x");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for letter in ['a', 'b', 'c'] {
                    let module = packed(&says(letter), &json!({ "name": "theirs" }));
                    let answer = server.raw(&request("theirs", &module)).to_lowercase();
                    let status = &answer["http/1.1 ".len()..][..3];
                    assert!(matches!(status, "200" | "201" | "503"), "{answer}");
                    assert_eq!(status == "503", answer.contains("retry-after: 1\r\n"), "{answer}");
                }
            });
        }
    });
    let last = server.get("/analyses/theirs").expect(200).json()["module_sha256"].clone();
    let pointed = std::fs::read(server.data().join("analyses/names/theirs")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&pointed).unwrap()["current"], last);
    let said = ask(&server, &file, "theirs");
    assert!(["a", "b", "c"].contains(&said.as_str().unwrap()));
}
