//! What comes up how fast: a confined worker, and the server over data that it has seen before.

use std::path::Path;
use std::time::Instant;

use crate::Bench;
use crate::files;
use crate::guest::Program;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::rounds;
use crate::server::Durability;
use crate::server::Server;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let program = runtime.block_on(Program::compile(&files::kernels()?))?;
    let mut server = Server::start(&bench.memory, Durability::Process)?;
    let [worker, whole] = rounds::in_turn(
        3 * bench.rounds(),
        [
            &mut || {
                let began = Instant::now();
                runtime.block_on(program.start())?;
                Ok(began.elapsed().as_secs_f64())
            },
            &mut || restart(&mut server),
        ],
    )?;
    Ok(vec![
        Line::alone("cold start of a confined worker, program loaded", Unit::Seconds, worker, Target::None),
        Line::alone("stop and start of the server over warm data, process, tmpfs", Unit::Seconds, whole, Target::None),
    ])
}

/// The start of the server beside uploads that it has no business with.
pub(crate) fn beside_stored(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let sizes: &[u64] = bench.pick(&[100, 10_000][..], &[100, 10_000, 1_000_000][..]);
    let mut server = Server::start(&bench.memory, Durability::Process)?;
    let mut stored = 0;
    let mut lines = Vec::new();
    for size in sizes {
        for number in stored..*size {
            store(&server.data(), number)?;
        }
        stored = *size;
        let [start] = rounds::in_turn(3 * bench.rounds(), [&mut || restart(&mut server)])?;
        let what = format!("stop and start of the server beside {size} stored files, process, tmpfs");
        lines.push(Line::alone(what, Unit::Seconds, start, Target::None));
    }
    Ok(lines)
}

/// As an upload lies there, as far as names go.
fn store(data: &Path, number: u64) -> anyhow::Result<()> {
    let id = format!("{:040x}", u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    let folder = data.join(&id[38..]).join(&id[..38]);
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("upload.json"), "{}")?)
}

fn restart(server: &mut Server) -> anyhow::Result<f64> {
    let began = Instant::now();
    server.restart()?;
    Ok(began.elapsed().as_secs_f64())
}
