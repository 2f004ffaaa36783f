//! The benchmark table: Belljar beside its peers on one machine, in one run. `scripts/bench` fetches the peers and
//! calls this; every figure that is printed was measured by it.
//!
//! A section is a function from [`Bench`] to lines. What cannot be measured here says `skipped`, and why. All traffic
//! is on loopback, and bounded; client and server share the machine's cores.

mod analyse;
mod blocking;
mod compute;
mod files;
mod guest;
mod line;
mod load;
mod machine;
mod memory;
mod peers;
mod read;
mod results;
mod rounds;
mod server;
mod small;
mod start;
mod transfer;
mod waiting;
mod warm;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::line::Line;
use crate::peers::Peers;

/// Measures Belljar beside its peers.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line, one by one")]
struct Arguments {
    /// Small sizes, to see that it works.
    #[arg(long)]
    quick: bool,
    /// Names the sections.
    #[arg(long)]
    list: bool,
    /// Where the peers' programs are.
    #[arg(long, default_value = "/usr/bin")]
    peers: PathBuf,
    /// A directory on the disk to measure.
    #[arg(long, default_value = ".")]
    disk: PathBuf,
    /// A directory in memory.
    #[arg(long, default_value = "/dev/shm")]
    memory: PathBuf,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
    /// Which sections; all if left out.
    sections: Vec<String>,
}

/// What every section is told.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) size: Size,
    pub(crate) peers: Peers,
    /// A directory on a disk.
    pub(crate) disk: PathBuf,
    /// A directory in memory.
    pub(crate) memory: PathBuf,
}

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Quick,
    Whole,
}

impl Bench {
    /// One of two figures, by the size of the whole.
    pub(crate) fn pick<T>(&self, quick: T, whole: T) -> T {
        match self.size {
            Size::Quick => quick,
            Size::Whole => whole,
        }
    }

    /// How often each measurement is repeated, in turn with its peer's.
    pub(crate) fn rounds(&self) -> usize {
        self.pick(3, 5)
    }
}

type Section = (&'static str, fn(&Bench) -> anyhow::Result<Vec<Line>>);

const SECTIONS: &[Section] = &[
    ("warm", warm::measure),
    ("compute", compute::measure),
    ("analyse", analyse::measure),
    ("results", results::measure),
    ("small", small::measure),
    ("transfer", transfer::measure),
    ("read", read::measure),
    ("start", start::measure),
    ("memory", memory::measure),
    ("waiting", waiting::measure),
    ("stored", start::beside_stored),
];

fn main() -> anyhow::Result<ExitCode> {
    // Confined processes are this same binary, as they are the server's.
    if std::env::args_os().nth(1).is_some_and(|it| ["worker", "compile"].map(OsString::from).contains(&it)) {
        host::cli::main()?;
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = Arguments::parse();
    let mut out = std::io::stdout();
    let known = |name: &String| SECTIONS.iter().any(|(it, _)| it == name);
    if arguments.list || !arguments.sections.iter().all(known) {
        SECTIONS.iter().try_for_each(|(name, _)| writeln!(out, "{name}"))?;
        return Ok(if arguments.list { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let bench = Bench {
        size: if arguments.quick { Size::Quick } else { Size::Whole },
        peers: Peers::at(arguments.peers),
        disk: arguments.disk,
        memory: arguments.memory,
    };
    let before = machine::Machine::look();
    let wanted = |name| arguments.sections.is_empty() || arguments.sections.iter().any(|it| it == name);
    let (mut lines, mut ended) = (Vec::new(), ExitCode::SUCCESS);
    for (name, measure) in SECTIONS.iter().filter(|(name, _)| wanted(name)) {
        writeln!(std::io::stderr(), "bench: {name}")?;
        let measured = measure(&bench).unwrap_or_else(|error| {
            ended = ExitCode::FAILURE;
            vec![Line::skipped(format!("section `{name}`"), format!("it failed: {error:#}"))]
        });
        write!(std::io::stderr(), "{}", line::table(&measured))?;
        lines.extend(measured);
    }
    write!(out, "\n{before}{}", line::table(&lines))?;
    Ok(ended)
}
