//! A copy of the database, to which a test sets the database back while services run on it.

use evergrant_testkit::TestDatabase;

/// The copied tables. Each one refers only to those before it.
const TABLES: [&str; 7] = [
    "oauth_accounts",
    "evergrant_connections",
    "evergrant_token_copies",
    "evergrant_versions",
    "evergrant_events",
    "evergrant_api_keys",
    "evergrant_sessions",
];

/// Copies the tables into others of the same database.
pub(crate) async fn back_up(database: &TestDatabase) {
    for table in TABLES {
        let copy = format!("CREATE TABLE copy_of_{table} AS SELECT * FROM {table}");
        database.execute(&copy).await;
    }
}

/// Sets the tables back to their copies, without a trace that a program could notice.
pub(crate) async fn restore(database: &TestDatabase) {
    let delete = TABLES.iter().rev();
    let delete = delete.map(|table| format!("DELETE FROM {table};"));
    let insert = TABLES.iter();
    let insert = insert.map(|table| format!("INSERT INTO {table} SELECT * FROM copy_of_{table};"));
    let statements: String = delete.chain(insert).collect();
    let (before, after) = if database.is_postgres() {
        ("SET LOCAL session_replication_role = replica", "SELECT 1")
    } else {
        (
            "INSERT INTO evergrant_own_write (id) VALUES (1)",
            "DELETE FROM evergrant_own_write",
        )
    };
    let restore = format!("BEGIN; {before}; {statements} {after}; COMMIT");
    database.execute(&restore).await;
}
