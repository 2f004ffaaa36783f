//! What fuzzing has found to be worth keeping, once more: `host/fuzz/corpus/<target>/`, seeds and regressions alike.

mod bodies;

use std::fs;
use std::path::Path;

#[test]
fn args_of_the_corpus() {
    replay("args", bodies::args);
}

#[test]
fn descriptors_of_the_corpus() {
    replay("descriptor", bodies::descriptor);
}

#[test]
fn modules_of_the_corpus() {
    replay("admission", bodies::admission);
}

#[test]
fn messages_of_the_corpus() {
    replay("wire", bodies::wire);
}

#[test]
fn ranges_of_the_corpus() {
    replay("range", bodies::range);
}

#[test]
fn forms_of_the_corpus() {
    replay("multipart", bodies::multipart);
}

#[test]
fn tars_of_the_corpus() {
    replay("resources", bodies::resources);
}

#[test]
fn paths_of_the_corpus() {
    replay("path", bodies::path);
}

/// Every target has its replay here.
#[test]
fn no_target_is_forgotten() {
    let here = include_str!("fuzzed.rs");
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    for target in fs::read_dir(targets).unwrap() {
        let target = target.unwrap().path();
        let name = target.file_stem().unwrap().to_str().unwrap();
        assert!(here.contains(&format!("replay(\"{name}\", bodies::{name})")), "{name}");
    }
}

#[expect(clippy::print_stdout, reason = "which seed it was, should one fail")]
fn replay(target: &str, body: impl Fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut seeds: Vec<_> = fs::read_dir(corpus).unwrap().map(|it| it.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 3, "{target} has a few");
    for seed in seeds {
        println!("{}", seed.display());
        body(&fs::read(seed).unwrap());
    }
}
