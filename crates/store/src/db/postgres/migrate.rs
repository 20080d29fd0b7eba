//! Applying migrations to PostgreSQL, also through a pooler.
//!
//! All pending migrations are one transaction, which takes the lock that keeps other processes out,
//! and which a pooler does not tear apart. sqlx's migrator locks the session and names its
//! statements, so it works on direct sessions only.

use std::collections::BTreeMap;

use sqlx::migrate::{MigrateError, Migration};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::StoreError;
use crate::db::migration_error::failed;
use crate::db::postgres::route::Route;

/// Makes other processes wait until this transaction ends. Later statements do not make the app
/// wait for long behind a lock that they wait for.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('evergrant migrations', 0));
    SET LOCAL lock_timeout = '10s'";
/// As sqlx creates it.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS evergrant_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
        success BOOLEAN NOT NULL,
        checksum BYTEA NOT NULL,
        execution_time BIGINT NOT NULL
    )";
const APPLIED: &str = "SELECT version, checksum, success FROM evergrant_migrations";
const RECORD: &str =
    "INSERT INTO evergrant_migrations (version, description, success, checksum, execution_time)
    VALUES ($1, $2, TRUE, $3, 0)";

/// Applies the migrations that have not been applied.
///
/// # Errors
///
/// [`StoreError::Migration`] if one fails or was changed since it was applied; other variants if
/// the server cannot be reached. Nothing is changed then.
pub(crate) async fn apply(route: &Route, migrations: &[Migration]) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect_with(&route.migration_options()).await?;
    let begin = AssertSqlSafe(format!("{}; {LOCK}", route.migration_begin()));
    sqlx::raw_sql(begin).execute(&mut connection).await?;
    connection.execute(CREATE_TABLE).await?;
    let applied = applied(&mut connection).await?;
    for migration in migrations {
        match applied.get(&migration.version) {
            Some(checksum) if *checksum == *migration.checksum => {}
            Some(_) => {
                return Err(failed(&MigrateError::VersionMismatch(migration.version)));
            }
            None => run(&mut connection, migration).await?,
        }
    }
    connection.execute("COMMIT").await?;
    Ok(connection.close().await?)
}

/// Executes statements that change the schema in one transaction.
///
/// # Errors
///
/// [`StoreError`] if one fails. Nothing is changed then.
pub(crate) async fn execute(route: &Route, statements: &'static str) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect_with(&route.migration_options()).await?;
    let begin = AssertSqlSafe(route.migration_begin());
    sqlx::raw_sql(begin).execute(&mut connection).await?;
    connection.execute(statements).await?;
    connection.execute("COMMIT").await?;
    Ok(connection.close().await?)
}

/// Returns the checksums of the applied migrations by version.
async fn applied(connection: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, StoreError> {
    let query = sqlx::query(APPLIED).persistent(false);
    let mut applied = BTreeMap::new();
    for row in query.fetch_all(connection).await? {
        if !row.try_get::<bool, _>("success")? {
            return Err(failed(&MigrateError::Dirty(row.try_get("version")?)));
        }
        applied.insert(row.try_get("version")?, row.try_get("checksum")?);
    }
    Ok(applied)
}

async fn run(connection: &mut PgConnection, migration: &Migration) -> Result<(), StoreError> {
    let rejected = |error| failed(&MigrateError::ExecuteMigration(error, migration.version));
    let statements = sqlx::raw_sql(migration.sql.clone());
    statements
        .execute(&mut *connection)
        .await
        .map_err(rejected)?;
    let record = sqlx::query(RECORD)
        .persistent(false)
        .bind(migration.version)
        .bind(&*migration.description)
        .bind(&*migration.checksum);
    record.execute(connection).await.map_err(rejected)?;
    Ok(())
}
