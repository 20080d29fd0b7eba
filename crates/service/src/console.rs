//! Who is signed in to the console: portal links that open it, and the sessions that its cookie stands for.
//!
//! A cookie is a credential of its own kind: no bearer token is taken for one, nor it for a bearer token. It ends an hour
//! after its last use and twelve hours after it was given; what keeps a page up to date by itself is no use.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, hmac_sha256};
use evergrant_model::{SessionId, Timestamp, UserId};
use evergrant_store::{NewPortalLink, Session, StoreError};
use secrecy::SecretString;

use crate::ServiceError;
use crate::credentials::{CONSOLE, Caller, Issued, PORTAL, StartedSession, is_good, take_apart};
use crate::service::IntegrationsService;

/// A portal link that nobody opens ends after so long.
pub const PORTAL_LINK_SECONDS: i64 = 5 * 60;
/// A console session ends so long after it began,
pub const CONSOLE_SESSION_SECONDS: i64 = 12 * 60 * 60;
/// and so long after its last use.
const IDLE_SECONDS: i64 = 60 * 60;
/// Uses within so long are noted once.
const NOTED_EVERY_SECONDS: i64 = 60;

const CSRF_TEXT: &str = "evergrant console csrf v1";

/// Who holds a cookie that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// As the API knows them: the browser of one user.
    pub caller: Caller,
    /// Who they are.
    pub user: UserId,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
}

/// Whether a request shows that somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Somebody does something.
    Active,
    /// A page keeps itself up to date.
    Passive,
}

impl IntegrationsService {
    /// The code of a link that opens the console as this user, once, within five minutes.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, `DATABASE_ERROR`.
    pub async fn create_portal_link(&self, user: UserId) -> Result<SecretString, ServiceError> {
        let minted = self.mint(PORTAL);
        let expires_at = self.now().plus_seconds(PORTAL_LINK_SECONDS);
        let new = NewPortalLink { id: &minted.public, user, secret_hash: &minted.secret_hash, expires_at };
        match self.store.sessions().insert_portal_link(&new).await {
            Ok(()) => Ok(minted.text),
            Err(StoreError::Missing) => Err(ServiceError::user_not_found()),
            Err(error) => Err(error.into()),
        }
    }

    /// Uses a portal link up, and begins a session of the console; `None` for a code that is malformed, unknown, used or
    /// over: the four look alike.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn open_portal(&self, code: &str) -> Result<Option<Issued<StartedSession>>, ServiceError> {
        let Some((id, secret_hash)) = take_apart(PORTAL, code) else { return Ok(None) };
        match self.store.sessions().consume_portal_link(id, &secret_hash, self.now()).await? {
            Some(user) => self.begin_console_session(user).await.map(Some),
            None => Ok(None),
        }
    }

    /// Begins a session of the console.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, `DATABASE_ERROR`.
    pub async fn begin_console_session(&self, user: UserId) -> Result<Issued<StartedSession>, ServiceError> {
        let begun = self.begin_session(CONSOLE, user, CONSOLE_SESSION_SECONDS, Some(IDLE_SECONDS)).await?;
        tracing::info!(user.id = user.get(), "signed in to the console");
        Ok(begun)
    }

    /// Who holds this cookie; `None` for one that is malformed, unknown, ended or over: the four look alike.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn signed_in(&self, cookie: &str, presence: Presence) -> Result<Option<SignedIn>, ServiceError> {
        let Some((public, secret_hash)) = take_apart(CONSOLE, cookie) else { return Ok(None) };
        let (Ok(id), now) = (SessionId::new(public), self.now()) else { return Ok(None) };
        let Some((session, idle_until)) = self.console_session(&id, now).await? else { return Ok(None) };
        if !is_good(&session, &secret_hash, now) || idle_until <= now {
            return Ok(None);
        }
        let until = now.plus_seconds(IDLE_SECONDS);
        if presence == Presence::Active && until.seconds_since(idle_until) >= NOTED_EVERY_SECONDS {
            self.note_presence(&id, until).await;
        }
        let (user, expires_at) = (session.user, session.expires_at);
        Ok(Some(SignedIn { caller: Caller::Browser { session: id, user }, user, expires_at }))
    }

    /// The session, and when it ends idle. What is remembered of that may be old: it was used elsewhere since.
    async fn console_session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<(Arc<Session>, Timestamp)>, ServiceError> {
        let with_idle =
            |session: Option<Arc<Session>>| session.and_then(|one| Some((Arc::clone(&one), one.idle_until?)));
        let known = with_idle(self.known_session(id, now).await?);
        if known.as_ref().is_none_or(|(_, idle_until)| *idle_until > now) {
            return Ok(known);
        }
        self.caches.sessions.forget(id).await;
        Ok(with_idle(self.known_session(id, now).await?))
    }

    /// A database that takes no writes ends nobody's session.
    async fn note_presence(&self, id: &SessionId, until: Timestamp) {
        if let Err(error) = self.store.sessions().extend(id, until).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the use of a session was not noted");
        }
        self.caches.sessions.forget(id).await;
    }
}

/// What a page sends beside a cookie when it changes something. It follows from the cookie, which other sites' pages
/// make the browser send but cannot read.
#[must_use]
pub fn csrf_token(cookie: &str) -> String {
    base64url(hmac_sha256(cookie.as_bytes(), CSRF_TEXT))
}
