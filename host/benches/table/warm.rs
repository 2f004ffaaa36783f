//! What one more run costs: a warm confined worker beside a bare process and beside a container, all of which read the
//! same small file and print the same JSON. CPU time only; wall time is the section `analyse`.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use anyhow::ensure;

use crate::Bench;
use crate::files;
use crate::guest::Guest;
use crate::guest::Program;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::rounds;
use crate::rounds::real;

pub(crate) const SAMPLE: &[u8] = b"Some words in a row, and a line.\n";

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("sample");
    std::fs::write(&path, SAMPLE)?;
    let sample = File::open(&path)?;
    let least = wat::parse_str(include_str!("../least.wat"))?;
    let mut least = runtime.block_on(async { Program::compile(&least).await?.start().await })?;
    let mut count = runtime.block_on(async { Program::compile(&files::kernels()?).await?.start().await })?;
    let (runs, rounds) = (bench.pick(500, 5000), bench.rounds());
    let argv = ["kernels", "count", "/input/the_file"].map(str::to_owned);
    let native = bench.peers.program("count")?;
    let contained = bench.peers.program("bwrap").map(|bwrap| {
        let mut command = Command::new(bwrap);
        command.args(["--unshare-all", "--die-with-parent", "--ro-bind"]).arg(&native).args(["/count", "--ro-bind"]);
        command.arg(&path).args(["/sample", "/count", "/sample"]);
        command
    });
    let mut contained = match contained {
        Ok(mut command) => works(&mut command).map(|()| command),
        Err(error) => Err(error),
    };
    let spawns = bench.pick(100, 500);
    let [of_least, of_count, bare, container] = rounds::in_turn(
        rounds,
        [
            &mut || runtime.block_on(cpu_of_runs(&mut least, (&argv, &sample), runs)),
            &mut || runtime.block_on(cpu_of_runs(&mut count, (&argv, &sample), runs)),
            &mut || cpu_of_spawns(Command::new(&native).arg(&path), spawns),
            &mut || contained.as_mut().map_or(Ok(f64::NAN), |command| cpu_of_spawns(command, spawns / 4)),
        ],
    )?;
    let line = |what: &str, belljar, peer, share| {
        Line::beside(what, Unit::Seconds, (belljar, peer), Target::RatioAtMost(share))
    };
    let mut lines = vec![
        line("CPU of a warm run, Rust guest reads a file and prints JSON", of_count, ("bare process", bare), 0.05),
        line("the same, least guest (hand-written)", of_least, ("bare process", bare), 0.05),
    ];
    lines.push(match contained {
        Ok(_) => line("CPU of a warm run, Rust guest", of_count, ("bubblewrap", container), 0.01),
        Err(error) => Line::skipped("CPU of a warm run beside bubblewrap", format!("{error:#}")),
    });
    Ok(lines)
}

async fn cpu_of_runs(guest: &mut Guest, (argv, sample): (&[String], &File), runs: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{}/schedstat", guest.pid());
    let before = on_cpu(Path::new(&path))?;
    for _ in 0..runs {
        let printed = guest.run(argv, sample).await?;
        ensure!(!printed.is_empty(), "the guest printed nothing");
    }
    Ok((on_cpu(Path::new(&path))? - before) / f64::from(runs))
}

/// Of this thread, which starts them, and of the processes started.
fn cpu_of_spawns(command: &mut Command, spawns: u32) -> anyhow::Result<f64> {
    let path = Path::new("/proc/thread-self/schedstat");
    let before = on_cpu(path)? + of_children()?;
    for _ in 0..spawns {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        ensure!(command.status()?.success(), "{command:?} failed");
    }
    Ok((on_cpu(path)? + of_children()? - before) / f64::from(spawns))
}

fn works(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// CPU seconds so far, to the nanosecond.
fn on_cpu(schedstat: &Path) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(schedstat)?;
    let nanoseconds: u64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(real(nanoseconds) / 1e9)
}

/// CPU seconds of all children waited for; exact in sum, told in ticks of 10 ms.
fn of_children() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program may hold spaces; what follows its last parenthesis starts with field 3.
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name in stat")?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|it| it.parse::<u64>().ok()).context("no such field");
    Ok(real(ticks(16)? + ticks(17)?) / real(rustix::param::clock_ticks_per_second()))
}
