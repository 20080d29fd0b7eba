//! Measures how fast external rows are found and imported on PostgreSQL:
//!
//!     scripts/with-postgres cargo run --release -p evergrant-store --example import_rows
//!
//! `EVERGRANT_ROWS` is the number of rows (default: 100000), `EVERGRANT_BATCH` the number of rows
//! per transaction (default: 1000).

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its result and stops on the first error"
)]

use std::time::{Duration, Instant};

use evergrant_model::{CorrelationId, Timestamp};
use evergrant_store::{Connection, ExternalRow, ExternalRowRepository};
use evergrant_testkit::{NEW_YEAR_SECONDS, TestDatabase, number_from};

/// Number of ids per read, as in the service.
const RANGE: i32 = 10_000;

#[tokio::main]
async fn main() {
    let rows: i32 = number_from("EVERGRANT_ROWS", 100_000);
    let batch: usize = number_from("EVERGRANT_BATCH", 1_000);
    let database = TestDatabase::postgres().await;
    let external = database.store().await.external_rows();
    fill(&database, rows).await;
    let (mut after, mut imported) = (0, 0);
    let (start, mut reading) = (Instant::now(), Duration::ZERO);
    while after < rows {
        let read_start = Instant::now();
        let found = external.in_range(after, after + RANGE).await.unwrap();
        reading += read_start.elapsed();
        for batch in found.chunks(batch) {
            imported += import(&external, batch).await;
        }
        after += RANGE;
    }
    let elapsed = start.elapsed();
    println!(
        "imported {imported} rows in {elapsed:.2?}, of which {reading:.2?} for reading: {:.0} rows/s",
        f64::from(rows) / elapsed.as_secs_f64()
    );
}

async fn fill(database: &TestDatabase, rows: i32) {
    let fill = format!(
        "INSERT INTO users (external_id) SELECT 'app|' || i FROM generate_series(1, {rows} / 2) i;
        INSERT INTO oauth_accounts
                (user_id, provider, provider_account_id, access_token, refresh_token, metadata)
            SELECT 1 + i % ({rows} / 2), 'reddit', 'account ' || i,
                md5(i::text) || repeat('a', 170), md5(i::text) || repeat('r', 170),
                '{{\"username\": \"juniper\"}}'
            FROM generate_series(1, {rows}) i;
        ANALYZE"
    );
    database.execute(&fill).await;
}

async fn import(external: &ExternalRowRepository, batch: &[Connection]) -> usize {
    let now = Timestamp::from_unix_seconds(NEW_YEAR_SECONDS);
    let rows: Vec<_> = batch
        .iter()
        .map(|connection| ExternalRow {
            connection,
            next_refresh_at: Some(now),
            next_status_at: None,
            digest: None,
        })
        .collect();
    let correlation_id = CorrelationId::new("bench").unwrap();
    external
        .import_batch(&rows, &correlation_id, now)
        .await
        .unwrap()
        .len()
}
