//! Who may call: API keys for the app's server, session tokens for the user's browser.
//!
//! Both are `prefix` + public half + secret half + checksum. The public half finds the row, the secret half is 256
//! random bits of which only the hash is stored, and the checksum lets a scanner tell a leaked key from noise and lets
//! us refuse noise without a query.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, constant_time_eq, hex, sha256};
use evergrant_model::{ApiKeyId, ErrorCode, SessionId, Timestamp, UserId};
use evergrant_store::{ApiKey, NewApiKey, NewSession, Session};
use secrecy::SecretString;

use crate::ServiceError;
use crate::service::IntegrationsService;

const API_KEY: &str = "evg_";
const SESSION: &str = "evs_";
/// The console's cookie, and the code of a portal link.
pub(crate) const CONSOLE: &str = "evc_";
pub(crate) const PORTAL: &str = "evp_";
/// Hex digits of 6 random bytes.
const PUBLIC_LENGTH: usize = 12;
/// Base64url of 32 random bytes.
const SECRET_LENGTH: usize = 43;
/// The first characters of the base64url of the SHA-256 of all that stands before.
const CHECKSUM_LENGTH: usize = 6;

/// The longest that a session token is good for.
pub const LONGEST_SESSION_SECONDS: i64 = 15 * 60;

macro_rules! scopes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What an API key may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum KeyScope {
            $($(#[$doc])* $variant,)*
        }

        impl KeyScope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The scope written as `text`, if there is one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

scopes! {
    /// Read platform tokens.
    TokensRead = "tokens:read",
    /// See users' connections.
    ConnectionsRead = "connections:read",
    /// Connect, renew and disconnect.
    ConnectionsWrite = "connections:write",
    /// Make and delete users.
    UsersWrite = "users:write",
    /// The operator's own.
    Admin = "admin",
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The app's server, acting for whichever user it names.
    App {
        /// The key's public half.
        key: ApiKeyId,
        /// What the key may do.
        scopes: Vec<KeyScope>,
    },
    /// The browser of one user.
    Browser {
        /// The session's public half.
        session: SessionId,
        /// The user.
        user: UserId,
    },
}

/// A credential that has just been made; its text is shown once.
pub struct Issued<T> {
    /// The whole text.
    pub secret: SecretString,
    /// What is stored of it.
    pub stored: T,
}

/// A session that has just begun.
#[derive(Debug, Clone, Copy)]
pub struct StartedSession {
    /// When it ends.
    pub expires_at: Timestamp,
}

impl IntegrationsService {
    /// Makes an API key that may do `scopes`, or all but `admin` where there are none.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` for a name that is empty or longer than 100 characters.
    pub async fn create_api_key(&self, name: &str, scopes: &[KeyScope]) -> Result<Issued<ApiKeyId>, ServiceError> {
        if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(ServiceError::field("name", "must be 1 to 100 characters"));
        }
        let usual = KeyScope::ALL.iter().filter(|scope| **scope != KeyScope::Admin);
        let granted: Vec<_> = if scopes.is_empty() { usual.collect() } else { scopes.iter().collect() };
        let scopes = granted.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        let minted = self.mint(API_KEY);
        let id = ApiKeyId::new(minted.public).map_err(|_| internal())?;
        let (secret_hash, created_at) = (minted.secret_hash, self.now());
        let new = NewApiKey { id: &id, name, secret_hash: &secret_hash, scopes: &scopes, created_at };
        if !self.store.api_keys().insert(&new).await? {
            return Err(internal());
        }
        tracing::info!(key.id = %id, name, scopes, "API key made");
        Ok(Issued { secret: minted.text, stored: id })
    }

    /// Every API key, oldest first; their secret halves are known to nobody.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, ServiceError> {
        Ok(self.store.api_keys().all().await?)
    }

    /// Ends an API key for good; `false` where there is none of this id.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn revoke_api_key(&self, id: &ApiKeyId) -> Result<bool, ServiceError> {
        let known = self.store.api_keys().revoke(id, self.now()).await?;
        self.caches.api_keys.forget(id).await;
        Ok(known)
    }

    /// Begins a session for the user's browser, of at most a quarter of an hour.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`; `VALIDATION_ERROR` for a life of less than a second.
    pub async fn create_session(
        &self,
        user: UserId,
        ttl_seconds: Option<i64>,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let ttl = ttl_seconds.unwrap_or(LONGEST_SESSION_SECONDS);
        if !(1..=LONGEST_SESSION_SECONDS).contains(&ttl) {
            return Err(ServiceError::field("ttlSeconds", "must be from 1 to 900"));
        }
        if self.store.users().by_id(user).await?.is_none() {
            return Err(ServiceError::user_not_found());
        }
        self.begin_session(SESSION, user, ttl, None).await
    }

    /// Begins a session that lasts for so long, less where it ends `idle_s` after its last use.
    pub(crate) async fn begin_session(
        &self,
        prefix: &str,
        user: UserId,
        ttl_s: i64,
        idle_s: Option<i64>,
    ) -> Result<Issued<StartedSession>, ServiceError> {
        let minted = self.mint(prefix);
        let id = SessionId::new(minted.public).map_err(|_| internal())?;
        let (created_at, secret_hash) = (self.now(), minted.secret_hash);
        let (expires_at, idle_until) =
            (created_at.plus_seconds(ttl_s), idle_s.map(|idle| created_at.plus_seconds(idle)));
        let new = NewSession { id: &id, user, secret_hash: &secret_hash, created_at, expires_at, idle_until };
        self.store.sessions().insert(&new).await?;
        Ok(Issued { secret: minted.text, stored: StartedSession { expires_at } })
    }

    /// Ends one session.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn end_session(&self, id: &SessionId) -> Result<(), ServiceError> {
        self.store.sessions().delete(id, self.now()).await?;
        self.caches.sessions.forget(id).await;
        Ok(())
    }

    /// Ends all sessions of a user; how many there were. Elsewhere they end within a second.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn end_sessions_of(&self, user: UserId) -> Result<u64, ServiceError> {
        Ok(self.store.sessions().delete_of_user(user, self.now()).await?)
    }

    /// Who presents this bearer text; `None` for one that is malformed, unknown, revoked or over: the four look alike.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn authenticate(&self, bearer: &str) -> Result<Option<Caller>, ServiceError> {
        if let Some((public, secret_hash)) = take_apart(API_KEY, bearer) {
            return self.app(public, &secret_hash).await;
        }
        match take_apart(SESSION, bearer) {
            Some((public, secret_hash)) => self.browser(public, &secret_hash).await,
            None => Ok(None),
        }
    }

    async fn app(&self, public: &str, secret_hash: &[u8]) -> Result<Option<Caller>, ServiceError> {
        let (Ok(id), now) = (ApiKeyId::new(public), self.now()) else { return Ok(None) };
        let key = self.known_key(&id, now).await?;
        let key = key.filter(|key| constant_time_eq(&key.secret_hash, secret_hash) && key.revoked_at.is_none());
        Ok(key.map(|key| Caller::App { key: id, scopes: key.scopes.split(' ').filter_map(KeyScope::parse).collect() }))
    }

    async fn known_key(&self, id: &ApiKeyId, now: Timestamp) -> Result<Option<Arc<ApiKey>>, ServiceError> {
        let load = || async {
            let found = self.ask(self.store.api_keys().by_id(id)).await?.map(Arc::new);
            if found.is_some() {
                self.note_use(id.clone(), now);
            }
            Ok(Some(found))
        };
        Ok(self.caches.api_keys.get_or_load(id.clone(), now, self.feed.trust(), load).await?.flatten())
    }

    fn note_use(&self, id: ApiKeyId, now: Timestamp) {
        let service = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = service.store.api_keys().record_use(&id, now).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "the use of a key was not noted");
            }
        });
    }

    async fn browser(&self, public: &str, secret_hash: &[u8]) -> Result<Option<Caller>, ServiceError> {
        let (Ok(id), now) = (SessionId::new(public), self.now()) else { return Ok(None) };
        let session = self.known_session(&id, now).await?;
        let good = |one: &Session| one.idle_until.is_none() && is_good(one, secret_hash, now);
        let session = session.filter(|session| good(session));
        Ok(session.map(|session| Caller::Browser { session: id, user: session.user }))
    }

    pub(crate) async fn known_session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, ServiceError> {
        let load = || async { Ok(Some(self.ask(self.store.sessions().by_id(id)).await?.map(Arc::new))) };
        Ok(self.caches.sessions.get_or_load(id.clone(), now, self.feed.trust(), load).await?.flatten())
    }

    pub(crate) fn mint(&self, prefix: &str) -> Minted {
        let public = hex(self.entropy.bytes::<6>());
        let secret = base64url(self.entropy.bytes::<32>());
        let text = format!("{prefix}{public}{secret}");
        let text = SecretString::from(format!("{text}{}", checksum(&text)));
        Minted { public, secret_hash: sha256(secret), text }
    }
}

/// A new credential, and the two parts of it that are stored.
pub(crate) struct Minted {
    pub(crate) public: String,
    pub(crate) secret_hash: [u8; 32],
    pub(crate) text: SecretString,
}

/// Whether this is the session's secret, and the session is not over.
pub(crate) fn is_good(session: &Session, secret_hash: &[u8], now: Timestamp) -> bool {
    constant_time_eq(&session.secret_hash, secret_hash) && session.expires_at > now
}

fn checksum(text: &str) -> String {
    base64url(sha256(text)).chars().take(CHECKSUM_LENGTH).collect()
}

/// The public half and the hash of the secret half of a well-formed credential of this prefix.
pub(crate) fn take_apart<'a>(prefix: &str, text: &'a str) -> Option<(&'a str, [u8; 32])> {
    let rest = text.strip_prefix(prefix)?;
    if rest.len() != PUBLIC_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH {
        return None;
    }
    let (public, rest) = rest.split_at_checked(PUBLIC_LENGTH)?;
    let (secret, sum) = rest.split_at_checked(SECRET_LENGTH)?;
    let summed = text.strip_suffix(sum)?;
    (checksum(summed) == sum).then(|| (public, sha256(secret)))
}

fn internal() -> ServiceError {
    ServiceError::new(ErrorCode::InternalError, "Something went wrong on our side.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        let text = format!("evg_{}{}", "0123456789ab", "s".repeat(SECRET_LENGTH));
        format!("{text}{}", checksum(&text))
    }

    #[test]
    fn takes_apart_what_it_put_together() {
        let (public, hash) = (key(), "s".repeat(SECRET_LENGTH));
        assert_eq!(take_apart(API_KEY, &public), Some(("0123456789ab", sha256(hash))));
    }

    #[test]
    fn refuses_noise_without_a_query() {
        let good = key();
        for bad in ["", "evg_", "evg_short", &good[..good.len() - 1], &format!("{good}x"), &good.replace("evg", "evs")]
        {
            assert!(take_apart(API_KEY, bad).is_none(), "{bad}");
        }
        let changed = good.replace("0123", "0124");
        assert!(take_apart(API_KEY, &changed).is_none());
        assert!(take_apart(API_KEY, &format!("evg_{}", "é".repeat(30))).is_none());
    }
}
