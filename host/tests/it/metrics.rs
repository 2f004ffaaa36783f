//! `GET /metrics` after traffic that is known.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::json;

use crate::server::Server;
use crate::server::wait_for;

/// Every series with its value; what breaks the text format fails.
fn scrape(server: &Server) -> BTreeMap<String, f64> {
    let answer = server.get("/metrics").expect(200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let (mut series, mut typed) = (BTreeMap::new(), BTreeSet::new());
    for line in answer.text().lines() {
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            let (name, kind) = comment.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(typed.insert(name.to_owned()), "{name} is there twice");
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let family = name.split('{').next().unwrap();
            let ends = ["_bucket", "_sum", "_count", ""];
            assert!(ends.iter().any(|it| family.strip_suffix(it).is_some_and(|it| typed.contains(it))), "{line}");
            assert!(series.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name} is there twice");
        }
    }
    series
}

#[test]
fn what_has_happened_is_counted() {
    let traps = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;
    let mut server = Server::start_with(&[("traps", traps, json!({}))], &["--workers", "2"]);
    let before = scrape(&server);
    let is = |series: &BTreeMap<String, f64>, name: &str, value: f64| {
        assert_eq!(series.get(&format!("belljar_{name}")), Some(&value), "{name}: {series:#?}");
    };
    is(&before, "runs_total{outcome=\"successful\",reason=\"\"}", 0.0);
    is(&before, "runs_in_flight", 0.0);
    let (file, other) = (server.upload("a.txt", b"some words"), server.upload("b.txt", b"other"));
    server.upload("again.txt", b"other");
    for (file, analysis) in [(&file, "digest"), (&other, "digest"), (&file, "traps")] {
        server.result(&server.analyse(file, analysis, json!({})));
    }
    server.analyse(&file, "digest", json!({}));
    let dismissed = server.analyse(&file, "dummy", json!({ "args": { "seconds": 60 } }));
    server.delete(&format!("/results/{dismissed}")).expect(204);
    for seconds in 61..64 {
        server.analyse(&file, "dummy", json!({ "args": { "seconds": seconds } }));
    }
    server.get("/upload/what%20a%20client%20chose").expect(404);
    server.get("/nothing/that/is/served").expect(404);
    server.delete("/limits").expect(405);
    let odd = server.raw(b"BREW /limits HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    assert!(odd.starts_with("HTTP/1.1 405"), "{odd}");
    let now = wait_for("both slots taken, all counted", || {
        let now = scrape(&server);
        let busy = now["belljar_workers{state=\"busy\"}"] == 2.0;
        (busy && now.contains_key("belljar_uploads_stored")).then_some(now)
    });
    for (name, value) in [
        ("runs_total{outcome=\"successful\",reason=\"\"}", 2.0),
        ("runs_total{outcome=\"failed\",reason=\"trap\"}", 1.0),
        ("runs_total{outcome=\"failed\",reason=\"deadline\"}", 0.0),
        ("runs_total{outcome=\"dismissed\",reason=\"dismissed\"}", 1.0),
        ("run_duration_seconds_bucket{le=\"86400\"}", now["belljar_run_duration_seconds_count"]),
        ("runs_in_flight", 3.0),
        ("queue_depth", 1.0),
        ("queue_max", 10_000.0),
        ("workers_max", 2.0),
        ("uploads_total", 2.0),
        ("uploads_bytes_total", 15.0),
        ("uploads_stored", 2.0),
        ("uploads_stored_bytes", 15.0),
        ("http_requests_total{method=\"POST\",route=\"/upload\",status=\"200\"}", 3.0),
        ("http_request_duration_seconds_count{route=\"/upload\"}", 3.0),
        ("http_requests_total{method=\"POST\",route=\"/analyse\",status=\"200\"}", 8.0),
        ("http_requests_total{method=\"GET\",route=\"/results/{file_id}/{analysis_id}\",status=\"422\"}", 1.0),
        ("http_requests_total{method=\"DELETE\",route=\"/results/{file_id}/{analysis_id}\",status=\"204\"}", 1.0),
        ("http_requests_total{method=\"GET\",route=\"/upload/{file_id}\",status=\"404\"}", 1.0),
        ("http_requests_total{method=\"GET\",route=\"\",status=\"404\"}", 1.0),
        ("http_requests_total{method=\"DELETE\",route=\"/limits\",status=\"405\"}", 1.0),
        ("http_requests_total{method=\"other\",route=\"/limits\",status=\"405\"}", 1.0),
    ] {
        is(&now, name, value);
    }
    // A dismissed run counts here only if it had begun.
    assert!([3.0, 4.0].contains(&now["belljar_run_duration_seconds_count"]));
    assert!(now["belljar_run_fuel_count"] >= 2.0 && now["belljar_run_fuel_sum"] > 0.0);
    assert!(now["belljar_disk_free_bytes"] > 0.0);
    assert!(!now.keys().any(|it| it.contains("chose") || it.contains("nothing") || it.contains("BREW")));
    let build = format!("belljar_build_info{{version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(now.iter().any(|(name, value)| name.starts_with(&build) && *value == 1.0));
    server.delete(&format!("/upload/{other}")).expect(204);
    is(&scrape(&server), "uploads_stored_bytes", 10.0);
    server.crash_and_restart();
    let stored = wait_for("a count of what was there", || scrape(&server).get("belljar_uploads_stored").copied());
    assert_eq!(stored, 1.0);
}
