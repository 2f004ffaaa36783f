//! The files that a probe may try to harm, and whether they were.

use std::fs;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use host::analysis::module::Effort;
use host::analysis::module::ModuleKind;
use host::analysis::module::Nan;
use host::sandbox::engine;

/// A directory with a sample, a secret, and what workers make.
pub(crate) struct Scene {
    dir: tempfile::TempDir,
    made: AtomicU32,
    engine: wasmtime::Engine,
}

const SAMPLE: &[u8] = b"sample";
const SECRET: &[u8] = b"secret";

impl Scene {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("sample"), SAMPLE).unwrap();
        fs::write(dir.path().join("secret"), SECRET).unwrap();
        Self {
            dir,
            made: AtomicU32::new(0),
            engine: engine::compiling(Effort::Full, Nan::Native, ModuleKind::Command).unwrap(),
        }
    }

    pub(crate) fn sample(&self) -> PathBuf {
        self.dir.path().join("sample")
    }

    /// A path in it, as a guest is told it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// An empty file, as the server gives one to a guest.
    pub(crate) fn new_artifact(&self) -> File {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.path().join(format!("artifact-{number}"));
        File::options().read(true).write(true).create_new(true).open(path).unwrap()
    }

    /// A compiled program, open for reading alone.
    pub(crate) fn program(&self, wat: &str) -> File {
        let program = self.engine.precompile_module(wat::parse_str(wat).unwrap().as_slice()).unwrap();
        let path = self.dir.path().join("program");
        fs::write(&path, program).unwrap();
        File::open(path).unwrap()
    }

    /// A module, open for reading alone.
    pub(crate) fn module(&self, wat: &str) -> File {
        let path = self.dir.path().join("module");
        fs::write(&path, wat::parse_str(wat).unwrap()).unwrap();
        File::open(path).unwrap()
    }

    /// What is not as it was.
    pub(crate) fn harm(&self, program: &File) -> Option<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.dir.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|it| !it.starts_with("artifact-"));
        names.sort();
        if names != ["program", "sample", "secret"] {
            return Some(format!("the directory holds {names:?}"));
        }
        let changed = |name: &str, was: &[u8]| fs::read(self.dir.path().join(name)).unwrap() != was;
        if changed("sample", SAMPLE) || changed("secret", SECRET) {
            return Some("a file was changed".to_owned());
        }
        if fs::metadata(self.dir.path().join("secret")).unwrap().permissions().readonly() {
            return Some("a file's mode was changed".to_owned());
        }
        let magic = {
            let mut magic = [0; 4];
            std::os::unix::fs::FileExt::read_exact_at(program, &mut magic, 0).unwrap();
            magic
        };
        (&magic != b"\x7fELF").then(|| "the program was changed".to_owned())
    }
}
