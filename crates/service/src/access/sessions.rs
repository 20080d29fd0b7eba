//! Sessions, with which the browser of one user authenticates.

use std::sync::Arc;

use evergrant_encryption::digest::constant_time_eq;
use evergrant_model::{Call, Clock, SessionId, SignedDuration, Timestamp, UserId};
use evergrant_store::{NewSession, Session, SessionRepository, UserRepository};

use crate::ServiceError;
use crate::access::caller::Caller;
use crate::access::credential_text::{Issued, SESSION, create};
use crate::cache::Caches;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;

/// The maximum lifetime of a session token.
pub const MAX_SESSION_TTL: SignedDuration = SignedDuration::from_mins(15);

/// A new session.
#[derive(Debug, Clone, Copy)]
pub struct StartedSession {
    /// When the session ends, whether or not it is used.
    pub expires_at: Timestamp,
}

/// The kind, user and lifetime of a session to start.
pub(crate) struct NewCredential<'a> {
    /// The beginning of the credential, which names its kind.
    pub(crate) prefix: &'a str,
    pub(crate) user: UserId,
    pub(crate) ttl: SignedDuration,
    /// The session ends earlier if it is not used for this long.
    pub(crate) idle_timeout: Option<SignedDuration>,
    /// The app's page to which the console leads back.
    pub(crate) return_url: Option<&'a str>,
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
    /// Starts a session of the user's browser. `ttl` is its lifetime. Default: 15 minutes, which is
    /// also the maximum.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` if the lifetime is not 1 to 900 seconds; `USER_NOT_FOUND` if the user
    /// does not exist; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "create_session", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn create(
        &self,
        call: &Call,
        user: UserId,
        ttl: Option<SignedDuration>,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let ttl = ttl.unwrap_or(MAX_SESSION_TTL);
        if !(SignedDuration::from_secs(1)..=MAX_SESSION_TTL).contains(&ttl) {
            return Err(ServiceError::field(
                "ttlSeconds",
                "must be 1 to 900 seconds",
            ));
        }
        if self.users.by_id(user).await?.is_none() {
            return Err(ServiceError::user_not_found());
        }
        let new = NewCredential {
            prefix: SESSION,
            user,
            ttl,
            idle_timeout: None,
            return_url: None,
        };
        self.start(&new).await
    }

    /// Ends one session. Ending an unknown session is not an error.
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

    /// Ends all sessions of a user and returns their number. Other replicas reject their tokens
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

    /// Starts a session.
    pub(crate) async fn start(
        &self,
        new: &NewCredential<'_>,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let credential = create(&self.ids, new.prefix);
        let id = SessionId::new(credential.public)
            .map_err(|error| ServiceError::internal().caused_by(error))?;
        let (created_at, secret_hash) = (self.clock.now(), credential.secret_hash);
        let expires_at = created_at + new.ttl;
        let session = NewSession {
            id: &id,
            user: new.user,
            secret_hash: &secret_hash,
            created_at,
            expires_at,
            idle_expires_at: new.idle_timeout.map(|timeout| created_at + timeout),
            return_url: new.return_url,
        };
        self.repository.insert(&session).await?;
        Ok(Issued {
            secret: credential.text,
            stored: StartedSession { expires_at },
        })
    }

    /// Returns the caller that a session token authenticates; `None` if the session is unknown or
    /// expired, belongs to the console, or the secret is wrong.
    pub(crate) async fn caller(
        &self,
        public: &str,
        secret_hash: &[u8],
    ) -> Result<Option<Caller>, ServiceError> {
        let (Ok(id), now) = (SessionId::new(public), self.clock.now()) else {
            return Ok(None);
        };
        // Only console sessions have an idle timeout.
        let is_accepted = |session: &Arc<Session>| {
            session.idle_expires_at.is_none() && is_valid(session, secret_hash, now)
        };
        let session = self.cached(&id, now).await?.filter(is_accepted);
        Ok(session.map(|session| Caller::Browser {
            session: id,
            user: session.user,
        }))
    }

    /// Returns the session from the cache or by one query; `None` if it does not exist.
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
        Ok(self
            .caches
            .sessions
            .get_or_load(id.clone(), now, &self.database, load)
            .await?
            .flatten())
    }

    /// Reads the session from the database, for a cached row that another replica may have
    /// extended.
    pub(crate) async fn current(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, ServiceError> {
        self.caches.sessions.invalidate(id).await;
        self.cached(id, now).await
    }

    /// Sets when the session ends without further use. A failed write is logged and ignored: the
    /// session stays valid until its stored end.
    pub(crate) async fn extend(&self, id: &SessionId, idle_expires_at: Timestamp) {
        if let Err(error) = self.repository.extend(id, idle_expires_at).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(session.id = %id, error, "failed to extend session");
        }
        self.caches.sessions.invalidate(id).await;
    }
}

/// Returns whether `secret_hash` is the session's and the session has not expired.
pub(crate) fn is_valid(session: &Session, secret_hash: &[u8], now: Timestamp) -> bool {
    constant_time_eq(&session.secret_hash, secret_hash) && session.expires_at > now
}
