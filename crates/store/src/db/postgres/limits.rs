//! What a session may cost, enforced by the server even if this process is gone.

use std::time::Duration;

/// Maximum number of sessions for requests and jobs.
pub(super) const CALLER_SESSIONS: usize = 16;
/// Maximum time that a caller waits for a session while others make progress.
pub(super) const MAX_QUEUE_TIME: Duration = Duration::from_secs(5);
/// Maximum age of a session, so that a session does not stay on an old primary.
pub(super) const MAX_AGE: Duration = Duration::from_mins(30);
/// How long an unused session is kept.
pub(super) const MAX_IDLE_TIME: Duration = Duration::from_mins(10);

/// Limits of every session, as start-up options; through a pooler, of every transaction.
///
/// The client gives up a statement after 5 seconds at most, and cancels it. The server's own limits
/// end it if the client cannot: `statement_timeout` is longer than the client's, so that the client
/// learns the result of a COMMIT first. `idle_in_transaction_session_timeout` frees the rows that a
/// paused process has locked.
pub(super) const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "6s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "3s"),
];

/// Ends a statement whose client has disconnected. PostgreSQL 14 introduced this setting, and not
/// every platform supports it, so it is not a start-up option.
pub(super) const CHECK_CLIENT: &str = "SET client_connection_check_interval = '1s'";

/// Limits of the session of a migration, which may run long.
pub(super) const MIGRATION_LIMITS: [(&str, &str); 3] = [
    ("lock_timeout", "0"),
    ("statement_timeout", "10min"),
    ("idle_in_transaction_session_timeout", "1min"),
];
