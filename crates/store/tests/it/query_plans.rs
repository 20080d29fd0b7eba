//! Frequent queries use an index on both databases.

use evergrant_store::testing::{FREQUENT, Query};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{literal_time, with_literals};

on_both_databases!(frequent_queries_do_not_scan_tables);

/// Generates enough rows that a scan costs more than any index.
const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)";

/// Columns and values of each table, for the rows `i` of [`ROWS`]. `{time}` and `{hash}` are
/// expressions that differ between the databases.
const TABLES: &[(&str, &str)] = &[
    (
        "users (email, external_id)",
        "'user' || i || '@example.com', 'app|' || i",
    ),
    (
        "oauth_accounts (user_id, provider, provider_account_id)",
        "i, 'reddit', 'account ' || i",
    ),
    (
        "evergrant_connections (oauth_account_id, provider, next_refresh_at, next_status_at,
            rejected_at)",
        "i, 'reddit', {time}, {time}, {time}",
    ),
    (
        "evergrant_events (user_id, version, kind, provider, created_at)",
        "i, 1, 'refreshed', 'reddit', {time}",
    ),
    ("evergrant_versions (user_id, version)", "i, 1"),
    (
        "evergrant_flows (id, state_hash, user_id, provider, redirect_url, requested_scope,
            correlation_id, created_at, expires_at, receipt_salt, finish_expires_at)",
        "'flow' || i, {hash}, i, 'reddit', '', '', '', {time}, {time}, {hash}, {time}",
    ),
    (
        "evergrant_revocations (id, provider, next_attempt_at, expires_at, correlation_id)",
        "'revocation' || i, 'reddit', {time}, {time}, ''",
    ),
];

async fn fill(database: &TestDatabase) {
    let (hash, time) = if database.is_postgres() {
        (
            "sha256(i::text::bytea)",
            "timestamp '2026-01-01' + i * interval '1 second'",
        )
    } else {
        ("CAST(i AS BLOB)", "1767225600000 + i * 1000")
    };
    for (table, values) in TABLES {
        let values = values.replace("{time}", time).replace("{hash}", hash);
        let insert = format!("INSERT INTO {table} {ROWS} SELECT {values} FROM n");
        database.execute(&insert).await;
    }
    database.execute("ANALYZE").await;
}

/// Returns the parameters of a query as SQL literals.
fn parameters(database: &TestDatabase, name: &str) -> Vec<String> {
    let (now, late) = (literal_time(database, 0), literal_time(database, 3990));
    let hash = if database.is_postgres() {
        "'\\x68'::bytea"
    } else {
        "x'68'"
    };
    let given: &[&str] = match name {
        "user by id" | "connections of user" | "lock connection" => &["7"],
        "user by external id" => &["'app|7'"],
        "user by e-mail" => &["'user7@example.com'"],
        "connection of user" | "delete connection" => &["7", "'reddit'", "'account 7'"],
        "connection by account" => &["'reddit'", "'account 7'"],
        "consume flow" => &[hash, "'reddit'", &now, hash],
        "flow by state" => &[hash, "'reddit'"],
        "flow of user" => &["'flow7'", "7"],
        "unfinished flows" => &[&now, &now, "'flow7'", "10"],
        "claim revocation" => &[&now, &now, "'reddit'", &late],
        "claim due" => &["'reddit'", &now, &now, "10"],
        "due status transitions" => &[&now, &now, "7", "10"],
        "rejections" => &["'reddit'", &late],
        "ended by rejections" => &["'reddit'", &late, "7", "10"],
        "events after" => &["3990", "10"],
        "events of user" => &["7", "0", "10"],
        "external rows in range" => &["3900", "4000"],
        other => panic!("no parameters for {other}"),
    };
    given.iter().map(|&value| value.to_owned()).collect()
}

async fn frequent_queries_do_not_scan_tables(database: TestDatabase) {
    database.store().await;
    fill(&database).await;
    for Query {
        name,
        sqlite,
        postgres,
    } in FREQUENT
    {
        let text = if database.is_postgres() {
            postgres
        } else {
            sqlite
        };
        let sql = with_literals(text, &parameters(&database, name));
        let plan = database.query_plan(&sql).await;
        assert!(
            !plan.contains("SCAN ") && !plan.contains("Seq Scan"),
            "{name}: {sql}\n{plan}"
        );
    }
}
