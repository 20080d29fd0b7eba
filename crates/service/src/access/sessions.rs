//! Sessions: short-lived credentials of one user's browser.

use std::sync::Arc;

use evergrant_encryption::digest::constant_time_eq;
use evergrant_model::{Call, Clock, SessionId, Timestamp, UserId};
use evergrant_store::{NewSession, Session, SessionRepository, UserRepository};

use crate::ServiceError;
use crate::access::caller::Caller;
use crate::access::credential_text::{Issued, SESSION, create};
use crate::cache::Caches;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;

/// The longest lifetime of a session token, in seconds.
pub const MAX_SESSION_SECONDS: i64 = 15 * 60;

/// A new session.
#[derive(Debug, Clone, Copy)]
pub struct StartedSession {
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Starts, checks and ends sessions.
pub struct Sessions {
    pub(crate) repository: SessionRepository,
    pub(crate) users: UserRepository,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Sessions {
    /// Starts a session of the user's browser that lasts at most 15 minutes, which is the default.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`; `VALIDATION_ERROR` for a lifetime outside 1 to 900 seconds.
    #[tracing::instrument(
        name = "create_session", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn create(
        &self,
        call: &Call,
        user: UserId,
        ttl_seconds: Option<i64>,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let ttl_seconds = ttl_seconds.unwrap_or(MAX_SESSION_SECONDS);
        if !(1..=MAX_SESSION_SECONDS).contains(&ttl_seconds) {
            return Err(ServiceError::field("ttlSeconds", "must be from 1 to 900"));
        }
        if self.users.by_id(user).await?.is_none() {
            return Err(ServiceError::user_not_found());
        }
        self.start(SESSION, user, ttl_seconds, None).await
    }

    /// Ends one session.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "end_session", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn end(&self, call: &Call, session: &SessionId) -> Result<(), ServiceError> {
        self.repository.delete(session, self.clock.now()).await?;
        self.caches.sessions.invalidate(session).await;
        Ok(())
    }

    /// Ends all sessions of a user and returns how many there were. Other replicas reject them
    /// within a second.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "end_sessions", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn end_all(&self, call: &Call, user: UserId) -> Result<u64, ServiceError> {
        Ok(self
            .repository
            .delete_of_user(user, self.clock.now())
            .await?)
    }

    /// Starts a session that ends after `ttl_seconds`, or `idle_seconds` after its last use.
    pub(crate) async fn start(
        &self,
        prefix: &str,
        user: UserId,
        ttl_seconds: i64,
        idle_seconds: Option<i64>,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let credential = create(&self.ids, prefix);
        let id = SessionId::new(credential.public).map_err(|_| ServiceError::internal())?;
        let (created_at, secret_hash) = (self.clock.now(), credential.secret_hash);
        let expires_at = created_at.plus_seconds(ttl_seconds);
        let idle_until = idle_seconds.map(|idle| created_at.plus_seconds(idle));
        let secret_hash = &secret_hash;
        let new = NewSession {
            id: &id,
            user,
            secret_hash,
            created_at,
            expires_at,
            idle_until,
        };
        self.repository.insert(&new).await?;
        Ok(Issued {
            secret: credential.text,
            stored: StartedSession { expires_at },
        })
    }

    /// The caller behind a session token's two halves; `None` if it is unknown, expired or has
    /// another secret.
    pub(crate) async fn caller(
        &self,
        public: &str,
        secret_hash: &[u8],
    ) -> Result<Option<Caller>, ServiceError> {
        let (Ok(id), now) = (SessionId::new(public), self.clock.now()) else {
            return Ok(None);
        };
        let valid = |session: &Arc<Session>| {
            session.idle_until.is_none() && is_valid(session, secret_hash, now)
        };
        let session = self.cached(&id, now).await?.filter(valid);
        Ok(session.map(|session| Caller::Browser {
            session: id,
            user: session.user,
        }))
    }

    pub(crate) async fn cached(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, ServiceError> {
        let load = || async {
            Ok(Some(
                self.database
                    .query(self.repository.by_id(id))
                    .await?
                    .map(Arc::new),
            ))
        };
        let feed = self.database.feed_state();
        Ok(self
            .caches
            .sessions
            .get_or_load(id.clone(), now, feed, load)
            .await?
            .flatten())
    }

    /// Reads a session again that was used on another replica since it was cached.
    pub(crate) async fn current(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, ServiceError> {
        self.caches.sessions.invalidate(id).await;
        self.cached(id, now).await
    }

    /// Stores until when a session stays valid without further use. A database that accepts no
    /// writes ends no session.
    pub(crate) async fn extend(&self, id: &SessionId, until: Timestamp) {
        if let Err(error) = self.repository.extend(id, until).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "failed to store the use of a session");
        }
        self.caches.sessions.invalidate(id).await;
    }
}

/// Whether `secret_hash` is the session's and the session has not expired.
pub(crate) fn is_valid(session: &Session, secret_hash: &[u8], now: Timestamp) -> bool {
    constant_time_eq(&session.secret_hash, secret_hash) && session.expires_at > now
}
