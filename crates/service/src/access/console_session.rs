//! Sign-in to the console: portal links, and the sessions behind its cookie.
//!
//! The cookie is a credential of its own kind: it is not accepted as a bearer token, nor a bearer
//! token as a cookie. A session ends an hour after its last use and twelve hours after its start.
//! Background polling does not count as use.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, hmac_sha256};
use evergrant_model::{Call, Clock, SessionId, Timestamp, UserId};
use evergrant_store::{NewPortalLink, Session, SessionRepository, StoreError};
use secrecy::SecretString;

use crate::ServiceError;
use crate::access::caller::Caller;
use crate::access::credential_text::{CONSOLE, Issued, PORTAL, create, parse};
use crate::access::sessions::{Sessions, StartedSession, is_valid};
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};

/// The lifetime of an unused portal link, in seconds.
pub const PORTAL_LINK_SECONDS: i64 = 5 * 60;
/// The longest lifetime of a console session, in seconds.
pub const CONSOLE_SESSION_SECONDS: i64 = 12 * 60 * 60;
/// A console session ends this long after its last use, in seconds.
const IDLE_SECONDS: i64 = 60 * 60;
/// Uses within this time are stored once, in seconds.
const STORE_USE_EVERY_SECONDS: i64 = 60;

const CSRF_TEXT: &str = "evergrant console csrf v1";

/// The holder of a valid console cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The caller that the cookie authenticates.
    pub caller: Caller,
    /// The user.
    pub user: UserId,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
}

/// Whether a request counts as use of a console session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The user acts; the session is extended.
    Active,
    /// Background polling; the session is not extended.
    Passive,
}

/// Signs users in to the console.
pub struct ConsoleSessions {
    pub(crate) links: SessionRepository,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl ConsoleSessions {
    /// Creates the code of a link that opens the console as this user, once, within five minutes.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "create_portal_link", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn create_link(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<SecretString, ServiceError> {
        let credential = create(&self.ids, PORTAL);
        let expires_at = self.clock.now().plus_seconds(PORTAL_LINK_SECONDS);
        let (id, secret_hash) = (credential.public.as_str(), &credential.secret_hash);
        let new = NewPortalLink {
            id,
            user,
            secret_hash,
            expires_at,
        };
        match self.links.insert_portal_link(&new).await {
            Ok(()) => Ok(credential.text),
            Err(StoreError::Missing) => Err(ServiceError::user_not_found()),
            Err(error) => Err(error.into()),
        }
    }

    /// Spends a portal link and starts a console session; `None` for a code that is malformed,
    /// unknown, used or expired. The four cases cannot be told apart.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "open_portal", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn open_link(
        &self,
        call: &Call,
        code: &str,
    ) -> Result<Option<Issued<StartedSession>>, ServiceError> {
        let Some((id, secret_hash)) = parse(PORTAL, code) else {
            return Ok(None);
        };
        match self
            .links
            .consume_portal_link(id, &secret_hash, self.clock.now())
            .await?
        {
            Some(user) => self.start(call, user).await.map(Some),
            None => Ok(None),
        }
    }

    /// Starts a console session.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "start_console_session", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn start(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let (ttl, idle) = (CONSOLE_SESSION_SECONDS, Some(IDLE_SECONDS));
        let started = self.sessions.start(CONSOLE, user, ttl, idle).await?;
        self.recorder
            .record(call, &Outcome::ConsoleSignedIn { user });
        Ok(started)
    }

    /// The holder of this cookie; `None` if it is malformed, unknown, ended or expired. The four
    /// cases cannot be told apart.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn signed_in(
        &self,
        cookie: &str,
        presence: Presence,
    ) -> Result<Option<SignedIn>, ServiceError> {
        let Some((public, secret_hash)) = parse(CONSOLE, cookie) else {
            return Ok(None);
        };
        let (Ok(id), now) = (SessionId::new(public), self.clock.now()) else {
            return Ok(None);
        };
        let Some((session, idle_until)) = self.session(&id, now).await? else {
            return Ok(None);
        };
        if !is_valid(&session, &secret_hash, now) || idle_until <= now {
            return Ok(None);
        }
        let until = now.plus_seconds(IDLE_SECONDS);
        let is_due = until.seconds_since(idle_until) >= STORE_USE_EVERY_SECONDS;
        if presence == Presence::Active && is_due {
            self.sessions.extend(&id, until).await;
        }
        let (user, expires_at) = (session.user, session.expires_at);
        Ok(Some(SignedIn {
            caller: Caller::Console { session: id, user },
            user,
            expires_at,
        }))
    }

    /// The session and when it ends without use. A cached row may be old: the session may have been
    /// used on another replica since.
    async fn session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<(Arc<Session>, Timestamp)>, ServiceError> {
        let with_idle = |session: Option<Arc<Session>>| {
            session.and_then(|session| Some((Arc::clone(&session), session.idle_until?)))
        };
        let cached = with_idle(self.sessions.cached(id, now).await?);
        if cached
            .as_ref()
            .is_none_or(|(_, idle_until)| *idle_until > now)
        {
            return Ok(cached);
        }
        Ok(with_idle(self.sessions.current(id, now).await?))
    }
}

/// The token that a page sends beside the cookie when it changes something. It is derived from the
/// cookie, which pages of other sites make the browser send but cannot read.
#[must_use]
pub fn csrf_token(cookie: &str) -> String {
    base64url(hmac_sha256(cookie.as_bytes(), CSRF_TEXT))
}
