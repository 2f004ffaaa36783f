//! `belljar new`: a project that builds, for one's own analysis to be put in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

use super::say;
use crate::id::AnalysisName;

// What build.rs found: TEMPLATES, SDK, SDK_MACROS and WIT.
include!(concat!(env!("OUT_DIR"), "/projects.rs"));

/// Around the sources of the SDK, where these are not part of the whole.
const SDK_WORKSPACE: &str = r#"[workspace]
resolver = "3"
members = ["sdk", "sdk-macros"]

[workspace.package]
version = "1.0.0"
edition = "2024"
license = "MIT OR Apache-2.0"
publish = false

[workspace.dependencies]
schemars = "1"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"#;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What the analysis is to be called, and the folder.
    name: AnalysisName,
    /// What it is to be written in.
    #[arg(long, value_enum)]
    lang: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    C,
    Go,
    Python,
    Js,
}

impl Language {
    fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust/",
            Self::C => "c/",
            Self::Go => "go/",
            Self::Python => "python/",
            Self::Js => "js/",
        }
    }

    /// What else belongs into a project of it.
    fn more(self) -> Vec<(PathBuf, &'static str)> {
        let below = |place: &str, files: &[(&'static str, &'static str)]| -> Vec<_> {
            files.iter().map(|(path, text)| (Path::new(place).join(path), *text)).collect()
        };
        match self {
            Self::Rust => [
                below("belljar/guest-analyses/sdk", SDK),
                below("belljar/guest-analyses/sdk-macros", SDK_MACROS),
                below("belljar/wit", WIT),
                vec![(PathBuf::from("belljar/guest-analyses/Cargo.toml"), SDK_WORKSPACE)],
            ]
            .concat(),
            Self::Python | Self::Js => below("wit", WIT),
            Self::C | Self::Go => Vec::new(),
        }
    }
}

/// Makes the project; nothing that is there is written over.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let name = arguments.name.as_str();
    let folder = Path::new(name);
    fs::create_dir(folder).with_context(|| format!("cannot make the folder {name}"))?;
    let own = TEMPLATES.iter().filter_map(|(path, text)| {
        let path = path.strip_prefix(arguments.lang.folder())?;
        // Where it is called so, it would count here.
        let path = if path == "gitignore" { ".gitignore" } else { path };
        Some((PathBuf::from(path), text.replace("{{name}}", name)))
    });
    let more = arguments.lang.more().into_iter().map(|(path, text)| (path, text.to_owned()));
    for (path, text) in own.chain(more) {
        let script = path == Path::new("build");
        let path = folder.join(path);
        let written = || -> std::io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, text)?;
            if script { fs::set_permissions(&path, fs::Permissions::from_mode(0o755)) } else { Ok(()) }
        };
        written().with_context(|| format!("cannot write {}", path.display()))?;
    }
    say(&format!("{name}/README.md says how to go on: cd {name} && ./build"));
    Ok(())
}
