//! Leases and outcomes of refreshes.

use evergrant_model::{ConnectionStatus, CorrelationId, EventKind, StatusReason};
use evergrant_resilience::refresh::lease::{LeaseRequest, RefreshPolicy, Ticket};
use evergrant_store::{
    Connection, ExternalRow, FailedRefresh, LeaseAnswer, Leased, RefreshedGrant, Store,
    StoredTokens, TokenDigest, TokenDigests,
};

use super::{at, tokens, trace};

/// Takes the text of a token for its digest: the store does not inspect ciphertexts.
pub(crate) struct Texts;

impl TokenDigests for Texts {
    fn digest_of(&self, tokens: &StoredTokens) -> Option<TokenDigest> {
        let token = tokens.refresh.as_ref().or(tokens.access.as_ref())?;
        // A digest has 64 characters and no spaces.
        let text: String = token.as_str().replace(' ', "-").chars().take(64).collect();
        Some(TokenDigest::new(format!("{text:0>64}")))
    }
}

/// Returns the digest of tokens by [`Texts`].
pub(crate) fn digest(tokens: &StoredTokens) -> Option<TokenDigest> {
    Texts.digest_of(tokens)
}

/// Imports the tokens that another program wrote; `false` if the row has changed since it was read.
pub(crate) async fn import(store: &Store, read: &Connection) -> bool {
    let row = ExternalRow {
        connection: read,
        next_refresh_at: None,
        next_status_at: None,
        digest: digest(&read.tokens),
    };
    let rows = store.external_rows();
    let imported = rows.import_batch(&[row], &trace("found"), at(5)).await;
    !imported.unwrap().is_empty()
}

/// The policy of a provider that accepts no refresh token twice.
pub(crate) const STRICT: RefreshPolicy = RefreshPolicy::STRICT;

/// Returns a lease that was not taken from the database.
pub(crate) fn forged_lease(connection: &Connection) -> Leased {
    let (generation, attempt) = (connection.lease.generation, connection.lease.attempt);
    let ticket = Ticket {
        generation,
        attempt,
        taken_at_ms: at(0).unix_ms(),
        in_doubt_for_ms: None,
    };
    Leased {
        connection: connection.clone(),
        ticket,
    }
}

/// Takes the lease on the connection, which must be free.
pub(crate) async fn leased(store: &Store, connection: &Connection) -> Leased {
    let request = LeaseRequest {
        known_generation: connection.lease.generation,
        database_up_for_ms: i64::MAX,
        refresh_policy: STRICT,
    };
    match store
        .refreshes()
        .take_lease(connection.id, request, "a test", at(20))
        .await
        .unwrap()
    {
        LeaseAnswer::Leased(leased) => *leased,
        other => panic!("{other:?}"),
    }
}

/// The values that a [`RefreshedGrant`] borrows.
pub(crate) struct RefreshedTokens {
    pub(crate) tokens: StoredTokens,
    pub(crate) trace: CorrelationId,
}

impl RefreshedTokens {
    pub(crate) fn new(access: &str, refresh: Option<&str>) -> Self {
        let (expires_at, issued_at) = (Some(at(7200)), Some(at(3600)));
        let tokens = StoredTokens {
            expires_at,
            issued_at,
            ..tokens(access, refresh)
        };
        Self {
            tokens,
            trace: trace("refreshed"),
        }
    }

    /// Tokens that were requested after an hour, without optional values.
    pub(crate) fn row(&self) -> RefreshedGrant<'_> {
        RefreshedGrant {
            tokens: &self.tokens,
            next_status_at: None,
            status: ConnectionStatus::Connected,
            reason: None,
            next_refresh_at: Some(at(6600)),
            at: at(3600),
            correlation_id: &self.trace,
            digests: &Texts,
        }
    }

    /// Takes the lease and stores the tokens.
    pub(crate) async fn store_leased(&self, store: &Store, connection: &Connection) -> bool {
        store
            .refreshes()
            .store(&leased(store, connection).await, &self.row())
            .await
            .unwrap()
            .is_some()
    }

    /// Stores the tokens under a forged lease.
    pub(crate) async fn store(&self, store: &Store, connection: &Connection) -> bool {
        store
            .refreshes()
            .store(&forged_lease(connection), &self.row())
            .await
            .unwrap()
            .is_some()
    }
}

/// Returns a refresh without a response from the provider.
pub(crate) fn failure(trace: &CorrelationId) -> FailedRefresh<'_> {
    FailedRefresh {
        status: ConnectionStatus::Error,
        reason: Some(StatusReason::ProviderUnavailable),
        outcome: "unknown",
        next_refresh_at: Some(at(4000)),
        retry_at: Some(at(4000)),
        next_status_at: None,
        event: Some(EventKind::Error),
        rejected: false,
        at: at(3700),
        correlation_id: trace,
    }
}

/// Records a failure without an attempt; `false` if it no longer applies.
pub(crate) async fn record_failure(
    store: &Store,
    connection: &Connection,
    failed: &FailedRefresh<'_>,
) -> bool {
    store
        .refreshes()
        .record_failed_check(connection, failed)
        .await
        .unwrap()
}
