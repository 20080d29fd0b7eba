//! Sign-in to the console: portal links, and the sessions of the console's cookie.
//!
//! The cookie is a separate kind of credential: it is not accepted as a bearer token, and a bearer
//! token is not accepted as a cookie. A session ends an hour after its last use, and twelve hours
//! after its start at the latest. Background polling does not count as use.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, hmac_sha256};
use evergrant_model::{Call, Clock, SessionId, SignedDuration, Timestamp, UserId};
use evergrant_store::{NewPortalLink, Session, SessionRepository, StoreError};
use secrecy::SecretString;
use url::Url;

use crate::ServiceError;
use crate::access::caller::Caller;
use crate::access::credential_text::{CONSOLE, Issued, PORTAL, create, parse};
use crate::access::sessions::{NewCredential, Sessions, StartedSession, is_valid};
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::settings::ServiceSettings;

/// The lifetime of an unused portal link.
pub const PORTAL_LINK_TTL: SignedDuration = SignedDuration::from_mins(5);
/// The longest lifetime of a console session.
pub const CONSOLE_SESSION_TTL: SignedDuration = SignedDuration::from_hours(12);
/// How long a console session lasts without use.
const IDLE_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);
/// The minimum interval between two writes of a session's last use.
const STORE_USE_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// The message whose HMAC under the cookie is the CSRF token.
const CSRF_TEXT: &str = "evergrant console csrf v1";

/// The user that a valid console cookie authenticates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The caller.
    pub caller: Caller,
    /// The user.
    pub user: UserId,
    /// When the session ends even if it is used.
    pub expires_at: Timestamp,
    /// The app's page to which the console leads back; `None` for none.
    pub return_url: Option<String>,
}

/// Whether a request counts as use of a console session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// An action of the user; extends the session.
    Active,
    /// Background polling; does not extend the session.
    Passive,
}

/// Signs users in to the console.
pub struct ConsoleSessions {
    pub(crate) links: SessionRepository,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) settings: Arc<ServiceSettings>,
}

impl ConsoleSessions {
    /// Creates the code of a portal link, which signs this user in to the console. The code is
    /// valid once, for five minutes. The console leads back to `return_url`, the app's page, which
    /// must be one of the allowed redirects.
    ///
    /// # Errors
    ///
    /// `INVALID_REDIRECT_URL` if `return_url` is not allowed; `USER_NOT_FOUND` if the user does not
    /// exist; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "create_portal_link", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn create_link(
        &self,
        call: &Call,
        user: UserId,
        return_url: Option<&str>,
    ) -> Result<SecretString, ServiceError> {
        let return_url = return_url
            .map(|text| self.settings.allowed_redirects.require("returnUrl", text))
            .transpose()?;
        let credential = create(&self.ids, PORTAL);
        let expires_at = self.clock.now() + PORTAL_LINK_TTL;
        let (id, secret_hash) = (credential.public.as_str(), &credential.secret_hash);
        let new = NewPortalLink {
            id,
            user,
            secret_hash,
            expires_at,
            return_url: return_url.as_ref().map(Url::as_str),
        };
        match self.links.insert_portal_link(&new).await {
            Ok(()) => Ok(credential.text),
            Err(StoreError::Missing) => Err(ServiceError::user_not_found()),
            Err(error) => Err(error.into()),
        }
    }

    /// Consumes the code of a portal link and starts a console session. Returns `None` if the code
    /// is malformed, unknown, used or expired; the result does not reveal which.
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
            Some(link) => self
                .start(call, link.user, link.return_url.as_deref())
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    /// Starts a console session, which leads back to `return_url`, an allowed redirect.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND` if the user does not exist; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "start_console_session", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn start(
        &self,
        call: &Call,
        user: UserId,
        return_url: Option<&str>,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let new = NewCredential {
            prefix: CONSOLE,
            user,
            ttl: CONSOLE_SESSION_TTL,
            idle_timeout: Some(IDLE_TIMEOUT),
            return_url,
        };
        let started = self.sessions.start(&new).await?;
        self.recorder
            .record(call, &Outcome::ConsoleSignedIn { user });
        Ok(started)
    }

    /// Returns the user that this cookie authenticates; `None` if the cookie is malformed or
    /// unknown, or its session was ended or has expired. The result does not reveal which.
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
        let Some((session, idle_expires_at)) = self.session(&id, now).await? else {
            return Ok(None);
        };
        if !is_valid(&session, &secret_hash, now) || idle_expires_at <= now {
            return Ok(None);
        }
        let extended_to = now + IDLE_TIMEOUT;
        let is_due = extended_to.since(idle_expires_at) >= STORE_USE_EVERY;
        if presence == Presence::Active && is_due {
            self.sessions.extend(&id, extended_to).await;
        }
        let (user, expires_at) = (session.user, session.expires_at);
        Ok(Some(SignedIn {
            caller: Caller::Console { session: id, user },
            user,
            expires_at,
            return_url: session.return_url.clone(),
        }))
    }

    /// Returns the session and when it ends without further use.
    ///
    /// A cached session that seems to have ended is read again, because it may have been used on
    /// another replica.
    async fn session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<(Arc<Session>, Timestamp)>, ServiceError> {
        let with_idle = |session: Option<Arc<Session>>| {
            session.and_then(|session| Some((Arc::clone(&session), session.idle_expires_at?)))
        };
        let cached = with_idle(self.sessions.cached(id, now).await?);
        if cached
            .as_ref()
            .is_none_or(|(_, idle_expires_at)| *idle_expires_at > now)
        {
            return Ok(cached);
        }
        Ok(with_idle(self.sessions.current(id, now).await?))
    }
}

/// Returns the CSRF token that the console must send with every change.
///
/// It is derived from the cookie. Pages of other sites can make a browser send the cookie, but
/// cannot read it.
#[must_use]
pub fn csrf_token(cookie: &str) -> String {
    base64url(hmac_sha256(cookie.as_bytes(), CSRF_TEXT))
}
