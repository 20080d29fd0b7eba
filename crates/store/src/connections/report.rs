//! Reporting changes that other programs made: the events of one transaction, and the states of the
//! imported connections.
//!
//! The transaction takes its locks in the order of all changes of connections: first the versions
//! of the users, then the states of the connections, each in ascending order of ids. Such
//! transactions therefore do not deadlock with each other or with a change of one connection.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::{
    ConnectionId, CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};
use serde_json::{Value, json};

use crate::StoreError;
use crate::connections::import::{ExternalRow, Imported};
use crate::connections::row::ConnectionKey;
use crate::connections::row_events::{RowEvents, Versions};
use crate::db::transaction::Transaction;
use crate::db::value::{Record, int_array, params};

/// Selects the given accounts that the user no longer has, and whose removal is not the last event
/// about them. `id + 0` keeps the planner from scanning all events by their ids.
macro_rules! removed {
    ($given:literal) => {
        concat!(
            "SELECT given.user_id, given.provider, given.account FROM (",
            $given,
            ") AS given
            WHERE NOT EXISTS (SELECT 1 FROM oauth_accounts a JOIN users u ON u.id = a.user_id
                    WHERE a.provider = given.provider AND a.provider_account_id = given.account
                        AND a.user_id = given.user_id)
                AND COALESCE((SELECT e.kind FROM evergrant_events e
                    WHERE e.user_id = given.user_id AND e.provider = given.provider
                        AND e.provider_account_id = given.account
                    ORDER BY e.id + 0 DESC LIMIT 1), '') <> 'disconnected'
            ORDER BY given.place"
        )
    };
}
const REMOVED_POSTGRES: &str = removed!(
    "SELECT CAST(row ->> 0 AS integer) AS user_id, row ->> 1 AS provider, row ->> 2 AS account,
        place FROM jsonb_array_elements($1) WITH ORDINALITY AS rows (row, place)"
);
const REMOVED_SQLITE: &str = removed!(
    "SELECT value ->> 0 AS user_id, value ->> 1 AS provider, value ->> 2 AS account, key AS place
    FROM json_each($1)"
);
/// The version of a user is deleted with the user, so a user without one may have been deleted and
/// created again.
const KEPT_POSTGRES: &str = "SELECT u.id FROM users u JOIN evergrant_versions v ON v.user_id = u.id
    WHERE u.id = ANY(CAST($1 AS integer[]))";
const KEPT_SQLITE: &str = "SELECT u.id FROM users u JOIN evergrant_versions v ON v.user_id = u.id
    WHERE u.id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))";
/// Rows of Evergrant that refer to a user, without `oauth_accounts`, which belongs to the
/// application too.
const DELETE_ORPHANS: [&str; 5] = [
    "DELETE FROM evergrant_sessions WHERE user_id NOT IN (SELECT id FROM users)",
    "DELETE FROM evergrant_portal_links WHERE user_id NOT IN (SELECT id FROM users)",
    "DELETE FROM evergrant_flows WHERE user_id NOT IN (SELECT id FROM users)",
    "DELETE FROM evergrant_versions WHERE user_id NOT IN (SELECT id FROM users)",
    "UPDATE evergrant_token_copies SET user_id = NULL WHERE user_id NOT IN (SELECT id FROM users)",
];

/// Another SQLite program may have deleted the accounts with foreign keys switched off.
const DETACH_COPIES: &str = "UPDATE evergrant_token_copies SET oauth_account_id = NULL
    WHERE oauth_account_id NOT IN (SELECT id FROM oauth_accounts)";

/// The maximum number of times that a transaction is attempted.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// What other programs may have changed.
#[derive(Default)]
pub(crate) struct Changed<'a> {
    /// The current rows of changed accounts, in the order of their events.
    pub(crate) rows: Vec<&'a ExternalRow<'a>>,
    /// The accounts of which only details changed.
    pub(crate) details: BTreeSet<ConnectionKey>,
    /// Accounts that their user may no longer have.
    pub(crate) removed: BTreeSet<ConnectionKey>,
    /// Users who may have been deleted.
    pub(crate) users: BTreeSet<UserId>,
}

/// What a transaction has reported.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The number of recorded changes that were reported; the others are reported elsewhere.
    pub changes: usize,
    /// The imported connections, in the order of the rows.
    pub imported: Vec<ConnectionId>,
    /// The accounts that their user no longer has.
    pub removed: Vec<ConnectionKey>,
}

/// Runs a transaction, and repeats it if a user or an account was deleted meanwhile.
macro_rules! repeat_if_missing {
    ($transaction:expr) => {{
        let mut attempts = 1;
        loop {
            match $transaction.await {
                Err(StoreError::Missing) if attempts < MAX_ATTEMPTS => attempts += 1,
                result => break result,
            }
        }
    }};
}
pub(crate) use repeat_if_missing;

impl Transaction {
    /// Imports the rows and writes the events of all changes.
    pub(crate) async fn report(
        &mut self,
        mut changed: Changed<'_>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Reported, StoreError> {
        let moved = |row: &&ExternalRow<'_>| row.connection.moved_from.clone();
        changed
            .removed
            .extend(changed.rows.iter().filter_map(moved));
        let deleted = self.deleted_users(&changed.users).await?;
        let counts = event_counts(&changed, &deleted);
        let mut versions = Versions::allocate(self, &counts).await?;
        changed
            .rows
            .retain(|row| !versions.is_deleted(row.connection.user));
        let imported = self.import_rows(&changed.rows, correlation_id).await?;
        let mut events = RowEvents::default();
        for user in deleted {
            events.user_deleted(&mut versions, user)?;
        }
        let removed = self.still_removed(&changed.removed).await?;
        for key in &removed {
            events.about_account(&mut versions, EventKind::Disconnected, key)?;
        }
        let rescheduled = about_rows(&mut events, &mut versions, &changed, &imported)?;
        self.reschedule_rows(&rescheduled, correlation_id).await?;
        versions.release(self).await?;
        events.write(self, correlation_id, at).await?;
        let is_imported = |id: &ConnectionId| imported.event_kind(*id).is_some();
        let ids = changed.rows.iter().map(|row| row.connection.id);
        Ok(Reported {
            changes: 0,
            imported: ids.filter(is_imported).collect(),
            removed,
        })
    }

    /// Returns those of the users who were deleted, and those who were then created again.
    async fn deleted_users(
        &mut self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        if users.is_empty() {
            return Ok(BTreeSet::new());
        }
        if !self.is_postgres() {
            // Another program may have deleted the users with foreign keys switched off.
            for delete in DELETE_ORPHANS {
                self.execute(delete, params![]).await?;
            }
        }
        let list = int_array(users.iter().map(|user| user.get()));
        let query = self.dialect(KEPT_SQLITE, KEPT_POSTGRES);
        let mut deleted = users.clone();
        for row in self.rows(query, params![list.as_str()]).await? {
            if let Ok(user) = UserId::try_from(i64::from(row.int("id")?)) {
                deleted.remove(&user);
            }
        }
        Ok(deleted)
    }

    /// Returns those of the accounts that their user no longer has, and whose removal was not
    /// reported yet.
    async fn still_removed(
        &mut self,
        keys: &BTreeSet<ConnectionKey>,
    ) -> Result<Vec<ConnectionKey>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let given = keys
            .iter()
            .map(|key| json!([key.user, key.provider, key.account]));
        let given: Value = given.collect();
        let query = self.dialect(REMOVED_SQLITE, REMOVED_POSTGRES);
        let removed = self.rows(query, params![&given]).await?;
        if !removed.is_empty() && !self.is_postgres() {
            self.execute(DETACH_COPIES, params![]).await?;
        }
        removed.iter().map(read_removed).collect()
    }
}

fn read_removed(row: &Record) -> Result<ConnectionKey, StoreError> {
    let user = UserId::try_from(i64::from(row.int("user_id")?));
    Ok(ConnectionKey {
        user: user.map_err(|_| StoreError::Inconsistent("user_id"))?,
        provider: ProviderSlug::new(row.text("provider")?)
            .map_err(|_| StoreError::Inconsistent("provider"))?,
        account: ProviderAccountId::new(row.text("account")?)
            .map_err(|_| StoreError::Inconsistent("account"))?,
    })
}

/// Returns the maximum number of events about each user.
fn event_counts(changed: &Changed<'_>, deleted: &BTreeSet<UserId>) -> BTreeMap<UserId, i64> {
    let rows = changed.rows.iter().map(|row| row.connection.user);
    let removed = changed.removed.iter().map(|key| key.user);
    let mut counts = BTreeMap::new();
    for user in rows.chain(removed).chain(deleted.iter().copied()) {
        *counts.entry(user).or_default() += 1;
    }
    counts
}

/// Adds the events about the rows that were imported or whose details have changed. Returns the
/// latter.
fn about_rows<'a>(
    events: &mut RowEvents,
    versions: &mut Versions,
    changed: &Changed<'a>,
    imported: &Imported,
) -> Result<Vec<&'a ExternalRow<'a>>, StoreError> {
    let mut with_other_details = Vec::new();
    for row in &changed.rows {
        let key = row.connection.into();
        if let Some(kind) = imported.event_kind(row.connection.id) {
            events.about_account(versions, kind, &key)?;
        } else if changed.details.contains(&key) {
            events.about_account(versions, EventKind::Refreshed, &key)?;
            with_other_details.push(*row);
        }
    }
    Ok(with_other_details)
}
