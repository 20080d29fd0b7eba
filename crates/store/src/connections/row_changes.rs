//! The changes that other programs made in the shared tables, as the triggers record them in
//! `evergrant_row_changes`.
//!
//! A recorded change does not say what has changed. The current rows are read and compared with
//! what Evergrant last stored or imported, so several changes of a row are reported as one, in any
//! order, and by one of several replicas.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::{CorrelationId, ProviderAccountId, ProviderSlug, Timestamp, UserId};
use serde_json::{Value, json};

use crate::StoreError;
use crate::connections::import::ExternalRow;
use crate::connections::report::{Changed, MAX_ATTEMPTS, Reported, repeat_if_missing};
use crate::connections::row::{Connection, ConnectionKey, columns, decode};
use crate::connections::row_events::RowEvents;
use crate::db::repository::repository;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, int_array, params};

/// A recorded change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The id, which increases with every change.
    pub id: i64,
    /// The changed row.
    pub subject: ChangedRow,
}

/// The row that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedRow {
    /// Any row: a table was truncated.
    Any,
    /// The row of a user, who was deleted or has another id.
    User(UserId),
    /// The row of an account.
    Account {
        /// The account, and its owner before or after the change.
        key: ConnectionKey,
        /// Whether neither the owner, nor the account, nor a token has changed.
        details_only: bool,
    },
    /// A row that Evergrant does not serve, such as one of a provider with an invalid name.
    Other,
}

const PENDING: &str = "SELECT id, user_id, provider, provider_account_id, details_only
    FROM evergrant_row_changes WHERE id > $1 ORDER BY id LIMIT $2";

macro_rules! current {
    ($given:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM (",
            $given,
            ") AS given JOIN oauth_accounts a
                ON a.provider = given.provider AND a.provider_account_id = given.account
            JOIN users u ON u.id = a.user_id
            LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id ORDER BY a.id"
        )
    };
}
const CURRENT_POSTGRES: &str = current!(
    "SELECT row ->> 0 AS provider, row ->> 1 AS account FROM jsonb_array_elements($1) AS rows (row)"
);
const CURRENT_SQLITE: &str =
    current!("SELECT value ->> 0 AS provider, value ->> 1 AS account FROM json_each($1)");

/// A change that another replica is reporting is skipped.
const CLAIM_POSTGRES: &str = "DELETE FROM evergrant_row_changes WHERE id = ANY(ARRAY(
        SELECT id FROM evergrant_row_changes WHERE id = ANY(CAST($1 AS bigint[]))
        ORDER BY id FOR UPDATE SKIP LOCKED))
    RETURNING id";
const CLAIM_SQLITE: &str = "DELETE FROM evergrant_row_changes
    WHERE id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']')) RETURNING id";
/// Locks the versions in ascending order of ids, like every change of connections.
const INCREMENT_ALL_POSTGRES: &str = "UPDATE evergrant_versions SET version = version + 1
    WHERE user_id = ANY(ARRAY(SELECT user_id FROM evergrant_versions ORDER BY user_id FOR UPDATE))";
const INCREMENT_ALL_SQLITE: &str = "UPDATE evergrant_versions SET version = version + 1";

repository! {
    /// Changes that other programs made in the shared tables.
    RowChangeRepository
}

impl RowChangeRepository {
    /// Returns up to `limit` changes with ids above `after` that are not reported yet, oldest
    /// first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn pending(&self, after: i64, limit: i64) -> Result<Vec<RowChange>, StoreError> {
        let rows = self.database.rows(PENDING, params![after, limit]).await?;
        rows.iter().map(read).collect()
    }

    /// Returns the current rows of these accounts, of any user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn current(
        &self,
        accounts: &BTreeSet<(&ProviderSlug, &ProviderAccountId)>,
    ) -> Result<Vec<Connection>, StoreError> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let given: Value = accounts.iter().map(|account| json!(account)).collect();
        let query = self.database.dialect(CURRENT_SQLITE, CURRENT_POSTGRES);
        decode(self.database.rows(query, params![&given]).await?)
    }

    /// Reports these changes in one transaction: deletes them, imports the external ones of `rows`,
    /// and writes the events. `rows` are the current rows of the changed accounts. A change that
    /// another replica reports is skipped.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails. Nothing is then reported.
    pub async fn report(
        &self,
        changes: &[RowChange],
        rows: &[ExternalRow<'_>],
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Reported, StoreError> {
        repeat_if_missing!(self.try_report(changes, rows, correlation_id, at))
    }

    async fn try_report(
        &self,
        changes: &[RowChange],
        rows: &[ExternalRow<'_>],
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Reported, StoreError> {
        let mut tx = self.database.begin().await?;
        let claimed = claim(&mut tx, changes).await?;
        if claimed.is_empty() {
            return Ok(Reported::default());
        }
        let (combined, is_any) = combined(&claimed, rows);
        if is_any {
            let increment = tx.dialect(INCREMENT_ALL_SQLITE, INCREMENT_ALL_POSTGRES);
            tx.execute(increment, params![]).await?;
            let mut events = RowEvents::default();
            events.everything_changed();
            events.write(&mut tx, correlation_id, at).await?;
        }
        let reported = tx.report(combined, correlation_id, at).await?;
        tx.commit().await?;
        let changes = claimed.len();
        Ok(Reported {
            changes,
            ..reported
        })
    }
}

fn read(row: &Record) -> Result<RowChange, StoreError> {
    Ok(RowChange {
        id: row.big("id")?,
        subject: subject(row).unwrap_or(ChangedRow::Other),
    })
}

/// Returns the changed row; `None` if it is unreadable.
fn subject(row: &Record) -> Option<ChangedRow> {
    let Some(user) = row.optional_int("user_id").ok()? else {
        return Some(ChangedRow::Any);
    };
    let user = UserId::try_from(i64::from(user)).ok()?;
    let Some(provider) = row.optional_text("provider").ok()? else {
        return Some(ChangedRow::User(user));
    };
    let key = ConnectionKey {
        user,
        provider: ProviderSlug::new(provider).ok()?,
        account: ProviderAccountId::new(row.text("provider_account_id").ok()?).ok()?,
    };
    let details_only = row.boolean("details_only").ok()?;
    Some(ChangedRow::Account { key, details_only })
}

/// Deletes the changes and returns those that no other replica has deleted or locked.
async fn claim<'a>(
    tx: &mut Transaction,
    changes: &'a [RowChange],
) -> Result<Vec<&'a RowChange>, StoreError> {
    let list = int_array(changes.iter().map(|change| change.id));
    let claim = tx.dialect(CLAIM_SQLITE, CLAIM_POSTGRES);
    let mut claimed = BTreeSet::new();
    for row in tx.rows(claim, params![list.as_str()]).await? {
        claimed.insert(row.big("id")?);
    }
    let is_claimed = |change: &&RowChange| claimed.contains(&change.id);
    Ok(changes.iter().filter(is_claimed).collect())
}

/// Combines the changes of each row. Also returns whether any row may have changed.
fn combined<'a>(changes: &[&RowChange], rows: &'a [ExternalRow<'a>]) -> (Changed<'a>, bool) {
    let (mut accounts, mut users, mut is_any) = (BTreeMap::new(), BTreeSet::new(), false);
    for change in changes {
        match &change.subject {
            ChangedRow::Any => is_any = true,
            ChangedRow::User(user) => {
                users.insert(*user);
            }
            ChangedRow::Account { key, details_only } => {
                *accounts.entry(key.clone()).or_insert(true) &= *details_only;
            }
            ChangedRow::Other => {}
        }
    }
    let is_changed =
        |row: &&ExternalRow<'_>| accounts.contains_key(&ConnectionKey::from(row.connection));
    let rows = rows.iter().filter(is_changed).collect();
    let details = accounts.iter().filter(|(_, details_only)| **details_only);
    let details = details.map(|(key, _)| key.clone()).collect();
    let removed = accounts.into_keys().collect();
    let combined = Changed {
        rows,
        details,
        removed,
        users,
    };
    (combined, is_any)
}
