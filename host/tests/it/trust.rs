//! Modules of strangers: signed, in quarantine until the operator approves them, or refused.

use std::io::Cursor;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::installs::packed;
use crate::installs::says;
use crate::server::Answer;
use crate::server::Server;
use crate::server::wait_for;

/// Somebody with a key, which a server trusts that is started with these arguments.
struct Ann {
    pair: minisign::KeyPair,
    _dir: tempfile::TempDir,
    keys: String,
}

impl Ann {
    fn new() -> Self {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trusted");
        std::fs::write(&path, format!("{} ann\n", pair.pk.to_base64())).unwrap();
        Self { pair, keys: path.to_str().unwrap().to_owned(), _dir: dir }
    }

    fn sign(&self, module: &[u8]) -> String {
        minisign::sign(None, &self.pair.sk, Cursor::new(module), None, None).unwrap().into_string()
    }

    fn server(&self, unsigned: &str) -> Server {
        Server::start_with(&[], &["--accept-modules", "--unsigned", unsigned, "--trusted-keys", &self.keys])
    }
}

fn belljar() -> std::process::Command {
    std::process::Command::new(env!("CARGO_BIN_EXE_belljar"))
}

fn theirs(letter: char) -> Vec<u8> {
    packed(&says(letter), &json!({ "name": "theirs", "version": "1.0.0" }))
}

fn put_signed(server: &Server, module: &[u8], signature: &str) -> Answer {
    let field = base64(signature.as_bytes());
    server.send(("PUT", "/analyses/theirs"), &[("belljar-signature", &field)], module)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn ask(server: &Server, status: u16) -> Value {
    let file = server.upload("x", b"x");
    let question = json!({ "file_id": file, "analysis": "theirs" }).to_string();
    let answer = server.post("/analyse", &[("prefer", "wait=30")], question.as_bytes()).expect(status).json();
    if status != 200 {
        return answer["detail"].clone();
    }
    server.result(&format!("{file}/{}", answer["analysis_id"].as_str().unwrap())).expect(200).json()
}

fn approve(data: &Path, module: &str) {
    let said = belljar().args(["approve", module, "--data"]).arg(data).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

fn installed(server: &Server) -> Option<Value> {
    let answer = server.get("/analyses/theirs");
    (answer.status == 200).then(|| answer.json())
}

fn held(server: &Server) -> Vec<String> {
    let modules = server.get("/modules").expect(200).json()["modules"].as_array().unwrap().clone();
    let held = modules.iter().filter(|it| it["quarantined"] == true);
    held.map(|it| it["module_sha256"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_strangers_module_waits_for_approval_also_over_a_crash() {
    let ann = Ann::new();
    let mut server = ann.server("quarantine");
    let told = server.put("/analyses/theirs", &theirs('a')).expect(202);
    let module = told.json()["module_sha256"].as_str().unwrap().to_owned();
    assert_eq!(told.header("location"), format!("/modules/{module}"));
    for _ in 0..2 {
        assert!(installed(&server).is_none());
        assert_eq!(held(&server), std::slice::from_ref(&module));
        let described = server.get(&format!("/modules/{module}")).expect(200).json();
        assert_eq!(described["analysis"]["name"], "theirs", "{described}");
        let why = ask(&server, 403);
        assert!(why.as_str().unwrap().contains(&module) && why.as_str().unwrap().contains("quarantine"), "{why}");
        server.crash_and_restart();
    }
    approve(&server.data(), &module);
    wait_for("the approval to be heeded", || installed(&server));
    assert_eq!((ask(&server, 200), held(&server)), (json!("a"), Vec::new()));
    server.crash_and_restart();
    assert_eq!((ask(&server, 200), held(&server)), (json!("a"), Vec::new()));

    // Another one waits, and the name means what it did.
    let other = server.put("/analyses/theirs", &theirs('b')).expect(202).json()["module_sha256"].clone();
    assert_eq!(ask(&server, 200), "a");
    let question = json!({ "file_id": server.upload("x", b"x"), "analysis": format!("theirs@sha256:{}", other.as_str().unwrap()) });
    server.post("/analyse", &[], question.to_string().as_bytes()).expect(403);
    server.delete("/analyses/theirs").expect(204);
    assert_eq!((installed(&server), held(&server)), (None, Vec::new()));
    server.crash_and_restart();
    assert_eq!((installed(&server), held(&server)), (None, Vec::new()), "what was removed stays so");
}

#[test]
fn a_signed_module_is_installed_at_once_and_names_its_key() {
    let ann = Ann::new();
    let mut server = ann.server("quarantine");
    let module = theirs('a');
    let told = put_signed(&server, &module, &ann.sign(&module)).expect(201).json();
    assert_eq!(told["signed_by"], "ann");
    server.crash_and_restart();
    assert_eq!(installed(&server).unwrap()["signed_by"], "ann", "the signature is kept with it");
    assert_eq!(ask(&server, 200), "a");

    // Inside, as `belljar pack --signature` puts it there.
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("x.wasm"), theirs('b')).unwrap();
    std::fs::write(path("x.wasm.minisig"), ann.sign(&theirs('b'))).unwrap();
    let packed = belljar().arg("pack").arg(path("x.wasm")).arg("--signature").arg(path("x.wasm.minisig")).output();
    assert!(packed.unwrap().status.success());
    let signed = std::fs::read(path("x.wasm")).unwrap();
    assert_eq!(server.put("/analyses/theirs", &signed).expect(200).json()["signed_by"], "ann");
    assert_eq!(ask(&server, 200), "b");

    // A signature of other bytes is worse than none, and one by somebody else is none.
    for broken in [[&signed[..], &[0, 2, 1, b'x']].concat(), theirs('c')] {
        let told = put_signed(&server, &broken, &ann.sign(&module)).expect(422).json();
        assert!(told["errors"][0]["detail"].as_str().unwrap().contains("`ann`"), "{told}");
    }
    put_signed(&server, &module, "nonsense").expect(422);
    server.send(("PUT", "/analyses/theirs"), &[("belljar-signature", "!")], &module).expect(400);
    put_signed(&server, &theirs('d'), &Ann::new().sign(&theirs('d'))).expect(202);
    assert_eq!(ask(&server, 200), "b");
}

#[test]
fn a_server_can_refuse_strangers_and_still_take_what_was_approved() {
    let ann = Ann::new();
    let server = ann.server("deny");
    let told = server.put("/analyses/theirs", &theirs('a')).expect(422).json();
    assert!(told["errors"][0]["detail"].as_str().unwrap().contains("belljar approve"), "{told}");
    let digest = sha256(&theirs('a'));
    approve(&server.data(), &digest);
    wait_for("the approval to be heeded", || {
        (server.put("/analyses/theirs", &theirs('a')).status == 201).then_some(())
    });
    assert_eq!(ask(&server, 200), "a");
    let signed = theirs('b');
    put_signed(&server, &signed, &ann.sign(&signed)).expect(200);
    assert_eq!(
        server.get("/analyses/digest").expect(200).json()["signed_by"],
        Value::Null,
        "what ships is no stranger"
    );
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_stricter_server_holds_what_a_former_one_took() {
    let ann = Ann::new();
    let mut server = ann.server("allow");
    let module = server.put("/analyses/theirs", &theirs('a')).expect(201).json()["module_sha256"].clone();
    let signed = theirs('b');
    put_signed(&server, &signed, &ann.sign(&signed)).expect(200);
    let strict = ["--accept-modules", "--unsigned", "quarantine", "--trusted-keys", &ann.keys];
    server.restart_with(&strict);
    assert_eq!(ask(&server, 200), "b");
    // Nor can a version be gone back to, or be asked for.
    server.post("/analyses/theirs/rollback", &[], b"").expect(403);
    let question = json!({ "file_id": server.upload("x", b"x"), "analysis": format!("theirs@sha256:{}", module.as_str().unwrap()) });
    server.post("/analyse", &[], question.to_string().as_bytes()).expect(403);
    // Without the key, the other is a stranger's too.
    server.restart_with(&["--accept-modules", "--unsigned", "quarantine"]);
    assert_eq!((installed(&server), held(&server)), (None, vec![sha256(&signed)]));
    server.restart_with(&strict);
    assert_eq!(ask(&server, 200), "b");
}

#[test]
fn the_operators_directory_has_strangers_too() {
    let ann = Ann::new();
    let server = ann.server("quarantine");
    let path = server.data().with_file_name("analyses").join("theirs.wasm");
    std::fs::write(&path, theirs('a')).unwrap();
    let module = sha256(&theirs('a'));
    wait_for("the file to be seen", || (held(&server) == std::slice::from_ref(&module)).then_some(()));
    server.put("/analyses/theirs", &theirs('b')).expect(409);
    // Signed, it is no stranger's any more.
    std::fs::write(path.with_extension("wasm.minisig"), ann.sign(&theirs('a'))).unwrap();
    wait_for("the signature to be seen", || installed(&server));
    assert_eq!((ask(&server, 200), held(&server)), (json!("a"), Vec::new()));
    // What takes its place unsigned waits, and goes with its file.
    std::fs::remove_file(path.with_extension("wasm.minisig")).unwrap();
    std::fs::write(&path, theirs('b')).unwrap();
    wait_for("the file to be seen", || (held(&server) == [sha256(&theirs('b'))]).then_some(()));
    assert_eq!(ask(&server, 200), "a");
    std::fs::remove_file(&path).unwrap();
    wait_for("both to go", || (held(&server).is_empty() && installed(&server).is_none()).then_some(()));
}

#[test]
fn an_installed_module_has_its_own_signature_and_none_of_a_former_one() {
    let (ann, dir) = (Ann::new(), tempfile::tempdir().unwrap());
    let [from, to] = ["from", "to"].map(|it| dir.path().join(it));
    [&from, &to].iter().for_each(|it| std::fs::create_dir(it).unwrap());
    let (module, beside) = (theirs('a'), to.join("theirs.wasm.minisig"));
    std::fs::write(from.join("a.wasm"), &module).unwrap();
    std::fs::write(from.join("a.wasm.minisig"), ann.sign(&module)).unwrap();
    std::fs::write(&beside, ann.sign(&theirs('b'))).unwrap();
    let install = || {
        let mut command = belljar();
        command.arg("install").arg(from.join("a.wasm")).arg("--to").arg(&to);
        assert!(command.output().unwrap().status.success());
        assert_eq!(std::fs::read(to.join("theirs.wasm")).unwrap(), module);
    };
    install();
    assert_eq!(std::fs::read(&beside).unwrap(), std::fs::read(from.join("a.wasm.minisig")).unwrap());
    std::fs::remove_file(from.join("a.wasm.minisig")).unwrap();
    install();
    assert!(!beside.exists());
}
