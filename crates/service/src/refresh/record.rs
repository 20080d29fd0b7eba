//! The journal's record of refreshed tokens: everything that is needed to store them.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    ConnectionId, ConnectionStatus, CorrelationId, InvalidId, ProviderAccountId, ProviderSlug,
    StatusReason, Timestamp, UserId,
};
use evergrant_resilience::refresh::lease::{Ticket, TokenSource};
use evergrant_store::{
    Connection, ConnectionKey, Leased, RefreshedGrant, StoredTokens, TokenDigests,
};
use serde::{Deserialize, Serialize};

/// One set of refreshed tokens, encrypted, with the state of the connection after the refresh.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) connection: i32,
    /// The owner when the lease was taken; `None` in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<i32>,
    pub(crate) provider: String,
    pub(crate) account: String,
    /// The generation whose refresh token was exchanged.
    pub(crate) generation: i64,
    /// The fencing token of the lease under which they were obtained.
    pub(crate) attempt: i64,
    taken_at_ms: i64,
    #[serde(flatten, with = "JournalTokens")]
    pub(crate) tokens: StoredTokens,
    #[serde(rename = "turnsAt")]
    next_status_at: Option<Timestamp>,
    status: String,
    reason: Option<String>,
    next_refresh_at: Option<Timestamp>,
    correlation_id: String,
}

/// The serialized form of [`StoredTokens`] in the journal.
#[derive(Serialize, Deserialize)]
#[serde(remote = "StoredTokens", rename_all = "camelCase")]
struct JournalTokens {
    #[serde(
        serialize_with = "encrypted::serialize",
        deserialize_with = "encrypted::required"
    )]
    access: Option<EncryptedToken>,
    #[serde(with = "encrypted", default)]
    refresh: Option<EncryptedToken>,
    expires_at: Option<Timestamp>,
    grant_expires_at: Option<Timestamp>,
    token_type: Option<String>,
    scope: Option<String>,
    issued_at: Option<Timestamp>,
}

/// Serializes an encrypted token as its ciphertext.
mod encrypted {
    use evergrant_encryption::EncryptedToken;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde prescribes the signature")]
    pub(super) fn serialize<S: Serializer>(
        token: &Option<EncryptedToken>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        token
            .as_ref()
            .map(EncryptedToken::as_str)
            .serialize(serializer)
    }

    /// Deserializes an access token. A record without one is malformed.
    pub(super) fn required<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<EncryptedToken>, D::Error> {
        Ok(Some(EncryptedToken::from_stored(String::deserialize(
            deserializer,
        )?)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<EncryptedToken>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(EncryptedToken::from_stored))
    }
}

impl Record {
    /// Creates the record of tokens obtained under this lease.
    pub(crate) fn new(leased: &Leased, new: &RefreshedGrant<'_>) -> Self {
        Self {
            connection: leased.connection.id.get(),
            user: Some(leased.connection.user.get()),
            provider: leased.connection.provider.as_str().to_owned(),
            account: leased.connection.account.as_str().to_owned(),
            generation: leased.ticket.generation,
            attempt: leased.ticket.attempt,
            taken_at_ms: leased.ticket.taken_at_ms,
            tokens: new.tokens.clone(),
            next_status_at: new.next_status_at,
            status: new.status.as_str().to_owned(),
            reason: new.reason.map(|reason| reason.as_str().to_owned()),
            next_refresh_at: new.next_refresh_at,
            correlation_id: new.correlation_id.as_str().to_owned(),
        }
    }

    /// Returns the key of the record within one process: connection and attempt.
    pub(crate) fn key(&self) -> (i32, i64) {
        (self.connection, self.attempt)
    }

    /// Returns the id of the connection.
    pub(crate) fn connection_id(&self) -> ConnectionId {
        ConnectionId::new(self.connection)
    }

    /// Returns the account and its owner when the lease was taken; `None` if the journal was edited
    /// by hand.
    pub(crate) fn account_key(&self) -> Option<ConnectionKey> {
        Some(ConnectionKey {
            user: UserId::try_from(i64::from(self.user?)).ok()?,
            provider: ProviderSlug::new(self.provider.as_str()).ok()?,
            account: ProviderAccountId::new(self.account.as_str()).ok()?,
        })
    }

    /// Returns the correlation id of the refresh; an error if the journal was edited by hand.
    pub(crate) fn correlation_id(&self) -> Result<CorrelationId, InvalidId> {
        CorrelationId::new(self.correlation_id.clone())
    }

    /// Returns whether the record belongs to this connection. Row ids are never reused, so a
    /// mismatch means that the journal belongs to another database.
    pub(crate) fn belongs_to(&self, connection: &Connection) -> bool {
        connection.provider.as_str() == self.provider && connection.account.as_str() == self.account
    }

    /// Returns the ticket of the lease under which the tokens were obtained.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            generation: self.generation,
            attempt: self.attempt,
            taken_at_ms: self.taken_at_ms,
            in_doubt_for_ms: None,
        }
    }

    /// Returns whether the stored tokens of this connection are those of the record.
    pub(crate) fn is_stored_in(&self, connection: &Connection) -> bool {
        let source = TokenSource {
            source_generation: self.generation,
            attempt: self.attempt,
        };
        connection.lease.token_source == Some(source)
    }

    /// Returns the tokens in the form in which they are stored.
    pub(crate) fn grant<'a>(
        &'a self,
        correlation_id: &'a CorrelationId,
        now: Timestamp,
        digests: &'a dyn TokenDigests,
    ) -> RefreshedGrant<'a> {
        RefreshedGrant {
            tokens: &self.tokens,
            next_status_at: self.next_status_at,
            status: ConnectionStatus::parse(&self.status).unwrap_or(ConnectionStatus::Connected),
            reason: self.reason.as_deref().and_then(StatusReason::parse),
            next_refresh_at: self.next_refresh_at,
            at: self.tokens.issued_at.unwrap_or(now),
            correlation_id,
            digests,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evergrant_testkit::cipher;

    use super::*;
    use crate::tokens::encryption::TokenEncryption;

    /// A line of the journal.
    const LINE: &str = r#"{"connection":7,"user":5,"provider":"acme","account":"a","generation":1,"attempt":2,"takenAtMs":3,
        "access":"encrypted access","refresh":"encrypted refresh","expiresAt":"2026-01-01T01:00:00.000Z",
        "grantExpiresAt":"2026-04-01T00:00:00.000Z","turnsAt":"2026-03-18T00:00:00.000Z","tokenType":"bearer",
        "scope":"read write","status":"connected","reason":"SCOPE_MISSING","nextRefreshAt":"2026-01-01T00:50:00.000Z",
        "issuedAt":"2026-01-01T00:00:00.000Z","correlationId":"c"}"#;

    #[test]
    fn record_keeps_the_serialized_form_of_the_journal() {
        let record: Record = serde_json::from_str(LINE).unwrap();
        let correlation_id = CorrelationId::new("c").unwrap();
        let encryption = TokenEncryption::new(Arc::new(cipher()));
        let grant = record.grant(&correlation_id, Timestamp::from_unix_ms(0), &encryption);
        assert_eq!(
            grant.tokens.access.as_ref().map(EncryptedToken::as_str),
            Some("encrypted access")
        );
        assert_eq!(
            grant.tokens.refresh.as_ref().map(EncryptedToken::as_str),
            Some("encrypted refresh")
        );
        assert_eq!(grant.tokens.scope.as_deref(), Some("read write"));
        assert_eq!(grant.at.to_string(), "2026-01-01T00:00:00.000Z");
        let written = serde_json::to_value(&record).unwrap();
        assert_eq!(
            written,
            serde_json::from_str::<serde_json::Value>(LINE).unwrap()
        );
    }

    #[test]
    fn record_without_an_access_token_is_rejected() {
        for access in ["", r#""access":null,"#] {
            let line = LINE.replace(r#""access":"encrypted access","#, access);
            assert!(serde_json::from_str::<Record>(&line).is_err(), "{line}");
        }
    }
}
