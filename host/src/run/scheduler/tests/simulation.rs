//! One long life of a server: clients, crashes, workers that die, time. The seed tells it all.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::time::Duration;

use super::super::Attempt;
use super::super::Bounds;
use super::sequences::ask;
use super::world::Counts;
use super::world::Known;
use super::world::World;
use super::world::key;
use crate::run::Priority;

const STEPS: u64 = 1_000_000;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u8) -> u8 {
        u8::try_from(self.next() % u64::from(bound)).expect("below a byte")
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let count = u64::try_from(all.len()).expect("a length");
        let nth = self.next().checked_rem(count)?;
        all.get(usize::try_from(nth).expect("below a length")).copied()
    }
}

fn live(seed: u64, steps: u64) -> Counts {
    let mut chance = Chance(seed);
    let slots = if seed.is_multiple_of(2) { 3 } else { 5 };
    let mut world = World::new(Bounds { slots, queue_max: 40 });
    let mut newcomers: u8 = 0;
    for _ in 0..steps {
        let run = chance.below(64);
        match chance.below(100) {
            // The first client floods, with runs that can wait and others.
            0..20 => world.ask(ask(run, 0, if run.is_multiple_of(3) { Priority::Bulk } else { Priority::Interactive })),
            20..28 => world.ask(ask(run, 1 + chance.below(5), Priority::Interactive)),
            // Now and then a crowd of clients that nobody has seen before.
            28..30 => {
                for _ in 0..=u8::from(chance.below(8) == 0) * 12 {
                    world.ask(ask(chance.below(64), 10 + newcomers % 240, Priority::Interactive));
                    newcomers = newcomers.wrapping_add(1);
                }
            }
            30..34 => world.ask(ask(run, 1 + chance.below(5), Priority::Bulk)),
            34..54 => chance.one_of(&world.all(Known::Placed)).into_iter().for_each(|it| world.accept(it)),
            54..55 => chance.one_of(&world.all(Known::Placed)).into_iter().for_each(|it| world.give_back(it)),
            55..70 => {
                let attempt = if chance.below(5) == 0 { Attempt::Interrupted } else { Attempt::Settled };
                chance.one_of(&world.all(Known::Trying)).into_iter().for_each(|it| world.attempted(it, attempt));
            }
            70..84 => chance.one_of(&world.all(Known::Concluding)).into_iter().for_each(|it| world.conclude(it)),
            84..87 => world.dismiss(key(run)),
            87..88 => world.delete(key(run).file()),
            88..90 => world.deleted(),
            90..92 => world.late(key(run)),
            92..93 => world.lose(key(run)),
            93..99 => world.pass(Duration::from_millis(chance.below(250).into())),
            _ => {
                if chance.below(10) == 0 {
                    world.crash();
                    newcomers = 0;
                }
            }
        }
    }
    world.run_dry();
    world.counts
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment how to run")]
fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|it| it.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
#[expect(clippy::print_stdout, reason = "the seed is shown when it fails, and on demand")]
fn a_million_steps_lose_double_and_hold_up_no_run() {
    let seed = from_environment("BELLJAR_SIMULATION_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let steps = from_environment("BELLJAR_SIMULATION_STEPS").unwrap_or(STEPS);
    println!("BELLJAR_SIMULATION_SEED={seed} BELLJAR_SIMULATION_STEPS={steps}");
    let counts = live(seed, steps);
    println!("{counts:?}");
    for (what, count) in [
        ("accepted", counts.accepted),
        ("started", counts.started),
        ("dismissed", counts.dismissed),
        ("interrupted", counts.interrupted),
        ("denied", counts.denied),
        ("joined", counts.joined),
        ("lifted", counts.lifted),
        ("crashes", counts.crashes),
    ] {
        assert!(count > steps / 5000, "too little happened: {what} {count}");
    }
}

#[test]
fn the_same_seed_is_the_same_life() {
    assert_eq!(live(7, 20_000), live(7, 20_000));
}
