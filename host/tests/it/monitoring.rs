//! The dashboard and the alerts of `packaging/`, against what a server tells at `/metrics`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::openapi::texts_of;
use crate::server::Server;
use crate::server::wait_for;

fn packaged(name: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)).unwrap()
}

/// What a server tells: its metrics by name, each with the labels it has and the values that these have.
#[derive(Default)]
struct Told(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Told {
    fn by(text: &str) -> Self {
        let mut told = Self::default();
        for line in text.lines().filter(|it| !it.starts_with('#')) {
            let series = line.rsplit_once(' ').unwrap().0;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let metric = told.0.entry(name.to_owned()).or_default();
            // The route table has braces, and no label a comma or a quotation mark in it.
            for pair in labels.strip_suffix('}').unwrap_or_default().split(',').filter(|it| !it.is_empty()) {
                let (label, value) = pair.split_once('=').unwrap();
                metric.entry(label.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
            }
        }
        told
    }

    /// Of those in an expression; gives how many metrics it names.
    fn check(&self, expression: &str) -> usize {
        let starts = expression.match_indices("belljar_").map(|(at, _)| at);
        // And not the name of a job.
        let starts: Vec<_> = starts.filter(|at| !expression[..*at].ends_with(is_of_name)).collect();
        for at in &starts {
            let rest = &expression[*at..];
            let (name, rest) = rest.split_at(rest.find(|it| !is_of_name(it)).unwrap_or(rest.len()));
            let labels = self.0.get(name).unwrap_or_else(|| panic!("no server tells of {name}: {expression}"));
            let matchers = rest.strip_prefix('{').and_then(|it| it.split_once('}')).map_or("", |it| it.0);
            for matcher in matchers.split(',').filter(|it| !it.is_empty()) {
                check_matcher(labels, matcher, expression);
            }
        }
        for (at, grouping) in expression.match_indices("by (") {
            let grouped = expression[at + grouping.len()..].split_once(')').unwrap().0;
            for label in grouped.split(',').map(str::trim).filter(|it| *it != "instance") {
                let has = self.0.iter().any(|(name, labels)| expression.contains(name) && labels.contains_key(label));
                assert!(has, "nothing in it has the label {label}: {expression}");
            }
        }
        starts.len()
    }
}

fn is_of_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_'
}

fn check_matcher(labels: &BTreeMap<String, BTreeSet<String>>, matcher: &str, expression: &str) {
    let at = matcher.find(['=', '!']).unwrap();
    let label = &matcher[..at];
    if label == "instance" {
        // Prometheus adds it.
        return;
    }
    let values = labels.get(label).unwrap_or_else(|| panic!("no label {label}: {expression}"));
    if label == "status" {
        // Those that have been answered are too few to tell.
        return;
    }
    let wanted = matcher[at..].trim_start_matches(['=', '!', '~']).trim_matches('"');
    for value in wanted.split('|') {
        assert!(values.contains(value), "no {label} is ever {value}: {expression}");
    }
}

/// After a life in which everything has been counted.
fn told_by_a_server() -> Told {
    let server = Server::start(&[]);
    let file = server.upload("a.txt", b"some words");
    server.result(&server.analyse(&file, "digest", json!({}))).expect(200);
    wait_for("a count of what is stored", || {
        let told = Told::by(server.get("/metrics").expect(200).text());
        (told.0.contains_key("belljar_uploads_stored") && told.0.contains_key("belljar_http_requests_total"))
            .then_some(told)
    })
}

#[test]
fn the_dashboard_shows_all_that_a_server_tells_and_nothing_else() {
    let told = told_by_a_server();
    let dashboard: Value = serde_json::from_str(&packaged("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "an id is there twice");
    for panel in panels {
        let (place, title) = (&panel["gridPos"], panel["title"].as_str().unwrap());
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{title}");
        let mut own = Vec::new();
        texts_of(panel, "expr", &mut own);
        assert_eq!(own.is_empty(), panel["type"] == "row", "{title}");
        for expression in own {
            assert!(told.check(expression) > 0, "{title}: {expression}");
        }
    }
    let mut all = Vec::new();
    texts_of(&dashboard, "expr", &mut all);
    let all = all.join("\n");
    for name in told.0.keys() {
        let family = ["_bucket", "_count", "_sum"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name);
        assert!(all.contains(family), "{name} is not shown");
    }
}

#[test]
fn the_alerts_are_of_what_a_server_tells() {
    let told = told_by_a_server();
    let alerts = packaged("alerts.yml");
    let expressions = alerts.lines().filter_map(|it| it.trim().strip_prefix("expr: "));
    let named: Vec<_> = expressions.map(|it| (it, told.check(it))).collect();
    assert_eq!(named.len(), alerts.matches("- alert: ").count(), "each on one line");
    for (expression, metrics) in named {
        assert!(metrics > 0 || expression == "up{job=\"belljar\"} == 0", "{expression}");
    }
}
