//! Checks that existing tables `users` and `oauth_accounts` have the columns that Evergrant needs,
//! before anything is written.
//!
//! The host application may have created the tables. Migrations keep a table that exists, so a
//! column of another type would fail every write later, at a place that does not show the reason.

mod columns;
mod fault;
mod postgres;
mod rights;
mod rules;
mod sqlite;
mod table;
mod types;

pub use fault::SchemaFault;

use sqlx::{PgConnection, SqliteConnection};

use crate::StoreError;

/// Checks the shared tables of a PostgreSQL database.
///
/// # Errors
///
/// [`StoreError::SharedTables`] with all faults, other variants if a query fails.
pub(crate) async fn check_postgres(connection: &mut PgConnection) -> Result<(), StoreError> {
    let found = postgres::read(connection).await?;
    let mut faults = rules::faults(&found, &columns::POSTGRES);
    if faults.is_empty() {
        faults = rights::faults(connection).await?;
    }
    finish(faults)
}

/// Checks the shared tables of a SQLite database.
///
/// # Errors
///
/// [`StoreError::SharedTables`] with all faults, other variants if a query fails.
pub(crate) async fn check_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found = sqlite::read(connection).await?;
    finish(rules::faults(&found, &columns::SQLITE))
}

fn finish(faults: Vec<SchemaFault>) -> Result<(), StoreError> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(StoreError::SharedTables(faults))
    }
}
