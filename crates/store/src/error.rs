//! How the store fails.

/// Why the database did not do what was asked. The source says how; it is for the log, never for a caller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A unique value is taken by another row.
    #[error("another row holds this value")]
    Conflict,
    /// A row refers to one that is not there, such as a user just deleted.
    #[error("a row that this one refers to is gone")]
    Missing,
    /// What is stored contradicts itself.
    #[error("the stored data is inconsistent: {0}")]
    Inconsistent(&'static str),
    /// The address of the database cannot be read.
    #[error("the address of the database is not usable: {0}")]
    Address(String),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database could not be reached or refused.
    #[error("the database could not do it")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
            Some(sqlx::error::ErrorKind::UniqueViolation) => Self::Conflict,
            Some(sqlx::error::ErrorKind::ForeignKeyViolation) => Self::Missing,
            _ => Self::Database(error),
        }
    }
}
