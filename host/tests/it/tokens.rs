//! Servers that ask for tokens: who is let in, to what, and what tenants learn of each other.

use std::process::Command;
use std::process::Output;

use serde_json::Value;
use serde_json::json;

use crate::server::Answer;
use crate::server::Server;
use crate::server::wait_for;

fn token(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
    command.arg("token").args(arguments).arg("--data").arg(server.data()).output().unwrap()
}

/// One that counts by now.
fn made(server: &Server, tenant: &str, scopes: &str) -> Holder {
    made_with(server, tenant, &["--scope", scopes])
}

/// The same, with any arguments.
pub(crate) fn made_with(server: &Server, tenant: &str, arguments: &[&str]) -> Holder {
    let said = token(server, &[&["create", "somebody", "--tenant", tenant], arguments].concat());
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let holder = Holder(format!("Bearer {}", String::from_utf8(said.stdout).unwrap().trim()));
    wait_for("the server to heed it", || (holder.send(server, ("GET", "/me"), b"").status == 200).then_some(()));
    holder
}

/// Who has a token.
pub(crate) struct Holder(pub(crate) String);

impl Holder {
    pub(crate) fn send(&self, server: &Server, request: (&str, &str), body: &[u8]) -> Answer {
        server.send(request, &[("authorization", &self.0), ("prefer", "wait=30")], body)
    }

    pub(crate) fn get(&self, server: &Server, path: &str) -> Answer {
        self.send(server, ("GET", path), b"")
    }

    pub(crate) fn upload(&self, server: &Server, bytes: &[u8]) -> String {
        let answer = self.send(server, ("POST", "/upload?filename=a.txt"), bytes).expect(200);
        answer.json()["file_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn ask(&self, server: &Server, file: &str, analysis: &str) -> Value {
        let question = json!({ "file_id": file, "analysis": analysis }).to_string();
        self.send(server, ("POST", "/analyse"), question.as_bytes()).expect(200).json()
    }
}

fn server() -> Server {
    Server::start_with(&[], &["--require-tokens", "--accept-modules"])
}

#[test]
fn nobody_is_let_in_without_a_token_but_to_what_is_nobodys() {
    let server = server();
    for path in ["/healthz", "/readyz"] {
        server.get(path).expect(200);
    }
    assert_eq!(server.get("/session").expect(200).json(), json!({ "standing": "out", "name": null, "tenant": null }));
    server.get_with("/", ("accept", "text/html")).expect(200);
    server.get("/web/app.js").expect(200);
    let file = "a".repeat(40);
    for path in [
        "/upload",
        "/analyses",
        "/limits",
        "/metrics",
        "/runs",
        "/openapi.json",
        "/me",
        "/modules",
        &format!("/upload/{file}"),
    ] {
        let refused = server.get(path).expect(401);
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "{path}");
    }
    server.post("/upload", &[], b"abc").expect(401);
    server.post("/analyse", &[], b"{}").expect(401);
    server.delete(&format!("/upload/{file}")).expect(401);
    server.put("/analyses/theirs", b"").expect(401);
    for wrong in [
        "Bearer x",
        "Basic YTpi",
        "Bearer",
        "Bearer belljar_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        server.get_with("/upload", ("authorization", wrong)).expect(401);
        server.get_with("/upload", ("cookie", &format!("belljar-token={wrong}"))).expect(401);
    }
    assert!(server.lying_in("staging").is_empty() && server.lying_in("queue").is_empty());
}

#[test]
fn a_token_opens_what_its_scopes_say() {
    let server = server();
    let all = made(&server, "main", "upload,run,read,delete,install,admin");
    let file = all.upload(&server, b"abc");
    let question = json!({ "file_id": file, "analysis": "digest" }).to_string();
    let own = format!("/upload/{file}");
    for (scope, request, body) in [
        ("upload", ("POST", "/upload?filename=b.txt"), &b"abcd"[..]),
        ("run", ("POST", "/analyse"), question.as_bytes()),
        ("read", ("GET", "/upload"), b""),
        ("install", ("DELETE", "/analyses/nothing"), b""),
        ("admin", ("GET", "/metrics"), b""),
        ("delete", ("DELETE", &own), b""),
    ] {
        let others = ["upload", "run", "read", "delete", "install", "admin"].into_iter().filter(|it| *it != scope);
        let others = made(&server, "main", &others.collect::<Vec<_>>().join(","));
        let refused = others.send(&server, request, body).expect(403);
        assert!(refused.header("www-authenticate").contains(&format!("scope=\"{scope}\"")), "{request:?}");
        let status = made(&server, "main", scope).send(&server, request, body).status;
        assert!([200, 204, 404].contains(&status), "{request:?}: {status}");
    }
    let me = all.get(&server, "/me").expect(200).json();
    assert_eq!((&me["name"], &me["tenant"]), (&json!("somebody"), &json!("main")));
    let session = all.get(&server, "/session").expect(200).json();
    assert_eq!(session, json!({ "standing": "in", "name": "somebody", "tenant": "main" }));
}

#[test]
fn whoever_asks_is_told_how_they_stand() {
    let open = Server::start_with(&[], &[]).get("/session").expect(200).json();
    assert_eq!(open, json!({ "standing": "open", "name": null, "tenant": null }));
    let server = server();
    let holder = made_with(&server, "main", &["--expire-days", "1"]);
    // A day later, as far as the server can tell.
    let tokens = server.data().join("tokens");
    let id = holder.0.split('_').nth(1).unwrap();
    let kept = tokens.join(format!("{id}.json"));
    let mut token: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    token["expires"] = token["created"].clone();
    std::fs::write(&kept, token.to_string()).unwrap();
    wait_for("its end", || (holder.get(&server, "/me").status == 401).then_some(()));
    let expired = holder.get(&server, "/session").expect(200).json();
    assert_eq!(expired, json!({ "standing": "expired", "name": null, "tenant": null }));
}

#[test]
fn a_tenant_learns_nothing_of_what_another_has() {
    let mut server = server();
    let everything = "upload,run,read,delete";
    let (ann, ben) = (made(&server, "ann", everything), made(&server, "ben", everything));
    let file = ann.upload(&server, b"the same bytes");
    let run = ann.ask(&server, &file, "digest");
    let result = run["results"].as_str().unwrap().to_owned();
    ann.get(&server, &result).expect(200);
    let unknown = |path: String| {
        let answers = [&path, &path.replace(&file, &"b".repeat(40))].map(|path| ben.get(&server, path));
        let [of_ann, of_nobody] =
            answers.map(|it| (it.status, it.text().replace(&file, "").replace(&"b".repeat(40), "")));
        assert_eq!(of_ann, of_nobody, "{path}");
        assert!(of_ann.0 == 404 || path.starts_with("/web/known"), "{path}: {of_ann:?}");
    };
    let nothing_of = |ben: &Holder, server: &Server| {
        assert_eq!(ben.get(server, "/upload").expect(200).json()["uploads"], json!([]));
    };
    for path in ["/upload/FILE", "/upload/FILE/analyses", "/download/FILE/a.txt", "/results/FILE", "/web/known/FILE"] {
        unknown(path.replace("FILE", &file));
    }
    for path in ["", "/run", "/log", "/events"] {
        unknown(format!("{result}{path}"));
    }
    nothing_of(&ben, &server);
    for (method, path) in
        [("DELETE", format!("/upload/{file}")), ("DELETE", result.clone()), ("PUT", format!("/upload/{file}/pin"))]
    {
        ben.send(&server, (method, &path), b"").expect(404);
    }
    // The same bytes are another's upload, and the same question another's run.
    let facts = |holder: &Holder, server: &Server| holder.get(server, &format!("/upload/{file}")).expect(200).json();
    let before = facts(&ann, &server);
    let answer = ben.send(&server, ("POST", "/upload?filename=other.txt"), b"the same bytes").expect(200).json();
    assert_eq!((&answer["file_id"], &answer["filename"]), (&json!(file), &json!("other.txt")));
    assert_eq!(facts(&ben, &server)["analyses"], json!([]));
    ben.get(&server, &result).expect(404);
    assert_eq!(ben.ask(&server, &file, "digest")["analysis_id"], run["analysis_id"], "a question is called the same");
    let record = |holder: &Holder, server: &Server| holder.get(server, &format!("{result}/run")).expect(200).json();
    assert_ne!(record(&ann, &server)["started"], record(&ben, &server)["started"], "it ran for each");
    // What one removes the other keeps, also over a crash.
    ben.send(&server, ("DELETE", &format!("/upload/{file}")), b"").expect(204);
    assert_eq!(facts(&ann, &server)["filename"], before["filename"]);
    server.crash_and_restart();
    ann.get(&server, &result).expect(200);
    ben.get(&server, &format!("/upload/{file}")).expect(410);
    nothing_of(&ben, &server);
    assert!(!server.data().join(&file[..2]).exists(), "nor is it where it would be without tenants");
}

#[test]
fn an_upload_in_pieces_is_its_tenants() {
    let server = server();
    let (ann, ben) = (made(&server, "ann", "upload"), made(&server, "ben", "upload"));
    let begin = [("tus-resumable", "1.0.0"), ("upload-length", "5"), ("authorization", &ann.0)];
    let path = server.send(("POST", "/resumable"), &begin, b"").expect(201).header("location").to_owned();
    let head = |holder: &Holder| [("tus-resumable", "1.0.0".to_owned()), ("authorization", holder.0.clone())];
    let ask = |holder: &Holder, method: &str| {
        let head = head(holder);
        server.send((method, &path), &head.each_ref().map(|(name, value)| (*name, value.as_str())), b"").status
    };
    assert_eq!([ask(&ann, "HEAD"), ask(&ben, "HEAD"), ask(&ben, "DELETE"), ask(&ann, "DELETE")], [200, 404, 404, 204]);
}

#[test]
fn a_run_of_a_tenant_survives_its_server() {
    let mut server = server();
    let ann = made(&server, "ann", "upload,run,read");
    let file = ann.upload(&server, b"abc");
    let question = json!({ "file_id": file, "analysis": "dummy", "args": { "seconds": 2 } }).to_string();
    let head = [("authorization", ann.0.as_str())];
    let run = server.send(("POST", "/analyse"), &head, question.as_bytes()).expect(200).json();
    server.crash_and_restart();
    assert_eq!(ann.get(&server, run["results"].as_str().unwrap()).expect(200).json()["slept_seconds"], 2.0);
    assert_eq!(server.stop(), Some(0));
    let report =
        Command::new(env!("CARGO_BIN_EXE_belljar")).args(["fsck", "--data"]).arg(server.data()).output().unwrap();
    assert!(report.status.success(), "{report:?}");
    assert!(String::from_utf8_lossy(&report.stdout).contains("1 uploads, 1 runs"), "{report:?}");
    let id = run["analysis_id"].as_str().unwrap();
    let verified = Command::new(env!("CARGO_BIN_EXE_belljar"))
        .args(["verify", &file, id, "--tenant", "ann", "--data"])
        .arg(server.data())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn a_token_that_is_revoked_opens_nothing_and_a_list_shows_no_secret() {
    let server = server();
    let holder = made(&server, "main", "read");
    let listed = String::from_utf8(token(&server, &["list"]).stdout).unwrap();
    let id = listed.split("  ").next().unwrap().to_owned();
    let secret = holder.0.rsplit('_').next().unwrap();
    assert!(listed.contains("tenant main") && !listed.contains(secret), "{listed}");
    let tokens = server.data().join("tokens");
    assert!(!std::fs::read_to_string(tokens.join(format!("{id}.json"))).unwrap().contains(secret));
    // What cannot be read opens nothing, and keeps nobody out.
    std::fs::write(tokens.join("0000000000000000.json"), "{").unwrap();
    assert!(token(&server, &["revoke", &id]).status.success());
    wait_for("an end of it", || (holder.get(&server, "/upload").status == 401).then_some(()));
    assert!(!token(&server, &["revoke", &id]).status.success(), "it was there once");
    assert!(!token(&server, &["create", "x", "--tenant", "../x"]).status.success());
    assert!(!token(&server, &["create", "x", "--tenant", "x", "--scope", "all"]).status.success());
}

#[test]
fn a_browser_keeps_its_token_where_no_script_reads_it() {
    let server = server();
    let holder = made(&server, "main", "read");
    let signed_in = holder.send(&server, ("PUT", "/session"), b"").expect(204);
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    server.get_with("/upload", ("cookie", pair)).expect(200);
    server.get_with("/upload", ("cookie", &format!("a=b; {pair}"))).expect(200);
    let signed_out = server.send(("DELETE", "/session"), &[("cookie", pair)], b"").expect(204);
    assert!(signed_out.header("set-cookie").contains("Max-Age=0"));
    server.send(("PUT", "/session"), &[], b"").expect(401);
}

#[test]
fn tokens_are_asked_for_as_soon_as_others_can_reach_the_server() {
    let start = |arguments: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_belljar"));
        command.args(["serve", "--data"]).arg(dir.path().join("data")).args(["--shipped", "none"]).args(arguments);
        command.stdout(std::process::Stdio::piped());
        let (mut child, url) = crate::server::started(&mut command);
        let port = url.unwrap().rsplit(':').next().unwrap().to_owned();
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let status = agent.get(format!("http://127.0.0.1:{port}/upload")).call().unwrap().status().as_u16();
        child.kill().unwrap();
        child.wait().unwrap();
        status
    };
    assert_eq!(start(&["--listen", "127.0.0.1:0"]), 200);
    assert_eq!(start(&["--listen", "0.0.0.0:0"]), 401);
    assert_eq!(start(&["--listen", "0.0.0.0:0", "--open-to-anybody"]), 200);
    assert_eq!(start(&["--listen", "127.0.0.1:0", "--require-tokens"]), 401);
}

#[test]
fn what_a_browser_kept_of_a_token_that_has_gone_locks_nobody_out() {
    let server = server();
    let holder = made(&server, "main", "read");
    let pair = ("cookie", format!("belljar-token={}", holder.0.strip_prefix("Bearer ").unwrap()));
    let cookie = (pair.0, pair.1.as_str());
    server.get_with("/upload", cookie).expect(200);
    let listed = String::from_utf8(token(&server, &["list"]).stdout).unwrap();
    assert!(token(&server, &["revoke", listed.split("  ").next().unwrap()]).status.success());
    wait_for("an end of it", || (server.get_with("/upload", cookie).status == 401).then_some(()));
    // The page is there to sign in again, and what was kept can be forgotten.
    server.send(("GET", "/"), &[("accept", "text/html"), cookie], b"").expect(200);
    server.get_with("/web/app.js", cookie).expect(200);
    server.get_with("/healthz", cookie).expect(200);
    assert_eq!(server.get_with("/session", cookie).expect(200).json()["standing"], "unknown");
    server.send(("DELETE", "/session"), &[cookie], b"").expect(204);
    let said = server.get_with("/me", cookie).expect(401).json();
    assert!(said["detail"].as_str().unwrap().contains("revoked"), "{said}");
}

#[test]
fn what_is_told_of_the_server_is_told_of_all_of_it_whoever_asks() {
    let server = server();
    std::fs::write(server.data().join("selftest.json"), "{\"verdict\":\"sound\"}").unwrap();
    let (ann, operator) = (made(&server, "ann", "upload"), made(&server, "operators", "admin"));
    ann.upload(&server, b"one");
    made(&server, "main", "upload").upload(&server, b"another");
    wait_for("the count of both", || {
        let text = operator.get(&server, "/metrics").expect(200).text().to_owned();
        text.lines().any(|it| it == "belljar_uploads_stored 2").then_some(())
    });
    assert_eq!(operator.get(&server, "/readyz").expect(200).json()["selftest"]["verdict"], "sound");
}
