//! `kill -9` at every change of the data directory, and at any instant: nothing that a client was told is lost, and what
//! is left is whole.
//!
//! `BELLJAR_KILLS` says how many servers are to die; the seed of those that die at any instant is printed.

pub(crate) mod client;
mod news;

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use serde_json::json;

use self::client::Client;
use self::client::Told;
use self::client::more::TALKER;
use self::news::News;
use crate::flows::COPIER;
use crate::flows::ECHO;
use crate::server::Life;
use crate::server::wait_for;

const KILLS: u64 = 500;
const CLIENTS: u64 = 3;

fn analyses() -> Life {
    Life::with(&[("copier", COPIER, json!({})), ("echo", ECHO, json!({})), ("talker", TALKER, json!({}))])
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment how to run")]
pub(crate) fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |it| it.parse().unwrap())
}

/// All that is on disk is as it should be, or half done by a server that was killed.
fn look_through(life: &Life) {
    if !life.data().join("FORMAT").exists() {
        // Killed before there was a data directory.
        return;
    }
    let report = host::store::Store::hold(&life.data()).unwrap().check().unwrap();
    assert_eq!(report.faults().collect::<Vec<_>>(), Vec::<&host::store::fsck::Finding>::new());
}

/// What there are few changes of: what happens beside them moves their numbers, and a walk by number may step over them.
const RARE: [&str; 4] = [".pinned", "analyses/names/", "/gone/", "/partial/"];

/// Servers that die one after the other over one data directory, and all that they had told.
struct Lives {
    life: Life,
    told: Told,
    news: News,
    number: u64,
    labels: BTreeSet<String>,
}

impl Lives {
    /// At which change the next one died; none if a whole life went by.
    fn one(&mut self, fault: &str) -> Option<String> {
        self.number += 1;
        let arguments = [&news::ARGUMENTS[..], &["--accept-modules", "--fault", fault]].concat();
        let (server, ended) = self.life.start(&arguments);
        let client = Client::new(server.as_deref(), self.number);
        // What was told before is still true, as far as this server lives.
        let whole = self.told.holds(&client)
            && self.news.live(&client, self.number)
            && client.live(&mut self.told)
            && client.live_more(&mut self.told);
        let label = ended.label();
        look_through(&self.life);
        if self.life.data().join("FORMAT").exists() {
            let store = host::store::Store::view(&self.life.data()).unwrap();
            self.told.is_in(&store, &store.queued().unwrap(), fault);
        }
        assert!(label.is_some() || whole, "{fault}: no fault, and yet a request failed");
        self.labels.extend(label.clone());
        label
    }
}

/// Dies in place of the first change, of the second, and so on, until a whole life goes by.
#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn a_server_killed_at_any_change_loses_nothing() {
    let (told, news) = (Told::default(), News::new());
    let mut lives = Lives { life: analyses(), told, news, number: 0, labels: BTreeSet::new() };
    let by_number = (1..).take_while(|it| lives.one(&format!("die:{it}")).is_some()).count();
    assert!(by_number > 200, "{by_number}: too little happened");
    let mut rare = 0;
    for part in RARE {
        let kills = (1..).take_while(|it| lives.one(&format!("die:{it}@{part}")).is_some()).count();
        assert!(kills > 0, "no change of {part}");
        rare += kills;
    }
    let Lives { life, told, news, labels, .. } = lives;
    println!("{by_number} servers killed, each at another change, and {rare} at rare ones, of {} kinds:", labels.len());
    labels.iter().for_each(|label| println!("  {label}"));
    for told_of in ["pin", "partial/*/info.json", "partial/*/upload", "analyses/names", "notify", "gone"] {
        assert!(labels.iter().any(|label| label.contains(told_of)), "nothing of {told_of} in {labels:#?}");
    }
    let (server, ended) = life.start(&news::ARGUMENTS);
    told.all_hold(&Client::new(server.as_deref(), 0));
    let (promised, calls) = news.all_come();
    println!("{promised} endings that somebody was promised to be told of, told in {calls} calls");
    drop(ended);
    look_through(&life);
}

/// Dies in the midst of letting go of what the rules say, at each change of it.
#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn a_server_killed_while_it_lets_go_of_files_keeps_what_is_to_stay() {
    let life = analyses();
    let (server, ended) = life.start(&[]);
    let (client, mut told) = (Client::new(server.as_deref(), 0), Told::default());
    let files: Vec<_> = (0..3).map(|it| client.upload(&mut told, format!("{it}").as_bytes()).unwrap()).collect();
    let run = client.ask(&mut told, &files[0], json!({ "analysis": "copier" })).unwrap();
    client.holds(&told, &run).unwrap();
    client.pin(&mut told, &files[1], "PUT").unwrap();
    drop(ended);
    let left = || {
        let store = host::store::Store::view(&life.data()).unwrap();
        let stands = |file: &&String| store.upload(file.parse().unwrap()).unwrap().is_some();
        files.iter().filter(stands).cloned().collect::<Vec<_>>()
    };
    let mut kills = 0;
    loop {
        let fault = format!("die:{}", kills + 1);
        let (server, ended) = life.start(&["--expire-after-s", "0", "--sweep-every-s", "1", "--fault", &fault]);
        if let Some(url) = server {
            // Until it dies of it, or has nothing to do any more.
            let lives = || Client::new(Some(&url), 0).get("/healthz").is_some();
            wait_for("a sweep", || (!lives() || left() == files[1..2]).then_some(()));
        }
        let label = ended.label();
        look_through(&life);
        assert!(left().contains(&files[1]), "what is pinned has gone");
        if label.is_none() {
            break;
        }
        kills += 1;
    }
    println!("{kills} servers killed while they let go of files");
    assert_eq!(left(), files[1..2]);
    assert!(kills > 5, "{kills}: too little happened");
}

/// Dies at any instant, while several clients are at it.
#[test]
#[expect(clippy::print_stdout, reason = "the seed is shown when it fails, and on demand")]
fn a_server_killed_at_any_instant_loses_nothing() {
    let kills = from_environment("BELLJAR_KILLS", KILLS).saturating_sub(350);
    let seed = from_environment("BELLJAR_KILLS_SEED", std::process::id().into());
    println!("BELLJAR_KILLS={kills} BELLJAR_KILLS_SEED={seed}");
    let life = analyses();
    let mut all: Vec<Told> = (0..CLIENTS).map(|_| Told::default()).collect();
    let mut chance = seed;
    for kill in 0..kills {
        // On a slow machine the same run may be on its way in many of them, one after the other.
        let (server, ended) = life.start(&["--crashes-max", "1000"]);
        let server = server.expect("nothing is to go wrong by itself");
        // An LCG will do: any instants are good ones.
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let time = Duration::from_micros((chance >> 33) % 250_000);
        thread::scope(|scope| {
            for (number, told) in (0..).zip(&mut all) {
                let server = &server;
                scope.spawn(move || {
                    let mut client = Client::new(Some(server), kill * CLIENTS + number);
                    while told.holds(&client) && client.live(told) {
                        client.next_life(kills * CLIENTS);
                    }
                });
            }
            thread::park_timeout(time);
            drop(ended);
        });
        look_through(&life);
    }
    let (server, _ended) = life.start(&[]);
    let client = Client::new(server.as_deref(), 0);
    all.iter().for_each(|told| told.all_hold(&client));
}

/// One change of the data directory fails, the first, then one `step` later, and so on; the server goes on.
fn fails_at_changes(kind: &str, step: u64) -> u64 {
    let life = analyses();
    // What is founded and installed is no part of it: who starts a server sees that it does not start.
    drop(life.start(&[]));
    let mut told = Told::default();
    let mut number = 1;
    let mut faults = 0;
    loop {
        let (server, ended) = life.start(&["--fault", &format!("{kind}:{number}")]);
        let mut client = Client::new(server.as_deref(), number).patient();
        client.live(&mut told);
        if server.is_some() && can_write(&client) {
            // The fault may come only while it is looked at: then it fails one request, or ends all writing.
            let holds = told.holds(&client) || !can_write(&client) || told.holds(&client);
            assert!(holds, "{kind}:{number}: what was told is so no more");
            client.next_life(1_000_000);
            // The fault may come only now.
            if !client.live(&mut told) && can_write(&client) {
                client.next_life(1_000_000);
                assert!(client.live(&mut told), "{kind}:{number}: it does not go on");
            }
        }
        let label = ended.label();
        look_through(&life);
        if label.is_none() {
            break;
        }
        number += step;
        faults += 1;
    }
    let (server, _ended) = life.start(&[]);
    told.all_hold(&Client::new(server.as_deref(), 0).patient());
    faults
}

/// Unless a sync has failed.
fn can_write(client: &Client) -> bool {
    let (_, ready) = client.get("/readyz").expect("it lives");
    let ready: serde_json::Value = serde_json::from_slice(&ready).unwrap();
    ready["disk"]["writes"] == true
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn a_disk_that_is_full_for_a_moment_loses_nothing() {
    let faults = fails_at_changes("nospc", 1);
    println!("{faults} changes failed for want of room");
    assert!(faults > 60, "{faults}: too little happened");
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn a_disk_that_fails_loses_nothing() {
    // Every one of them takes many minutes: runs that a start cannot look at are looked at again two seconds later.
    let faults = fails_at_changes("io", from_environment("BELLJAR_FAULT_STEP", 11));
    println!("{faults} changes failed");
    assert!(faults > 10, "{faults}: too little happened");
}

#[test]
fn a_full_disk_refuses_what_needs_room_and_nothing_else_until_there_is_some() {
    let life = analyses();
    let full = life.data().with_extension("full");
    let (server, _ended) = life.start(&["--fault", &format!("full-while:{}", full.display())]);
    let client = Client::new(server.as_deref(), 1);
    let mut told = Told::default();
    assert!(client.live(&mut told));
    assert!(told.holds(&client), "nothing is on its way any more");
    std::fs::write(&full, "").unwrap();
    assert_eq!(client.post("/upload", b"more").unwrap().0, 507);
    let (file, question) = told.a_question();
    assert_eq!(client.post("/analyse", question.as_bytes()).unwrap().0, 507);
    assert!(told.holds(&client), "what is there can be read");
    assert_eq!(client.delete(&format!("/upload/{file}")).unwrap().0, 204, "and what is not wanted makes room");
    std::fs::remove_file(&full).unwrap();
    assert_eq!(client.post("/upload", b"more").unwrap().0, 200);
    look_through_alive(&life, &client);
}

/// Nothing is left of what was refused.
fn look_through_alive(life: &Life, client: &Client) {
    assert_eq!(client.get("/healthz").unwrap().0, 200);
    assert_eq!(std::fs::read_dir(life.data().join("staging")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(life.data().join("queue")).unwrap().count(), 0);
}
