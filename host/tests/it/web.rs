//! The page at `/` as it is served: its policy, its files, and what of strangers may be framed in it. What it does in a
//! browser is tested by `scripts/web`.

use std::collections::BTreeSet;

use host::http::web::POLICY;
use serde_json::json;

use crate::server::Answer;
use crate::server::Server;

/// Writes that text to a file, and prints `{}`.
fn writer(name: &str) -> String {
    let length = name.len();
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{name}")
  (data (i32.const 64) "\00\02\00\00\05\00\00\00\05\02\00\00\02\00\00\00")
  (data (i32.const 512) "<svg>{{}}")
  (func (export "_start")
    (drop (call $o (i32.const 4) (i32.const 0) (i32.const 0) (i32.const {length}) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 36)))
    (drop (call $w (i32.load (i32.const 36)) (i32.const 64) (i32.const 1) (i32.const 44)))
    (drop (call $w (i32.const 1) (i32.const 72) (i32.const 1) (i32.const 48)))))"#
    )
}

/// What the page loads, by what its files say.
fn loaded(server: &Server) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        let text = server.get(&path).expect(200).text().to_owned();
        let quoted = text.split('"').skip(1).step_by(2);
        let names = quoted.filter_map(|it| it.strip_prefix("./").or_else(|| it.strip_prefix("/web/")));
        for name in names.filter(|it| it.contains('.')) {
            if found.insert(name.to_owned()) {
                open.push(format!("/web/{name}"));
            }
        }
    }
    found
}

fn is_guarded(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-cache");
}

#[test]
fn the_page_comes_with_a_policy_that_lets_nothing_else_run() {
    let server = Server::start(&[]);
    let page = server.get("/").expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("content-security-policy"), POLICY);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    is_guarded(&page);
    for word in
        ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    {
        assert!(POLICY.contains(word), "{word}");
    }
    for word in ["unsafe", "data:", "http", "*"] {
        assert!(!POLICY.contains(word), "{word}");
    }
    // The policy would stop them; so there are none.
    let text = page.text();
    for inline in ["<style", " style=", " onclick", " onload", "<script>", "javascript:"] {
        assert!(!text.contains(inline), "{inline}");
    }
}

#[test]
fn who_takes_no_html_gets_no_page() {
    let server = Server::start(&[]);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    assert_eq!(server.get_with("/", ("accept", browser)).expect(200).header("vary"), "accept");
    let refused = server.get_with("/", ("accept", "application/json")).expect(404);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    server.get("/?page=2").expect(400);
}

#[test]
fn every_file_that_the_page_loads_is_there_with_its_type() {
    let server = Server::start(&[]);
    let files = loaded(&server);
    assert!(files.len() > 10 && files.contains("app.js") && files.contains("upload.js"), "{files:?}");
    for name in &files {
        let file = server.get(&format!("/web/{name}")).expect(200);
        let media_type = match name.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(file.header("content-type"), media_type, "{name}");
        is_guarded(&file);
    }
    let there = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/web")).unwrap();
    let there = there.map(|it| it.unwrap().file_name().into_string().unwrap());
    let unused: Vec<_> = there.filter(|it| it != "index.html" && !files.contains(it)).collect();
    assert_eq!(unused, [""; 0], "not loaded by anything");
    server.get("/web/none.js").expect(404);
    server.get("/web/index.html").expect(404);
    server.get("/web/..%2fCargo.toml").expect(404);
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    let server = Server::start(&[]);
    for path in ["/", "/web/app.js", "/web/style.css"] {
        let first = server.get(path).expect(200);
        let again = server.get_with(path, ("if-none-match", first.header("etag"))).expect(304);
        assert_eq!((again.header("etag"), again.body.len()), (first.header("etag"), 0));
        server.get_with(path, ("if-none-match", "\"other\"")).expect(200);
        server.get_with(path, ("if-match", "\"other\"")).expect(412);
        assert_eq!(server.head(path).expect(200).header("content-length"), first.body.len().to_string());
    }
}

#[test]
fn whether_a_file_is_stored_is_told_without_a_404() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"abc");
    let known = |id: &str| server.get(&format!("/web/known/{id}")).expect(200).json();
    assert_eq!(known(&file), json!({ "file_id": file, "stored": true }));
    let other = "0".repeat(40);
    assert_eq!(known(&other), json!({ "file_id": other, "stored": false }));
    server.get("/web/known/x").expect(404);
    server.delete(&format!("/upload/{file}")).expect(204);
    assert_eq!(known(&file)["stored"], false);
}

#[test]
fn only_drawings_and_pages_are_framed_and_they_can_do_nothing() {
    let (drawing, page, text) = (writer("a.svg"), writer("a.html"), writer("a.txt"));
    let server =
        Server::start(&[("drawing", &drawing, json!({})), ("page", &page, json!({})), ("text", &text, json!({}))]);
    let file = server.upload("a.txt", b"abc");
    for (analysis, name, media_type) in [("drawing", "a.svg", "image/svg+xml"), ("page", "a.html", "text/html")] {
        let run = server.analyse(&file, analysis, json!({}));
        server.result(&run).expect(200);
        let framed = server.get(&format!("/framed/{run}/{name}")).expect(200);
        assert_eq!((framed.text(), framed.header("content-type")), ("<svg>", media_type));
        let policy = framed.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; ") && policy.ends_with("; sandbox"), "{policy}");
        assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("allow") && !policy.contains("script"));
        assert_eq!((framed.header("content-disposition"), framed.header("x-content-type-options")), ("", "nosniff"));
        let again = server.get_with(&format!("/framed/{run}/{name}"), ("if-none-match", framed.header("etag")));
        assert_eq!(again.expect(304).header("content-security-policy"), policy);
        let saved = server.get(&format!("/download/{run}/{name}")).expect(200);
        assert!(saved.header("content-disposition").starts_with("attachment"));
        server.get(&format!("/framed/{run}/none.svg")).expect(404);
    }
    let run = server.analyse(&file, "text", json!({}));
    server.result(&run).expect(200);
    server.get(&format!("/framed/{run}/a.txt")).expect(404);
    server.get(&format!("/framed/{file}/a.txt/a.txt")).expect(404);
}
