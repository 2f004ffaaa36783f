//! The power fails: of what was not synced, anything may be on the disk and anything may not. What a client was told is.
//!
//! A real server is traced while clients use it; then, for a cut after every single change, what the disk may hold is
//! laid out in several ways, taken up by a store, and held against what had been answered for by then.

mod disk;

use std::path::Path;

use host::store;
use host::store::Store;
use host::store::disk::Durability;
use host::store::faults::Traced;
use host::store::fsck::Kind;
use serde_json::json;

use self::disk::Loss;
use self::disk::Recorded;
use crate::flows::COPIER;
use crate::flows::ECHO;
use crate::kills::client::Client;
use crate::kills::client::Note;
use crate::kills::client::more::TALKER;
use crate::server::Life;
use crate::server::in_memory;

const LOSSES: u64 = 8;
/// The last of them does more than the others.
const CLIENTS: u64 = 2;

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn a_power_cut_after_any_change_loses_nothing_that_was_told() {
    let analyses = [("copier", COPIER, json!({})), ("echo", ECHO, json!({})), ("talker", TALKER, json!({}))];
    let life = Life::with(&analyses);
    // What is installed is on disk before anything is traced.
    drop(life.start(&[]));
    let mut recorded = Recorded::before(&life.data(), &["analyses", "own", "programs"]);
    let trace = life.data().with_extension("trace");
    let fault = format!("trace:{}", trace.display());
    let (server, ended) = life.start(&["--accept-modules", "--fault", &fault]);
    let notes: Vec<Vec<Note>> = std::thread::scope(|scope| {
        let one = |number| {
            let mut client = Client::new(server.as_deref(), number);
            client.note_beside(&trace);
            scope.spawn(move || {
                let mut told = Default::default();
                let whole = if number + 1 < CLIENTS { client.live(&mut told) } else { client.live_more(&mut told) };
                assert!(whole);
                client.notes()
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(one).collect();
        clients.into_iter().map(|it| it.join().unwrap()).collect()
    });
    drop(ended);
    let trace = std::fs::read_to_string(trace).unwrap();
    // The last line may be cut off: the server was killed.
    let whole = trace.split_inclusive('\n').filter(|it| it.ends_with('\n'));
    whole.for_each(|line| recorded.take(serde_json::from_str::<Traced>(line).unwrap()));
    let seed = u64::from(std::process::id());
    let mut states = 0;
    for changes in 0..=recorded.changes {
        let by_chance = (0..LOSSES).map(|number| Loss::Some((seed << 32) + number * 1_000_000));
        for loss in [Loss::Everything, Loss::Nothing, Loss::Bytes].into_iter().chain(by_chance) {
            let dir = in_memory();
            let data = dir.path().join("data");
            recorded.leave(changes, loss, &data);
            states += 1;
            let at = format!("after {changes} of {} changes, losing {loss:?}", recorded.changes);
            take_up(&data, &notes, (changes, &at));
        }
    }
    println!("{states} disks after {} changes, seed {seed}", recorded.changes);
    assert!(recorded.changes > 200, "too little happened: {}", recorded.changes);
}

/// A server starts over it, and everything told by then is there or on its way.
fn take_up(data: &Path, notes: &[Vec<Note>], (changes, at): (usize, &str)) {
    let options = store::Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
    let store = Store::open(data, options).unwrap_or_else(|error| panic!("{at}: {error}"));
    let queued = store.queued().unwrap().into_iter();
    let pending: Vec<_> = queued.filter(|key| store.take_up(*key).unwrap().is_some()).collect();
    let told = notes.iter().filter_map(|notes| notes.iter().rev().find(|note| note.changes <= changes));
    for note in told.clone() {
        note.told.is_in(&store, &pending, at);
    }
    // A run that nobody was told of may be there in part.
    let untold = |path: &Path| path.iter().any(|it| it == "analysis") && told.clone().all(|it| !it.told.knows(path));
    let report = store.check().unwrap();
    let faults: Vec<_> = report.faults().filter(|it| it.kind != Kind::Incomplete || !untold(&it.path)).collect();
    assert!(faults.is_empty(), "{at}: {faults:#?}");
}
