//! Schema migrations.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::StoreError;
use crate::db::database::{Database, Pools};
use crate::db::postgres::migrate;
use crate::db::value::params;

struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// All migrations, oldest first. A released migration is never edited.
const STEPS: &[Step] = &[INITIAL];
const INITIAL: Step = Step {
    version: 1,
    name: "initial",
    sqlite: include_str!("../../migrations/sqlite/0001_initial.sql"),
    postgres: include_str!("../../migrations/postgres/0001_initial.sql"),
};

const APPLIED: &str = "SELECT version, checksum, success FROM evergrant_migrations";

/// Applies the pending migrations. Several processes may do so concurrently: one applies them, the
/// others wait.
pub(crate) async fn apply(database: &Database) -> Result<(), StoreError> {
    applied(database).await?;
    let migrator = migrator(database);
    match &database.pools {
        Pools::Sqlite { writer, .. } => {
            let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
            migrator
                .run_direct(None, &mut *tx, false)
                .await
                .map_err(StoreError::Migration)?;
            Ok(tx.commit().await?)
        }
        Pools::Postgres(pool) => migrate::apply(pool.migration_route(), &migrator.migrations).await,
    }
}

/// Returns the migrations that have not been applied to the database, as `1 initial`.
pub(crate) async fn pending(database: &Database) -> Result<Vec<String>, StoreError> {
    let applied = applied(database).await?;
    let pending = STEPS.iter().filter(|step| !applied.contains(&step.version));
    Ok(pending
        .map(|step| format!("{} {}", step.version, step.name))
        .collect())
}

/// Returns the versions of the applied migrations; [`StoreError::DevelopmentSchema`] if the first
/// of them is not [`INITIAL`].
async fn applied(database: &Database) -> Result<Vec<i64>, StoreError> {
    let find = database.dialect(
        "SELECT name AS found FROM sqlite_master WHERE name = 'evergrant_migrations'",
        "SELECT to_regclass('evergrant_migrations')::text AS found",
    );
    let found = database.row(find, params![]).await?;
    if found
        .and_then(|row| row.optional_text("found").ok().flatten())
        .is_none()
    {
        return Ok(Vec::new());
    }
    let initial = INITIAL.migration(database);
    let mut versions = Vec::new();
    for row in database.rows(APPLIED, params![]).await? {
        let version = row.big("version")?;
        if version == initial.version && row.bytes("checksum")? != *initial.checksum {
            return Err(StoreError::DevelopmentSchema);
        }
        if row.boolean("success")? {
            versions.push(version);
        }
    }
    Ok(versions)
}

impl Step {
    fn migration(&self, database: &Database) -> Migration {
        let sql = database.dialect(self.sqlite, self.postgres);
        Migration::new(
            self.version,
            self.name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    }
}

fn migrator(database: &Database) -> Migrator {
    let migrations = STEPS.iter().map(|step| step.migration(database));
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The host application may use sqlx's default table for its own migrations.
    migrator.dangerous_set_table_name("evergrant_migrations");
    // A replica of an older version may start on the schema of a newer one.
    migrator.set_ignore_missing(true);
    // The transaction holds a lock until it ends.
    migrator.set_locking(false);
    migrator
}
