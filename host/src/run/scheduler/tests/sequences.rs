//! Thousands of short sequences, made up by chance; one that fails is cut down to what matters.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::Ask;
use super::super::Attempt;
use super::super::Bounds;
use super::world::Known;
use super::world::World;
use super::world::key;
use crate::id::ClientId;
use crate::run::Priority;

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask { run: u8, client: u8, bulk: bool },
    Accept(usize),
    GiveBack(usize),
    Attempted(usize, bool),
    Dismiss(u8),
    Conclude(usize),
    Delete(u8),
    Deleted,
    Lose(u8),
    Late(u8),
    Pass(u16),
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..16u8, 0..4u8, any::<bool>()).prop_map(|(run, client, bulk)| Step::Ask { run, client, bulk }),
        8 => any::<usize>().prop_map(Step::Accept),
        1 => any::<usize>().prop_map(Step::GiveBack),
        6 => (any::<usize>(), any::<bool>()).prop_map(|(which, settled)| Step::Attempted(which, settled)),
        2 => (0..16u8).prop_map(Step::Dismiss),
        5 => any::<usize>().prop_map(Step::Conclude),
        1 => (0..4u8).prop_map(Step::Delete),
        1 => Just(Step::Deleted),
        1 => (0..16u8).prop_map(Step::Lose),
        1 => (0..16u8).prop_map(Step::Late),
        3 => (0..400u16).prop_map(Step::Pass),
        1 => Just(Step::Crash),
    ];
    vec(step, 0..120)
}

pub(super) fn ask(run: u8, client: u8, priority: Priority) -> Ask {
    Ask { key: key(run), client: ClientId::Network(client.into()), priority }
}

fn take(world: &mut World, step: Step) {
    let nth = |world: &World, known, which: usize| {
        let all = world.all(known);
        if all.is_empty() { None } else { Some(all[which % all.len()]) }
    };
    match step {
        Step::Ask { run, client, bulk } => {
            world.ask(ask(run, client, if bulk { Priority::Bulk } else { Priority::Interactive }));
        }
        Step::Accept(which) => nth(world, Known::Placed, which).into_iter().for_each(|key| world.accept(key)),
        Step::GiveBack(which) => nth(world, Known::Placed, which).into_iter().for_each(|key| world.give_back(key)),
        Step::Attempted(which, settled) => {
            let attempt = if settled { Attempt::Settled } else { Attempt::Interrupted };
            nth(world, Known::Trying, which).into_iter().for_each(|key| world.attempted(key, attempt));
        }
        Step::Dismiss(run) => world.dismiss(key(run)),
        Step::Conclude(which) => nth(world, Known::Concluding, which).into_iter().for_each(|key| world.conclude(key)),
        Step::Delete(run) => world.delete(key(run).file()),
        Step::Deleted => world.deleted(),
        Step::Lose(run) => world.lose(key(run)),
        Step::Late(run) => world.late(key(run)),
        Step::Pass(ms) => world.pass(Duration::from_millis(ms.into())),
        Step::Crash => world.crash(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_run_ends_once_and_in_its_turn(
        steps in steps(),
        slots in 1..6usize,
        queue_max in 1..20usize,
    ) {
        let mut world = World::new(Bounds { slots, queue_max });
        for step in steps {
            take(&mut world, step);
        }
        world.run_dry();
    }
}
