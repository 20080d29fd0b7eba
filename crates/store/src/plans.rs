//! The queries behind every request find their rows by an index on both databases, however large the tables grow.

use evergrant_model::Timestamp;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::database::{Database, Value, params};
use crate::{Store, connections, due, events, flows, foreign, grants, leases, refusals, revocations, users};

on_both_databases!(no_frequent_query_scans_a_table);

/// Enough rows that reading them all costs more than any index.
const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)";

async fn fill(database: &TestDatabase) {
    let (hash, time) = if database.is_postgres() {
        ("sha256(i::text::bytea)", "timestamp '2026-01-01' + i * interval '1 second'")
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

async fn plan(database: &Database, sql: &'static str, params: &[Value<'_>]) -> String {
    let explain = database.dialect("EXPLAIN QUERY PLAN", "EXPLAIN");
    // The queries of the program are texts that stand in it; only a test puts one together.
    let explained = Box::leak(format!("{explain} {sql}").into_boxed_str());
    let column = database.dialect("detail", "QUERY PLAN");
    let lines = database.rows(explained, params).await.unwrap();
    lines.iter().map(|line| line.text(column).unwrap()).collect::<Vec<_>>().join("\n")
}

async fn no_frequent_query_scans_a_table(files: TestDatabase) {
    files.store().await;
    fill(&files).await;
    let database = Store::open(&files.url).await.unwrap().database;
    let now = Timestamp::from_unix_seconds(1_767_225_600);
    let late = now.plus_seconds(3990);
    let claim = database.dialect(revocations::CLAIM_ALONE, revocations::CLAIM_AMONG_OTHERS);
    let claim_due = database.dialect(due::CLAIM_SQLITE, due::CLAIM_POSTGRES);
    let locked = database.dialect(leases::LOCKED_SQLITE, leases::LOCKED_POSTGRES);
    let queries: &[(&'static str, &[Value<'_>])] = &[
        (users::BY_ID, params![7]),
        (users::BY_EXTERNAL_ID, params!["app|7"]),
        (users::BY_EMAIL, params!["user7@example.com"]),
        (connections::OWNED, params![7, "reddit", "account 7"]),
        (connections::BY_ACCOUNT, params!["reddit", "account 7"]),
        (connections::OF_USER, params![7]),
        (flows::CONSUME, params![&b"hash"[..], "reddit", now, &b"code"[..]]),
        (flows::BY_STATE, params![&b"hash"[..], "reddit"]),
        (flows::OWNED, params!["flow7", 7]),
        (flows::UNFINISHED, params![now, 10_i64]),
        (grants::DELETE, params![7, "reddit", "account 7"]),
        (claim, params![now, now]),
        (claim_due, params!["reddit", now, now, 10_i64]),
        (locked, params![7]),
        (due::TURNS, params![now, 10_i64]),
        (refusals::REFUSED, params!["reddit", late]),
        (events::AFTER, params![3990_i64, 10_i64]),
        (events::OF_USER, params![7, 0_i64, 10_i64]),
        (foreign::IN_RANGE, params![3900, 4000]),
    ];
    for (sql, params) in queries {
        let plan = plan(&database, sql, params).await;
        assert!(!plan.contains("SCAN ") && !plan.contains("Seq Scan"), "{sql}\n{plan}");
    }
}
