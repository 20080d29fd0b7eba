//! Importing rows that another program wrote, many in one transaction.
//!
//! The locks are taken in the order of all changes of connections: first the versions of the users,
//! then the state rows, each by ascending id, so that two batches, or a batch and a change of one
//! connection, cannot deadlock.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::{ConnectionId, CorrelationId, EventKind, Timestamp, UserId};
use serde_json::{Value, json};

use crate::StoreError;
use crate::connections::external::ExternalRowRepository;
use crate::connections::row::Connection;
use crate::db::value::{Record, int_array, params};
use crate::db::work::Work;

/// A connection whose tokens another program wrote, about to be imported.
#[derive(Debug)]
pub struct ExternalRow<'a> {
    /// The connection as it was read.
    pub held: &'a Connection,
    /// When its refresh or check is due; `None` for never.
    pub next_refresh_at: Option<Timestamp>,
    /// When time alone next changes its status; `None` for never.
    pub next_status_at: Option<Timestamp>,
}

/// How often a batch is begun anew because a user or an account was deleted while it ran.
const TRIES: u32 = 3;

/// `$given` reads `user_id` and `raise` of each user from the JSON parameter `$1`.
macro_rules! raise_versions {
    ($given:literal) => {
        concat!(
            "INSERT INTO evergrant_versions (user_id, version)
            SELECT u.id, given.raise FROM (",
            $given,
            ") AS given JOIN users u ON u.id = given.user_id WHERE true ORDER BY u.id
            ON CONFLICT (user_id) DO UPDATE SET version = evergrant_versions.version + excluded.version
            RETURNING user_id AS id, version"
        )
    };
}
const RAISE_VERSIONS_POSTGRES: &str = raise_versions!(
    "SELECT CAST(row ->> 0 AS integer) AS user_id, CAST(row ->> 1 AS bigint) AS raise
    FROM jsonb_array_elements($1) AS rows (row)"
);
const RAISE_VERSIONS_SQLITE: &str =
    raise_versions!("SELECT value ->> 0 AS user_id, value ->> 1 AS raise FROM json_each($1)");

/// `$given` reads `id`, `due_at` and `status_at` of each row from the JSON parameter `$1`.
macro_rules! insert {
    ($given:literal) => {
        concat!(
            "INSERT INTO evergrant_connections (oauth_account_id, provider, generation, next_refresh_at, turns_at,
                correlation_id, known_token)
            SELECT a.id, a.provider, 1, given.due_at, given.status_at, $2, substr(a.access_token, 1, 32)
            FROM (",
            $given,
            ") AS given JOIN oauth_accounts a ON a.id = given.id WHERE true ORDER BY a.id
            ON CONFLICT (oauth_account_id) DO NOTHING RETURNING oauth_account_id AS id"
        )
    };
}

/// As [`insert`]. The lease goes the way of `lease::replace_tokens`, which a test compares this with.
macro_rules! update {
    ($given:literal) => {
        concat!(
            "WITH given AS (",
            $given,
            ") UPDATE evergrant_connections SET provider = a.provider,
                generation = evergrant_connections.generation + 1, held_until = NULL, lease_owner = NULL,
                doubt_since = NULL, bought_with = NULL, bought_attempt = NULL, status = 'connected',
                status_reason = NULL, issued_at = NULL, next_refresh_at = given.due_at, turns_at = given.status_at,
                failures = 0, last_outcome = NULL, refused_at = NULL, correlation_id = $2,
                known_token = substr(a.access_token, 1, 32)
            FROM given JOIN oauth_accounts a ON a.id = given.id
            WHERE evergrant_connections.oauth_account_id = given.id
                AND substr(a.access_token, 1, 32) IS DISTINCT FROM evergrant_connections.known_token
            RETURNING oauth_account_id AS id"
        )
    };
}

macro_rules! given_postgres {
    ($statement:ident) => {
        $statement!(
            "SELECT CAST(row ->> 0 AS integer) AS id,
                timestamp 'epoch' + CAST(row ->> 1 AS bigint) * interval '1 millisecond' AS due_at,
                timestamp 'epoch' + CAST(row ->> 2 AS bigint) * interval '1 millisecond' AS status_at
            FROM jsonb_array_elements($1) AS rows (row)"
        )
    };
}
macro_rules! given_sqlite {
    ($statement:ident) => {
        $statement!("SELECT value ->> 0 AS id, value ->> 1 AS due_at, value ->> 2 AS status_at FROM json_each($1)")
    };
}
const INSERT_POSTGRES: &str = given_postgres!(insert);
const INSERT_SQLITE: &str = given_sqlite!(insert);
const UPDATE_POSTGRES: &str = given_postgres!(update);
const UPDATE_SQLITE: &str = given_sqlite!(update);
const LOCK_POSTGRES: &str = "SELECT oauth_account_id AS id FROM evergrant_connections
    WHERE oauth_account_id = ANY(CAST($1 AS integer[])) ORDER BY oauth_account_id FOR UPDATE";
const LOWER_VERSION: &str =
    "UPDATE evergrant_versions SET version = version - $2 WHERE user_id = $1";

const ANNOUNCE_POSTGRES: &str = "INSERT INTO evergrant_events
        (user_id, version, kind, provider, provider_account_id, correlation_id, created_at)
    SELECT CAST(row ->> 0 AS integer), CAST(row ->> 1 AS bigint), row ->> 2, row ->> 3, row ->> 4, $2, $3
    FROM jsonb_array_elements($1) WITH ORDINALITY AS rows (row, place) ORDER BY place";
const ANNOUNCE_SQLITE: &str = "INSERT INTO evergrant_events
        (user_id, version, kind, provider, provider_account_id, correlation_id, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, $2, $3 FROM json_each($1) ORDER BY key";

impl ExternalRowRepository {
    /// Imports the tokens that another program wrote, in one transaction: they become the current
    /// ones of their connections, and each connection gets its event, in the order of `rows`.
    /// Answers the connections that were imported; the others are imported already or gone. A
    /// thousand rows are a good size for a batch.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails; then nothing is imported.
    pub async fn import_batch(
        &self,
        rows: &[ExternalRow<'_>],
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        for _ in 1..TRIES {
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
        let mut work = self.database.begin().await?;
        let mut versions = raise_versions(&mut work, rows).await?;
        let mut rows: Vec<_> = rows
            .iter()
            .filter(|row| versions.contains_key(&row.held.user))
            .collect();
        let new = insert_states(&mut work, &rows, correlation_id).await?;
        let known: Vec<_> = rows
            .iter()
            .copied()
            .filter(|row| !new.contains(&row.held.id))
            .collect();
        let updated = update_states(&mut work, &known, correlation_id).await?;
        rows.retain(|row| new.contains(&row.held.id) || updated.contains(&row.held.id));
        announce(
            &mut work,
            &rows,
            (&new, &mut versions),
            (correlation_id, at),
        )
        .await?;
        lower_versions(&mut work, &versions).await?;
        work.commit().await?;
        Ok(rows.into_iter().map(|row| row.held.id).collect())
    }
}

/// The versions of a user that a batch has raised and not yet given to an event.
struct Versions {
    next: i64,
    last: i64,
}

/// Locks the version of each user and raises it by the number of its rows; answers the users that
/// exist.
async fn raise_versions(
    work: &mut Work,
    rows: &[ExternalRow<'_>],
) -> Result<BTreeMap<UserId, Versions>, StoreError> {
    let mut raises = BTreeMap::<i32, i64>::new();
    for row in rows {
        *raises.entry(row.held.user.get()).or_default() += 1;
    }
    let given: Value = raises
        .iter()
        .map(|(user, raise)| json!([user, raise]))
        .collect();
    let raise = work.dialect(RAISE_VERSIONS_SQLITE, RAISE_VERSIONS_POSTGRES);
    let mut versions = BTreeMap::new();
    for row in work.rows(raise, params![&given]).await? {
        let (id, last) = (row.int("id")?, row.big("version")?);
        let user =
            UserId::try_from(i64::from(id)).map_err(|_| StoreError::Inconsistent("user_id"))?;
        let count = raises.get(&id).copied().unwrap_or(0);
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

/// Takes back the versions that no event has got.
async fn lower_versions(
    work: &mut Work,
    versions: &BTreeMap<UserId, Versions>,
) -> Result<(), StoreError> {
    for (user, Versions { next, last }) in versions {
        let unused = last - next + 1;
        if unused > 0 {
            work.execute(LOWER_VERSION, params![user.get(), unused])
                .await?;
        }
    }
    Ok(())
}

/// Inserts the states of rows that have none; answers their connections.
async fn insert_states(
    work: &mut Work,
    rows: &[&ExternalRow<'_>],
    correlation_id: &CorrelationId,
) -> Result<BTreeSet<ConnectionId>, StoreError> {
    let (given, insert) = (given(rows), work.dialect(INSERT_SQLITE, INSERT_POSTGRES));
    ids(&work
        .rows(insert, params![&given, correlation_id.as_str()])
        .await?)
}

/// Updates the states of rows that are not imported yet; answers their connections.
async fn update_states(
    work: &mut Work,
    rows: &[&ExternalRow<'_>],
    correlation_id: &CorrelationId,
) -> Result<BTreeSet<ConnectionId>, StoreError> {
    if rows.is_empty() {
        return Ok(BTreeSet::new());
    }
    if work.is_postgres() {
        let list = int_array(rows.iter().map(|row| row.held.id.get()));
        work.execute(LOCK_POSTGRES, params![list.as_str()]).await?;
    }
    let (given, update) = (given(rows), work.dialect(UPDATE_SQLITE, UPDATE_POSTGRES));
    ids(&work
        .rows(update, params![&given, correlation_id.as_str()])
        .await?)
}

/// The rows as the JSON parameter of a statement.
fn given(rows: &[&ExternalRow<'_>]) -> Value {
    let milliseconds = |time: Option<Timestamp>| time.map(Timestamp::unix_ms);
    let row = |row: &&ExternalRow<'_>| {
        json!([
            row.held.id,
            milliseconds(row.next_refresh_at),
            milliseconds(row.next_status_at)
        ])
    };
    rows.iter().map(row).collect()
}

/// Writes the event of each row under the next version of its user.
async fn announce(
    work: &mut Work,
    rows: &[&ExternalRow<'_>],
    (new, versions): (&BTreeSet<ConnectionId>, &mut BTreeMap<UserId, Versions>),
    (correlation_id, at): (&CorrelationId, Timestamp),
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut events = Vec::with_capacity(rows.len());
    for ExternalRow { held, .. } in rows {
        let versions = versions.get_mut(&held.user).ok_or(StoreError::Missing)?;
        let kind = if new.contains(&held.id) {
            EventKind::Connected
        } else {
            EventKind::Refreshed
        };
        events.push(json!([
            held.user,
            versions.next,
            kind,
            held.provider,
            held.account
        ]));
        versions.next += 1;
    }
    work.announce_on_commit();
    let announce = work.dialect(ANNOUNCE_SQLITE, ANNOUNCE_POSTGRES);
    work.execute(
        announce,
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
