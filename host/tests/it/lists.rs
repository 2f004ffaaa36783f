//! Lists: a page after the other, whatever comes and goes between them.

use std::collections::BTreeSet;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::server::Answer;
use crate::server::Server;

fn ids<'a>(page: &'a Value, list: &str, id: &str) -> Vec<&'a str> {
    page[list].as_array().unwrap().iter().map(|it| it[id].as_str().unwrap()).collect()
}

/// Where the next page is, as the body and the header have it.
fn next(page: &Answer) -> Option<String> {
    let next = page.json()["next"].as_str().map(ToOwned::to_owned);
    let link = next.as_ref().map(|it| format!("<{it}>; rel=\"next\"")).unwrap_or_default();
    assert_eq!(page.header("link"), link);
    next
}

/// All ids of a list, a page after the other.
fn walk(server: &Server, path: &str, (list, id): (&str, &str)) -> Vec<String> {
    let (mut found, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(at) = path {
        let page = server.get(&at).expect(200);
        found.extend(ids(&page.json(), list, id).into_iter().map(ToOwned::to_owned));
        path = next(&page);
    }
    found
}

fn uploads(server: &Server, query: &str) -> Vec<String> {
    walk(server, &format!("/upload{query}"), ("uploads", "file_id"))
}

#[test]
fn uploads_are_listed_newest_first() {
    let mut server = Server::start(&[]);
    assert_eq!(server.get("/upload").expect(200).json(), json!({ "uploads": [], "next": null }));
    let mut files: Vec<_> = (0..7).map(|it| server.upload("a.txt", &[it])).collect();
    for number in [0, 3] {
        server.delete(&format!("/upload/{}", files.remove(number))).expect(204);
    }
    files.push(server.upload("last.txt", b"last"));
    let created = |file: &String| server.get(&format!("/upload/{file}")).expect(200).json()["created"].to_string();
    let mut newest_first = files.clone();
    newest_first.sort_by_key(|file| std::cmp::Reverse((created(file), file.clone())));
    assert_eq!(newest_first.first(), files.last());
    for query in ["", "?limit=1", "?limit=2", "?limit=5", "?limit=6"] {
        assert_eq!(uploads(&server, query), newest_first, "{query}");
    }
    let page = server.get("/upload?limit=1").expect(200).json();
    assert_eq!((&page["uploads"][0]["filename"], &page["uploads"][0]["size_bytes"]), (&json!("last.txt"), &json!(4)));
    assert_eq!(ids(&server.get("/upload?limit=500").expect(200).json(), "uploads", "file_id"), newest_first);
    server.crash_and_restart();
    assert_eq!(uploads(&server, "?limit=4"), newest_first, "also by a server that has seen none of them come");
}

#[test]
fn a_page_begins_where_the_one_before_ended_whatever_has_come_and_gone() {
    let server = Server::start(&[]);
    (0..9).for_each(|it| drop(server.upload("a.txt", &[it])));
    let all = uploads(&server, "");
    let first = server.get("/upload?limit=4").expect(200);
    assert_eq!(ids(&first.json(), "uploads", "file_id"), all[..4]);
    // The last of the page, on which the cursor rests; one before it and one after it; and a new one.
    for gone in [3, 1, 5] {
        server.delete(&format!("/upload/{}", all[gone])).expect(204);
    }
    let new = server.upload("new.txt", b"new");
    let next = next(&first).unwrap();
    let rest = walk(&server, &next, ("uploads", "file_id"));
    assert_eq!(rest, [4, 6, 7, 8].map(|it| all[it].clone()));
    assert_eq!(uploads(&server, "?limit=1")[0], new);
}

#[test]
fn what_comes_and_goes_while_the_list_is_first_made_is_on_it_or_not() {
    let mut server = Server::start_with(&[], &["--durability", "process"]);
    let old: Vec<_> = (0..200_u8).map(|it| server.upload("a.txt", &[it])).collect();
    server.crash_and_restart();
    let server = &server;
    let mut expected: BTreeSet<_> = old[100..].iter().cloned().collect();
    thread::scope(|scope| {
        let deleting = scope.spawn(|| {
            old[..100].iter().for_each(|file| drop(server.delete(&format!("/upload/{file}")).expect(204)));
            // One that went and came is there once.
            server.upload("a.txt", &[0])
        });
        let uploading = scope.spawn(|| (200..=255).map(|it| server.upload("b.txt", &[it, it])).collect::<Vec<_>>());
        for _ in 0..4 {
            scope.spawn(|| (0..20).for_each(|_| drop(server.get("/upload?limit=500").expect(200))));
        }
        expected.insert(deleting.join().unwrap());
        expected.extend(uploading.join().unwrap());
    });
    let listed = uploads(server, "?limit=50");
    assert_eq!(listed.len(), expected.len());
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn an_upload_that_cannot_be_read_keeps_no_other_off_the_list() {
    let mut server = Server::start(&[]);
    let (whole, broken) = (server.upload("a.txt", b"a"), server.upload("b.txt", b"b"));
    let facts = server.data().join(&broken[..2]).join(&broken[2..]).join("upload.json");
    std::fs::remove_file(&facts).unwrap();
    std::fs::write(&facts, "{").unwrap();
    server.crash_and_restart();
    assert_eq!(uploads(&server, ""), [whole]);
}

#[test]
fn everything_that_was_asked_of_a_file_is_listed() {
    let server = Server::start(&[]);
    let (file, other) = (server.upload("a.txt", b"hello"), server.upload("b.txt", b"other"));
    let empty = json!({ "file_id": file, "results": [], "next": null });
    assert_eq!(server.get(&format!("/results/{file}")).expect(200).json(), empty);
    let asked: Vec<_> = ["digest", "entropy", "strings"].map(|it| server.analyse(&file, it, json!({}))).to_vec();
    asked.iter().for_each(|run| drop(server.result(run).expect(200)));
    let sleeping = server.analyse(&file, "dummy", json!({ "args": { "seconds": 60 } }));
    let dismissed = server.analyse(&file, "dummy", json!({ "args": { "seconds": 50 } }));
    server.delete(&format!("/results/{dismissed}")).expect(204);
    server.result(&server.analyse(&other, "digest", json!({}))).expect(200);
    let listed = server.get(&format!("/results/{file}")).expect(200).json();
    let results = listed["results"].as_array().unwrap();
    let found = |run: &str| results.iter().find(|it| it["results"] == format!("/results/{run}")).unwrap();
    for run in &asked {
        assert_eq!((&found(run)["status"], &found(run)["reason"]), (&json!("successful"), &json!(null)));
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        for member in ["analysis", "analysis_id", "file_id", "accepted"] {
            assert_eq!(found(run)[member], record[member], "{member}");
        }
    }
    assert!(matches!(found(&sleeping)["status"].as_str(), Some("accepted" | "running")));
    assert_eq!(
        (&found(&dismissed)["status"], &found(&dismissed)["reason"]),
        (&json!("dismissed"), &json!("dismissed"))
    );
    assert_eq!(results.len(), 5);
    let path = format!("/results/{file}?limit=2");
    let walked = walk(&server, &path, ("results", "analysis_id"));
    assert_eq!(walked, ids(&listed, "results", "analysis_id"));
    let first = server.get(&path).expect(200);
    let last = &first.json()["results"][1]["results"].as_str().unwrap().to_owned();
    // If it is the one that sleeps, the first time only ends it.
    while server.delete(last).status == 204 {}
    server.get(last).expect(404);
    assert_eq!(walk(&server, &next(&first).unwrap(), ("results", "analysis_id")), walked[2..]);
    server.delete(&format!("/upload/{file}")).expect(204);
    server.get(&format!("/results/{file}")).expect(410);
}

#[test]
fn an_upload_tells_what_was_asked_of_it() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"hello");
    server.result(&server.analyse(&file, "digest", json!({}))).expect(200);
    let shown = server.get(&format!("/upload/{file}")).expect(200).json();
    let results = server.get(&format!("/results/{file}")).expect(200).json();
    assert_eq!(shown["analyses"], results["results"]);
    assert_eq!((shown["analyses"].as_array().unwrap().len(), &shown["analyses_next"]), (1, &json!(null)));
    for seconds in 0..50 {
        server.analyse(&file, "dummy", json!({ "args": { "seconds": 60 + seconds }, "priority": "bulk" }));
    }
    let shown = server.get(&format!("/upload/{file}")).expect(200).json();
    assert_eq!(shown["analyses"].as_array().unwrap().len(), 50);
    let rest = server.get(shown["analyses_next"].as_str().unwrap()).expect(200).json();
    assert_eq!((rest["results"].as_array().unwrap().len(), &rest["next"]), (1, &json!(null)));
}

#[test]
fn analyses_are_listed_by_name() {
    let server = Server::start(&[]);
    let all = server.get("/analyses").expect(200).json();
    let names = ids(&all, "analyses", "name");
    assert!(names.len() > 3 && names.is_sorted(), "{names:?}");
    for limit in [1, 3, names.len()] {
        assert_eq!(walk(&server, &format!("/analyses?limit={limit}"), ("analyses", "name")), names);
    }
    let after = server.get("/analyses?cursor=dummy_5").expect(200).json();
    assert!(ids(&after, "analyses", "name").iter().all(|it| *it > "dummy_5"), "a name that is none any more");
}

#[test]
fn a_list_takes_a_limit_and_a_cursor_and_nothing_else() {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"a");
    for list in ["/upload".to_owned(), "/analyses".to_owned(), format!("/results/{file}")] {
        server.get(&format!("{list}?limit=500")).expect(200);
        for query in
            ["limit=0", "limit=501", "limit=-1", "limit=a", "cursor=%2F", "cursor=", "page=2", "limit=1&limit=2"]
        {
            let answer = server.get(&format!("{list}?{query}")).expect(400);
            assert_eq!(answer.header("content-type"), "application/problem+json", "{list} {query}");
        }
    }
    server.get("/results/a9993e364706816aba3e25717850c26c9cd0d89d").expect(404);
    server.get("/results/x").expect(404);
    server.get(&format!("/upload/{file}?limit=1")).expect(400);
}
