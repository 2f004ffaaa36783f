//! The dependency rule of ARCHITECTURE.md, as a test.

use std::fs;
use std::path::Path;

/// Modules from the vocabulary outward. A module may import only from the rows above its own.
const RANKS: &[&[&str]] = &[
    &["id", "limits", "time"],
    &["access", "analysis", "oci", "places", "run"],
    &["quota"],
    &["store", "sandbox", "telemetry", "wire"],
    &["confine", "pool"],
    &["keys", "notify", "registry", "worker"],
    &["dispatch"],
    &["assembly"],
    &["workbench"],
    &["trial"],
    &["http", "inspect", "selftest", "verify"],
    &["check"],
    &["app"],
    &["cli"],
];

/// Outside names, by prefix, and the only modules that may mention them.
const OWNERS: &[(&str, &[&str])] = &[
    ("wasmtime", &["sandbox"]),
    ("axum", &["http"]),
    ("hyper", &["http", "notify"]),
    ("governor", &["quota"]),
    ("rustls", &["http", "notify", "oci"]),
    ("clap", &["cli"]),
    ("anyhow", &["app", "cli"]),
    ("landlock:", &["confine"]),
    ("prometheus_client", &["telemetry"]),
    ("sfv", &["http"]),
    ("toml", &["cli"]),
    ("tower", &["http"]),
    ("opentelemetry", &["telemetry"]),
    ("ureq", &["cli", "oci", "telemetry"]),
    (
        "schemars",
        &["access", "id", "limits", "time", "analysis", "quota", "run", "store", "wire", "notify", "trial", "http"],
    ),
    ("seccompiler", &["confine"]),
    ("std::fs", &["store", "pool", "registry", "dispatch", "http", "cli"]),
];

#[test]
fn imports_point_inward() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    visit(&root, &root, &mut violations);
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn visit(root: &Path, dir: &Path, violations: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(root, &path, violations);
        } else if path.extension().is_some_and(|it| it == "rs") {
            check(path.strip_prefix(root).unwrap(), &fs::read_to_string(&path).unwrap(), violations);
        }
    }
}

fn check(file: &Path, text: &str, violations: &mut Vec<String>) {
    let first = file.iter().next().unwrap().to_str().unwrap();
    let module = first.trim_end_matches(".rs");
    let Some(own) = rank(module) else {
        assert!(["lib", "main"].contains(&module), "`{module}` has no rank");
        return;
    };
    for (number, line) in text.lines().enumerate().filter(|(_, it)| !it.trim_start().starts_with("//")) {
        let mut report = |what: String| violations.push(format!("{}:{}: {what}", file.display(), number + 1));
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
            match &rest[..end] {
                "" => report("write one `use crate::m` a line".to_string()),
                name if name != module && rank(name).is_some_and(|it| own <= it) => {
                    report(format!("`{module}` imports `{name}`"));
                }
                _ => (),
            }
        }
        // A module's tests may hold what it works on.
        let tests = file.ends_with("tests.rs");
        for (name, owners) in OWNERS.iter().filter(|_| !tests) {
            if mentions(line, name) && !owners.contains(&module) {
                report(format!("`{name}` is not for `{module}`"));
            }
        }
    }
}

/// Whether a path in `line` starts with `name`: `wasmtime::Engine` and `wasmtime_wasi::p2` both start with `wasmtime`.
fn mentions(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let starts = !line[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_' || it == ':');
        starts && line[at + name.len()..].starts_with(['_', ':'])
    })
}

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|it| it.contains(&module))
}
