//! The error of the store.

use sqlx::postgres::PgDatabaseError;

use crate::db::connect_error::{ConnectError, ConnectFailure, ConnectFault};
use crate::db::describe::{describe, required_column};
use crate::db::file_error::FileError;
use crate::db::schema_check::SchemaFault;

/// The reason why an operation of the store failed.
///
/// The messages are for the log. They contain no values of rows, but names of tables and columns,
/// and must not be shown to callers of the API.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A unique value is taken by another row. Describes the constraint.
    #[error("a unique value is already used by another row: {0}")]
    Conflict(String),
    /// A foreign key refers to a row that does not exist, such as a user that was just deleted.
    #[error("a referenced row does not exist")]
    Missing,
    /// A stored value cannot be represented by this version. Names the column.
    #[error("stored value cannot be read: {0}")]
    Inconsistent(&'static str),
    /// A column cannot be decoded, for example because its type is not the expected one.
    #[error("column {column} cannot be decoded: {reason}")]
    Undecodable {
        /// Name of the column.
        column: &'static str,
        /// The found and the expected type, or what is wrong with the value.
        reason: String,
    },
    /// The tables that are shared with the host application exist with other columns than Evergrant
    /// needs. Nothing was changed.
    #[error("the tables of the app cannot be shared: {}", list(.0))]
    SharedTables(Vec<SchemaFault>),
    /// The URL of the database is malformed. Says what is wrong, without repeating the URL, which
    /// may contain a password.
    #[error("invalid database URL: {0}")]
    Address(String),
    /// The address of the server itself, beside that of a pooler, cannot be used. Says why.
    #[error("{0}")]
    DirectAddress(String),
    /// No server of the URL can be used.
    #[error(transparent)]
    Connect(ConnectError),
    /// The SQLite file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A migration failed, an earlier run was interrupted, or an applied migration was changed
    /// since.
    #[error("migration of the database schema failed: {reason}")]
    Migration {
        /// What failed.
        reason: String,
        /// Whether the database user may not do what the migration needs.
        is_permission_denied: bool,
    },
    /// The schema was created by a development version from before the first release, whose
    /// migrations were replaced. Nothing was changed.
    #[error("this database has the schema of a development version from before the first release")]
    DevelopmentSchema,
    /// A query timed out, and no other query of this process succeeded meanwhile.
    #[error("database query timed out; the database is not responding")]
    Unresponsive,
    /// A query timed out while other queries succeeded: the database, or a lock on one row, is
    /// overloaded.
    #[error("database query timed out; the database is busy")]
    Busy,
    /// The database did not confirm that a transaction is durable: the commit timed out, its
    /// connection broke, or it was not replicated. The transaction may be committed.
    #[error("the database did not confirm a commit; its result is unknown")]
    CommitUnknown(#[source] Option<Box<Self>>),
    /// The database could not be reached, or rejected the query.
    #[error("database query failed: {}", describe(.0))]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        let rejection = error.as_database_error();
        if rejection.is_some_and(|error| {
            error
                .code()
                .is_some_and(|code| is_time_limit_code(&code) || is_retryable_code(&code))
        }) {
            return Self::Busy;
        }
        match rejection.map(sqlx::error::DatabaseError::kind) {
            Some(sqlx::error::ErrorKind::UniqueViolation) => Self::Conflict(describe(&error)),
            Some(sqlx::error::ErrorKind::ForeignKeyViolation) => Self::Missing,
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Returns whether the database is unavailable: it does not respond, is shutting down, or lacks
    /// resources. `false` if only this statement failed.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unresponsive | Self::Connect(_) | Self::File(_) => true,
            Self::CommitUnknown(cause) => cause.as_ref().is_some_and(|cause| cause.is_outage()),
            Self::Database(error) => error
                .as_database_error()
                .map_or(!is_statement_error(error), |error| {
                    error.code().is_some_and(|code| is_outage_code(&code))
                }),
            _ => false,
        }
    }

    /// Returns whether a transaction may be committed, but is not known to be durable.
    #[must_use]
    pub fn is_unknown_commit(&self) -> bool {
        matches!(self, Self::CommitUnknown(_))
    }

    /// Returns whether the database refuses this statement, for example by a trigger of the app,
    /// while it would accept others.
    #[must_use]
    pub fn is_refused_statement(&self) -> bool {
        match self {
            Self::Conflict(_)
            | Self::Missing
            | Self::Inconsistent(_)
            | Self::Undecodable { .. } => true,
            Self::Database(error) => {
                error.as_database_error().is_some() && !self.is_outage() && !self.is_refused_write()
            }
            _ => false,
        }
    }

    /// Returns the column that a read cannot represent. Only the row of that read is affected.
    pub(crate) fn unreadable_column(&self) -> Option<&'static str> {
        match self {
            Self::Inconsistent(column) | Self::Undecodable { column, .. } => Some(column),
            _ => None,
        }
    }

    /// Returns the column without a value that the table requires, if an INSERT or UPDATE failed
    /// for this reason.
    pub(crate) fn required_column(&self) -> Option<String> {
        match self {
            Self::Database(error) => required_column(error),
            _ => None,
        }
    }

    /// Returns whether the connection broke during the query. The query may succeed on another one.
    pub(crate) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
            Self::Database(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| is_lost_connection_code(&code)),
            _ => false,
        }
    }

    /// Returns whether the columns of a table have changed since the statement was prepared on this
    /// session. It succeeds once it is prepared again.
    pub(crate) fn is_outdated_statement(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return false;
        };
        let rejection = error.try_downcast_ref::<PgDatabaseError>();
        // The SQLSTATE is `feature_not_supported`, and the message is translated.
        rejection.is_some_and(|rejection| rejection.routine() == Some("RevalidateCachedQuery"))
    }

    /// Returns whether the server cannot open a session now: it is starting, or its limit of
    /// sessions is reached.
    pub(crate) fn is_full_server(&self) -> bool {
        let is_full = |failure: &ConnectFailure| {
            let fault = &failure.fault;
            matches!(
                fault,
                ConnectFault::TooManyConnections(_) | ConnectFault::NotReady(_)
            )
        };
        matches!(self, Self::Connect(error) if error.failures.iter().any(is_full))
    }

    /// Returns whether the database responds but rejects writes, because it is a standby or its
    /// disk is full.
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

/// Returns whether the statement or its result is at fault, not the database.
fn is_statement_error(error: &sqlx::Error) -> bool {
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

/// Returns whether a SQLSTATE means that the server ended a statement at a time limit or on
/// request: `lock_not_available` and `query_canceled`.
fn is_time_limit_code(code: &str) -> bool {
    matches!(code, "55P03" | "57014")
}

/// Returns whether a SQLSTATE means that the server ends the session: classes 08 (connection
/// exception) and 57P (shutdown), and `idle_in_transaction_session_timeout`.
fn is_lost_connection_code(code: &str) -> bool {
    code.starts_with("57P0") || code.starts_with("08") || code == "25P03"
}

fn list(faults: &[SchemaFault]) -> String {
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

/// Returns whether a SQLSTATE means that the same statement may succeed at once:
/// `serialization_failure` and `deadlock_detected`.
fn is_retryable_code(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}

/// Returns whether a SQLSTATE or SQLite result code means that the database is unavailable.
///
/// PostgreSQL: classes 08 (connection exception), 28 (invalid authorization), 3D (missing
/// database), 53 (insufficient resources) and 57 (operator intervention). SQLite: BUSY, LOCKED,
/// IOERR of anything but a write, and CANTOPEN; the low byte of an extended code is the primary
/// code.
fn is_outage_code(code: &str) -> bool {
    if code.len() == 5 {
        return !is_refused_write_code(code)
            && ["08", "28", "3D", "53", "57"]
                .iter()
                .any(|class| code.starts_with(class));
    }
    !is_refused_write_code(code)
        && code
            .parse::<u32>()
            .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 14))
}

/// `IOERR_WRITE`, `IOERR_FSYNC`, `IOERR_DIR_FSYNC`, `IOERR_TRUNCATE` and `IOERR_SHMSIZE`.
const SQLITE_IOERR_OF_WRITE: &[u32] = &[778, 1034, 1290, 1546, 4874];

/// Returns whether a code means that writes are rejected: `read_only_sql_transaction` and
/// `disk_full` of PostgreSQL; READONLY, FULL, and IOERR of a write of SQLite: a limit of the file
/// size or a quota is such an error.
fn is_refused_write_code(code: &str) -> bool {
    matches!(code, "25006" | "53100")
        || code.len() < 5
            && code.parse::<u32>().is_ok_and(|code| {
                matches!(code & 0xff, 8 | 13) || SQLITE_IOERR_OF_WRITE.contains(&code)
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_rejected_writes_and_statement_errors_are_distinguished() {
        for outage in [
            "57P01", "08006", "53300", "28P01", "5", "14", "10", "266", "2570",
        ] {
            assert!(
                is_outage_code(outage) && !is_refused_write_code(outage),
                "{outage}"
            );
        }
        for refused in ["53100", "25006", "13", "8", "1032", "778", "1034"] {
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
        assert!(StoreError::Unresponsive.is_outage());
        assert!(!StoreError::from(sqlx::Error::PoolTimedOut).is_outage());
        assert!(!StoreError::Database(sqlx::Error::RowNotFound).is_outage());
        assert!(!StoreError::Conflict(String::new()).is_outage());
    }
}
