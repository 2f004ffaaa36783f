//! Runs in this very process, without a server or a wall.

use std::io;
use std::os::fd::OwnedFd;

use super::*;
use crate::analysis::module::Effort;
use crate::analysis::module::Nan;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::sandbox::compile;
use crate::sandbox::engine;
use crate::sandbox::program::NoMore;
use crate::sandbox::vfs::Stdin;

struct Nowhere;

impl Host for Nowhere {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        Ok(tempfile::tempfile()?.into())
    }

    fn log(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn progress(&mut self, _: SoFar) {}

    fn sleep(&mut self, _: Duration) {}
}

fn file(bytes: &[u8]) -> OwnedFd {
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, bytes).unwrap();
    file.into()
}

/// Compiles and runs what is given as text.
fn run(wat: &str, limits: Limits) -> Ended<Nowhere> {
    run_with(wat, vec!["x".to_owned()], limits)
}

fn run_with(wat: &str, argv: Vec<String>, limits: Limits) -> Ended<Nowhere> {
    let module = wat::parse_str(wat).unwrap();
    let manner = compile::Manner { effort: Effort::Least, nan: Nan::Native };
    let compiled = compile::compile((&module, file(&module)), &CompileLimits::DEFAULT, manner).unwrap();
    let kind = compiled.facts.kind;
    let engine = engine::running(&Limits::DEFAULT, kind).unwrap();
    let program = Program::load(&engine, (kind, file(&compiled.program)), None, &NoMore).unwrap();
    let mounts = Mounts {
        sample: file(b""),
        sample_name: "x".to_owned(),
        sample_bytes: 0,
        stdin: Stdin::Bytes(b"{}".to_vec()),
        limits,
    };
    let request =
        Request { argv, environment: Vec::new(), seed: [0; 20], epoch_s: 0, facts: SampleFacts::default(), mounts };
    execute(&program, request, Nowhere).unwrap()
}

#[test]
fn a_module_that_may_have_no_instance_fails_by_that_name() {
    let module = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    assert!(run(module, Limits::DEFAULT).outcome.is_ok());
    let failure = run(module, Limits { instances: 0, ..Limits::DEFAULT }).outcome.unwrap_err();
    assert_eq!(failure, Failure::new(Reason::MemoryLimit, "more than `instances` allows"));
}
