//! Importing rows that another program wrote, in batches.
//!
//! A batch takes its locks in the order of all changes of connections: first the versions of the
//! users, then the states of the connections, each in ascending order of ids. Batches therefore do
//! not deadlock with each other or with a change of one connection.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::{ConnectionId, CorrelationId, EventKind, Timestamp, UserId};
use serde_json::{Value, json};

use crate::StoreError;
use crate::connections::external::ExternalRowRepository;
use crate::connections::row::Connection;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, int_array, params};

/// A connection to import, whose tokens another program wrote.
#[derive(Debug)]
pub struct ExternalRow<'a> {
    /// The connection as it was read.
    pub connection: &'a Connection,
    /// Time at which its refresh or check is due; `None` for never.
    pub next_refresh_at: Option<Timestamp>,
    /// Time of the next scheduled change of its status; `None` for never.
    pub next_status_at: Option<Timestamp>,
}

/// Maximum number of times a batch is attempted. It is repeated if a user or an account was deleted
/// meanwhile.
const MAX_ATTEMPTS: u32 = 3;

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

/// `$given` selects `id`, `refresh_at` and `status_at` of each row from the JSON parameter `$1`.
macro_rules! insert {
    ($given:literal) => {
        concat!(
            "INSERT INTO evergrant_connections (oauth_account_id, provider, generation,
                next_refresh_at, next_status_at, correlation_id, observed_token)
            SELECT a.id, a.provider, 1, given.refresh_at, given.status_at, $2,
                substr(a.access_token, 1, 32)
            FROM (",
            $given,
            ") AS given JOIN oauth_accounts a ON a.id = given.id WHERE true ORDER BY a.id
            ON CONFLICT (oauth_account_id) DO NOTHING RETURNING oauth_account_id AS id"
        )
    };
}

/// Updates the rows whose tokens another program has replaced. `$given` is the same SELECT as for
/// [`insert`]. The lease changes as in `lease::replace_tokens`; a test compares the two.
macro_rules! update {
    ($given:literal) => {
        concat!(
            "WITH given AS (",
            $given,
            ") UPDATE evergrant_connections SET provider = a.provider,
                generation = evergrant_connections.generation + 1, lease_expires_at = NULL,
                lease_owner = NULL, in_doubt_since = NULL, source_generation = NULL,
                source_attempt = NULL, status = 'connected', status_reason = NULL, issued_at = NULL,
                next_refresh_at = given.refresh_at, next_status_at = given.status_at, failures = 0,
                last_outcome = NULL, rejected_at = NULL, correlation_id = $2,
                observed_token = substr(a.access_token, 1, 32)
            FROM given JOIN oauth_accounts a ON a.id = given.id
            WHERE evergrant_connections.oauth_account_id = given.id
                AND substr(a.access_token, 1, 32)
                    IS DISTINCT FROM evergrant_connections.observed_token
            RETURNING oauth_account_id AS id"
        )
    };
}

macro_rules! given_postgres {
    ($statement:ident) => {
        $statement!(
            "SELECT CAST(row ->> 0 AS integer) AS id,
                timestamp 'epoch' + CAST(row ->> 1 AS bigint) * interval '1 millisecond' AS refresh_at,
                timestamp 'epoch' + CAST(row ->> 2 AS bigint) * interval '1 millisecond' AS status_at
            FROM jsonb_array_elements($1) AS rows (row)"
        )
    };
}
macro_rules! given_sqlite {
    ($statement:ident) => {
        $statement!(
            "SELECT value ->> 0 AS id, value ->> 1 AS refresh_at, value ->> 2 AS status_at
            FROM json_each($1)"
        )
    };
}
const INSERT_POSTGRES: &str = given_postgres!(insert);
const INSERT_SQLITE: &str = given_sqlite!(insert);
const UPDATE_POSTGRES: &str = given_postgres!(update);
const UPDATE_SQLITE: &str = given_sqlite!(update);
const LOCK_POSTGRES: &str = "SELECT oauth_account_id AS id FROM evergrant_connections
    WHERE oauth_account_id = ANY(CAST($1 AS integer[])) ORDER BY oauth_account_id FOR UPDATE";
const DECREMENT_VERSION: &str =
    "UPDATE evergrant_versions SET version = version - $2 WHERE user_id = $1";

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

impl ExternalRowRepository {
    /// Imports tokens that another program wrote, in one transaction. Each becomes a new generation
    /// of its connection and gets an event, in the order of `rows`. Returns the imported
    /// connections; the others were imported earlier or no longer exist. The recommended batch size
    /// is 1,000 rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails. Nothing is then imported.
    pub async fn import_batch(
        &self,
        rows: &[ExternalRow<'_>],
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        for _ in 1..MAX_ATTEMPTS {
            match self.try_import(rows, correlation_id, at).await {
                Err(StoreError::Missing) => {}
                imported => return imported,
            }
        }
        self.try_import(rows, correlation_id, at).await
    }

    async fn try_import(
        &self,
        rows: &[ExternalRow<'_>],
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        let mut tx = self.database.begin().await?;
        let mut versions = increment_versions(&mut tx, rows).await?;
        let mut rows: Vec<_> = rows
            .iter()
            .filter(|row| versions.contains_key(&row.connection.user))
            .collect();
        let new = insert_states(&mut tx, &rows, correlation_id).await?;
        let others: Vec<_> = rows
            .iter()
            .copied()
            .filter(|row| !new.contains(&row.connection.id))
            .collect();
        let updated = update_states(&mut tx, &others, correlation_id).await?;
        rows.retain(|row| new.contains(&row.connection.id) || updated.contains(&row.connection.id));
        write_events(&mut tx, &rows, (&new, &mut versions), (correlation_id, at)).await?;
        release_versions(&mut tx, &versions).await?;
        tx.commit().await?;
        Ok(rows.into_iter().map(|row| row.connection.id).collect())
    }
}

/// The versions of a user that a batch has allocated and not yet assigned to an event.
struct Versions {
    next: i64,
    last: i64,
}

/// Locks the version of each user and increments it by the number of the user's rows. Returns the
/// allocated versions of the users that exist.
async fn increment_versions(
    tx: &mut Transaction,
    rows: &[ExternalRow<'_>],
) -> Result<BTreeMap<UserId, Versions>, StoreError> {
    let mut increments = BTreeMap::<i32, i64>::new();
    for row in rows {
        *increments.entry(row.connection.user.get()).or_default() += 1;
    }
    let given: Value = increments
        .iter()
        .map(|(user, increment)| json!([user, increment]))
        .collect();
    let increment = tx.dialect(INCREMENT_VERSIONS_SQLITE, INCREMENT_VERSIONS_POSTGRES);
    let mut versions = BTreeMap::new();
    for row in tx.rows(increment, params![&given]).await? {
        let (id, last) = (row.int("id")?, row.big("version")?);
        let user =
            UserId::try_from(i64::from(id)).map_err(|_| StoreError::Inconsistent("user_id"))?;
        let count = increments.get(&id).copied().unwrap_or(0);
        versions.insert(
            user,
            Versions {
                next: last - count + 1,
                last,
            },
        );
    }
    Ok(versions)
}

/// Releases the versions that no event was assigned.
async fn release_versions(
    tx: &mut Transaction,
    versions: &BTreeMap<UserId, Versions>,
) -> Result<(), StoreError> {
    for (user, Versions { next, last }) in versions {
        let unused = last - next + 1;
        if unused > 0 {
            tx.execute(DECREMENT_VERSION, params![user.get(), unused])
                .await?;
        }
    }
    Ok(())
}

/// Inserts the states of connections that have none. Returns those connections.
async fn insert_states(
    tx: &mut Transaction,
    rows: &[&ExternalRow<'_>],
    correlation_id: &CorrelationId,
) -> Result<BTreeSet<ConnectionId>, StoreError> {
    let (given, insert) = (given(rows), tx.dialect(INSERT_SQLITE, INSERT_POSTGRES));
    ids(&tx
        .rows(insert, params![&given, correlation_id.as_str()])
        .await?)
}

/// Updates the states of connections that are not imported yet. Returns those connections.
async fn update_states(
    tx: &mut Transaction,
    rows: &[&ExternalRow<'_>],
    correlation_id: &CorrelationId,
) -> Result<BTreeSet<ConnectionId>, StoreError> {
    if rows.is_empty() {
        return Ok(BTreeSet::new());
    }
    if tx.is_postgres() {
        let list = int_array(rows.iter().map(|row| row.connection.id.get()));
        tx.execute(LOCK_POSTGRES, params![list.as_str()]).await?;
    }
    let (given, update) = (given(rows), tx.dialect(UPDATE_SQLITE, UPDATE_POSTGRES));
    ids(&tx
        .rows(update, params![&given, correlation_id.as_str()])
        .await?)
}

/// Returns the rows as the JSON parameter of a statement.
fn given(rows: &[&ExternalRow<'_>]) -> Value {
    let milliseconds = |time: Option<Timestamp>| time.map(Timestamp::unix_ms);
    let row = |row: &&ExternalRow<'_>| {
        json!([
            row.connection.id,
            milliseconds(row.next_refresh_at),
            milliseconds(row.next_status_at)
        ])
    };
    rows.iter().map(row).collect()
}

/// Writes the event of each row with the next version of its user.
async fn write_events(
    tx: &mut Transaction,
    rows: &[&ExternalRow<'_>],
    (new, versions): (&BTreeSet<ConnectionId>, &mut BTreeMap<UserId, Versions>),
    (correlation_id, at): (&CorrelationId, Timestamp),
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut events = Vec::with_capacity(rows.len());
    for ExternalRow { connection, .. } in rows {
        let versions = versions
            .get_mut(&connection.user)
            .ok_or(StoreError::Missing)?;
        let kind = if new.contains(&connection.id) {
            EventKind::Connected
        } else {
            EventKind::Refreshed
        };
        events.push(json!([
            connection.user,
            versions.next,
            kind,
            connection.provider,
            connection.account
        ]));
        versions.next += 1;
    }
    tx.notify_on_commit();
    let insert = tx.dialect(WRITE_EVENTS_SQLITE, WRITE_EVENTS_POSTGRES);
    tx.execute(
        insert,
        params![&Value::Array(events), correlation_id.as_str(), at],
    )
    .await
    .map(drop)
}

fn ids(rows: &[Record]) -> Result<BTreeSet<ConnectionId>, StoreError> {
    rows.iter()
        .map(|row| row.int("id").map(ConnectionId::new))
        .collect()
}
