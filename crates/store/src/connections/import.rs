//! Importing rows that another program wrote, in batches.
//!
//! A batch takes its locks in the order of all changes of connections: first the versions of the
//! users, then the states of the connections, each in ascending order of ids. Batches therefore do
//! not deadlock with each other or with a change of one connection.

use std::collections::BTreeSet;

use evergrant_model::{ConnectionId, CorrelationId, EventKind, Timestamp};
use serde_json::{Value, json};

use crate::StoreError;
use crate::connections::row::{Connection, observed, observed_tokens};
use crate::connections::token_copies::TokenDigest;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, int_array, params};

/// A connection to import, whose owner, account or tokens another program wrote.
#[derive(Debug)]
pub struct ExternalRow<'a> {
    /// The connection as it was read.
    pub connection: &'a Connection,
    /// Time at which its refresh or check is due; `None` for never.
    pub next_refresh_at: Option<Timestamp>,
    /// Time of the next scheduled change of its status; `None` for never.
    pub next_status_at: Option<Timestamp>,
    /// The digest of its tokens; `None` if there are none, or no key decrypts them.
    pub digest: Option<TokenDigest>,
}

/// Selects the given rows that still have the owner, the account and the tokens with which they
/// were read. A row that has changed since is imported after that change.
macro_rules! unchanged {
    ($given:literal) => {
        concat!(
            "(",
            $given,
            ") AS given JOIN oauth_accounts a ON a.id = given.id AND a.user_id = given.user_id
                AND a.provider = given.provider AND a.provider_account_id = given.account
                AND given.tokens = ",
            observed_tokens!()
        )
    };
}
pub(crate) use unchanged;

/// Inserts the states of new rows. A row that another program has deleted and inserted again
/// continues with the state of the deleted one, which the copy of its tokens has kept; its lease
/// stays if the tokens are the same.
macro_rules! insert {
    ($given:literal) => {
        concat!(
            "INSERT INTO evergrant_connections (oauth_account_id, provider, generation, attempt,
                lease_owner, lease_lock, lease_expires_at, in_doubt_since, source_generation,
                source_attempt, next_refresh_at, next_status_at, correlation_id, observed_user_id,
                observed_account, observed_tokens)
            SELECT a.id, a.provider, COALESCE(same.generation, kept.generation + 1, 1),
                COALESCE(kept.attempt, 0), same.lease_owner, same.lease_lock, same.lease_expires_at,
                same.in_doubt_since, same.source_generation, same.source_attempt, given.refresh_at,
                given.status_at, $2, a.user_id, a.provider_account_id, ",
            observed_tokens!(),
            " FROM ",
            unchanged!($given),
            " LEFT JOIN evergrant_token_copies kept ON kept.oauth_account_id = a.id
            LEFT JOIN evergrant_token_copies same
                ON same.id = kept.id AND same.digest = given.digest
            WHERE true ORDER BY a.id
            ON CONFLICT (oauth_account_id) DO NOTHING RETURNING oauth_account_id AS id"
        )
    };
}

/// Updates the rows whose owner or account another program has changed. The grant is the same, so
/// its lease and status stay.
macro_rules! move_rows {
    ($given:literal) => {
        concat!(
            "UPDATE evergrant_connections SET provider = moved.provider,
                observed_user_id = moved.user_id, observed_account = moved.provider_account_id,
                correlation_id = $2
            FROM (SELECT a.id, a.provider, a.user_id, a.provider_account_id FROM ",
            unchanged!($given),
            ") AS moved
            WHERE evergrant_connections.oauth_account_id = moved.id
                AND (evergrant_connections.observed_user_id IS DISTINCT FROM moved.user_id
                    OR evergrant_connections.observed_account
                        IS DISTINCT FROM moved.provider_account_id
                    OR evergrant_connections.provider <> moved.provider)
            RETURNING oauth_account_id AS id"
        )
    };
}

/// Updates the rows of which another program has replaced a token. The lease changes as in
/// `lease::replace_tokens`; a test compares the two.
macro_rules! update {
    ($given:literal) => {
        concat!(
            "UPDATE evergrant_connections SET
                generation = evergrant_connections.generation + 1, lease_expires_at = NULL,
                lease_owner = NULL, in_doubt_since = NULL, source_generation = NULL,
                source_attempt = NULL, status = 'connected', status_reason = NULL, issued_at = NULL,
                next_refresh_at = replaced.refresh_at, next_status_at = replaced.status_at,
                failures = 0, last_outcome = NULL, rejected_at = NULL, correlation_id = $2,
                observed_tokens = replaced.tokens
            FROM (SELECT a.id, given.refresh_at, given.status_at, ",
            observed_tokens!(),
            " AS tokens FROM ",
            unchanged!($given),
            ") AS replaced
            WHERE evergrant_connections.oauth_account_id = replaced.id
                AND replaced.tokens IS DISTINCT FROM evergrant_connections.observed_tokens
            RETURNING oauth_account_id AS id"
        )
    };
}

/// Updates the rows of which another program has encrypted the tokens anew, or replaced the access
/// token only. The grant is the same, so its generation and an attempt in progress stay. A grant
/// that has ended is tried again.
macro_rules! update_same_grant {
    ($given:literal) => {
        concat!(
            "UPDATE evergrant_connections SET status = 'connected', status_reason = NULL,
                issued_at = NULL, next_refresh_at = replaced.refresh_at,
                next_status_at = replaced.status_at, failures = 0, last_outcome = NULL,
                rejected_at = NULL, correlation_id = $2, observed_tokens = replaced.tokens
            FROM (SELECT a.id, given.refresh_at, given.status_at, given.tokens FROM ",
            unchanged!($given),
            " JOIN evergrant_token_copies kept
                ON kept.oauth_account_id = a.id AND kept.digest = given.digest) AS replaced
            WHERE evergrant_connections.oauth_account_id = replaced.id
                AND evergrant_connections.status <> 'expired'
                AND replaced.tokens IS DISTINCT FROM evergrant_connections.observed_tokens
            RETURNING oauth_account_id AS id"
        )
    };
}

/// Copies the tokens of imported rows. Another program has replaced the copied ones, so it is
/// unknown whether those are spent.
macro_rules! keep_copies {
    ($given:literal) => {
        concat!(
            "INSERT INTO evergrant_token_copies (oauth_account_id, user_id, provider,
                provider_account_id, access_token, refresh_token, expires_at, token_type, scope,
                digest)
            SELECT a.id, a.user_id, a.provider, a.provider_account_id, a.access_token,
                a.refresh_token, a.expires_at, a.token_type, a.scope, given.digest FROM ",
            unchanged!($given),
            " WHERE true ORDER BY a.id
            ON CONFLICT (oauth_account_id) DO UPDATE SET access_token = excluded.access_token,
                refresh_token = excluded.refresh_token, expires_at = excluded.expires_at,
                token_type = excluded.token_type, scope = excluded.scope,
                digest = excluded.digest"
        )
    };
}

/// Notes the owner and the account of moved rows in the copies of their tokens.
macro_rules! move_copies {
    ($given:literal) => {
        concat!(
            "UPDATE evergrant_token_copies SET user_id = moved.user_id, provider = moved.provider,
                provider_account_id = moved.provider_account_id
            FROM (SELECT a.id, a.user_id, a.provider, a.provider_account_id FROM ",
            unchanged!($given),
            ") AS moved WHERE evergrant_token_copies.oauth_account_id = moved.id"
        )
    };
}

/// Reschedules rows of which another program has changed details, such as the expiry. What a failed
/// refresh has scheduled stays.
macro_rules! reschedule {
    ($given:literal) => {
        concat!(
            "UPDATE evergrant_connections SET next_refresh_at = changed.refresh_at,
                next_status_at = changed.status_at, correlation_id = $2
            FROM (SELECT a.id, given.refresh_at, given.status_at FROM ",
            unchanged!($given),
            ") AS changed
            WHERE evergrant_connections.oauth_account_id = changed.id
                AND evergrant_connections.status <> 'expired' AND evergrant_connections.failures = 0"
        )
    };
}

/// Passes to `$statement` a SELECT of the given rows from the JSON parameter `$1`.
macro_rules! given_postgres {
    ($statement:ident) => {
        $statement!(
            "SELECT CAST(row ->> 0 AS integer) AS id,
                timestamp 'epoch' + CAST(row ->> 1 AS bigint) * interval '1 millisecond' AS refresh_at,
                timestamp 'epoch' + CAST(row ->> 2 AS bigint) * interval '1 millisecond' AS status_at,
                CAST(row ->> 3 AS integer) AS user_id, row ->> 4 AS provider, row ->> 5 AS account,
                row ->> 6 AS digest, row ->> 7 AS tokens
            FROM jsonb_array_elements($1) AS rows (row)"
        )
    };
}
pub(crate) use given_postgres;
macro_rules! given_sqlite {
    ($statement:ident) => {
        $statement!(
            "SELECT value ->> 0 AS id, value ->> 1 AS refresh_at, value ->> 2 AS status_at,
                value ->> 3 AS user_id, value ->> 4 AS provider, value ->> 5 AS account,
                value ->> 6 AS digest, value ->> 7 AS tokens FROM json_each($1)"
        )
    };
}
pub(crate) use given_sqlite;
const INSERT_POSTGRES: &str = given_postgres!(insert);
const INSERT_SQLITE: &str = given_sqlite!(insert);
const MOVE_POSTGRES: &str = given_postgres!(move_rows);
const MOVE_SQLITE: &str = given_sqlite!(move_rows);
const MOVE_COPIES_POSTGRES: &str = given_postgres!(move_copies);
const MOVE_COPIES_SQLITE: &str = given_sqlite!(move_copies);
const UPDATE_POSTGRES: &str = given_postgres!(update);
const UPDATE_SQLITE: &str = given_sqlite!(update);
const UPDATE_SAME_GRANT_POSTGRES: &str = given_postgres!(update_same_grant);
const UPDATE_SAME_GRANT_SQLITE: &str = given_sqlite!(update_same_grant);
const KEEP_COPIES_POSTGRES: &str = given_postgres!(keep_copies);
const KEEP_COPIES_SQLITE: &str = given_sqlite!(keep_copies);
const RESCHEDULE_POSTGRES: &str = given_postgres!(reschedule);
const RESCHEDULE_SQLITE: &str = given_sqlite!(reschedule);
const LOCK_POSTGRES: &str = "SELECT oauth_account_id AS id FROM evergrant_connections
    WHERE oauth_account_id = ANY(CAST($1 AS integer[])) ORDER BY oauth_account_id FOR UPDATE";

/// The connections that a transaction has imported.
pub(crate) struct Imported {
    /// New connections, and those with another owner or account.
    connected: BTreeSet<ConnectionId>,
    /// Connections with other tokens.
    refreshed: BTreeSet<ConnectionId>,
}

impl Imported {
    /// Returns the kind of event about the connection; `None` if it was not imported.
    pub(crate) fn event_kind(&self, id: ConnectionId) -> Option<EventKind> {
        if self.connected.contains(&id) {
            Some(EventKind::Connected)
        } else {
            self.refreshed.contains(&id).then_some(EventKind::Refreshed)
        }
    }
}

impl Transaction {
    /// Imports rows. A replaced grant becomes a new generation of its connection.
    pub(crate) async fn import_rows(
        &mut self,
        rows: &[&ExternalRow<'_>],
        correlation_id: &CorrelationId,
    ) -> Result<Imported, StoreError> {
        let new = self.insert_states(rows, correlation_id).await?;
        let others: Vec<_> = rows
            .iter()
            .copied()
            .filter(|row| !new.contains(&row.connection.id))
            .collect();
        self.lock_states(&others).await?;
        let move_rows = self.dialect(MOVE_SQLITE, MOVE_POSTGRES);
        let moved = self.ids_of(move_rows, &others, correlation_id).await?;
        if !moved.is_empty() {
            let move_copies = self.dialect(MOVE_COPIES_SQLITE, MOVE_COPIES_POSTGRES);
            self.execute(move_copies, params![&given(&others)]).await?;
        }
        let update_same = self.dialect(UPDATE_SAME_GRANT_SQLITE, UPDATE_SAME_GRANT_POSTGRES);
        let mut refreshed = self.ids_of(update_same, &others, correlation_id).await?;
        let update = self.dialect(UPDATE_SQLITE, UPDATE_POSTGRES);
        refreshed.extend(self.ids_of(update, &others, correlation_id).await?);
        let has_new_tokens = |row: &&&ExternalRow<'_>| {
            let id = row.connection.id;
            new.contains(&id) || refreshed.contains(&id)
        };
        let with_new_tokens: Vec<_> = rows.iter().filter(has_new_tokens).copied().collect();
        self.keep_copies(&with_new_tokens).await?;
        let mut connected = new;
        connected.extend(moved);
        Ok(Imported {
            connected,
            refreshed,
        })
    }

    /// Inserts the states of the rows that have none. Returns the ids of their connections.
    pub(crate) async fn insert_states(
        &mut self,
        rows: &[&ExternalRow<'_>],
        correlation_id: &CorrelationId,
    ) -> Result<BTreeSet<ConnectionId>, StoreError> {
        self.adopt_copies(rows).await?;
        let insert = self.dialect(INSERT_SQLITE, INSERT_POSTGRES);
        self.ids_of(insert, rows, correlation_id).await
    }

    async fn keep_copies(&mut self, rows: &[&ExternalRow<'_>]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let keep = self.dialect(KEEP_COPIES_SQLITE, KEEP_COPIES_POSTGRES);
        let given = given(rows);
        self.execute(keep, params![&given]).await.map(drop)
    }

    /// Sets the times at which these connections are due, after a change of their details.
    pub(crate) async fn reschedule_rows(
        &mut self,
        rows: &[&ExternalRow<'_>],
        correlation_id: &CorrelationId,
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.lock_states(rows).await?;
        let reschedule = self.dialect(RESCHEDULE_SQLITE, RESCHEDULE_POSTGRES);
        let given = given(rows);
        self.execute(reschedule, params![&given, correlation_id.as_str()])
            .await
            .map(drop)
    }

    /// Executes a statement of this module. Returns the ids of the connections that it changed.
    async fn ids_of(
        &mut self,
        statement: &'static str,
        rows: &[&ExternalRow<'_>],
        correlation_id: &CorrelationId,
    ) -> Result<BTreeSet<ConnectionId>, StoreError> {
        if rows.is_empty() {
            return Ok(BTreeSet::new());
        }
        let given = given(rows);
        let params = params![&given, correlation_id.as_str()];
        let id = |row: &Record| row.int("id").map(ConnectionId::new);
        self.rows(statement, params).await?.iter().map(id).collect()
    }

    /// Locks the states of connections in ascending order of ids.
    async fn lock_states(&mut self, rows: &[&ExternalRow<'_>]) -> Result<(), StoreError> {
        if self.is_postgres() && !rows.is_empty() {
            let list = int_array(rows.iter().map(|row| row.connection.id.get()));
            self.execute(LOCK_POSTGRES, params![list.as_str()]).await?;
        }
        Ok(())
    }
}

/// Returns the rows as the JSON parameter of a statement.
pub(crate) fn given(rows: &[&ExternalRow<'_>]) -> Value {
    let milliseconds = |time: Option<Timestamp>| time.map(Timestamp::unix_ms);
    let row = |row: &&ExternalRow<'_>| {
        let connection = row.connection;
        json!([
            connection.id,
            milliseconds(row.next_refresh_at),
            milliseconds(row.next_status_at),
            connection.user,
            connection.provider,
            connection.account,
            row.digest.as_ref().map(TokenDigest::as_str),
            observed(&connection.tokens)
        ])
    };
    rows.iter().map(row).collect()
}
