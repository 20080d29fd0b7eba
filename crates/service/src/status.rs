//! The user's connections as the app sees them: the seed's `getConnectedIntegrations`.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{ConnectionId, ConnectionStatus, ScopeSet, StatusReason, Timestamp, UserId};
use evergrant_store::{Connection, UserConnections};

use crate::ServiceError;
use crate::read::is_renewable;
use crate::service::{Inner, IntegrationsService};

/// A connection that nothing renews is called expiring this long before its end, or in the last fifth of its life.
const WARNING_SECONDS: i64 = 7 * 24 * 60 * 60;
const WARNING_SHARE: i64 = 5;

/// A connection as the app sees it.
#[derive(Debug, Clone)]
pub struct Integration {
    /// The connection's number; a reconnect keeps it.
    pub id: ConnectionId,
    /// At which platform.
    pub provider: String,
    /// Which account there.
    pub provider_account_id: String,
    /// How it stands.
    pub status: ConnectionStatus,
    /// Why.
    pub reason: Option<StatusReason>,
    /// The handle.
    pub username: Option<String>,
    /// The name that people see.
    pub display_name: Option<String>,
    /// The granted scopes, divided by spaces.
    pub scope: Option<String>,
    /// The scopes that were asked for and not granted.
    pub missing_scopes: Vec<String>,
    /// When the access token ends; `None` where nobody knows.
    pub expires_at: Option<Timestamp>,
    /// What the platform says of the account; an object.
    pub metadata: serde_json::Value,
    /// When it was first connected.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was last renewed.
    pub last_refreshed_at: Option<Timestamp>,
    /// When it is next renewed.
    pub next_refresh_at: Option<Timestamp>,
    /// Finds its last change of status in the log.
    pub correlation_id: Option<String>,
}

/// All of a user's connections at one version.
#[derive(Debug, Clone)]
pub struct IntegrationList {
    /// Rises with every change, over all replicas.
    pub version: i64,
    /// In the order in which they were made.
    pub integrations: Vec<Integration>,
}

impl IntegrationsService {
    /// The user's connections, from memory for up to five minutes unless something changed.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`.
    pub async fn connected_integrations(&self, user: UserId) -> Result<IntegrationList, ServiceError> {
        let rows = self.rows_of(user).await?;
        let integrations = rows.connections.iter().map(|row| self.view(row)).collect();
        Ok(IntegrationList { version: rows.version, integrations })
    }
}

impl Inner {
    async fn rows_of(&self, user: UserId) -> Result<Arc<UserConnections>, ServiceError> {
        let now = self.now();
        if let Some(rows) = self.caches.statuses.get(&user, now).await {
            return Ok(rows);
        }
        let mark = self.caches.statuses.mark(&user);
        let rows = self.store.user_connections(user).await?.ok_or_else(ServiceError::user_not_found)?;
        let rows = Arc::new(rows);
        self.caches.statuses.put(user, Arc::clone(&rows), now, mark).await;
        Ok(rows)
    }

    /// One connection as the app sees it.
    pub fn view(&self, row: &Connection) -> Integration {
        let adapter = self.registry.adapter(&row.provider);
        let (status, reason) = self.standing_now(row, adapter.as_ref().map(|adapter| adapter.spec()));
        let fact = |name: &str| row.metadata.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Integration {
            id: row.id,
            provider: row.provider.as_str().to_owned(),
            provider_account_id: row.account.as_str().to_owned(),
            status,
            reason,
            username: fact("username"),
            display_name: fact("display_name"),
            scope: row.scope.clone(),
            missing_scopes: missing_scopes(row),
            expires_at: row.expires_at,
            metadata: if row.metadata.is_null() { serde_json::json!({}) } else { row.metadata.clone() },
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_refreshed_at: row.last_refreshed_at,
            next_refresh_at: row.next_refresh_at.filter(|_| status != ConnectionStatus::Expired),
            correlation_id: row.correlation_id.clone(),
        }
    }

    /// How a connection stands now: as recorded, or further along where time alone has moved it.
    fn standing_now(&self, row: &Connection, spec: Option<&ProviderSpec>) -> (ConnectionStatus, Option<StatusReason>) {
        let renewable = spec.is_some_and(|spec| is_renewable(row, spec));
        let Some(end) = row.expires_at.filter(|_| row.status == ConnectionStatus::Connected && !renewable) else {
            return (row.status, row.reason);
        };
        let left = end.seconds_since(self.now());
        let warning =
            row.lifetime().seconds().map_or(WARNING_SECONDS, |life| WARNING_SECONDS.min(life / WARNING_SHARE));
        if evergrant_model::is_token_expired(Some(end), self.now()) {
            (ConnectionStatus::Expired, Some(StatusReason::SessionEnded))
        } else if left <= warning {
            (ConnectionStatus::Expiring, row.reason)
        } else {
            (row.status, row.reason)
        }
    }
}

fn missing_scopes(row: &Connection) -> Vec<String> {
    let (Some(requested), Some(granted)) = (&row.requested_scope, &row.scope) else { return Vec::new() };
    ScopeSet::parse(requested).missing_from(&ScopeSet::parse(granted))
}
