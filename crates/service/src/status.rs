//! The user's connections as the app sees them: the seed's `getConnectedIntegrations`.

use std::sync::Arc;

use evergrant_adapters::Platform;
use evergrant_model::{ConnectionId, ConnectionStatus, ScopeSet, StatusReason, Timestamp, UserId};
use evergrant_store::{Connection, UserConnections};

use crate::ServiceError;
use crate::service::{Inner, IntegrationsService};

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
    /// Where its picture is: an address of ours.
    pub avatar_url: Option<String>,
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
        let load = || async {
            let rows = self.ask(self.store.connections().of_user(user)).await?;
            Ok(rows.map(Arc::new))
        };
        let found = self.caches.statuses.get_or_load(user, self.now(), self.feed.trust(), load).await?;
        let rows = found.ok_or_else(ServiceError::user_not_found)?;
        let mut adopted = false;
        for foreign in rows.connections.iter().filter(|row| row.is_external) {
            adopted |= self.adopt(foreign).await.unwrap_or(false);
        }
        if !adopted {
            return Ok(rows);
        }
        let rows = self.ask(self.store.connections().of_user(user)).await?;
        rows.map(Arc::new).ok_or_else(ServiceError::user_not_found)
    }

    /// One connection as the app sees it.
    pub fn view(&self, row: &Connection) -> Integration {
        let platform = self.registry.platform(&row.provider);
        let (status, reason) = self.standing_now(row, platform.as_deref());
        let fact = |name: &str| row.metadata.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Integration {
            id: row.id,
            provider: row.provider.as_str().to_owned(),
            provider_account_id: row.account.as_str().to_owned(),
            status,
            reason,
            username: fact("username"),
            display_name: fact("display_name"),
            avatar_url: self.avatar_address(row.provider.as_str(), &row.metadata),
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
    fn standing_now(&self, row: &Connection, platform: Option<&Platform>) -> (ConnectionStatus, Option<StatusReason>) {
        if !row.status.is_connected() {
            return (row.status, row.reason);
        }
        let spec = platform.map(Platform::spec);
        let turned = self.turning_of(spec, row).status;
        let ended = row.expires_at.is_some_and(|end| end <= self.now());
        let left_alone = platform.is_some_and(|platform| platform.refresh_block().is_some());
        match turned {
            ConnectionStatus::Expired => (ConnectionStatus::Expired, Some(StatusReason::SessionEnded)),
            // Nobody has tried it yet, because the platform is in trouble for others too.
            _ if ended && left_alone => (ConnectionStatus::Error, Some(StatusReason::ProviderUnavailable)),
            ConnectionStatus::Expiring => (ConnectionStatus::Expiring, row.reason),
            _ => (row.status, row.reason),
        }
    }
}

fn missing_scopes(row: &Connection) -> Vec<String> {
    let (Some(requested), Some(granted)) = (&row.requested_scope, &row.scope) else { return Vec::new() };
    ScopeSet::parse(requested).missing_from(&ScopeSet::parse(granted))
}
