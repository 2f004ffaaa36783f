use super::*;

#[test]
fn a_run_whose_ending_is_not_whole_runs_again() {
    type Break = fn(&World);
    let breaks: [(Break, Kind); 8] = [
        (|it| it.write(&it.run().join("log.txt"), b"sai"), Kind::Damaged),
        (|it| fs::remove_file(it.run().join("log.txt")).unwrap(), Kind::Damaged),
        (|it| it.write(&it.run().join("results.json"), b"{1"), Kind::Damaged),
        (|it| it.write(&it.run().join("failure.json"), b"{}"), Kind::Damaged),
        (|it| fs::remove_file(it.run().join("results.json")).unwrap(), Kind::Incomplete),
        (|it| fs::remove_file(it.run().join("run.json")).unwrap(), Kind::Incomplete),
        (|it| fs::remove_file(it.run().join("artifacts/o.txt")).unwrap(), Kind::Incomplete),
        (|it| it.write(&it.run().join("artifacts/o.txt"), b"Artifact"), Kind::Damaged),
    ];
    for (break_it, kind) in breaks {
        let world = world();
        break_it(&world);
        let there = ["results.json", "failure.json", "run.json", "log.txt", "artifacts/o.txt"];
        let there: Vec<_> = there.into_iter().filter(|it| world.run().join(it).exists()).collect();
        world.finds(&world.run(), kind);
        assert_eq!(world.store.queued().unwrap(), [world.key]);
        let aside = entries(&world.root().join("quarantine")).unwrap().pop().unwrap().path();
        let kept = ["results.json", "failure.json", "run.json", "log.txt", "artifacts/o.txt"];
        let kept: Vec<_> = kept.into_iter().filter(|it| aside.join(it).exists()).collect();
        assert_eq!(kept, there, "nothing that was there is destroyed");
        assert_eq!(entries(&world.run()).unwrap().iter().map(name_of).collect::<Vec<_>>(), ["config.json"]);
        assert!(world.store.take_up(world.key).unwrap().is_some(), "it runs again");
    }
}

#[test]
fn a_rerun_that_nobody_was_told_of_leaves_the_former_answer_alone() {
    let world = world();
    let mut config = world.store.config(world.key).unwrap().unwrap();
    world.store.accept(world.key, &mut config).unwrap();
    // A power cut keeps the one and not the other.
    fs::remove_file(world.store.queue_path(world.key)).unwrap();
    world.finds(&world.run(), Kind::Unfinished);
    assert_eq!(world.store.queued().unwrap(), []);
    assert!(matches!(world.store.state(world.key).unwrap(), crate::store::runs::RunState::Successful));
    world.write(&world.run().join("artifacts/o.txt"), b"Artifact");
    world.finds(&world.run(), Kind::Damaged);
}

#[test]
fn an_ending_whose_log_was_lost_is_not_believed() {
    let world = world();
    fs::write(world.store.queue_path(world.key), b"").unwrap();
    assert!(world.store.take_up(world.key).unwrap().is_none(), "all of it is there");
    fs::write(world.store.queue_path(world.key), b"").unwrap();
    world.write(&world.run().join("log.txt"), b"");
    assert!(world.store.take_up(world.key).unwrap().is_some(), "it runs again");
}

#[test]
fn an_ending_beside_what_a_former_one_left_is_not_believed() {
    let leftovers = ["failure.json", "artifacts/former.txt"];
    for leftover in leftovers {
        let world = world();
        fs::write(world.store.queue_path(world.key), b"").unwrap();
        fs::write(world.run().join(leftover), b"{}").unwrap();
        assert!(world.store.take_up(world.key).unwrap().is_some(), "{leftover}: it runs again");
        assert!(!world.run().join(leftover).exists());
    }
}

#[test]
fn a_record_of_a_former_version_says_nothing_of_the_log() {
    let world = world();
    let path = world.run().join("run.json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record.as_object_mut().unwrap().remove("log_sha256").unwrap();
    world.write(&path, record.to_string().as_bytes());
    world.write(&world.run().join("log.txt"), b"");
    assert_eq!(world.store.check().unwrap().findings, []);
    fs::write(world.store.queue_path(world.key), b"").unwrap();
    assert!(world.store.take_up(world.key).unwrap().is_none(), "it has ended");
}

#[test]
fn a_question_makes_the_folder_of_runs_again_unless_the_file_has_gone() {
    let world = world();
    let mut config = world.store.config(world.key).unwrap().unwrap();
    fs::remove_dir_all(world.upload().join("analysis")).unwrap();
    world.store.accept(world.key, &mut config).unwrap();
    assert!(world.store.take_up(world.key).unwrap().is_some());
    fs::remove_dir_all(world.upload()).unwrap();
    let error = world.store.accept(world.key, &mut config).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(!world.upload().exists());
}

#[test]
fn a_run_that_nobody_knows_the_question_of_is_set_aside() {
    let world = world();
    fs::remove_file(world.run().join("config.json")).unwrap();
    world.finds(&world.run(), Kind::Incomplete);
}
