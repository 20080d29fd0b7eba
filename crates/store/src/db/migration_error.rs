//! What is reported about a migration that failed.

use sqlx::migrate::MigrateError;

use crate::StoreError;
use crate::db::describe::describe;

/// Returns the error of a migration. It names the table of this program where sqlx names its
/// default one.
pub(crate) fn failed(error: &MigrateError) -> StoreError {
    const PERMISSION_DENIED: &str = "42501";
    let rejection = match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Some(error),
        _ => None,
    };
    let reason = match error {
        MigrateError::Dirty(version) => format!(
            "migration {version} was interrupted; delete its row from evergrant_migrations and migrate again"
        ),
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} was changed after it was applied")
        }
        error => rejection.map_or_else(|| error.to_string(), describe),
    };
    let code = rejection
        .and_then(sqlx::Error::as_database_error)
        .and_then(sqlx::error::DatabaseError::code);
    StoreError::Migration {
        reason,
        is_permission_denied: code.as_deref() == Some(PERMISSION_DENIED),
    }
}
