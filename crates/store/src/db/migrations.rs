//! Schema migrations.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::StoreError;
use crate::db::database::{Database, Pools};
use crate::db::dialect::Dialect;
use crate::db::migration_error::failed;
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

/// The queries of the applied migrations. All columns are text, so that the queries also work in
/// the simple query protocol.
pub(crate) struct History {
    /// Returns a row if the table of applied migrations exists.
    pub(crate) exists: &'static str,
    /// Returns `version`, `checksum` (hexadecimal) and `success` of each applied migration.
    pub(crate) rows: &'static str,
}

const SQLITE_HISTORY: History = History {
    exists: "SELECT name FROM sqlite_master WHERE name = 'evergrant_migrations'",
    rows: "SELECT CAST(version AS TEXT) AS version, lower(hex(checksum)) AS checksum,
            CAST(success AS TEXT) AS success
        FROM evergrant_migrations",
};
const POSTGRES_HISTORY: History = History {
    exists: "SELECT to_regclass('evergrant_migrations')::text AS name
        WHERE to_regclass('evergrant_migrations') IS NOT NULL",
    rows: "SELECT version::text AS version, encode(checksum, 'hex') AS checksum,
            success::int::text AS success
        FROM evergrant_migrations",
};

/// A row of the table of applied migrations.
pub(crate) struct AppliedMigration {
    pub(crate) version: String,
    /// SHA-384 of the SQL text in hexadecimal digits.
    pub(crate) checksum: String,
    /// `1` if the migration is complete.
    pub(crate) success: String,
}

/// Applies the pending migrations. Several processes may do so concurrently: one applies them, the
/// others wait.
pub(crate) async fn apply(database: &Database) -> Result<(), StoreError> {
    pending(database).await?;
    let migrator = migrator(database);
    match &database.pools {
        Pools::Sqlite { writer, .. } => {
            let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
            migrator
                .run_direct(None, &mut *tx, false)
                .await
                .map_err(|error| failed(&error))?;
            Ok(tx.commit().await?)
        }
        Pools::Postgres(pool) => migrate::apply(pool.migration_route(), &migrator.migrations).await,
    }
}

/// Returns the migrations that have not been applied to the database, as `1 initial`.
pub(crate) async fn pending(database: &Database) -> Result<Vec<String>, StoreError> {
    let dialect = dialect_of(database);
    let history = history(dialect);
    let mut applied = Vec::new();
    if database.row(history.exists, params![]).await?.is_some() {
        for row in database.rows(history.rows, params![]).await? {
            applied.push(AppliedMigration {
                version: row.text("version")?,
                checksum: row.text("checksum")?,
                success: row.text("success")?,
            });
        }
    }
    pending_after(&applied, dialect)
}

/// Returns the queries of the applied migrations.
pub(crate) fn history(dialect: Dialect) -> History {
    match dialect {
        Dialect::Sqlite => SQLITE_HISTORY,
        Dialect::Postgres => POSTGRES_HISTORY,
    }
}

/// Returns the migrations that are not in `applied`, as `1 initial`.
///
/// # Errors
///
/// [`StoreError::DevelopmentSchema`] if the first of `applied` is not [`INITIAL`].
pub(crate) fn pending_after(
    applied: &[AppliedMigration],
    dialect: Dialect,
) -> Result<Vec<String>, StoreError> {
    let initial = INITIAL.migration(dialect);
    let checksum = initial.checksum.iter().map(|byte| format!("{byte:02x}"));
    let checksum: String = checksum.collect();
    let is_other = |row: &AppliedMigration| INITIAL.is(row) && row.checksum != checksum;
    if applied.iter().any(is_other) {
        return Err(StoreError::DevelopmentSchema);
    }
    let is_applied = |step: &Step| {
        let row = applied.iter().find(|row| step.is(row));
        row.is_some_and(|row| row.success == "1")
    };
    let pending = STEPS.iter().filter(|step| !is_applied(step));
    Ok(pending
        .map(|step| format!("{} {}", step.version, step.name))
        .collect())
}

fn dialect_of(database: &Database) -> Dialect {
    match &database.pools {
        Pools::Sqlite { .. } => Dialect::Sqlite,
        Pools::Postgres(_) => Dialect::Postgres,
    }
}

impl Step {
    fn is(&self, row: &AppliedMigration) -> bool {
        row.version == self.version.to_string()
    }

    fn migration(&self, dialect: Dialect) -> Migration {
        let sql = match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        };
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
    let dialect = dialect_of(database);
    let migrations = STEPS.iter().map(|step| step.migration(dialect));
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The host application may use sqlx's default table for its own migrations.
    migrator.dangerous_set_table_name("evergrant_migrations");
    // A replica of an older version may start on the schema of a newer one.
    migrator.set_ignore_missing(true);
    // The transaction holds a lock until it ends.
    migrator.set_locking(false);
    migrator
}
