//! `belljar install oci://…`, from a registry that keeps to the specification and from ones that do not. A real registry is
//! asked by `scripts/oci`.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Output;

use serde_json::json;

use crate::installs::packed;
use crate::installs::says;
use crate::server::Server;
use crate::server::wait_for;

const WASM: &str = "application/wasm";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// What a registry has: a path, and what it answers to whoever comes with this `Authorization`.
struct Page {
    path: String,
    authorization: Option<String>,
    head: String,
    body: Vec<u8>,
}

impl Page {
    fn new(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), authorization: None, head: "200 OK".to_owned(), body: body.into() }
    }
}

/// On loopback, as long as the test runs. What it has not is a 404.
fn registry(pages: impl FnOnce(&str) -> Vec<Page>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let pages = pages(&host);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let _gone = answer(&pages, &connection.unwrap());
        }
    });
    host
}

fn answer(pages: &[Page], mut connection: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut authorization = None;
    for line in lines {
        let line = line?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => authorization = Some(value.to_owned()),
            _ if line.is_empty() => break,
            _ => (),
        }
    }
    let fits =
        |page: &&Page| page.path == path && (page.authorization.is_none() || page.authorization == authorization);
    let missing = Page { head: "404 Not Found".to_owned(), ..Page::new("", "") };
    let page = pages.iter().find(fits).unwrap_or(&missing);
    let length = page.body.len();
    write!(connection, "HTTP/1.1 {}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n", page.head)?;
    connection.write_all(&page.body)
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let hex: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn module() -> Vec<u8> {
    packed(&says('a'), &json!({ "name": "theirs", "version": "1.0.0" }))
}

fn manifest(config: &str, layers: &[(&str, &[u8])]) -> Vec<u8> {
    let layers: Vec<_> = layers
        .iter()
        .map(|(of, bytes)| json!({ "mediaType": of, "digest": sha256(bytes), "size": bytes.len() }))
        .collect();
    let config = json!({ "mediaType": config, "digest": sha256(b"{}"), "size": 2 });
    json!({ "schemaVersion": 2, "config": config, "layers": layers }).to_string().into_bytes()
}

/// A registry with one artifact, `theirs:1`.
fn with(manifest: Vec<u8>, blobs: &[(&[u8], &[u8])]) -> String {
    let mut pages = vec![Page::new("/v2/theirs/manifests/1", manifest)];
    let of = |(named, body): &(&[u8], &[u8])| Page::new(format!("/v2/theirs/blobs/{}", sha256(named)), body.to_vec());
    pages.extend(blobs.iter().map(of));
    registry(|_| pages)
}

fn install(reference: &str, to: &std::path::Path, more: &[&str]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.args(["install", reference, "--to"]).arg(to).args(more).output().unwrap()
}

/// What it says, where nothing is put there.
fn refused(reference: &str, more: &[&str]) -> String {
    let to = tempfile::tempdir().unwrap();
    let said = install(reference, to.path(), more);
    assert!(!said.status.success(), "{reference} is installed");
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0, "nothing is left there");
    String::from_utf8(said.stderr).unwrap()
}

#[test]
fn a_module_from_a_registry_is_asked_within_seconds() {
    let module = module();
    let host = with(manifest(CONFIG, &[(WASM, &module)]), &[(&module, &module)]);
    let server = Server::start(&[]);
    let analyses = server.dir.path().join("analyses");
    let said = install(&format!("oci://{host}/theirs:1"), &analyses, &[]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(std::fs::read(analyses.join("theirs.wasm")).unwrap(), module);
    wait_for("the server to take it in", || (server.get("/analyses/theirs").status == 200).then_some(()));
    let installed = server.get("/analyses/theirs").json();
    assert_eq!(format!("sha256:{}", installed["module_sha256"].as_str().unwrap()), sha256(&module));
}

#[test]
fn a_registry_that_wants_a_token_gets_who_asks() {
    let (module, dir) = (module(), tempfile::tempdir().unwrap());
    let path = dir.path().join("password");
    std::fs::write(&path, "s3cret\n").unwrap();
    let host = registry(|host| {
        let challenge = format!(r#"Bearer realm="http://{host}/token",service="ours",scope="repository:theirs:pull""#);
        let bearer = |path: String, body: Vec<u8>| {
            let open = Page { authorization: Some("Bearer t0ken".to_owned()), ..Page::new(&path, body) };
            let head = format!("401 Unauthorized\r\nwww-authenticate: {challenge}");
            [open, Page { head, ..Page::new(path, "") }]
        };
        let token = Page {
            authorization: Some("Basic YW5uOnMzY3JldA==".to_owned()),
            ..Page::new("/token?scope=repository%3Atheirs%3Apull&service=ours", r#"{ "token": "t0ken" }"#)
        };
        let mut pages = vec![token];
        pages.extend(bearer("/v2/theirs/manifests/1".to_owned(), manifest(CONFIG, &[(WASM, &module)])));
        pages.extend(bearer(format!("/v2/theirs/blobs/{}", sha256(&module)), module.clone()));
        pages
    });
    let reference = format!("oci://{host}/theirs:1");
    let password = ["--username", "ann", "--password-file", path.to_str().unwrap()];
    let said = install(&reference, dir.path(), &password);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(std::fs::read(dir.path().join("theirs.wasm")).unwrap(), module);
    let nobody = refused(&reference, &[]);
    assert!(nobody.contains("--username"), "{nobody}");
}

#[test]
fn what_a_registry_makes_up_is_refused_by_what_is_wrong() {
    let module = module();
    let mut other = module.clone();
    *other.last_mut().unwrap() ^= 1;
    let sound = manifest(CONFIG, &[(WASM, &module)]);
    let longer = [&module[..], b"more"].concat();
    let huge = json!({ "config": { "mediaType": CONFIG, "digest": "sha256:0", "size": 2 },
        "layers": [{ "mediaType": WASM, "digest": "sha256:0", "size": u64::MAX }] });
    let not_wasm = manifest(CONFIG, &[(WASM, b"hello")]);
    for (host, wanted) in [
        (with(sound.clone(), &[(&module, &other)]), "the module has the digest"),
        (with(sound.clone(), &[(&module, &module[..9])]), "the module has the digest"),
        (with(sound.clone(), &[]), "404"),
        (with(manifest(CONFIG, &[(WASM, &module), (WASM, &module)]), &[]), "2 layers"),
        (with(manifest("application/vnd.oci.image.config.v1+json", &[(WASM, &module)]), &[]), "its config is"),
        (with(manifest(CONFIG, &[("application/gzip", &module)]), &[]), "its layer is"),
        (with(b"<html>".to_vec(), &[]), "its manifest is"),
        (with(huge.to_string().into_bytes(), &[]), "at most 67108864"),
        (with(not_wasm, &[(b"hello", b"hello")]), "a server would refuse it"),
    ] {
        let said = refused(&format!("oci://{host}/theirs:1"), &[]);
        assert!(said.contains(wanted), "{said}");
    }
    // Bytes after the end are none of the module's, and not read.
    let host = with(sound.clone(), &[(&module, &longer)]);
    let to = tempfile::tempdir().unwrap();
    assert!(install(&format!("oci://{host}/theirs:1"), to.path(), &[]).status.success());
    assert_eq!(std::fs::read(to.path().join("theirs.wasm")).unwrap(), module);
    // A digest in the reference is of the manifest, whatever the registry says.
    let pinned = format!("/v2/theirs/manifests/{}", sha256(&sound));
    let host = registry(|_| vec![Page::new(pinned, b"{}".to_vec())]);
    let said = refused(&format!("oci://{host}/theirs:1@{}", sha256(&sound)), &[]);
    assert!(said.contains("the manifest has the digest"), "{said}");
}
