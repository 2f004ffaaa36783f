//! A guest reads its sample from one end to the other, beside a native loop of `read`: same file, in the page cache,
//! same buffer, on a page boundary in both.

use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::time::Instant;

use anyhow::ensure;

use crate::Bench;
use crate::files;
use crate::guest::Program;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::rounds;
use crate::rounds::real;

const PAGE_BYTES: usize = 4096;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let mebibytes = bench.pick(128, 1024);
    let mut file = tempfile::NamedTempFile::new_in(&bench.disk)?;
    let block = files::noise(1 << 20);
    (0..mebibytes).try_for_each(|_| file.write_all(&block))?;
    // Otherwise the disk is still being written to while memory is measured.
    file.as_file().sync_all()?;
    let sample = file.reopen()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let program = runtime.block_on(Program::compile(&files::kernels()?))?;
    let mut guest = runtime.block_on(program.start())?;
    let mut lines = Vec::new();
    for (name, block_bytes) in [("64 KiB", 64 << 10), ("1 MiB", 1 << 20)] {
        let argv = ["kernels", "read", "/input/the_file", &block_bytes.to_string()].map(str::to_owned);
        let bytes = real(mebibytes) * 1_048_576.0;
        let [belljar, native] = rounds::in_turn(
            bench.rounds(),
            [
                &mut || {
                    let began = Instant::now();
                    runtime.block_on(guest.run(&argv, &sample))?;
                    Ok(bytes / began.elapsed().as_secs_f64())
                },
                &mut || {
                    let began = Instant::now();
                    let read = read_all(&mut File::open(file.path())?, block_bytes)?;
                    ensure!(read == mebibytes << 20, "read {read} bytes");
                    Ok(bytes / began.elapsed().as_secs_f64())
                },
            ],
        )?;
        lines.push(Line::beside(
            format!("guest reads {mebibytes} MiB by {name}"),
            Unit::BytesPerSecond,
            (belljar, ("native read", native)),
            Target::RatioAtLeast(0.9),
        ));
    }
    Ok(lines)
}

fn read_all(file: &mut File, block_bytes: usize) -> anyhow::Result<usize> {
    let mut room = vec![0; block_bytes + PAGE_BYTES];
    let start = room.as_ptr().align_offset(PAGE_BYTES);
    let block = &mut room[start..start + block_bytes];
    let mut total = 0;
    loop {
        match file.read(block)? {
            0 => return Ok(total),
            count => total += count,
        }
    }
}
