//! Versions and events for changes that other programs made, of many users in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::{CorrelationId, EventKind, Timestamp, UserId};
use serde_json::{Value, json};

use crate::StoreError;
use crate::connections::row::ConnectionKey;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, int_array, params};

/// `$given` selects `user_id` and `increment` of each user from the JSON parameter `$1`.
macro_rules! increment_versions {
    ($given:literal) => {
        concat!(
            "INSERT INTO evergrant_versions (user_id, version)
            SELECT u.id, given.increment FROM (",
            $given,
            ") AS given JOIN users u ON u.id = given.user_id WHERE true ORDER BY u.id
            ON CONFLICT (user_id) DO UPDATE SET version = evergrant_versions.version + excluded.version
            RETURNING user_id AS id, version"
        )
    };
}
const INCREMENT_VERSIONS_POSTGRES: &str = increment_versions!(
    "SELECT CAST(row ->> 0 AS integer) AS user_id, CAST(row ->> 1 AS bigint) AS increment
    FROM jsonb_array_elements($1) AS rows (row)"
);
const INCREMENT_VERSIONS_SQLITE: &str = increment_versions!(
    "SELECT value ->> 0 AS user_id, value ->> 1 AS increment FROM json_each($1)"
);
const DECREMENT_VERSION: &str =
    "UPDATE evergrant_versions SET version = version - $2 WHERE user_id = $1";
const LAST_VERSIONS_POSTGRES: &str = "SELECT user_id AS id, MAX(version) AS version
    FROM evergrant_events WHERE user_id = ANY(CAST($1 AS integer[])) GROUP BY user_id";
const LAST_VERSIONS_SQLITE: &str = "SELECT user_id AS id, MAX(version) AS version
    FROM evergrant_events WHERE user_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))
    GROUP BY user_id";

macro_rules! write_events {
    ($given:literal) => {
        concat!(
            "INSERT INTO evergrant_events (user_id, version, kind, provider, provider_account_id,
                correlation_id, created_at) ",
            $given
        )
    };
}
const WRITE_EVENTS_POSTGRES: &str = write_events!(
    "SELECT CAST(row ->> 0 AS integer), CAST(row ->> 1 AS bigint), row ->> 2, row ->> 3,
        row ->> 4, $2, $3
    FROM jsonb_array_elements($1) WITH ORDINALITY AS rows (row, place) ORDER BY place"
);
const WRITE_EVENTS_SQLITE: &str = write_events!(
    "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, $2, $3
    FROM json_each($1) ORDER BY key"
);

/// Versions that a transaction has allocated and not yet assigned to an event.
pub(crate) struct Versions {
    of_users: BTreeMap<UserId, Allocated>,
    /// The users that do not exist. Their versions continue those of their last events.
    deleted: BTreeSet<UserId>,
}

struct Allocated {
    next: i64,
    last: i64,
}

impl Versions {
    /// Locks the version of each user, in ascending order of ids, and increments it by the given
    /// number.
    pub(crate) async fn allocate(
        tx: &mut Transaction,
        counts: &BTreeMap<UserId, i64>,
    ) -> Result<Self, StoreError> {
        let given: Value = counts
            .iter()
            .map(|(user, count)| json!([user, count]))
            .collect();
        let increment = tx.dialect(INCREMENT_VERSIONS_SQLITE, INCREMENT_VERSIONS_POSTGRES);
        let mut of_users = BTreeMap::new();
        for row in tx.rows(increment, params![&given]).await? {
            let (user, last) = read_version(&row)?;
            let count = counts.get(&user).copied().unwrap_or(0);
            let next = last - count + 1;
            of_users.insert(user, Allocated { next, last });
        }
        let is_missing = |user: &UserId| !of_users.contains_key(user);
        let deleted: BTreeSet<_> = counts.keys().copied().filter(is_missing).collect();
        if !deleted.is_empty() {
            of_users.extend(after_last_events(tx, &deleted).await?);
        }
        Ok(Self { of_users, deleted })
    }

    /// Returns whether the user does not exist.
    pub(crate) fn is_deleted(&self, user: UserId) -> bool {
        self.deleted.contains(&user)
    }

    /// Returns the next version of the user.
    pub(crate) fn next(&mut self, user: UserId) -> Result<i64, StoreError> {
        let versions = self.of_users.get_mut(&user).ok_or(StoreError::Missing)?;
        versions.next += 1;
        Ok(versions.next - 1)
    }

    /// Decrements the versions of users for whom not all allocated versions were assigned.
    pub(crate) async fn release(self, tx: &mut Transaction) -> Result<(), StoreError> {
        for (user, Allocated { next, last }) in &self.of_users {
            let unused = last - next + 1;
            if unused > 0 && !self.is_deleted(*user) {
                tx.execute(DECREMENT_VERSION, params![user.get(), unused])
                    .await?;
            }
        }
        Ok(())
    }
}

/// Returns the versions after the last events of these users, who do not exist. Users without
/// events start at 1.
async fn after_last_events(
    tx: &mut Transaction,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, Allocated>, StoreError> {
    let list = int_array(users.iter().map(|user| user.get()));
    let query = tx.dialect(LAST_VERSIONS_SQLITE, LAST_VERSIONS_POSTGRES);
    let after = |last: i64| Allocated {
        next: last + 1,
        last,
    };
    let mut versions: BTreeMap<_, _> = users.iter().map(|user| (*user, after(0))).collect();
    for row in tx.rows(query, params![list.as_str()]).await? {
        let (user, newest) = read_version(&row)?;
        versions.insert(user, after(newest));
    }
    Ok(versions)
}

fn read_version(row: &Record) -> Result<(UserId, i64), StoreError> {
    let user = UserId::try_from(i64::from(row.int("id")?));
    let user = user.map_err(|_| StoreError::Inconsistent("user_id"))?;
    Ok((user, row.big("version")?))
}

/// The events that a transaction writes, in order.
#[derive(Default)]
pub(crate) struct RowEvents(Vec<Value>);

impl RowEvents {
    /// Adds an event about an account.
    pub(crate) fn about_account(
        &mut self,
        versions: &mut Versions,
        kind: EventKind,
        key: &ConnectionKey,
    ) -> Result<(), StoreError> {
        let version = versions.next(key.user)?;
        self.0
            .push(json!([key.user, version, kind, key.provider, key.account]));
        Ok(())
    }

    /// Adds the event that a user was deleted.
    pub(crate) fn user_deleted(
        &mut self,
        versions: &mut Versions,
        user: UserId,
    ) -> Result<(), StoreError> {
        let (version, kind) = (versions.next(user)?, EventKind::Disconnected);
        self.0.push(json!([user, version, kind, null, null]));
        Ok(())
    }

    /// Adds the event that any connection may have changed.
    pub(crate) fn everything_changed(&mut self) {
        let installation = 0;
        let kind = EventKind::Reset;
        self.0.push(json!([installation, 0, kind, null, null]));
    }

    pub(crate) async fn write(
        self,
        tx: &mut Transaction,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let count = self.0.len();
        if count > 0 {
            tx.notify_on_commit();
            let insert = tx.dialect(WRITE_EVENTS_SQLITE, WRITE_EVENTS_POSTGRES);
            let events = Value::Array(self.0);
            tx.execute(insert, params![&events, correlation_id.as_str(), at])
                .await?;
        }
        Ok(count)
    }
}
