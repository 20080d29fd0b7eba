//! Inspection of a database before it is used. It changes nothing.

use sqlx::{PgConnection, Row as _, SqliteConnection};

use crate::StoreError;
use crate::db::dialect::Dialect;
use crate::db::migrations::{self, AppliedMigration};
use crate::db::schema_check;

/// Defines the inspection of one kind of database.
macro_rules! inspection {
    ($name:ident, $connection:ty, $dialect:expr, $check:path) => {
        /// Returns the pending migrations, as `1 initial`.
        ///
        /// # Errors
        ///
        /// [`StoreError::DevelopmentSchema`], or [`StoreError::SharedTables`] with all faults of
        /// the tables of the app.
        pub(crate) async fn $name(connection: &mut $connection) -> Result<Vec<String>, StoreError> {
            let history = migrations::history($dialect);
            let exists = sqlx::raw_sql(history.exists);
            let mut applied = Vec::new();
            if !exists.fetch_all(&mut *connection).await?.is_empty() {
                let rows = sqlx::raw_sql(history.rows);
                for row in rows.fetch_all(&mut *connection).await? {
                    applied.push(AppliedMigration {
                        version: row.try_get("version")?,
                        checksum: row.try_get("checksum")?,
                        success: row.try_get("success")?,
                    });
                }
            }
            let pending = migrations::pending_after(&applied, $dialect)?;
            $check(connection).await?;
            Ok(pending)
        }
    };
}

inspection!(
    postgres,
    PgConnection,
    Dialect::Postgres,
    schema_check::check_postgres
);
inspection!(
    sqlite,
    SqliteConnection,
    Dialect::Sqlite,
    schema_check::check_sqlite
);
