//! A user's connections as the app sees them: the seed's `getConnectedIntegrations`.

use std::sync::Arc;

use evergrant_adapters::Provider;
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
use crate::database::DatabaseMonitor;
use crate::providers::Providers;

/// A connection as the app sees it.
#[derive(Debug, Clone)]
pub struct Integration {
    /// The connection's id; connecting the account again keeps it.
    pub id: ConnectionId,
    /// The owner.
    pub user: UserId,
    /// The platform.
    pub provider: String,
    /// The account's id at the platform.
    pub provider_account_id: String,
    /// The status.
    pub status: ConnectionStatus,
    /// The reason for the status.
    pub reason: Option<StatusReason>,
    /// The handle.
    pub username: Option<String>,
    /// The name shown to people.
    pub display_name: Option<String>,
    /// The address of the profile picture, at Evergrant.
    pub avatar_url: Option<String>,
    /// The granted scopes, separated by spaces.
    pub scope: Option<String>,
    /// The scopes that were requested and not granted.
    pub missing_scopes: Vec<String>,
    /// When the access token expires; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// What the platform says of the account; an object.
    pub metadata: serde_json::Value,
    /// When the account was first connected.
    pub created_at: Timestamp,
    /// When the connection last changed.
    pub updated_at: Timestamp,
    /// When the token was last refreshed.
    pub last_refreshed_at: Option<Timestamp>,
    /// When the token is refreshed next.
    pub next_refresh_at: Option<Timestamp>,
    /// The correlation id of the last change of status.
    pub correlation_id: Option<String>,
}

/// All connections of a user at one version.
#[derive(Debug, Clone)]
pub struct IntegrationList {
    /// Increases with every change, over all replicas.
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
    /// See [`crate::IntegrationsService::connected_integrations`].
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

    /// The user's connections as they are stored. Unlike the app's list, it imports no rows of
    /// other programs.
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
        let held = self.connections.of_user(user).await?;
        let rows = held.map(|held| held.connections).unwrap_or_default();
        Ok(rows.iter().map(|row| self.view(row)).collect())
    }

    /// Up to `limit` connections of all users with ids after `after`, in the order of their ids.
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

    /// The connection to this account, whichever user owns it.
    ///
    /// # Errors
    ///
    /// `ACCOUNT_NOT_FOUND`, `DATABASE_ERROR`.
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

    async fn rows_of(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<Arc<UserConnections>, ServiceError> {
        let query = async || {
            let rows = self.database.query(self.connections.of_user(user)).await?;
            Ok(rows.map(Arc::new))
        };
        let (feed, now) = (self.database.feed_state(), self.clock.now());
        let found = self
            .caches
            .statuses
            .get_or_load(user, now, feed, &query)
            .await?;
        let rows = found.ok_or_else(ServiceError::user_not_found)?;
        let is_external = |row: &&Connection| row.is_external;
        let external: Vec<_> = rows
            .connections
            .iter()
            .filter(is_external)
            .cloned()
            .collect();
        // The list is true without the import, which the job repeats.
        let imported = if external.is_empty() {
            0
        } else {
            self.external_rows
                .import(call, &external)
                .await
                .unwrap_or(0)
        };
        if imported == 0 {
            return Ok(rows);
        }
        query().await?.ok_or_else(ServiceError::user_not_found)
    }

    fn view(&self, row: &Connection) -> Integration {
        let platform = self.providers.by_slug(&row.provider);
        let (status, reason) = self.status_now(row, platform.as_deref());
        let fact = |name: &str| {
            row.metadata
                .get(name)
                .and_then(|value| value.as_str())
                .map(str::to_owned)
        };
        let no_facts = || serde_json::json!({});
        Integration {
            id: row.id,
            user: row.user,
            provider: row.provider.as_str().to_owned(),
            provider_account_id: row.account.as_str().to_owned(),
            status,
            reason,
            username: fact("username"),
            display_name: fact("display_name"),
            avatar_url: self.avatars.address(row.provider.as_str(), &row.metadata),
            scope: row.tokens.scope.clone(),
            missing_scopes: missing_scopes(row),
            expires_at: row.tokens.expires_at,
            metadata: if row.metadata.is_null() {
                no_facts()
            } else {
                row.metadata.clone()
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_refreshed_at: row.last_refreshed_at,
            next_refresh_at: row
                .next_refresh_at
                .filter(|_| status != ConnectionStatus::Expired),
            correlation_id: row.correlation_id.clone(),
        }
    }

    /// The recorded status, or a later one that time has caused since.
    fn status_now(
        &self,
        row: &Connection,
        platform: Option<&Provider>,
    ) -> (ConnectionStatus, Option<StatusReason>) {
        if !row.status.is_connected() {
            return (row.status, row.reason);
        }
        let now = self.clock.now();
        let timed = TimedStatus::of(now, row, platform.map(Provider::spec)).status;
        let ended = row.tokens.expires_at.is_some_and(|end| end <= now);
        let blocked = platform.is_some_and(|platform| platform.refresh_block().is_some());
        match timed {
            ConnectionStatus::Expired => {
                (ConnectionStatus::Expired, Some(StatusReason::SessionEnded))
            }
            // The refresh has not been tried: the platform fails for other accounts too.
            _ if ended && blocked => (
                ConnectionStatus::Error,
                Some(StatusReason::ProviderUnavailable),
            ),
            ConnectionStatus::Expiring => (ConnectionStatus::Expiring, row.reason),
            _ => (row.status, row.reason),
        }
    }
}

fn missing_scopes(row: &Connection) -> Vec<String> {
    let (Some(requested), Some(granted)) = (&row.requested_scope, &row.tokens.scope) else {
        return Vec::new();
    };
    ScopeSet::parse(requested).missing_from(&ScopeSet::parse(granted))
}
