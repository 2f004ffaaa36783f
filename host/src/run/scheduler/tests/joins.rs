//! A run that several ask for.

use std::time::Duration;

use super::super::Admission;
use super::super::Bounds;
use super::super::Effect;
use super::super::Event;
use super::super::Scheduler;
use super::sequences::ask;
use super::world::key;
use crate::run::Priority;

const NOW: Duration = Duration::ZERO;

/// With so many slots, and these runs accepted in that order: run, client.
fn with(slots: usize, runs: &[(u8, u8)], priority: Priority) -> Scheduler {
    let mut scheduler = Scheduler::new(Bounds { slots, queue_max: 100 });
    for (run, client) in runs {
        assert_eq!(scheduler.ask(ask(*run, *client, priority), NOW), Admission::Place);
        scheduler.handle(Event::Accepted(key(*run)), NOW);
    }
    scheduler
}

fn started(scheduler: &mut Scheduler) -> Vec<u8> {
    let effects = std::iter::from_fn(|| scheduler.poll());
    effects
        .filter_map(|it| if let Effect::Start(key, _) = it { Some(key.analysis_id.bytes()[0]) } else { None })
        .collect()
}

#[test]
fn it_goes_when_it_is_the_turn_of_any_of_them() {
    let mut scheduler = with(1, &[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)], Priority::Bulk);
    assert_eq!(started(&mut scheduler), [0]);
    assert_eq!(scheduler.ask(ask(4, 2, Priority::Interactive), NOW), Admission::InFlight);
    scheduler.handle(Event::Concluded(key(0)), NOW);
    assert_eq!(started(&mut scheduler), [4], "before all the others of who asked first");
    scheduler.handle(Event::Concluded(key(4)), NOW);
    assert_eq!(started(&mut scheduler), [1], "and only once");
}

#[test]
fn it_goes_at_once_by_a_slot_that_its_first_asker_may_not_have() {
    let mut scheduler = with(4, &[(0, 1), (1, 1), (2, 1), (3, 1)], Priority::Interactive);
    assert_eq!(started(&mut scheduler), [0, 1, 2]);
    assert_eq!(scheduler.ask(ask(3, 2, Priority::Interactive), NOW), Admission::InFlight);
    assert_eq!(started(&mut scheduler), [3]);
}

#[test]
fn it_counts_for_the_share_of_who_asked_first() {
    let mut scheduler = with(1, &[(0, 1), (1, 1)], Priority::Bulk);
    assert_eq!(scheduler.ask(ask(1, 2, Priority::Bulk), NOW), Admission::InFlight);
    for run in [0, 1] {
        scheduler.handle(Event::Concluded(key(run)), NOW);
    }
    assert_eq!(scheduler.load().in_flight, 0);
    assert!(scheduler.held.is_empty(), "{scheduler:?}");
}
