//! Databases with the schema of a development version from before the first release, whose
//! migrations were 1 `first`, 2 `renewal` and 3 `console`.

use evergrant_store::{Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{connect, find};

on_both_databases!(
    development_schema_is_rejected_unchanged,
    changed_initial_migration_is_rejected_unchanged,
    database_without_evergrant_tables_keeps_tokens,
);

/// The table in which sqlx records the migrations of a development version, and one of its tables.
const SQLITE: &str = "
    CREATE TABLE evergrant_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        success BOOLEAN NOT NULL,
        checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL
    );
    INSERT INTO evergrant_migrations (version, description, success, checksum, execution_time)
        VALUES (1, 'first', TRUE, x'01', 1), (2, 'renewal', TRUE, x'02', 1), (3, 'console', TRUE, x'03', 1);
    CREATE TABLE evergrant_gates (provider TEXT NOT NULL, closed_to INTEGER NOT NULL);
    INSERT INTO evergrant_gates VALUES ('reddit', 1);";
const POSTGRES: &str = "
    CREATE TABLE evergrant_migrations (
        version bigint PRIMARY KEY,
        description text NOT NULL,
        installed_on timestamptz NOT NULL DEFAULT now(),
        success boolean NOT NULL,
        checksum bytea NOT NULL,
        execution_time bigint NOT NULL
    );
    INSERT INTO evergrant_migrations (version, description, success, checksum, execution_time)
        VALUES (1, 'first', true, '\\x01', 1), (2, 'renewal', true, '\\x02', 1), (3, 'console', true, '\\x03', 1);
    CREATE TABLE evergrant_gates (provider text NOT NULL, closed_to timestamp(6) NOT NULL);
    INSERT INTO evergrant_gates VALUES ('reddit', now());";

/// Returns the mode and the content of a SQLite file.
fn file(database: &TestDatabase) -> Option<(u32, Vec<u8>)> {
    use std::os::unix::fs::PermissionsExt;
    let path = database.url.strip_prefix("sqlite://")?;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    Some((mode, std::fs::read(path).unwrap()))
}

/// Asserts that neither listing nor applying migrations succeeds or changes anything.
async fn assert_rejected(database: &TestDatabase) {
    let before = (database.contents().await, file(database));
    let opened = Store::open(&database.url).await;
    assert!(
        matches!(opened, Err(StoreError::DevelopmentSchema)),
        "{opened:?}"
    );
    let listed = Store::pending_migrations_at(&database.url, None).await;
    assert!(
        matches!(listed, Err(StoreError::DevelopmentSchema)),
        "{listed:?}"
    );
    assert_eq!((database.contents().await, file(database)), before);
}

/// Creates an empty SQLite file that other users may read.
fn create_readable_file(database: &TestDatabase) {
    use std::os::unix::fs::PermissionsExt;
    if let Some(path) = database.url.strip_prefix("sqlite://") {
        std::fs::write(path, "").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
}

async fn development_schema_is_rejected_unchanged(database: TestDatabase) {
    let database = database.without_schema().await;
    create_readable_file(&database);
    let schema = if database.is_postgres() {
        POSTGRES
    } else {
        SQLITE
    };
    database.execute(schema).await;
    assert_rejected(&database).await;
    let only_first = "DELETE FROM evergrant_migrations WHERE version > 1";
    database.execute(only_first).await;
    assert_rejected(&database).await;
}

async fn changed_initial_migration_is_rejected_unchanged(database: TestDatabase) {
    drop(database.store().await);
    database
        .execute("UPDATE evergrant_migrations SET checksum = '' WHERE version = 1")
        .await;
    assert_rejected(&database).await;
}

/// The remedy for a database with a development schema: without Evergrant's own tables, it can be
/// migrated, and users and tokens are kept.
async fn database_without_evergrant_tables_keeps_tokens(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    store.close().await;
    for table in database.contents().await.into_keys() {
        if table.starts_with("evergrant_") {
            database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
    let store = database.store().await;
    let found = find(&store, connection.user, "reddit", "juniper")
        .await
        .unwrap();
    assert_eq!(found.id, connection.id);
    assert_eq!(found.tokens.access, connection.tokens.access);
    assert_eq!(found.tokens.refresh, connection.tokens.refresh);
    assert!(found.is_external, "the connection is imported again");
}
