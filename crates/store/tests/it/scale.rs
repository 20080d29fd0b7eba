//! A16: among very many connections, those that are due are found by reading them and hardly
//! anything else.
//!
//! `EVERGRANT_ROWS` says how many there are; `make soak` has a million, of which ten thousand are
//! due in an hour.

use std::time::Instant;

use evergrant_model::{ProviderSlug, Timestamp};
use evergrant_store::testing::CLAIM_DUE;
use evergrant_testkit::{TestDatabase, number_from, on_postgres};
use serde_json::Value;

use crate::support::with_literals;

on_postgres!(a16_what_is_due_is_claimed_without_reading_what_is_not);

/// One in so many is due.
const ONE_IN: i64 = 100;
const BATCH: i64 = 64;
/// A renewed token is due so much later.
const LATER_S: i64 = 60 * 86_400;

async fn fill(database: &TestDatabase, rows: i64) {
    let fill = format!(
        "INSERT INTO users (external_id) SELECT 'app|' || i FROM generate_series(1, {rows} / 10) i;
        INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token, refresh_token)
            SELECT 1 + i % ({rows} / 10), 'reddit', 'account ' || i, repeat('a', 200), repeat('r', 200)
            FROM generate_series(1, {rows}) i;
        INSERT INTO evergrant_connections (oauth_account_id, provider, next_refresh_at, known_token)
            SELECT i, 'reddit', timestamp '2026-01-01' + (i % {ONE_IN}) * interval '1 hour' + (i / {ONE_IN} % 3600) * interval '1 second',
            'a' FROM generate_series(1, {rows}) i;
        ANALYZE"
    );
    database.execute(&fill).await;
}

/// How many rows the claim of a whole batch looks at, by PostgreSQL's own account, and its plan.
async fn rows_looked_at(database: &TestDatabase, now: Timestamp) -> (f64, String) {
    let time = |at: Timestamp| format!("timestamp '{at}'");
    let parameters = [
        "'reddit'".to_owned(),
        time(now),
        time(now.plus_seconds(LATER_S)),
        BATCH.to_string(),
    ];
    let plan = database
        .executed_plan(&with_literals(CLAIM_DUE.postgres, &parameters))
        .await;
    (scanned(&plan[0]["Plan"]), plan.to_string())
}

/// The rows of every scan of the plan that the subquery makes.
fn scanned(node: &Value) -> f64 {
    let scans = node["Node Type"]
        .as_str()
        .is_some_and(|kind| kind.contains("Scan"));
    let is_claim = node["Index Name"] == "evergrant_connections_due";
    let own = if scans && is_claim {
        node["Actual Rows"].as_f64().unwrap() + removed(node)
    } else {
        0.0
    };
    own + node["Plans"]
        .as_array()
        .into_iter()
        .flatten()
        .map(scanned)
        .sum::<f64>()
}

fn removed(node: &Value) -> f64 {
    node["Rows Removed by Filter"].as_f64().unwrap_or(0.0)
}

#[expect(
    clippy::print_stderr,
    reason = "the figures are what the test has to say beside its result"
)]
async fn a16_what_is_due_is_claimed_without_reading_what_is_not(database: TestDatabase) {
    let (rows, store) = (
        number_from("EVERGRANT_ROWS", 100_000),
        database.store().await,
    );
    fill(&database, rows).await;
    let (reddit, new_year) = (
        ProviderSlug::new("reddit").unwrap(),
        Timestamp::from_unix_seconds(1_767_225_600),
    );
    let (mut claimed, began) = (0, Instant::now());
    let mut looks = Vec::new();
    // Every five minutes what has become due: batch after batch.
    for now in (299..3600)
        .step_by(300)
        .map(|seconds| new_year.plus_seconds(seconds))
    {
        looks.push(rows_looked_at(&database, now).await);
        loop {
            let batch = store
                .refreshes()
                .claim_due(&reddit, now, now.plus_seconds(LATER_S), BATCH)
                .await
                .unwrap()
                .len();
            claimed += batch;
            if i64::try_from(batch).unwrap() < BATCH {
                break;
            }
        }
    }
    let took = began.elapsed();
    eprintln!(
        "A16: of {rows} connections {claimed} were due in an hour; claiming them took {took:?}"
    );
    assert_eq!(i64::try_from(claimed).unwrap(), rows / ONE_IN, "each once");
    assert!(
        looks.iter().any(|(looked_at, _)| *looked_at >= 64.0),
        "a whole batch was due at once"
    );
    for (looked_at, plan) in looks {
        assert!(!plan.contains("Seq Scan"), "{plan}");
        assert!(
            looked_at <= 1.1 * 64.0,
            "{looked_at} rows were read for a batch of 64: {plan}"
        );
    }
}
