//! Small uploads over kept connections, beside dufs: the same client, the same bytes, both in memory.

use std::path::Path;

use crate::Bench;
use crate::files;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::load::Load;
use crate::rounds;
use crate::server::Durability;
use crate::server::Server;

const CONNECTIONS: usize = 16;
const FILE_BYTES: usize = 4096;
const FILES: Unit = Unit::PerSecond("files");

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let what = "uploads of 4 KiB, 16 connections, process, tmpfs";
    let count = bench.pick(1000, 10_000);
    let mut quick = Uploads::to(&bench.memory, Durability::Process)?;
    let mut safe = Uploads::to(&bench.disk, Durability::Full)?;
    let root = tempfile::tempdir_in(&bench.memory)?;
    let dufs = bench.peers.dufs(root.path());
    let mut put = 0;
    let [belljar, on_disk, peer] = rounds::in_turn(
        bench.rounds(),
        [&mut || quick.send(count), &mut || safe.send(count / 5), &mut || {
            let Ok(dufs) = &dufs else { return Ok(f64::NAN) };
            put += count;
            let request = request("PUT", "/", put);
            Load { address: dufs.address, connections: CONNECTIONS, requests: count, status: 201, request }.run()
        }],
    )?;
    let beside = match &dufs {
        Ok(_) => Line::beside(what, FILES, (belljar, ("dufs", peer)), Target::RatioAtLeast(1.0)),
        Err(error) => Line::skipped(what, format!("{error:#}")),
    };
    Ok(vec![beside, Line::alone("uploads of 4 KiB, 16 connections, full, disk", FILES, on_disk, Target::None)])
}

struct Uploads {
    server: Server,
    sent: usize,
}

impl Uploads {
    fn to(place: &Path, durability: Durability) -> anyhow::Result<Self> {
        Ok(Self { server: Server::start(place, durability)?, sent: 0 })
    }

    fn send(&mut self, count: usize) -> anyhow::Result<f64> {
        self.sent += count;
        let request = request("POST", "/upload?filename=", self.sent);
        Load { address: self.server.address, connections: CONNECTIONS, requests: count, status: 200, request }.run()
    }
}

/// Makes requests whose bodies all differ.
fn request(
    method: &'static str,
    path: &'static str,
    first: usize,
) -> impl Fn(usize) -> Vec<u8> + Send + Sync + 'static {
    let body = files::noise(FILE_BYTES);
    move |number| {
        let number = first + number;
        let head =
            format!("{method} {path}f{number} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {FILE_BYTES}\r\n\r\n");
        let own = number.to_le_bytes();
        [head.as_bytes(), &own, &body[own.len()..]].concat()
    }
}
