//! Refreshed tokens with all that storing them takes, as the journal keeps them.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{ConnectionId, ConnectionStatus, CorrelationId, InvalidId, StatusReason, Timestamp};
use evergrant_resilience::renewal::lease::Ticket;
use evergrant_store::{Connection, Leased, RefreshedGrant};
use serde::{Deserialize, Serialize};

use crate::tokens::encryption::EncryptedTokens;

/// One pair of refreshed tokens. The tokens are encrypted.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) connection: i32,
    pub(crate) provider: String,
    pub(crate) account: String,
    pub(crate) generation: i64,
    pub(crate) attempt: i64,
    taken_at_ms: i64,
    access: String,
    refresh: Option<String>,
    expires_at: Option<Timestamp>,
    grant_expires_at: Option<Timestamp>,
    #[serde(rename = "turnsAt")]
    next_status_at: Option<Timestamp>,
    token_type: Option<String>,
    scope: Option<String>,
    status: String,
    reason: Option<String>,
    next_refresh_at: Option<Timestamp>,
    issued_at: Timestamp,
    correlation_id: String,
}

impl Record {
    pub(crate) fn new(leased: &Leased, new: &RefreshedGrant<'_>) -> Self {
        let text = |token: &EncryptedToken| token.as_str().to_owned();
        Self {
            connection: leased.held.id.get(),
            provider: leased.held.provider.as_str().to_owned(),
            account: leased.held.account.as_str().to_owned(),
            generation: leased.ticket.generation,
            attempt: leased.ticket.attempt,
            taken_at_ms: leased.ticket.taken_at_ms,
            access: text(new.access_token),
            refresh: new.refresh_token.map(text),
            expires_at: new.expires_at,
            grant_expires_at: new.grant_expires_at,
            next_status_at: new.next_status_at,
            token_type: new.token_type.map(str::to_owned),
            scope: new.scope.map(str::to_owned),
            status: new.status.as_str().to_owned(),
            reason: new.reason.map(|reason| reason.as_str().to_owned()),
            next_refresh_at: new.next_refresh_at,
            issued_at: new.issued_at,
            correlation_id: new.correlation_id.as_str().to_owned(),
        }
    }

    /// Identifies the pair within one process: its connection and attempt.
    pub(crate) fn key(&self) -> (i32, i64) {
        (self.connection, self.attempt)
    }

    pub(crate) fn connection_id(&self) -> ConnectionId {
        ConnectionId::new(self.connection)
    }

    pub(crate) fn correlation_id(&self) -> Result<CorrelationId, InvalidId> {
        CorrelationId::new(self.correlation_id.clone())
    }

    /// Whether the pair belongs to this row. A row's id is never reused, so a mismatch means that
    /// the journal belongs to another database.
    pub(crate) fn belongs_to(&self, held: &Connection) -> bool {
        held.provider.as_str() == self.provider && held.account.as_str() == self.account
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { generation: self.generation, attempt: self.attempt, taken_at_ms: self.taken_at_ms, doubt_age_ms: None }
    }

    pub(crate) fn tokens(&self) -> EncryptedTokens {
        let token = |text: &String| EncryptedToken::from_stored(text.clone());
        EncryptedTokens { access: token(&self.access), refresh: self.refresh.as_ref().map(token) }
    }

    pub(crate) fn grant<'a>(
        &'a self,
        tokens: &'a EncryptedTokens,
        correlation_id: &'a CorrelationId,
    ) -> RefreshedGrant<'a> {
        RefreshedGrant {
            access_token: &tokens.access,
            refresh_token: tokens.refresh.as_ref(),
            expires_at: self.expires_at,
            grant_expires_at: self.grant_expires_at,
            next_status_at: self.next_status_at,
            token_type: self.token_type.as_deref(),
            scope: self.scope.as_deref(),
            status: ConnectionStatus::parse(&self.status).unwrap_or(ConnectionStatus::Connected),
            reason: self.reason.as_deref().and_then(StatusReason::parse),
            next_refresh_at: self.next_refresh_at,
            issued_at: self.issued_at,
            correlation_id,
        }
    }
}
