//! The advisory lock of a replica, which its session for notifications holds. The server releases
//! it when the session ends.

use sqlx::Executor;
use sqlx::postgres::PgListener;

/// A SQL expression for whether no session holds the lock of a replica, given an expression for its
/// id; NULL without an id. Until the transaction ends, a session that requests the lock waits.
///
/// The key has two parts; the first is `EVGR` in ASCII. PostgreSQL distinguishes such keys from
/// those with one part, which migrations use. If two ids have the same hash, the second replica
/// has no lock.
macro_rules! replica_lock_is_free {
    ($id:literal) => {
        concat!(
            "pg_try_advisory_xact_lock_shared(1163282258, hashtext(",
            $id,
            "))"
        )
    };
}
pub(crate) use replica_lock_is_free;

/// Other sessions keep the lock only for a moment, unless they are this replica's own, whose end
/// the server has not noticed yet.
const LIMIT: &str = "SET lock_timeout = '250ms'";
const ACQUIRE: &str = "SELECT pg_advisory_lock(1163282258, hashtext($1))";

/// Acquires the lock of `replica` for as long as the session of `listener` lives. Without it, the
/// leases of the replica are taken over only after they expire.
pub(super) async fn acquire(listener: &mut PgListener, replica: &str) -> Result<(), sqlx::Error> {
    listener.execute(LIMIT).await?;
    let acquire = sqlx::query(ACQUIRE).persistent(false).bind(replica);
    match acquire.execute(listener).await {
        Err(error @ sqlx::Error::Database(_)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to acquire the lock of this replica; if it crashes, its refreshes can be \
                 taken over only after 20 seconds"
            );
            Ok(())
        }
        acquired => acquired.map(drop),
    }
}
