//! Installation of the triggers that record changes of the shared tables by other programs.

use crate::StoreError;
use crate::db::database::{Database, Pools};
use crate::db::postgres::migrate;
use crate::db::value::params;

const TRIGGERS_SQLITE: &str = include_str!("../../migrations/sqlite/triggers.sql");
const TRIGGERS_POSTGRES: &str = concat!(
    // One process at a time installs them. Creating a trigger waits for open transactions that have
    // written the table, and other writers then wait behind it, so the wait is short.
    "SET LOCAL lock_timeout = '3s';
    SELECT pg_advisory_xact_lock(hashtextextended('evergrant triggers', 0));",
    include_str!("../../migrations/postgres/triggers.sql"),
);
/// A version that changes the definition of a trigger must rename it, so that it is replaced.
const INSTALLED_SQLITE: &str = "SELECT COUNT(*) AS installed FROM sqlite_master
    WHERE type = 'trigger' AND tbl_name IN ('users', 'oauth_accounts') AND name IN (
        'evergrant_accounts_inserted', 'evergrant_accounts_replaced', 'evergrant_accounts_updated',
        'evergrant_accounts_deleted', 'evergrant_users_replaced', 'evergrant_users_updated',
        'evergrant_users_deleted')";
const INSTALLED_POSTGRES: &str = "SELECT COUNT(*) AS installed FROM pg_trigger t
    JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace n ON n.oid = f.pronamespace
    WHERE t.tgrelid IN (to_regclass('users')::oid, to_regclass('oauth_accounts')::oid)
        AND n.nspname = current_schema() AND t.tgenabled IN ('O', 'A') AND t.tgname IN (
        'evergrant_accounts_inserted', 'evergrant_accounts_updated', 'evergrant_accounts_deleted',
        'evergrant_accounts_truncated', 'evergrant_users_updated', 'evergrant_users_deleted',
        'evergrant_users_truncated')";
/// The number of triggers, of either database.
const TRIGGERS: i64 = 7;

/// Returns whether all triggers are installed and enabled.
pub(crate) async fn are_installed(database: &Database) -> Result<bool, StoreError> {
    let installed = database.dialect(INSTALLED_SQLITE, INSTALLED_POSTGRES);
    let row = database.row(installed, params![]).await?;
    Ok(row.map_or(Ok(0), |row| row.big("installed"))? == TRIGGERS)
}

/// Installs the triggers unless they are installed. They are optional: if the database does not
/// allow them, changes of other programs are found by comparing rows.
pub(crate) async fn install(database: &Database) -> Result<(), StoreError> {
    if are_installed(database).await? {
        return Ok(());
    }
    if let Err(error) = create(database).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "failed to create the triggers on `users` and `oauth_accounts`; changes by other \
             programs are found later, by comparing rows"
        );
    }
    Ok(())
}

async fn create(database: &Database) -> Result<(), StoreError> {
    match &database.pools {
        Pools::Sqlite { writer, .. } => {
            let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::raw_sql(TRIGGERS_SQLITE).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        }
        Pools::Postgres(pool) => migrate::execute(pool.migration_route(), TRIGGERS_POSTGRES).await,
    }
}
