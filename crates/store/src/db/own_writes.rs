//! The mark by which the triggers on the shared tables tell Evergrant's own transactions from those
//! of other programs.
//!
//! PostgreSQL: a setting that lasts until the end of the transaction, so that it also works behind
//! a transaction pooler. SQLite: a row that the transaction deletes again before it commits, which
//! no other connection ever sees.

use crate::StoreError;
use crate::db::database::Database;
use crate::db::transaction::Transaction;
use crate::db::value::params;

const MARK_SQLITE: &str = "INSERT INTO evergrant_own_write (id) VALUES (1)";
const MARK_POSTGRES: &str = "SELECT set_config('evergrant.writer', 'evergrant', true)";
const UNMARK_SQLITE: &str = "DELETE FROM evergrant_own_write";

impl Database {
    /// Begins a transaction that writes `users` or `oauth_accounts` and reports its changes itself.
    pub(crate) async fn begin_own_write(&self) -> Result<Transaction, StoreError> {
        let mut tx = self.begin().await?;
        let mark = tx.dialect(MARK_SQLITE, MARK_POSTGRES);
        tx.execute(mark, params![]).await?;
        tx.is_own_write = true;
        Ok(tx)
    }
}

impl Transaction {
    /// Removes the mark of a transaction that is about to commit.
    pub(crate) async fn remove_mark(&mut self) -> Result<(), StoreError> {
        if self.is_own_write && !self.is_postgres() {
            self.execute(UNMARK_SQLITE, params![]).await?;
        }
        Ok(())
    }
}
