//! How the store fails.

/// Why the database did not do what was asked. The source says how; it is for the log, never for a
/// caller.
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
    /// The database did not get to it in time, while it answered others: too much was asked of it,
    /// or of one row.
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
        match error
            .as_database_error()
            .map(sqlx::error::DatabaseError::kind)
        {
            Some(sqlx::error::ErrorKind::UniqueViolation) => Self::Conflict,
            Some(sqlx::error::ErrorKind::ForeignKeyViolation) => Self::Missing,
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Whether the database itself is in trouble, as opposed to one statement: it does not answer,
    /// or is shutting down.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Database(error) => error
                .as_database_error()
                .map_or(!is_about_the_statement(error), |refusal| {
                    refusal.code().is_some_and(|code| is_outage_code(&code))
                }),
            _ => false,
        }
    }

    /// Whether a connection has broken under a question: another one may do better.
    pub(crate) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
            Self::Database(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| code.starts_with("57P0") || code.starts_with("08")),
            _ => false,
        }
    }

    /// Whether the database answers but takes no writes, because it is a standby or has no room.
    #[must_use]
    pub fn is_refused_write(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| is_refused_write_code(&code))
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

/// Connection exceptions, operator intervention and insufficient resources of PostgreSQL; busy,
/// locked, I/O and "cannot open" of SQLite, whose extended codes keep the plain one in the low
/// byte.
fn is_outage_code(code: &str) -> bool {
    if code.len() == 5 {
        return !is_refused_write_code(code)
            && ["08", "53", "57"]
                .iter()
                .any(|class| code.starts_with(class));
    }
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 14))
}

/// A read-only transaction and a full disk of PostgreSQL; read-only and full of SQLite.
fn is_refused_write_code(code: &str) -> bool {
    matches!(code, "25006" | "53100")
        || code.len() < 5
            && code
                .parse::<u32>()
                .is_ok_and(|code| matches!(code & 0xff, 8 | 13))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_of_the_database_is_told_from_trouble_with_a_statement() {
        for outage in ["57P01", "08006", "53300", "5", "14", "10", "778", "2570"] {
            assert!(
                is_outage_code(outage) && !is_refused_write_code(outage),
                "{outage}"
            );
        }
        for refused in ["53100", "25006", "13", "8", "1032"] {
            assert!(
                is_refused_write_code(refused) && !is_outage_code(refused),
                "{refused}"
            );
        }
        for statement in [
            "23505", "40P01", "42P01", "22001", "1", "19", "787", "1555", "",
        ] {
            assert!(
                !is_outage_code(statement) && !is_refused_write_code(statement),
                "{statement}"
            );
        }
        assert!(StoreError::Silent.is_outage());
        assert!(!StoreError::from(sqlx::Error::PoolTimedOut).is_outage());
        assert!(!StoreError::Database(sqlx::Error::RowNotFound).is_outage());
        assert!(!StoreError::Conflict.is_outage());
    }
}
