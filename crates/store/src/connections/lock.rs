//! Locking the row of a connection, after the version of its owner.

use evergrant_model::{ConnectionId, UserId};

use crate::StoreError;
use crate::connections::row::{Connection, columns};
use crate::db::transaction::Transaction;
use crate::db::value::params;

macro_rules! locked {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM oauth_accounts a JOIN users u ON u.id = a.user_id
            JOIN evergrant_connections c ON c.oauth_account_id = a.id WHERE a.id = $1",
            $lock
        )
    };
}
const OWNER: &str = "SELECT user_id FROM oauth_accounts WHERE id = $1";
const LOCKED_SQLITE: &str = locked!("");
const LOCKED_POSTGRES: &str = locked!(" FOR UPDATE OF a, c");

/// Locks the row and returns it; `None` if the connection does not exist or is not imported.
pub(crate) async fn lock(
    tx: &mut Transaction,
    id: ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    let sql = tx.dialect(LOCKED_SQLITE, LOCKED_POSTGRES);
    let row = tx.row(sql, params![id.get()]).await?;
    row.as_ref().map(Connection::read).transpose()
}

/// Increments the version of the connection's owner and locks the row. Returns both; `None` if the
/// connection or its user does not exist, or the connection is not imported.
pub(crate) async fn lock_owned(
    tx: &mut Transaction,
    id: ConnectionId,
) -> Result<Option<(i64, Connection)>, StoreError> {
    let Some(row) = tx.row(OWNER, params![id.get()]).await? else {
        return Ok(None);
    };
    let owner = UserId::try_from(i64::from(row.int("user_id")?));
    let owner = owner.map_err(|_| StoreError::Inconsistent("user_id"))?;
    let Some(version) = tx.increment_version_if_user_exists(owner).await? else {
        return Ok(None);
    };
    match lock(tx, id).await? {
        // Another program has moved the account in between. The caller repeats the transaction.
        Some(row) if row.user != owner => Err(StoreError::Busy),
        row => Ok(row.map(|row| (version, row))),
    }
}
