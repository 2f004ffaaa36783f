mod runs;
mod staging;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::*;
use crate::id::ClientId;
use crate::id::SafeName;
use crate::limits::Limits;
use crate::run::Priority;
use crate::run::Usage;
use crate::store::Options;
use crate::store::digest::Digests;
use crate::store::digest::sha256;
use crate::store::disk::Durability;
use crate::store::names::Named;
use crate::store::names::Origin;
use crate::store::names::Owner;
use crate::store::names::Version;
use crate::store::partial::Partial;
use crate::store::partial::State;
use crate::store::runs::ArtifactFacts;
use crate::store::runs::Ending;
use crate::store::runs::Finished;
use crate::store::runs::RunConfig;
use crate::store::runs::RunRecord;
use crate::store::uploads::UploadFacts;
use crate::time::Timestamp;

/// A store with one upload, one run that has ended with an artifact, and a name for its module.
struct World {
    dir: tempfile::TempDir,
    store: Store,
    key: RunKey,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
    let store = Store::open(dir.path(), options).unwrap();
    let created = Timestamp::from_unix_ms(1_000_000_000_000);
    let (mut digests, bytes) = (Digests::default(), b"some bytes");
    digests.update(bytes);
    let (sha1, sha256) = digests.finish();
    let facts = UploadFacts {
        version: 1,
        filename: "a.txt".to_owned(),
        safe_name: SafeName::from_untrusted("a.txt"),
        size_bytes: 10,
        media_type: "text/plain".to_owned(),
        sha1,
        sha256,
        created,
    };
    let mut staged = store.stage_upload("a.txt").unwrap();
    staged.write(bytes).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.publish_upload(staged, &facts)).unwrap();
    let module = b"\0asm";
    let digest = self::sha256(module);
    fs::write(store.analyses_dir().join(format!("{digest}.wasm")), module).unwrap();
    let module: crate::id::ModuleDigest = digest.to_string().parse().unwrap();
    let version = Version { module, version: String::new(), since: facts.created };
    let named = Named { origin: Origin::Client, current: module, versions: vec![version] };
    store.point(Owner::Clients, &"copier".parse().unwrap(), &named).unwrap();
    let key = RunKey { tenant: Tenant::MAIN, file_id: sha1, analysis_id: "ab".repeat(20).parse().unwrap() };
    let mut config = RunConfig {
        client: ClientId::Server,
        version: 1,
        analysis: "copier".parse().unwrap(),
        module,
        args: crate::analysis::args::Args::new(&json!({})).unwrap(),
        limits: Limits::CAP,
        priority: Priority::Interactive,
        token: None,
        trace: None,
        accepted: created,
        generation: 0,
        crashes: 0,
    };
    store.accept(key, &mut config).unwrap();
    let artifact = store.staging_path();
    fs::write(&artifact, b"artifact").unwrap();
    let ending = Ending::Result(b"{}".to_vec());
    let artifacts = vec![ArtifactFacts {
        name: SafeName::from_untrusted("o.txt"),
        path: "/out/o.txt".to_owned(),
        size_bytes: 8,
        media_type: "text/plain".to_owned(),
        sha256: self::sha256(b"artifact"),
    }];
    let record = RunRecord {
        reused: false,
        version: 1,
        generation: 0,
        ending_sha256: ending.sha256().unwrap(),
        started: created,
        finished: created,
        attempts: 1,
        usage: Usage::default(),
        engine: "none".to_owned(),
        artifacts,
        log_sha256: Some(self::sha256(b"said")),
    };
    store.finish(key, &Finished { ending: &ending, record: &record, log: b"said", staged: &[artifact] }).unwrap();
    store.retire(key).unwrap();
    World { dir, store, key }
}

impl World {
    fn upload(&self) -> PathBuf {
        self.store.upload_dir(self.key.file_id)
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn run(&self) -> PathBuf {
        self.store.run_dir(self.key)
    }

    /// Over a file that is there and may not be written.
    fn write(&self, path: &Path, bytes: &[u8]) {
        if path.exists() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::write(path, bytes).unwrap();
    }

    /// That is found alone, mended, and then there is nothing more to find but what the next start does.
    fn finds(&self, path: &Path, kind: Kind) {
        self.finds_all(&[(path, kind)]);
    }

    fn finds_all(&self, expected: &[(&Path, Kind)]) {
        let report = self.store.check().unwrap();
        let found: Vec<_> = report
            .findings
            .iter()
            .map(|it| (self.dir.path().canonicalize().unwrap().join(&it.path), it.kind))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(path, kind)| ((*path).to_owned(), *kind)).collect();
        assert_eq!(found, expected, "{report:#?}");
        for finding in &report.findings {
            self.store.repair(finding).unwrap();
        }
        let report = self.store.check().unwrap();
        assert_eq!(report.faults().count(), 0, "{report:#?}");
    }
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let world = world();
    let report = world.store.check().unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.uploads, report.runs, report.artifacts, report.modules), (1, 1, 1, 1));
    assert_eq!(report.bytes, 28, "of file, module, result, log and artifact");
}

#[test]
fn an_upload_whose_bytes_changed_is_set_aside_with_its_runs() {
    let world = world();
    world.write(&world.upload().join("a.txt"), b"same bytes");
    world.finds(&world.upload(), Kind::Damaged);
    assert!(!world.upload().exists());
    let kept = entries(&world.dir.path().join("quarantine")).unwrap();
    assert_eq!(fs::read(kept[0].path().join("a.txt")).unwrap(), b"same bytes");
}

#[test]
fn an_upload_that_is_short_or_nameless_is_set_aside() {
    let short = world();
    short.write(&short.upload().join("a.txt"), b"some");
    short.finds(&short.upload(), Kind::Damaged);
    let gone = world();
    fs::remove_file(gone.upload().join("a.txt")).unwrap();
    gone.finds(&gone.upload(), Kind::Incomplete);
    let nameless = world();
    nameless.write(&nameless.upload().join("upload.json"), b"{");
    nameless.finds(&nameless.upload(), Kind::Incomplete);
}

#[test]
fn a_pin_is_part_of_an_upload_whichever_version_made_it() {
    let world = world();
    world.store.pin(world.key.file_id).unwrap();
    assert_eq!(world.store.check().unwrap().findings, []);
    let former = world.upload().join("pinned");
    fs::write(&former, b"").unwrap();
    assert_eq!(world.store.check().unwrap().findings, []);
    fs::write(&former, b"x").unwrap();
    world.finds(&former, Kind::Orphan);
}

#[test]
fn a_link_that_leads_elsewhere_is_made_again() {
    let world = world();
    let link = world.upload().join("the_file");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    world.finds(&link, Kind::Dangling);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("a.txt"));
}

#[test]
fn what_belongs_to_nothing_is_set_aside() {
    for place in ["stray", "ab/stray", "analyses/stray", "queue/stray", "gone/stray"] {
        let world = world();
        let path = world.dir.path().canonicalize().unwrap().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"").unwrap();
        world.finds(&path, Kind::Orphan);
        assert!(!path.exists());
    }
    let world = world();
    for path in [world.upload().join("x"), world.run().join("x"), world.run().join("artifacts/x")] {
        fs::write(&path, b"").unwrap();
        world.finds(&path, Kind::Orphan);
    }
}

#[test]
fn modules_names_and_programs_are_held_against_each_other() {
    let world = world();
    let analyses = world.store.analyses_dir();
    fs::write(analyses.join("names/other"), "ab".repeat(32)).unwrap();
    world.finds(&analyses.join("names/other"), Kind::Dangling);
    let module = world.store.names(Owner::Clients).unwrap()[0].1.current;
    let program = world.store.programs_dir().join(format!("{module}-e.cwasm"));
    let facts = analyses.join(format!("{module}.json"));
    fs::write(&facts, json!({ "engine": "e", "program_sha256": "cd".repeat(32) }).to_string()).unwrap();
    fs::write(&program, b"other code").unwrap();
    world.finds(&program, Kind::Damaged);
    fs::write(&facts, b"{").unwrap();
    world.finds(&facts, Kind::Damaged);
    fs::write(&program, b"code of another engine").unwrap();
    world.finds(&program, Kind::Unfinished);
}

#[test]
fn a_module_whose_installation_was_cut_off_is_set_aside_unless_something_stands_for_it() {
    let world = world();
    let analyses = world.store.analyses_dir();
    let wasm = |module: &[u8]| analyses.join(format!("{}.wasm", sha256(module)));
    fs::write(wasm(b"half installed"), b"half installed").unwrap();
    world.finds(&wasm(b"half installed"), Kind::Unfinished);
    assert!(!wasm(b"half installed").exists());
    world.store.unpoint(Owner::Clients, &"copier".parse().unwrap()).unwrap();
    assert_eq!(world.store.check().unwrap().findings, [], "a run stands for it still");
    assert!(wasm(b"\0asm").exists());
}

#[test]
fn all_that_hangs_on_a_module_goes_with_it() {
    type Break = fn(&World, &Path);
    let breaks: [Break; 2] = [|world, wasm| world.write(wasm, b"\0bsm"), |_, wasm| fs::remove_file(wasm).unwrap()];
    for break_it in breaks {
        let world = world();
        let module = world.store.names(Owner::Clients).unwrap()[0].1.current;
        let analyses = world.store.analyses_dir();
        let [wasm, facts] = ["wasm", "json"].map(|it| analyses.join(format!("{module}.{it}")));
        let name = analyses.join("names/copier");
        let program = world.store.programs_dir().join(format!("{module}-e.cwasm"));
        fs::write(&program, b"code").unwrap();
        fs::write(&facts, json!({ "engine": "e", "program_sha256": sha256(b"code") }).to_string()).unwrap();
        assert_eq!(world.store.check().unwrap().findings, []);
        break_it(&world, &wasm);
        let hanging = [&facts, &name, &program].map(|it| (it.as_path(), Kind::Dangling));
        let damaged = wasm.exists().then_some((wasm.as_path(), Kind::Damaged));
        world.finds_all(&damaged.into_iter().chain(hanging).collect::<Vec<_>>());
        assert_eq!([wasm, facts, name, program].map(|it| it.exists()), [false; 4]);
    }
}

/// A directory where a file should be, or the other way round: it can be opened, and fails when it is read.
fn unreadable(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
        return fs::write(path, b"").unwrap();
    }
    if path.exists() {
        fs::remove_file(path).unwrap();
    }
    fs::create_dir(path).unwrap();
}

#[test]
fn what_cannot_be_read_is_found_and_does_not_hide_the_rest() {
    type Place = fn(&World) -> PathBuf;
    let places: [Place; 10] = [
        |it| it.upload().join("upload.json"),
        |it| it.upload().join("analysis"),
        |it| it.run().join("config.json"),
        |it| it.run().join("run.json"),
        |it| it.run().join("results.json"),
        |it| it.run().join("artifacts/o.txt"),
        |it| it.store.analyses_dir().join(format!("{}.wasm", it.store.names(Owner::Clients).unwrap()[0].1.current)),
        |it| it.store.analyses_dir().join("names/copier"),
        |it| it.root().join("partial").join("ab".repeat(16)).join("info.json"),
        |it| it.root().join("notify").join(format!("{}-1", it.key)),
    ];
    for place in places {
        let world = world();
        let broken = place(&world);
        fs::create_dir_all(broken.parent().unwrap()).unwrap();
        unreadable(&broken);
        fs::write(world.root().join("stray"), b"").unwrap();
        let it = broken.display();
        let report = world.store.check().unwrap();
        let details: Vec<_> = report.findings.iter().map(|it| it.detail.as_str()).collect();
        let name = broken.file_name().unwrap().to_str().unwrap();
        assert!(details.iter().any(|it| it.contains("cannot be read") && it.contains(name)), "{it}: {report:#?}");
        assert!(report.findings.iter().any(|it| it.path == Path::new("stray")), "{it}: {report:#?}");
        for finding in &report.findings {
            world.store.repair(finding).unwrap();
        }
        let report = world.store.check().unwrap();
        assert_eq!(report.faults().count(), 0, "{it}: {report:#?}");
    }
}

#[test]
fn what_a_killed_server_leaves_is_no_fault() {
    let world = world();
    world.store.clear_ending(world.key).unwrap();
    fs::write(world.store.queue_path(world.key), b"").unwrap();
    fs::write(world.store.staging_path(), b"half").unwrap();
    let never = RunKey { analysis_id: "cd".repeat(20).parse().unwrap(), ..world.key };
    fs::write(world.store.queue_path(never), b"").unwrap();
    fs::create_dir(world.store.run_dir(never)).unwrap();
    let report = world.store.check().unwrap();
    assert_eq!(report.faults().count(), 0, "{report:#?}");
    assert_eq!(report.findings.len(), 4, "{report:#?}");
}

#[test]
fn a_directory_that_a_server_works_on_is_not_looked_through() {
    let world = world();
    assert!(matches!(Store::hold(world.dir.path()), Err(crate::store::OpenError::InUse)));
    drop(world.store);
    Store::hold(world.dir.path()).unwrap();
}

#[test]
fn an_upload_that_comes_in_pieces_has_as_many_bytes_as_count() {
    let world = world();
    let now = Timestamp::from_unix_ms(1_000_000_000_000);
    let id = world.store.draw_partial_id().unwrap();
    let mut partial = Partial {
        client: ClientId::Server,
        version: 1,
        filename: "a.txt".to_owned(),
        safe_name: SafeName::from_untrusted("a.txt"),
        metadata: String::new(),
        length_bytes: 10,
        offset_bytes: 0,
        state: State::Receiving,
        created: now,
        used: now,
    };
    world.store.begin_partial(id, &partial).unwrap();
    let mut file = world.store.resume_partial(id, &partial).unwrap();
    world.store.disk().write(&mut file, b"abcdef").unwrap();
    partial.offset_bytes = 5;
    world.store.count_partial(id, &file, &partial).unwrap();
    let found = || world.store.check().unwrap().findings.pop().map(|it| it.kind);
    assert_eq!(found(), Some(Kind::Unfinished));
    fs::write(world.store.partial_file(id, &partial), "abcd").unwrap();
    assert_eq!(found(), Some(Kind::Damaged));
    let error = world.store.resume_partial(id, &partial).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "nothing is added where something is missing");
    world.store.give_up_partial(id, partial, now).unwrap();
    assert_eq!(found(), None);
    fs::remove_file(world.store.partial_dir(id).join("info.json")).unwrap();
    assert_eq!(found(), Some(Kind::Incomplete));
    world.store.forget_partial(id).unwrap();
    fs::create_dir(world.dir.path().join("partial/x")).unwrap();
    assert_eq!(found(), Some(Kind::Orphan));
}
