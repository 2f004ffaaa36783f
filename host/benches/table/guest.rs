//! A confined worker by itself, without a server around it: the library's own pool starts it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU32;

use anyhow::bail;
use host::analysis::module::Manner;
use host::analysis::module::ModuleKind;
use host::id::ClientId;
use host::id::ModuleDigest;
use host::limits::CompileLimits;
use host::limits::Limits;
use host::pool::compile;
use host::pool::nursery::Nursery;
use host::pool::process::Process;
use host::pool::worker::Attendant;
use host::pool::worker::Cargo;
use host::pool::worker::Fit;
use host::pool::worker::Terms;
use host::pool::worker::Worker;
use host::run::SoFar;
use host::wire::LoadSpec;
use host::wire::RunSpec;
use host::wire::StdinSpec;

/// A program, compiled by a confined process.
#[derive(Debug)]
pub(crate) struct Program {
    nursery: Nursery,
    file: OwnedFd,
    terms: Terms,
}

impl Program {
    /// Compiles a module.
    pub(crate) async fn compile(module: &[u8]) -> anyhow::Result<Self> {
        let nursery = Nursery::open()?;
        let mut source = tempfile::tempfile()?;
        io::Write::write_all(&mut source, module)?;
        let file = OwnedFd::from(tempfile::tempfile()?);
        // Held to the walls that this machine has, as the server does it.
        let walls = Process::start(&nursery, &["worker"]).await?.walls;
        let terms = compile::Terms { limits: CompileLimits::DEFAULT, manner: Manner::DEFAULT, walls, reserve_bytes: 0 };
        match compile::compile(&nursery, &source.into(), &file, terms).await? {
            Ok(_) => Ok(Self { nursery, file, terms: Terms { caps: Limits::CAP, walls } }),
            Err(reasons) => bail!("the module is refused: {}", reasons.join("; ")),
        }
    }

    /// Starts a worker that has it loaded.
    pub(crate) async fn start(&self) -> anyhow::Result<Guest> {
        let fit = Fit {
            module: ModuleDigest::new([0; 32]),
            stack_bytes: Limits::DEFAULT.stack_bytes,
            client: ClientId::Server,
        };
        let spec = LoadSpec { kind: ModuleKind::Command, files: None };
        let cargo = Cargo { spec, program: self.file.try_clone()?, module: None };
        let worker = Worker::start(&self.nursery, &self.terms, (fit, cargo), &AtomicU32::new(0)).await?;
        Ok(Guest { worker })
    }
}

/// A confined worker with a program loaded.
#[derive(Debug)]
pub(crate) struct Guest {
    worker: Worker,
}

impl Guest {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.worker.identity().pid
    }

    /// Runs once over a file; gives what the guest printed.
    pub(crate) async fn run(&mut self, argv: &[String], sample: &File) -> anyhow::Result<Vec<u8>> {
        let spec = RunSpec {
            argv: argv.to_vec(),
            environment: Vec::new(),
            epoch_s: 0,
            media_type: String::new(),
            sha1: String::new(),
            sha256: String::new(),
            seed: [0; 20],
            sample_name: "sample".to_owned(),
            sample_bytes: sample.metadata()?.len(),
            stdin: StdinSpec::Bytes(b"{}".to_vec()),
            limits: Limits::DEFAULT,
        };
        let (done, _) = self.worker.run(spec, sample.try_clone()?.into(), &mut NoFiles).await?;
        done.outcome.map_err(|failure| anyhow::anyhow!("the guest failed: {failure:?}"))
    }
}

/// The guests here write no files and say nothing.
struct NoFiles;

impl Attendant for NoFiles {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn log(&mut self, _: &[u8]) {}

    fn progress(&mut self, _: SoFar) {}

    fn is_full(&self) -> bool {
        false
    }
}
