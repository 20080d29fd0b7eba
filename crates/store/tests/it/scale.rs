//! A16: claiming due connections reads few other rows, even in a very large table.
//!
//! `EVERGRANT_ROWS` is the number of connections. `make soak` uses a million, of which ten thousand
//! become due in an hour.

use std::time::Instant;

use evergrant_model::{ProviderSlug, SignedDuration, Timestamp};
use evergrant_store::Store;
use evergrant_store::testing::CLAIM_DUE;
use evergrant_testkit::{NEW_YEAR_SECONDS, TestDatabase, number_from, on_postgres};
use serde_json::Value;

use crate::support::with_literals;

on_postgres!(a16_claim_reads_only_due_rows);

/// One in this many connections becomes due in the hour.
const ONE_IN: i64 = 100;
/// Number of connections per claim.
const BATCH: i64 = 64;
/// Time until a claimed connection is due again, in seconds.
const NEXT_DUE_AFTER_SECONDS: i64 = 60 * 86_400;

async fn fill(database: &TestDatabase, rows: i64) {
    let fill = format!(
        "INSERT INTO users (external_id) SELECT 'app|' || i FROM generate_series(1, {rows} / 10) i;
        INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token, refresh_token)
            SELECT 1 + i % ({rows} / 10), 'reddit', 'account ' || i, repeat('a', 200), repeat('r', 200)
            FROM generate_series(1, {rows}) i;
        INSERT INTO evergrant_connections (oauth_account_id, provider, next_refresh_at)
            SELECT i, 'reddit', timestamp '2026-01-01' + (i % {ONE_IN}) * interval '1 hour'
                + (i / {ONE_IN} % 3600) * interval '1 second'
            FROM generate_series(1, {rows}) i;
        ANALYZE"
    );
    database.execute(&fill).await;
}

/// Returns the number of rows that the claim of one batch reads, and its plan.
async fn rows_read(database: &TestDatabase, now: Timestamp) -> (f64, String) {
    let time = |at: Timestamp| format!("timestamp '{at}'");
    let parameters = [
        "'reddit'".to_owned(),
        time(now),
        time(now + SignedDuration::from_secs(NEXT_DUE_AFTER_SECONDS)),
        BATCH.to_string(),
    ];
    let plan = database
        .executed_plan(&with_literals(CLAIM_DUE.postgres, &parameters))
        .await;
    (scanned(&plan[0]["Plan"]), plan.to_string())
}

/// Returns the number of rows that scans of the index of due connections read.
fn scanned(node: &Value) -> f64 {
    let is_scan = node["Node Type"]
        .as_str()
        .is_some_and(|kind| kind.contains("Scan"));
    let uses_index = node["Index Name"] == "evergrant_connections_refresh_due";
    let own = if is_scan && uses_index {
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

/// Claims all connections that are due at `now`, in batches. Returns their number.
async fn claim_all(store: &Store, now: Timestamp) -> usize {
    let (reddit, later) = (
        ProviderSlug::new("reddit").unwrap(),
        now + SignedDuration::from_secs(NEXT_DUE_AFTER_SECONDS),
    );
    let mut claimed = 0;
    loop {
        let batch = store
            .refreshes()
            .claim_due(&reddit, now, later, BATCH)
            .await;
        let batch = batch.unwrap().len();
        claimed += batch;
        if i64::try_from(batch).unwrap() < BATCH {
            return claimed;
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "reports the measured time in addition to the result"
)]
async fn a16_claim_reads_only_due_rows(database: TestDatabase) {
    let rows = number_from("EVERGRANT_ROWS", 100_000);
    let store = database.store().await;
    fill(&database, rows).await;
    let new_year = Timestamp::from_unix_seconds(NEW_YEAR_SECONDS);
    let (mut claimed, start) = (0, Instant::now());
    let mut reads = Vec::new();
    // Claims every five minutes of the hour what has become due.
    for seconds in (299..3600).step_by(300) {
        let now = new_year + SignedDuration::from_secs(seconds);
        reads.push(rows_read(&database, now).await);
        claimed += claim_all(&store, now).await;
    }
    let elapsed = start.elapsed();
    eprintln!(
        "A16: {claimed} of {rows} connections were due in an hour and claimed in {elapsed:?}"
    );
    assert_eq!(
        i64::try_from(claimed).unwrap(),
        rows / ONE_IN,
        "each is claimed once"
    );
    assert!(
        reads.iter().any(|(rows_read, _)| *rows_read >= 64.0),
        "at least one claim found a whole batch"
    );
    for (rows_read, plan) in reads {
        assert!(!plan.contains("Seq Scan"), "{plan}");
        assert!(
            rows_read <= 1.1 * 64.0,
            "{rows_read} rows were read for a batch of 64: {plan}"
        );
    }
}
