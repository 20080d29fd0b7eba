//! A28: the shipped transition functions under chance: two or three replicas, strict and with_replay_window
//! platforms, lost answers, crashes, stopped processes, outages of the database, withdrawals and
//! new consents in between.
//!
//! `EVERGRANT_SCHEDULES` sets how many schedules are run, `EVERGRANT_SEED` replays one.

mod dice;
mod mutants;
mod platform;
mod replica;
mod requests;
mod world;

use evergrant_resilience::refresh::attempt::{Failure, Verdict};
use evergrant_resilience::refresh::{AllRules, Rules};

use self::mutants::{
    Blinkered, Carefree, FirstWriterWins, Gambler, Hammer, HastyTakeOver, Hearsay, Impatient,
    LastWriterWins, OldReader, Scapegoat, SharedLease, Sleepwalker, Undead,
};
use self::world::{Broken, Tally, World};

/// Nothing came in time.
pub(crate) const TIMED_OUT: Failure = Failure {
    verdict: Verdict::Unknown,
    unprocessed: false,
    confirm: false,
    wait_ms: None,
};

const MOVES: usize = 120;
const SCHEDULES: u64 = 20_000;
/// Within so many schedules each missing rule must show.
const PATIENCE: u64 = 200_000;

/// One schedule from its seed.
fn run<R: Rules + Copy>(rules: R, seed: u64) -> Result<Tally, Broken> {
    let mut world = World::new(rules, seed);
    for _ in 0..MOVES {
        chance(&mut world)?;
    }
    calm(&mut world)?;
    world.check_end()?;
    Ok(world.tally)
}

/// Something happens.
fn chance<R: Rules + Copy>(world: &mut World<R>) -> Result<(), Broken> {
    let replica = usize::try_from(
        world
            .dice
            .below(i64::try_from(world.replicas.len()).unwrap()),
    )
    .unwrap();
    match world.dice.below(60) {
        0 if world.has_settled() => world.crash(replica),
        1 | 2 => world.replicas[replica].stopped_until_ms = world.now_ms + world.dice.below(60_000),
        3 if world.database_is_up() => {
            world.database_since_ms = world.now_ms + world.dice.below(60_000)
        }
        4 if world.dice.one_in(4) => world.withdraw(),
        5 if world.dice.one_in(3) => world.consent(),
        6..=11 => pass_some(world),
        _ => return go_on(world, replica),
    }
    Ok(())
}

/// Time passes: a moment where somebody is about to do something, else up to minutes.
fn pass_some<R: Rules + Copy>(world: &mut World<R>) {
    let awake = (0..world.replicas.len()).filter_map(|one| world.wakes_at(one));
    let longest_ms = match awake.min() {
        Some(next) if next <= world.now_ms => 50,
        Some(next) => (next - world.now_ms).max(1),
        None => 200_000,
    };
    let by_ms = world.dice.below(longest_ms);
    world.pass_to(world.now_ms + by_ms);
}

/// A replica does what it has to do, or waits for it.
fn go_on<R: Rules + Copy>(world: &mut World<R>, replica: usize) -> Result<(), Broken> {
    if world.replicas[replica].is_stopped(world.now_ms) {
        return Ok(());
    }
    let ready = |world: &World<R>, one| world.wakes_at(one).is_some_and(|at| at <= world.now_ms);
    match world.wakes_at(replica) {
        Some(at) if at > world.now_ms => {
            let busy = (0..world.replicas.len()).any(|one| ready(world, one));
            if !busy {
                world.pass_to(earliest(world).unwrap_or(at).min(at));
            }
            Ok(())
        }
        _ => world.act(replica),
    }
}

fn earliest<R: Rules + Copy>(world: &World<R>) -> Option<i64> {
    (0..world.replicas.len())
        .filter_map(|one| world.wakes_at(one))
        .min()
}

/// No more trouble: everybody wakes up and finishes.
fn calm<R: Rules + Copy>(world: &mut World<R>) -> Result<(), Broken> {
    world.faults = false;
    let over = world
        .replicas
        .iter()
        .map(|one| one.stopped_until_ms)
        .max()
        .unwrap_or(0);
    let over = over.max(world.database_since_ms);
    while let Some(next) = earliest(world) {
        world.pass_to(next);
        for replica in 0..world.replicas.len() {
            if world.wakes_at(replica).is_some_and(|at| at <= world.now_ms) {
                world.act(replica)?;
            }
        }
    }
    world.pass_to(over + 60_000);
    Ok(())
}

fn schedules() -> u64 {
    number("EVERGRANT_SCHEDULES").unwrap_or(SCHEDULES)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a soak asks for more schedules, a bug hunt for one"
)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn a28_no_schedule_breaks_a_promise() {
    if let Some(seed) = number("EVERGRANT_SEED") {
        run(AllRules, seed).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        return;
    }
    let mut sum = Tally::default();
    for seed in 0..schedules() {
        let tally = run(AllRules, seed).unwrap_or_else(|broken| {
            panic!("{broken}; EVERGRANT_SEED={seed} cargo test -p evergrant-resilience a28_no")
        });
        sum.stored += tally.stored;
        sum.sent += tally.sent;
        sum.inherited_doubts += tally.inherited_doubts;
        sum.refused_results += tally.refused_results;
        sum.losses += tally.losses;
    }
    println!("{} schedules: {sum:?}", schedules());
    let rarest = sum
        .stored
        .min(sum.inherited_doubts)
        .min(sum.refused_results)
        .min(sum.losses);
    assert!(
        rarest > schedules() / 100,
        "everything that is guarded against happens: {sum:?}"
    );
}

#[test]
fn a28_a_seed_replays_its_schedule() {
    let first: Vec<_> = (0..200)
        .map(|seed| format!("{:?}", run(AllRules, seed)))
        .collect();
    let again: Vec<_> = (0..200)
        .map(|seed| format!("{:?}", run(AllRules, seed)))
        .collect();
    assert_eq!(first, again);
    let (seed, broken) = caught(SharedLease).unwrap();
    assert_eq!(
        run(SharedLease, seed).unwrap_err(),
        broken,
        "a failing one too"
    );
}

fn caught<R: Rules + Copy>(rules: R) -> Option<(u64, Broken)> {
    (0..PATIENCE).find_map(|seed| run(rules, seed).err().map(|broken| (seed, broken)))
}

#[test]
fn a28_each_rule_that_is_taken_away_is_missed() {
    macro_rules! missed {
        ($($mutant:ident),*) => {$(
            let (seed, broken) = caught($mutant).unwrap_or_else(|| panic!("nobody misses {}", stringify!($mutant)));
            println!("{:16} seed {seed:6}: {broken}", stringify!($mutant));
        )*};
    }
    missed!(
        SharedLease,
        HastyTakeOver,
        OldReader,
        Undead,
        Carefree,
        LastWriterWins,
        FirstWriterWins,
        Hearsay,
        Sleepwalker,
        Impatient,
        Blinkered,
        Gambler,
        Hammer,
        Scapegoat
    );
}
