//! What comes up how fast: a confined worker, and the server over data that it has seen before.

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

fn restart(server: &mut Server) -> anyhow::Result<f64> {
    let began = Instant::now();
    server.restart()?;
    Ok(began.elapsed().as_secs_f64())
}
