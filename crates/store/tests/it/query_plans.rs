//! The queries behind every request find their rows by an index on both databases, however large
//! the tables grow.

use evergrant_store::testing::{FREQUENT, Query};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{literal_time, with_literals};

on_both_databases!(no_frequent_query_scans_a_table);

/// Enough rows that reading them all costs more than any index.
const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)";

async fn fill(database: &TestDatabase) {
    let (hash, time) = if database.is_postgres() {
        (
            "sha256(i::text::bytea)",
            "timestamp '2026-01-01' + i * interval '1 second'",
        )
    } else {
        ("CAST(i AS BLOB)", "1767225600000 + i * 1000")
    };
    for (table, values) in [
        ("users (email, external_id)", "'user' || i || '@example.com', 'app|' || i".to_owned()),
        ("oauth_accounts (user_id, provider, provider_account_id)", "i, 'reddit', 'account ' || i".to_owned()),
        (
            "evergrant_connections (oauth_account_id, provider, next_refresh_at, turns_at, refused_at)",
            format!("i, 'reddit', {time}, {time}, {time}"),
        ),
        (
            "evergrant_events (user_id, version, kind, provider, created_at)",
            format!("i, 1, 'refreshed', 'reddit', {time}"),
        ),
        ("evergrant_versions (user_id, version)", "i, 1".to_owned()),
        (
            "evergrant_flows (id, state_hash, user_id, provider, redirect_url, scope, correlation_id, created_at,
                expires_at, receipt_salt, finish_by)",
            format!("'flow' || i, {hash}, i, 'reddit', '', '', '', {time}, {time}, {hash}, {time}"),
        ),
        (
            "evergrant_revocations (id, provider, next_attempt_at, expires_at, correlation_id)",
            format!("'revocation' || i, 'reddit', {time}, {time}, ''"),
        ),
    ] {
        database.execute(&format!("INSERT INTO {table} {ROWS} SELECT {values} FROM n")).await;
    }
    database.execute("ANALYZE").await;
}

/// The parameters of each query, as SQL literals.
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
        "claim revocation" => &[&now, &now],
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

async fn no_frequent_query_scans_a_table(database: TestDatabase) {
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
