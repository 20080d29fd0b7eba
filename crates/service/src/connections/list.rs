//! A user's connections in the app's view (`getConnectedIntegrations` in the original Node.js API).

use std::sync::Arc;

use evergrant_adapters::{BlockKind, Provider};
use evergrant_model::{
    Call, Clock, ConnectionId, ConnectionStatus, ProviderAccountId, ProviderSlug, ScopeSet,
    StatusReason, Timestamp, UserId,
};
use evergrant_store::{Connection, ConnectionRepository, UserConnections};

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::avatars::Avatars;
use crate::connections::expiry::TimedStatus;
use crate::connections::external_rows::ExternalRows;
use crate::connections::remarks::remarks;
use crate::database::DatabaseMonitor;
use crate::providers::Providers;

/// A connection in the app's view: without tokens, with its status at the time of the request.
#[derive(Debug, Clone)]
pub struct Integration {
    /// The connection's id. It stays the same when the account is reconnected.
    pub id: ConnectionId,
    /// The owner.
    pub user: UserId,
    /// The platform's slug.
    pub provider: String,
    /// The account's id at the platform.
    pub provider_account_id: String,
    /// The status.
    pub status: ConnectionStatus,
    /// The reason for the status, or the first remark; `None` if there is nothing to explain.
    pub reason: Option<StatusReason>,
    /// What the user should know about a connection that works, the most important first.
    pub remarks: Vec<StatusReason>,
    /// The handle; `None` if the platform has none.
    pub username: Option<String>,
    /// The name shown to people; `None` if the platform has none.
    pub display_name: Option<String>,
    /// The signed URL, at Evergrant, of the profile picture; `None` if the account has none.
    pub avatar_url: Option<String>,
    /// The granted scopes, separated by spaces; `None` if unknown.
    pub scope: Option<String>,
    /// The scopes that were requested but not granted.
    pub missing_scopes: Vec<String>,
    /// When the access token expires; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// The account's profile as the platform reports it: a JSON object.
    pub metadata: serde_json::Value,
    /// When the account was first connected.
    pub created_at: Timestamp,
    /// When the connection last changed.
    pub updated_at: Timestamp,
    /// When the token was last refreshed; `None` if it never was.
    pub last_refreshed_at: Option<Timestamp>,
    /// When the next refresh or session check is due; `None` if none is scheduled.
    pub next_refresh_at: Option<Timestamp>,
    /// The correlation id of the last change of status; `None` before Evergrant's first change.
    pub correlation_id: Option<String>,
}

/// All connections of a user at one version.
#[derive(Debug, Clone)]
pub struct IntegrationList {
    /// The user's version, which increases with every change on any replica.
    pub version: i64,
    /// The connections, oldest first.
    pub integrations: Vec<Integration>,
}

/// Lists connections.
pub struct ConnectionList {
    pub(crate) connections: ConnectionRepository,
    pub(crate) providers: Providers,
    pub(crate) external_rows: Arc<ExternalRows>,
    pub(crate) avatars: Arc<Avatars>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ConnectionList {
    /// Implements [`crate::IntegrationsService::connected_integrations`].
    pub(crate) async fn of_user(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<IntegrationList, ServiceError> {
        let rows = self.rows_of(call, user).await?;
        let integrations = rows.connections.iter().map(|row| self.view(row)).collect();
        Ok(IntegrationList {
            version: rows.version,
            integrations,
        })
    }

    /// Returns the user's connections by one query, without the cache and without importing rows
    /// of other programs. The list of an unknown user is empty.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "stored_connections", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn stored(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<Vec<Integration>, ServiceError> {
        let stored = self.connections.of_user(user).await?;
        let rows = stored.map(|stored| stored.connections).unwrap_or_default();
        Ok(rows.iter().map(|row| self.view(row)).collect())
    }

    /// Returns up to `limit` connections of all users with ids greater than `after`, ordered by id.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "list_connections", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn page(
        &self,
        call: &Call,
        after: i32,
        limit: i64,
    ) -> Result<Vec<Integration>, ServiceError> {
        let rows = self.connections.page(after, limit).await?;
        Ok(rows.iter().map(|row| self.view(row)).collect())
    }

    /// Returns the connection to this account, of any user.
    ///
    /// # Errors
    ///
    /// `ACCOUNT_NOT_FOUND` if the account is not connected; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "find_connection", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn find(
        &self,
        call: &Call,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Integration, ServiceError> {
        let row = self.connections.by_account(provider, account).await?;
        row.map(|row| self.view(&row))
            .ok_or_else(ServiceError::account_not_found)
    }

    /// Returns the user's connection to this account by one query, after importing it if another
    /// program wrote it; `None` if it does not exist.
    pub(crate) async fn of_account(
        &self,
        call: &Call,
        user: UserId,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Option<Integration>, ServiceError> {
        let query = async || {
            let row = self.connections.owned(user, provider, account);
            self.database.query(row).await
        };
        let mut found = query().await?;
        if let Some(row) = found.take_if(|row| row.is_external) {
            // The row is correct without the import; if the import fails, the job repeats it.
            let imported = self.external_rows.import(call, std::slice::from_ref(&row));
            found = match imported.await {
                Ok(import) if import.imported > 0 => query().await?,
                _ => Some(row),
            };
        }
        Ok(found.map(|row| self.view(&row)))
    }

    /// Returns the user's rows from the cache or by one query, after importing those that another
    /// program wrote.
    async fn rows_of(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<Arc<UserConnections>, ServiceError> {
        let query = async || {
            let rows = self.database.query(self.connections.of_user(user)).await?;
            Ok(rows.map(Arc::new))
        };
        let now = self.clock.now();
        let found = self
            .caches
            .statuses
            .get_or_load(user, now, &self.database, &query)
            .await?;
        let rows = found.ok_or_else(ServiceError::user_not_found)?;
        let is_external = |row: &&Connection| row.is_external;
        let external: Vec<_> = rows
            .connections
            .iter()
            .filter(is_external)
            .cloned()
            .collect();
        // The list is correct without the import; if the import fails, the job repeats it.
        let imported = if external.is_empty() {
            0
        } else {
            self.external_rows
                .import(call, &external)
                .await
                .map_or(0, |import| import.imported)
        };
        if imported == 0 {
            return Ok(rows);
        }
        query().await?.ok_or_else(ServiceError::user_not_found)
    }

    /// Converts a row to the app's view.
    fn view(&self, row: &Connection) -> Integration {
        let provider = self.providers.by_slug(&row.provider);
        let (status, reason) = self.current_status(row, provider.as_deref());
        let missing_scopes = missing_scopes(row, provider.as_deref());
        let remarks = remarks(row, status, &missing_scopes, self.clock.now());
        Integration {
            id: row.id,
            user: row.user,
            provider: row.provider.as_str().to_owned(),
            provider_account_id: row.account.as_str().to_owned(),
            status,
            reason: if status.is_connected() {
                remarks.first().copied()
            } else {
                reason
            },
            remarks,
            username: profile_text(row, "username"),
            display_name: profile_text(row, "display_name"),
            avatar_url: self.avatars.address(&row.provider, &row.metadata),
            scope: row.tokens.scope.clone(),
            missing_scopes,
            expires_at: row.tokens.expires_at,
            metadata: profile(row),
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_refreshed_at: row.last_refreshed_at,
            next_refresh_at: next_refresh_at(row, provider.as_deref())
                .filter(|_| status != ConnectionStatus::Expired),
            correlation_id: row.correlation_id.clone(),
        }
    }

    /// Returns the stored status, or the one that follows from an expiry or an open circuit breaker
    /// and is not stored yet.
    fn current_status(
        &self,
        row: &Connection,
        provider: Option<&Provider>,
    ) -> (ConnectionStatus, Option<StatusReason>) {
        if !row.status.is_connected() {
            return (row.status, row.reason);
        }
        let now = self.clock.now();
        let timed = TimedStatus::of(now, row, provider.map(Provider::spec)).status;
        let has_expired = row.tokens.expires_at.is_some_and(|end| end <= now);
        let block = provider.and_then(Provider::refresh_block);
        let is_blocked = block.is_some_and(|block| block.kind != BlockKind::RateLimit);
        match timed {
            ConnectionStatus::Expired => {
                (ConnectionStatus::Expired, Some(StatusReason::SessionEnded))
            }
            ConnectionStatus::Error => (
                ConnectionStatus::Error,
                Some(StatusReason::ProviderUnavailable),
            ),
            // The refresh was not attempted, because the circuit breaker blocks it.
            _ if has_expired && is_blocked => (
                ConnectionStatus::Error,
                Some(StatusReason::ProviderUnavailable),
            ),
            ConnectionStatus::Expiring => (ConnectionStatus::Expiring, row.reason),
            _ => (row.status, row.reason),
        }
    }
}

/// Returns when the next refresh or check will start: once it is due, and calls are not blocked.
fn next_refresh_at(row: &Connection, provider: Option<&Provider>) -> Option<Timestamp> {
    let block = provider.and_then(Provider::refresh_block);
    let due = row.next_refresh_at?;
    Some(block.map_or(due, |block| due.max(block.blocked_until)))
}

/// Returns the account's profile: a JSON object, empty if none is stored.
fn profile(row: &Connection) -> serde_json::Value {
    if row.metadata.is_null() {
        return serde_json::json!({});
    }
    row.metadata.clone()
}

/// Returns a text of the account's profile.
fn profile_text(row: &Connection, name: &str) -> Option<String> {
    row.metadata.get(name)?.as_str().map(str::to_owned)
}

/// Returns the requested scopes that were not granted; empty if either set is unknown.
fn missing_scopes(row: &Connection, provider: Option<&Provider>) -> Vec<String> {
    let (Some(requested), Some(granted)) = (&row.requested_scope, &row.tokens.scope) else {
        return Vec::new();
    };
    let vocabulary = provider.map(|provider| provider.spec().vocabulary.clone());
    vocabulary
        .unwrap_or_default()
        .missing_scopes(&ScopeSet::parse(requested), &ScopeSet::parse(granted))
}
