//! Grants given up here that the platform has not confirmed: kept, encrypted, until it does or a day has passed.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::database::{Record, Work, params};
use crate::events::{About, NewEvent};
use crate::{Store, StoreError};

/// A revocation to be queued.
#[derive(Debug, Clone)]
pub struct NewRevocation {
    /// A random name for it.
    pub id: String,
    /// At which platform.
    pub provider: ProviderSlug,
    /// Who gave the grant, where revoking it ends all that the person gave; `None` elsewhere, and where nobody knows.
    pub person: Option<String>,
    /// When a worker may first try; the one who queues it usually tries at once.
    pub next_attempt_at: Timestamp,
    /// When we stop asking.
    pub expires_at: Timestamp,
    /// Finds the reason in the log.
    pub correlation_id: CorrelationId,
}

/// A queued revocation.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// Its name.
    pub id: String,
    /// At which platform.
    pub provider: ProviderSlug,
    /// Who gave the grant, where revoking it ends all that the person gave.
    pub person: Option<String>,
    /// The access token, where there was one.
    pub access_token: Option<EncryptedToken>,
    /// The refresh token, where there was one.
    pub refresh_token: Option<EncryptedToken>,
    /// How often it was tried.
    pub attempts: i32,
    /// When we stop asking.
    pub expires_at: Timestamp,
    /// Finds the reason in the log.
    pub correlation_id: String,
}

const INSERT: &str = "INSERT INTO evergrant_revocations
    (id, provider, access_token, refresh_token, next_attempt_at, expires_at, correlation_id, person)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const ONE: &str = "SELECT id, provider, person, access_token, refresh_token, attempts, expires_at, correlation_id
    FROM evergrant_revocations WHERE id = $1";
/// `$lock` lets workers pass by what others are claiming, where more than one can write at a time.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE evergrant_revocations SET attempts = attempts + 1, next_attempt_at = $2
            WHERE id = (SELECT id FROM evergrant_revocations WHERE next_attempt_at <= $1
                ORDER BY next_attempt_at LIMIT 1",
            $lock,
            ") RETURNING id, provider, person, access_token, refresh_token, attempts, expires_at, correlation_id"
        )
    };
}
pub(crate) const CLAIM_ALONE: &str = claim!("");
pub(crate) const CLAIM_AMONG_OTHERS: &str = claim!(" FOR UPDATE SKIP LOCKED");
const RESCHEDULE: &str = "UPDATE evergrant_revocations SET next_attempt_at = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM evergrant_revocations WHERE id = $1";
const OF_USER: &str = "DELETE FROM oauth_accounts WHERE user_id = $1
    RETURNING provider, provider_account_id, access_token, refresh_token, metadata AS facts";
const FLOWS_OF_USER: &str = "DELETE FROM evergrant_flows WHERE user_id = $1
    RETURNING provider, access_token, refresh_token, accounts AS facts";
const DELETE_USER: &str = "DELETE FROM users WHERE id = $1";

impl Work {
    pub(crate) async fn queue_revocation(
        &mut self,
        new: &NewRevocation,
        access: Option<&str>,
        refresh: Option<&str>,
    ) -> Result<(), StoreError> {
        let (id, correlation_id) = (new.id.as_str(), new.correlation_id.as_str());
        let provider = new.provider.as_str();
        let (next, end, person) = (new.next_attempt_at, new.expires_at, new.person.as_deref());
        let params = params![id, provider, access, refresh, next, end, correlation_id, person];
        self.execute(INSERT, params).await.map(drop)
    }
}

fn read(row: &Record) -> Result<Revocation, StoreError> {
    Ok(Revocation {
        id: row.text("id")?,
        provider: ProviderSlug::new(row.text("provider")?).map_err(|_| StoreError::Inconsistent("provider"))?,
        person: row.optional_text("person")?,
        access_token: row.optional_text("access_token")?.map(EncryptedToken::from_stored),
        refresh_token: row.optional_text("refresh_token")?.map(EncryptedToken::from_stored),
        attempts: row.int("attempts")?,
        expires_at: row.time("expires_at")?,
        correlation_id: row.text("correlation_id")?,
    })
}

impl Store {
    /// Queues the revocation of tokens that are stored nowhere else.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn queue_revocation(
        &self,
        new: &NewRevocation,
        access: &EncryptedToken,
        refresh: Option<&EncryptedToken>,
    ) -> Result<(), StoreError> {
        let mut work = self.database.begin().await?;
        work.queue_revocation(new, Some(access.as_str()), refresh.map(EncryptedToken::as_str)).await?;
        work.commit().await
    }

    /// The queued revocation of this name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn revocation(&self, id: &str) -> Result<Option<Revocation>, StoreError> {
        self.database.row(ONE, params![id]).await?.as_ref().map(read).transpose()
    }

    /// Takes one revocation that is due, and sets its next attempt to `again_at`, should this one come to nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn claim_revocation(
        &self,
        now: Timestamp,
        again_at: Timestamp,
    ) -> Result<Option<Revocation>, StoreError> {
        let claim = self.database.dialect(CLAIM_ALONE, CLAIM_AMONG_OTHERS);
        self.database.returning(claim, params![now, again_at]).await?.as_ref().map(read).transpose()
    }

    /// Puts the next attempt off until `at`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn reschedule_revocation(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        self.database.execute(RESCHEDULE, params![id, at]).await.map(drop)
    }

    /// Removes a revocation that is done or given up.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn delete_revocation(&self, id: &str) -> Result<(), StoreError> {
        self.database.execute(DELETE, params![id]).await.map(drop)
    }

    /// Removes the user with all connections and unfinished flows, and queues what `plan` makes of each grant and of what is known of its account.
    /// `false` where there is no such user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn delete_user(
        &self,
        user: UserId,
        correlation_id: &CorrelationId,
        at: Timestamp,
        plan: impl Fn(&ProviderSlug, &serde_json::Value) -> Option<NewRevocation>,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let version = match work.raise_version(user).await {
            Err(StoreError::Missing) => return Ok(false),
            version => version?,
        };
        let connections = work.rows(OF_USER, params![user.get()]).await?;
        let flows = work.rows(FLOWS_OF_USER, params![user.get()]).await?;
        for row in connections.iter().chain(&flows) {
            queue_grant(&mut work, row, &plan).await?;
        }
        let kind = EventKind::Disconnected;
        let everything = NewEvent { user, version, kind, about: About::Everything, correlation_id, at };
        work.announce(&everything).await?;
        for row in &connections {
            let provider = ProviderSlug::new(row.text("provider")?);
            let account = ProviderAccountId::new(row.text("provider_account_id")?);
            if let (Ok(provider), Ok(account)) = (provider, account) {
                let version = work.raise_version(user).await?;
                let about = About::Account(&provider, &account);
                work.announce(&NewEvent { version, about, ..everything }).await?;
            }
        }
        let deleted = work.execute(DELETE_USER, params![user.get()]).await? > 0;
        work.commit().await?;
        Ok(deleted)
    }
}

/// Queues the tokens of a row that is gone, where it held any and `plan` knows what to do with them.
async fn queue_grant(
    work: &mut Work,
    row: &Record,
    plan: &impl Fn(&ProviderSlug, &serde_json::Value) -> Option<NewRevocation>,
) -> Result<(), StoreError> {
    let (access, refresh) = (row.optional_text("access_token")?, row.optional_text("refresh_token")?);
    if access.is_none() && refresh.is_none() {
        return Ok(());
    }
    let facts = row.json("facts").unwrap_or_default();
    let new = ProviderSlug::new(row.text("provider")?).ok().and_then(|provider| plan(&provider, &facts));
    let Some(new) = new else { return Ok(()) };
    work.queue_revocation(&new, access.as_deref(), refresh.as_deref()).await
}
