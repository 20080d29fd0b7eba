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
    /// The database did not answer in time, and answered nobody else either.
    #[error("the database did not answer in time")]
    Silent,
    /// The database did not get to it in time, while it answered others: too much was asked of it, or of one row.
    #[error("the database was too busy to answer in time")]
    Busy,
    /// The database could not be reached or refused.
    #[error("the database could not do it")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
            Some(sqlx::error::ErrorKind::UniqueViolation) => Self::Conflict,
            Some(sqlx::error::ErrorKind::ForeignKeyViolation) => Self::Missing,
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Whether the database itself is in trouble, as opposed to one statement: it does not answer, is shutting down,
    /// takes no writes, or has no room.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Database(error) => error.as_database_error().map_or(!is_about_the_statement(error), |refusal| {
                refusal.code().is_some_and(|code| is_outage_code(&code))
            }),
            _ => false,
        }
    }
}

/// Whether the fault lies in what was asked or in what was found.
fn is_about_the_statement(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::RowNotFound
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
    )
}

/// Connection exceptions, operator intervention, insufficient resources and read-only transactions of PostgreSQL; busy,
/// locked, read-only, I/O, full and "cannot open" of SQLite, whose extended codes keep the plain one in the low byte.
fn is_outage_code(code: &str) -> bool {
    if code.len() == 5 {
        return code == "25006" || ["08", "53", "57"].iter().any(|class| code.starts_with(class));
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_of_the_database_is_told_from_trouble_with_a_statement() {
        for outage in ["57P01", "08006", "53300", "53100", "25006", "5", "13", "14", "10", "8", "778", "2570"] {
            assert!(is_outage_code(outage), "{outage}");
        }
        for statement in ["23505", "40P01", "42P01", "22001", "1", "19", "787", "1555", ""] {
            assert!(!is_outage_code(statement), "{statement}");
        }
        assert!(StoreError::Silent.is_outage());
        assert!(!StoreError::from(sqlx::Error::PoolTimedOut).is_outage());
        assert!(!StoreError::Database(sqlx::Error::RowNotFound).is_outage());
        assert!(!StoreError::Conflict.is_outage());
    }
}
