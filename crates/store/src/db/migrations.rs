//! The migrations of the schema.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::StoreError;
use crate::db::database::{Database, Pools};
use crate::db::value::params;

struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Every migration there ever was, oldest first. One that has shipped is never edited.
const STEPS: &[Step] = &[
    Step {
        version: 1,
        name: "first",
        sqlite: include_str!("../../migrations/sqlite/0001_first.sql"),
        postgres: include_str!("../../migrations/postgres/0001_first.sql"),
    },
    Step {
        version: 2,
        name: "renewal",
        sqlite: include_str!("../../migrations/sqlite/0002_renewal.sql"),
        postgres: include_str!("../../migrations/postgres/0002_renewal.sql"),
    },
    Step {
        version: 3,
        name: "console",
        sqlite: include_str!("../../migrations/sqlite/0003_console.sql"),
        postgres: include_str!("../../migrations/postgres/0003_console.sql"),
    },
];

/// Applies the missing migrations. Several processes may do so at once: one applies them, the
/// others wait.
pub(crate) async fn apply(database: &Database) -> Result<(), StoreError> {
    let migrator = migrator(database);
    match &database.pools {
        Pools::Sqlite { writer, .. } => {
            // Only for PostgreSQL does the migrator lock out others itself.
            let mut work = writer.begin_with("BEGIN IMMEDIATE").await?;
            migrator
                .run_direct(None, &mut *work, false)
                .await
                .map_err(StoreError::Migration)?;
            Ok(work.commit().await?)
        }
        Pools::Postgres(pool) => migrator
            .run(&pool.pool)
            .await
            .map_err(StoreError::Migration),
    }
}

/// The migrations that this program knows and the database has not seen, as `1 first`.
pub(crate) async fn pending(database: &Database) -> Result<Vec<String>, StoreError> {
    let applied = applied(database).await?;
    let pending = STEPS.iter().filter(|step| !applied.contains(&step.version));
    Ok(pending
        .map(|step| format!("{} {}", step.version, step.name))
        .collect())
}

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
    let applied = database
        .rows(
            "SELECT version FROM evergrant_migrations WHERE success",
            params![],
        )
        .await?;
    applied.iter().map(|row| row.big("version")).collect()
}

fn migrator(database: &Database) -> Migrator {
    let migrations = STEPS.iter().map(|step| {
        let sql = match &database.pools {
            Pools::Sqlite { .. } => step.sqlite,
            Pools::Postgres(_) => step.postgres,
        };
        Migration::new(
            step.version,
            step.name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The host application may use the same tool for its own tables; and an older replica may meet
    // a newer schema.
    migrator.dangerous_set_table_name("evergrant_migrations");
    migrator.set_ignore_missing(true);
    migrator
}
