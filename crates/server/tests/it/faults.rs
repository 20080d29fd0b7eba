//! Three replicas refresh tokens of a strictly rotating provider while faults come and go. No grant
//! may be lost, and no process may grow.
//!
//! `EVERGRANT_FAULT_MINUTES` repeats the faults for that long; without it, each occurs once.

mod fault;
mod replicas;
mod usage;

use std::time::{Duration, Instant};

use evergrant_testkit::number_from;

use self::fault::FaultScene;
use self::replicas::{Answers, REPLICAS, Replicas};
use self::usage::Usage;
use crate::refreshes::scene::Scene;
use crate::simulation::expire_all;

/// Number of grants.
const GRANTS: usize = 40;

/// Prints one line of the report.
#[expect(clippy::print_stderr, reason = "the figures are a result of the test")]
fn report(line: &str) {
    eprintln!("faults: {line}");
}

/// Lets one fault occur, and asserts that every grant works afterwards. Returns the answers.
async fn run_round(fault: FaultScene, scene: &Scene, replicas: &mut Replicas) -> Answers {
    let before = scene.refreshes();
    expire_all(&scene.database).await;
    let answers = fault.occur(scene, replicas).await;
    assert_eq!(answers.dead(), 0, "{}: {answers}", fault.name());
    replicas.assert_all_are_served(scene).await;
    let refreshes = scene.refreshes() - before;
    let usage: Vec<_> = replicas.usage().iter().map(Usage::to_string).collect();
    report(&format!(
        "{:<34} {refreshes:>5} refreshes  {}",
        fault.name(),
        usage.join("  ")
    ));
    answers
}

/// Asserts that the replicas use about as much as at most in the first rounds. The last replica is
/// started again in between.
fn assert_flat(first: &[Usage], last: &[Usage]) {
    for (first, last) in first.iter().zip(last).take(REPLICAS - 1) {
        assert!(last.files <= first.files * 3 / 2, "{first} became {last}");
        assert!(
            last.memory_kib <= first.memory_kib * 3 / 2,
            "{first} became {last}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_lose_no_grant_through_faults() {
    let scene = Scene::new(0).await;
    let mut replicas = Replicas::start(&scene, GRANTS).await;
    let minutes = Duration::from_mins(number_from("EVERGRANT_FAULT_MINUTES", 0));
    let (started, mut rounds, mut answers) = (Instant::now(), 0, Answers::default());
    let mut first = replicas.usage();
    while rounds == 0 || started.elapsed() < minutes {
        for fault in FaultScene::ALL {
            answers += run_round(fault, &scene, &mut replicas).await;
            if rounds < FaultScene::ALL.len() {
                first = replicas.most(first);
            }
            rounds += 1;
        }
    }
    run_round(FaultScene::None, &scene, &mut replicas).await;
    replicas.assert_all_refresh().await;
    assert_flat(&first, &replicas.usage());
    let refreshes = scene.refreshes();
    report(&format!(
        "{rounds} rounds, {refreshes} refreshes of {GRANTS} grants, 0 dead; answers during faults: \
         {answers}"
    ));
}
