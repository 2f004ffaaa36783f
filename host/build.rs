//! Lists what the binary carries: the prebuilt analyses, so that what lies in the folder is what ships, the projects that
//! `belljar new` makes, and the hostile modules of the self-test, compiled from text. A hostile module without a valid
//! head fails the build. Opens the tests' back door into a worker (`worker::serve_with`) in the dev profile, and in no other.

use std::path::Path;
use std::path::PathBuf;
use std::{env, fs};

use self::header::Header;

#[expect(unreachable_pub, reason = "it is public where the library has it")]
#[path = "src/selftest/header.rs"]
mod header;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(back_door)");
    // Of profiles, Cargo tells the one that this one inherits from.
    if env::var_os("PROFILE").is_some_and(|it| it == "debug") {
        println!("cargo::rustc-cfg=back_door");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let written = "the build directory can be written";
    fs::write(out.join("shipped.rs"), shipped(&root.join("../guest-analyses/prebuilt"))).expect(written);
    let projects = ["templates", "../guest-analyses/sdk", "../guest-analyses/sdk-macros", "../wit"];
    fs::write(out.join("projects.rs"), projects.map(|it| carried(&root.join(it))).concat()).expect(written);
    for (list, sources, prefix) in
        [("hostile.rs", "tests/hostile", ""), ("hostile_wasi_03.rs", "tests/hostile/wasi_03", "wasi_03_")]
    {
        fs::write(out.join(list), hostile(&root.join(sources), (&out, prefix))).expect(written);
    }
}

fn shipped(prebuilt: &Path) -> String {
    let entry = |path: &PathBuf| format!("({:?}, include_bytes!({:?})),", stem(path), path.display().to_string());
    let list: String = files(prebuilt, "wasm").iter().map(entry).collect();
    format!("[{list}]")
}

/// A constant, called after the folder: of each file its path in there and its text.
fn carried(folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", folder.display());
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder can be read") {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    let name = stem(folder).to_uppercase().replace('-', "_");
    let entry = |path: &PathBuf| {
        let inside = path.strip_prefix(folder).expect("it lies in there");
        format!("({:?}, include_str!({:?})),", inside.display().to_string(), path.display().to_string())
    };
    let list: String = found.iter().map(entry).collect();
    format!("const {name}: &[(&str, &str)] = &[{list}];")
}

/// A list of `Case`; an `expect` that is no reason is a variant that does not exist.
fn hostile(sources: &Path, (out, prefix): (&Path, &str)) -> String {
    let entry = |path: &PathBuf| {
        let source = fs::read_to_string(path).expect("a source can be read");
        let wrong = |detail: String| -> ! { panic!("{}: {detail}", path.display()) };
        let header = Header::parse(&source).unwrap_or_else(|detail| wrong(detail));
        let text = header::expand(&source).unwrap_or_else(|detail| wrong(detail));
        let module = wat::parse_str(&text).unwrap_or_else(|error| wrong(error.to_string()));
        let name = format!("{prefix}{}", stem(path));
        let compiled = out.join(format!("{name}.wasm"));
        fs::write(&compiled, module).expect("the build directory can be written");
        let Header { tries, expect, limits, says } = header;
        let expected = match expect.as_str() {
            "successful" => "Expected::Successful".to_owned(),
            "refused" => "Expected::Refused".to_owned(),
            reason => format!("Expected::Failed(Reason::{})", variant(reason)),
        };
        format!(
            "Case {{ name: {:?}, tries: {tries:?}, expected: {expected}, limits: {limits:?}, says: {says:?}, \
             module: include_bytes!({:?}) }},",
            name,
            compiled.display().to_string()
        )
    };
    let list: String = files(sources, "wat").iter().map(entry).collect();
    format!("[{list}]")
}

/// `out-of-fuel` as Rust writes it.
fn variant(reason: &str) -> String {
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    reason.split('-').filter(|word| !word.is_empty()).map(capitalized).collect()
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={}", directory.display());
    let mut files: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
