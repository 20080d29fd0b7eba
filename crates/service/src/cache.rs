//! The caches of this process: connections with encrypted tokens, status lists, credentials.
//!
//! A change made in this process invalidates the affected entries at once. Changes made elsewhere
//! arrive through the change feed, to which [`Caches`] subscribes. While the feed is behind,
//! [`FeedState`](crate::database::FeedState) decides whether an entry may be served.

use std::sync::Arc;

use async_trait::async_trait;
use evergrant_model::{ApiKeyId, EventKind, ExternalId, SessionId, SignedDuration, UserId};
pub(crate) use evergrant_store::ConnectionKey;
use evergrant_store::{ApiKey, Connection, Event, Session, UserConnections};

use crate::aged_cache::{AgedCache, MaxAge};
use crate::events::subscriber::FeedSubscriber;

/// The maximum age of a cached connection, with its encrypted tokens.
const CONNECTION_MAX_AGE: SignedDuration = SignedDuration::from_secs(30);
/// The maximum age of a cached status list.
const STATUS_MAX_AGE: SignedDuration = SignedDuration::from_mins(5);
/// The maximum age of a cached credential while the change feed is live.
const CREDENTIAL_MAX_AGE: SignedDuration = SignedDuration::from_secs(30);
/// The maximum age of a cached credential if the change feed is not followed: a revocation
/// elsewhere must take effect within a second.
const CREDENTIAL_STANDALONE_MAX_AGE: SignedDuration = SignedDuration::from_millis(500);

/// The maximum number of cached connections.
const MAX_CONNECTIONS: u64 = 100_000;
/// The maximum number of cached status lists.
const MAX_STATUSES: u64 = 10_000;
/// The maximum number of entries of each credential cache.
const MAX_CREDENTIALS: u64 = 10_000;

/// The caches of this process.
pub(crate) struct Caches {
    pub(crate) connections: AgedCache<ConnectionKey, Arc<Connection>>,
    pub(crate) statuses: AgedCache<UserId, Arc<UserConnections>>,
    /// `None` is a cached absence: no such key exists.
    pub(crate) api_keys: AgedCache<ApiKeyId, Option<Arc<ApiKey>>>,
    /// `None` is a cached absence: no such session exists.
    pub(crate) sessions: AgedCache<SessionId, Option<Arc<Session>>>,
    /// The user of each external id that the app has set.
    pub(crate) external_ids: AgedCache<ExternalId, UserId>,
}

impl Default for Caches {
    fn default() -> Self {
        let always = |age| MaxAge {
            live: age,
            standalone: age,
        };
        let credential = MaxAge {
            live: CREDENTIAL_MAX_AGE,
            standalone: CREDENTIAL_STANDALONE_MAX_AGE,
        };
        Self {
            connections: AgedCache::new(MAX_CONNECTIONS, always(CONNECTION_MAX_AGE)),
            statuses: AgedCache::new(MAX_STATUSES, always(STATUS_MAX_AGE)),
            api_keys: AgedCache::new(MAX_CREDENTIALS, credential),
            sessions: AgedCache::new(MAX_CREDENTIALS, credential),
            // The app may change an external id in the shared table without an event.
            external_ids: AgedCache::new(MAX_CREDENTIALS, always(CREDENTIAL_STANDALONE_MAX_AGE)),
        }
    }
}

impl Caches {
    /// Invalidates the connection and its user's status list.
    pub(crate) async fn invalidate(&self, key: &ConnectionKey) {
        self.connections.invalidate(key).await;
        self.statuses.invalidate(&key.user).await;
    }

    /// Invalidates a revoked or expired credential; all sessions if `id` is `None`.
    pub(crate) async fn invalidate_credential(&self, id: Option<&str>) {
        let Some(id) = id else {
            return self.sessions.clear();
        };
        if let Ok(key) = ApiKeyId::new(id) {
            self.api_keys.invalidate(&key).await;
        }
        if let Ok(session) = SessionId::new(id) {
            self.sessions.invalidate(&session).await;
        }
    }

    /// Invalidates all connections of a user, and all sessions: a deleted user has neither.
    pub(crate) async fn invalidate_user(&self, user: UserId) {
        self.connections
            .invalidate_all(|key| key.user == user)
            .await;
        self.statuses.invalidate(&user).await;
        self.sessions.clear();
    }

    /// Removes everything.
    fn clear(&self) {
        self.clear_shared_rows();
        self.api_keys.clear();
    }

    /// Removes everything that another program can change.
    pub(crate) fn clear_shared_rows(&self) {
        self.connections.clear();
        self.statuses.clear();
        self.sessions.clear();
        self.external_ids.clear();
    }
}

#[async_trait]
impl FeedSubscriber for Caches {
    async fn receive(&self, event: &Arc<Event>) {
        match event.kind {
            Some(EventKind::Reset) => self.clear_shared_rows(),
            Some(EventKind::CredentialEnded) => {
                self.invalidate_credential(event.subject.as_deref()).await;
            }
            _ => {}
        }
        let Some(user) = event.user else { return };
        match (&event.provider, &event.account) {
            (Some(provider), Some(account)) => {
                let (provider, account) = (provider.clone(), account.clone());
                self.invalidate(&ConnectionKey {
                    user,
                    provider,
                    account,
                })
                .await;
            }
            // A disconnection without an account means that the user was deleted.
            (None, None) if event.kind == Some(EventKind::Disconnected) => {
                self.invalidate_user(user).await;
            }
            _ => self.statuses.invalidate(&user).await,
        }
    }

    async fn reset(&self) {
        self.clear();
    }
}
