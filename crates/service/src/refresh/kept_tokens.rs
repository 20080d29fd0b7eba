//! Refreshed tokens that the database has accepted, kept in memory for ten minutes more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergrant_model::{ConnectionId, EventKind};
use evergrant_resilience::lock;
use evergrant_store::{Connection, ConnectionKey, Event, StoredTokens};
use serde_json::Value;
use tokio::time::Instant;

/// How long tokens are kept.
const KEPT_FOR: Duration = Duration::from_mins(10);
/// The maximum number of connections whose tokens are kept.
const MAX_CONNECTIONS: usize = 10_000;
/// The maximum size of the ciphertexts of all kept tokens, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// The newest tokens of each recently refreshed connection, as ciphertexts.
#[derive(Default)]
pub(crate) struct KeptTokens {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    connections: BTreeMap<ConnectionId, (Instant, Arc<Connection>)>,
    /// The same connections in the order in which their tokens were stored.
    order: BTreeSet<(Instant, ConnectionId)>,
    bytes: usize,
}

impl KeptTokens {
    /// Keeps the tokens of a connection that were stored now.
    pub(crate) fn keep(&self, stored: &Connection) {
        let (now, id) = (Instant::now(), stored.id);
        let connection = Arc::new(Connection {
            metadata: Value::Null,
            ..stored.clone()
        });
        let mut kept = lock(&self.kept);
        kept.remove(id);
        kept.bytes += bytes(&connection);
        kept.connections.insert(id, (now, connection));
        kept.order.insert((now, id));
        kept.evict(now);
    }

    /// Returns the kept tokens of a connection if their generation is higher than this one.
    pub(crate) fn newer_than(&self, id: ConnectionId, generation: i64) -> Option<Arc<Connection>> {
        let mut kept = lock(&self.kept);
        kept.evict(Instant::now());
        let (_, connection) = kept.connections.get(&id)?;
        Some(Arc::clone(connection)).filter(|kept| kept.lease.generation > generation)
    }

    /// Returns all kept tokens.
    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        let mut kept = lock(&self.kept);
        kept.evict(Instant::now());
        let connections = kept.connections.values();
        connections
            .map(|(_, connection)| Arc::clone(connection))
            .collect()
    }

    /// Forgets tokens after the event of a change that ends or replaces a grant.
    pub(crate) fn observe(&self, event: &Event) {
        let (Some(user), Some(EventKind::Connected | EventKind::Disconnected)) =
            (event.user, event.kind)
        else {
            return;
        };
        let mut kept = lock(&self.kept);
        let is_about = |connection: &Connection| match (&event.provider, &event.account) {
            (Some(provider), Some(account)) => {
                let key = ConnectionKey::from(connection);
                (user, provider, account) == (key.user, &key.provider, &key.account)
            }
            // A disconnection without an account means that the user was deleted.
            (None, None) => connection.user == user,
            _ => false,
        };
        // The event of an earlier consent may arrive after a refresh of its tokens.
        let is_later = |connection: &Connection| {
            event.kind == Some(EventKind::Disconnected) || event.at > connection.updated_at
        };
        let ends = |connection: &Connection| is_about(connection) && is_later(connection);
        let ended: Vec<_> = kept
            .connections
            .values()
            .filter(|(_, connection)| ends(connection))
            .map(|(_, connection)| connection.id)
            .collect();
        for id in ended {
            kept.remove(id);
        }
    }
}

impl Kept {
    fn remove(&mut self, id: ConnectionId) {
        if let Some((stored_at, connection)) = self.connections.remove(&id) {
            self.order.remove(&(stored_at, id));
            self.bytes -= bytes(&connection);
        }
    }

    /// Removes tokens that are too old, and the oldest beyond the limits.
    fn evict(&mut self, now: Instant) {
        while let Some((stored_at, id)) = self.order.first().copied() {
            let has_room = self.connections.len() <= MAX_CONNECTIONS && self.bytes <= MAX_BYTES;
            if has_room && now.duration_since(stored_at) < KEPT_FOR {
                return;
            }
            self.remove(id);
        }
    }
}

/// Returns the size of the tokens of a connection.
fn bytes(connection: &Connection) -> usize {
    let StoredTokens {
        access, refresh, ..
    } = &connection.tokens;
    let tokens = access.iter().chain(refresh);
    tokens.map(|token| token.as_str().len()).sum()
}

#[cfg(test)]
mod tests {
    use evergrant_testkit::TestDatabase;

    use super::*;

    /// Returns connections whose access tokens have `size` characters.
    async fn connections(count: i32, size: usize) -> Vec<Connection> {
        let database = TestDatabase::sqlite();
        let store = database.store().await;
        let insert = format!(
            "INSERT INTO users (id) VALUES (1);
            INSERT INTO oauth_accounts (id, user_id, provider, provider_account_id, access_token)
            VALUES (1, 1, 'acme', 'a', '{}')",
            "x".repeat(size)
        );
        database.execute(&insert).await;
        let found = store.connections().by_id(ConnectionId::new(1)).await;
        let mut connection = found.unwrap().unwrap();
        connection.lease.generation = 2;
        let with_id = |id| Connection {
            id: ConnectionId::new(id),
            ..connection.clone()
        };
        (1..=count).map(with_id).collect()
    }

    fn is_kept(kept: &KeptTokens, connection: &Connection) -> bool {
        kept.newer_than(connection.id, 1).is_some()
    }

    #[tokio::test]
    async fn oldest_tokens_are_forgotten_beyond_the_limits() {
        let kept = KeptTokens::default();
        let many = connections(10_001, 1).await;
        for connection in &many {
            kept.keep(connection);
        }
        assert_eq!(kept.all().len(), MAX_CONNECTIONS);
        assert!(!is_kept(&kept, &many[0]) && is_kept(&kept, &many[10_000]));
        let large = connections(3, MAX_BYTES / 2).await;
        for connection in &large {
            kept.keep(connection);
        }
        assert!(!is_kept(&kept, &large[0]) && is_kept(&kept, &large[2]));
        assert_eq!(lock(&kept.kept).bytes, MAX_BYTES);
        kept.keep(&large[2]);
        assert_eq!(lock(&kept.kept).bytes, MAX_BYTES, "kept once");
    }

    #[tokio::test]
    async fn tokens_are_kept_for_ten_minutes() {
        let kept = KeptTokens::default();
        let connection = connections(1, 1).await.remove(0);
        tokio::time::pause();
        kept.keep(&connection);
        tokio::time::advance(Duration::from_secs(599)).await;
        assert!(is_kept(&kept, &connection));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!is_kept(&kept, &connection));
        let kept = lock(&kept.kept);
        assert_eq!((kept.bytes, kept.order.len()), (0, 0));
    }
}
