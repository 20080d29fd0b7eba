//! Properties that hold for every generated sequence of events.

mod disconnect;
mod newest_token;
mod tampering;

use evergrant_testkit::TestDatabase;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use tokio::runtime::Runtime;

use crate::harness::TestEnv;

type CheckResult = Result<(), TestCaseError>;

/// Checks `property` on `cases` generated inputs, each in its own environment.
fn check<S: Strategy>(
    cases: u32,
    inputs: &S,
    on_postgres: bool,
    property: impl AsyncFn(TestEnv, S::Value) -> CheckResult,
) {
    let runtime = Runtime::new().unwrap();
    let persistence = FileFailurePersistence::Direct("tests/it/properties.regressions");
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: 64,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(inputs, |input| {
        runtime.block_on(async {
            let database = if on_postgres {
                TestDatabase::postgres().await
            } else {
                TestDatabase::sqlite()
            };
            property(TestEnv::new(database).await, input).await
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
