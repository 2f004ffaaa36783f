//! One large file up and down. Up is held against the slower of writing and hashing it, each measured alone, which
//! nothing that stores and hashes can beat; down against nginx with the very same file.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use anyhow::ensure;
use serde_json::Value;
use sha2::Digest;

use crate::Bench;
use crate::blocking::Connection;
use crate::files;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::peers::Caching;
use crate::rounds;
use crate::rounds::real;
use crate::server::Durability;
use crate::server::Server;

/// What a large file is made of.
pub(crate) const BLOCK_BYTES: usize = 1 << 20;
const RATE: Unit = Unit::BytesPerSecond;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let blocks = bench.pick(128, 1024);
    let mut lines = Vec::new();
    for (place, durability, name) in
        [(&bench.memory, Durability::Process, "process, tmpfs"), (&bench.disk, Durability::Full, "full, disk")]
    {
        lines.push(up(bench, (place, durability), (name, blocks))?);
    }
    lines.push(down(bench, blocks)?);
    Ok(lines)
}

fn up(bench: &Bench, (place, durability): (&Path, Durability), (name, blocks): (&str, usize)) -> anyhow::Result<Line> {
    let server = Server::start(place, durability)?;
    let body = Body { block: files::noise(BLOCK_BYTES), blocks };
    let mut sent = 0;
    let [belljar, written, hashed] = rounds::in_turn(
        bench.rounds(),
        [
            &mut || {
                sent += 1;
                let (file_id, rate) = body.upload(&mut server.connect()?, sent)?;
                delete(&server, &file_id)?;
                Ok(rate)
            },
            &mut || body.write(place, durability),
            &mut || body.hash(),
        ],
    )?;
    let limit = if written < hashed { ("writing alone", written) } else { ("two digests alone", hashed) };
    Ok(Line::beside(format!("upload of {blocks} MiB, {name}"), RATE, (belljar, limit), Target::RatioAtLeast(0.8)))
}

fn down(bench: &Bench, blocks: usize) -> anyhow::Result<Line> {
    let what = format!("download of {blocks} MiB, process, tmpfs");
    if let Err(error) = bench.peers.program("nginx") {
        return Ok(Line::skipped(what, format!("{error:#}")));
    }
    let server = Server::start(&bench.memory, Durability::Process)?;
    let body = Body { block: files::noise(BLOCK_BYTES), blocks };
    let (file_id, _) = body.upload(&mut server.connect()?, 0)?;
    let root = server.data().join(&file_id[..2]).join(&file_id[2..]);
    let own = tempfile::tempdir()?;
    let nginx = bench.peers.nginx(&root, own.path(), Caching::None)?;
    let [belljar, peer] = rounds::in_turn(
        bench.rounds(),
        [&mut || download(&mut server.connect()?, &format!("/download/{file_id}/file.bin"), body.bytes()), &mut || {
            download(&mut Connection::open(nginx.address)?, "/file.bin", body.bytes())
        }],
    )?;
    Ok(Line::beside(what, RATE, (belljar, ("nginx", peer)), Target::RatioAtLeast(0.8)))
}

/// A large file, as one block again and again.
pub(crate) struct Body {
    pub(crate) block: Vec<u8>,
    pub(crate) blocks: usize,
}

impl Body {
    fn bytes(&self) -> usize {
        self.blocks * BLOCK_BYTES
    }

    fn rate(&self, began: Instant) -> f64 {
        real(self.bytes()) / began.elapsed().as_secs_f64()
    }

    /// Gives the file's id and bytes per second; files of different numbers differ.
    pub(crate) fn upload(&self, connection: &mut Connection, number: u64) -> anyhow::Result<(String, f64)> {
        let bytes = self.bytes();
        let head =
            format!("POST /upload?filename=file.bin HTTP/1.1\r\nhost: localhost\r\ncontent-length: {bytes}\r\n\r\n");
        let number = number.to_le_bytes();
        let mut request = vec![head.as_bytes(), &number, &self.block[number.len()..]];
        request.extend(std::iter::repeat_n(self.block.as_slice(), self.blocks - 1));
        let began = Instant::now();
        let answer = connection.ask(&request)?.expect(200)?;
        let rate = self.rate(began);
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok((answer["file_id"].as_str().context("no file_id")?.to_owned(), rate))
    }

    fn write(&self, place: &Path, durability: Durability) -> anyhow::Result<f64> {
        let mut file: File = tempfile::tempfile_in(place)?;
        let began = Instant::now();
        (0..self.blocks).try_for_each(|_| file.write_all(&self.block))?;
        if durability == Durability::Full {
            file.sync_data()?;
        }
        Ok(self.rate(began))
    }

    /// Both digests at once, on a thread each.
    fn hash(&self) -> anyhow::Result<f64> {
        let began = Instant::now();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| self.hash_with(sha1::Sha1::new()));
            self.hash_with(sha2::Sha256::new());
            other.join().map_err(|_| anyhow::anyhow!("a thread panicked"))
        })?;
        Ok(self.rate(began))
    }

    fn hash_with(&self, mut digest: impl Digest) {
        (0..self.blocks).for_each(|_| digest.update(&self.block));
        std::hint::black_box(digest.finalize());
    }
}

pub(crate) fn delete(server: &Server, file_id: &str) -> anyhow::Result<()> {
    let request = format!("DELETE /upload/{file_id} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    server.connect()?.ask(&[request.as_bytes()])?.expect(204)?;
    Ok(())
}

fn download(connection: &mut Connection, path: &str, expected: usize) -> anyhow::Result<f64> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut bytes = 0;
    let began = Instant::now();
    let status = connection.exchange(&[request.as_bytes()], |block| bytes += block.len())?;
    ensure!(status == 200 && bytes == expected, "answered {status} with {bytes} bytes");
    Ok(real(bytes) / began.elapsed().as_secs_f64())
}
