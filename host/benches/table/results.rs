//! `GET /results/…` of a finished run, beside nginx with the same bytes in a file.

use anyhow::Context;
use serde_json::Value;

use crate::Bench;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::peers::Caching;
use crate::rounds;
use crate::server;
use crate::server::Durability;
use crate::server::Server;
use crate::warm::SAMPLE;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let what = "GET /results of a finished run, 32 connections, process, tmpfs";
    if let Err(error) = bench.peers.program("wrk").and(bench.peers.program("nginx")) {
        return Ok(vec![Line::skipped(what, format!("{error:#}"))]);
    }
    let server = Server::start(&bench.memory, Durability::Process)?;
    let mut connection = server.connect()?;
    let question = server::question(&server.upload(SAMPLE)?, 1);
    let answer: Value = serde_json::from_slice(&connection.ask(&[question.as_bytes()])?.expect(200)?)?;
    let path = answer["results"].as_str().context("no link to the results")?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let result = connection.ask(&[request.as_bytes()])?.expect(200)?;
    let root = tempfile::tempdir_in(&bench.memory)?;
    let (own, own_cached) = (tempfile::tempdir()?, tempfile::tempdir()?);
    std::fs::write(root.path().join("result.json"), result)?;
    let nginx = bench.peers.nginx(root.path(), own.path(), Caching::None)?;
    let cached = bench.peers.nginx(root.path(), own_cached.path(), Caching::OpenFiles)?;
    let seconds = bench.pick(1, 3);
    let [belljar, peer, peer_cached] = rounds::in_turn(
        bench.rounds(),
        [
            &mut || bench.peers.wrk(&format!("http://{}{path}", server.address), seconds),
            &mut || bench.peers.wrk(&format!("http://{}/result.json", nginx.address), seconds),
            &mut || bench.peers.wrk(&format!("http://{}/result.json", cached.address), seconds),
        ],
    )?;
    let line = |peer, target| Line::beside(what, Unit::PerSecond("answers"), (belljar, peer), target);
    Ok(vec![
        line(("nginx", peer), Target::RatioAtLeast(1.0)),
        line(("nginx, open_file_cache", peer_cached), Target::None),
    ])
}
