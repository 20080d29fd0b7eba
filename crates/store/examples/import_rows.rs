//! Measures how fast rows of another program are found and imported on PostgreSQL:
//!
//!     scripts/with-postgres cargo run --release -p evergrant-store --example import_rows
//!
//! `EVERGRANT_ROWS` says how many rows there are, `EVERGRANT_BATCH` how many one transaction
//! imports.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures and stops where it cannot go on"
)]

use std::time::{Duration, Instant};

use evergrant_model::{CorrelationId, Timestamp};
use evergrant_store::ExternalRow;
use evergrant_testkit::{TestDatabase, number_from};

/// How many ids one read looks at, as in the service.
const RANGE: i32 = 10_000;

#[tokio::main]
async fn main() {
    let rows: i32 = number_from("EVERGRANT_ROWS", 100_000);
    let batch: usize = number_from("EVERGRANT_BATCH", 1_000);
    let database = TestDatabase::postgres().await;
    let store = database.store().await;
    let fill = format!(
        "INSERT INTO users (external_id) SELECT 'app|' || i FROM generate_series(1, {rows} / 2) i;
        INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token, refresh_token, metadata)
            SELECT 1 + i % ({rows} / 2), 'reddit', 'account ' || i, md5(i::text) || repeat('a', 170),
                md5(i::text) || repeat('r', 170), '{{\"username\": \"juniper\"}}'
            FROM generate_series(1, {rows}) i;
        ANALYZE"
    );
    database.execute(&fill).await;
    let (now, correlation_id) = (
        Timestamp::from_unix_seconds(1_767_225_600),
        CorrelationId::new("bench").unwrap(),
    );
    let (external, mut after, mut imported) = (store.external_rows(), 0, 0);
    let (began, mut reading) = (Instant::now(), Duration::ZERO);
    while after < rows {
        let asked = Instant::now();
        let found = external.in_range(after, after + RANGE).await.unwrap();
        reading += asked.elapsed();
        for batch in found.chunks(batch) {
            let rows: Vec<_> = batch
                .iter()
                .map(|held| ExternalRow {
                    held,
                    next_refresh_at: Some(now),
                    next_status_at: None,
                })
                .collect();
            imported += external
                .import_batch(&rows, &correlation_id, now)
                .await
                .unwrap()
                .len();
        }
        after += RANGE;
    }
    let took = began.elapsed();
    println!(
        "{imported} rows in {took:.2?}, of which reading {reading:.2?}: {:.0} rows/s",
        f64::from(rows) / took.as_secs_f64()
    );
}
