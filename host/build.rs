//! Lists the prebuilt analyses, so that what lies in the folder is what ships. Opens the tests' back door into a
//! worker (`worker::serve_with`) in the dev profile, and in no other.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(back_door)");
    // Of profiles, Cargo tells the one that this one inherits from.
    if env::var_os("PROFILE").is_some_and(|it| it == "debug") {
        println!("cargo::rustc-cfg=back_door");
    }
    let root = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let prebuilt = Path::new(&root).join("../guest-analyses/prebuilt");
    println!("cargo::rerun-if-changed={}", prebuilt.display());
    let mut modules: Vec<_> = fs::read_dir(&prebuilt)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "wasm"))
        .collect();
    modules.sort();
    let entry = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        format!("({name:?}, include_bytes!({:?})),", path.display().to_string())
    };
    let list: String = modules.iter().map(entry).collect();
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("shipped.rs");
    fs::write(out, format!("[{list}]")).expect("the build directory can be written");
}
