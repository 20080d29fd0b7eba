//! Storage of consents: as connections, or as a parked flow that a browser must finish.

use std::sync::Arc;

use evergrant_adapters::{Lifecycle, ProviderSpec};
use evergrant_encryption::digest::sha256;
use evergrant_model::{
    Call, Clock, ConnectionStatus, ErrorCode, ProviderAccountId, ScopeSet, StatusReason, Timestamp,
};
use evergrant_store::{
    Connection, ConnectionRepository, Flow, FlowOutcome, FlowRepository, FlowStatus, Grant,
    PendingGrant, StoredGrant, StoredTokens,
};

use crate::authorization::outcome::{
    CallbackParams, CallbackResult, Consent, Granted, GrantedTokens, receipt, to_json,
};
use crate::cache::{Caches, ConnectionKey};
use crate::connections::expiry::TimedStatus;
use crate::connections::lookup::account_id;
use crate::connections::revocation_queue::RevocationQueue;
use crate::connections::session_checks::CHECK_EVERY;
use crate::outcome::{Outcome, Recorder};
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::refresh_time::RefreshTiming;
use crate::{ServiceError, ServiceSettings};

/// How long a grant lasts, and whether its access token can be refreshed.
#[derive(Clone, Copy)]
struct GrantLifecycle {
    is_refreshable: bool,
    /// When the grant expires regardless of refreshes; `None` if unknown.
    grant_expires_at: Option<Timestamp>,
}

/// Stores the results of consents.
pub(crate) struct Consents {
    pub(crate) flows: FlowRepository,
    pub(crate) connections: ConnectionRepository,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) timing: RefreshTiming,
    pub(crate) encryption: TokenEncryption,
    pub(crate) caches: Arc<Caches>,
    pub(crate) settings: Arc<ServiceSettings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Consents {
    /// Stores the granted tokens, or parks them if the flow must be finished by the browser that
    /// started it or the user must choose among several accounts. Revokes the tokens if the account
    /// belongs to another user, the flow has ended or the user was deleted.
    pub(crate) async fn settle(
        &self,
        call: &Call,
        spec: &ProviderSpec,
        flow: &Flow,
        params: &CallbackParams,
        granted: Granted,
    ) -> Result<CallbackResult, ServiceError> {
        if flow.finish_challenge.is_some() || granted.accounts.len() > 1 {
            return self.park(call, spec, flow, params, granted).await;
        }
        let Granted { tokens, accounts } = &granted;
        let consent = Consent { tokens, accounts };
        match self.store(call, spec, flow, &consent).await {
            Ok(()) => {
                let account = accounts
                    .first()
                    .map_or_else(String::new, |first| first.id.clone());
                Ok(CallbackResult::Connected { account })
            }
            Err(error) => {
                let facts = to_json(accounts);
                self.revocations
                    .revoke_unsaved(call, spec, &tokens.tokens, &facts)
                    .await?;
                Err(error)
            }
        }
    }

    /// Stores the grant for each account and ends the flow, in one transaction.
    ///
    /// # Errors
    ///
    /// `ACCOUNT_ALREADY_CONNECTED` if one of the accounts belongs to another user; `INVALID_STATE`
    /// if the flow has ended meanwhile; `DATABASE_ERROR`.
    pub(crate) async fn store(
        &self,
        call: &Call,
        spec: &ProviderSpec,
        flow: &Flow,
        consent: &Consent<'_>,
    ) -> Result<(), ServiceError> {
        let ids = consent
            .accounts
            .iter()
            .map(|account| account_id(&account.id));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        // Tokens without a scope parameter have the requested scopes (RFC 6749 §5.1).
        let mut tokens = consent.tokens.tokens.clone();
        tokens
            .scope
            .get_or_insert_with(|| flow.requested_scope.clone());
        let mut grants = Vec::with_capacity(ids.len());
        for (account, id) in consent.accounts.iter().zip(&ids) {
            let lifecycle = self.lifecycle(spec, flow, &tokens, id).await?;
            let account = (id, &account.metadata);
            grants.push(self.grant(spec, flow, (consent, &tokens), account, lifecycle));
        }
        let stored = self
            .connections
            .store_grants(&grants, &flow.id, flow.status)
            .await?;
        self.invalidate(flow, &ids).await;
        check_stored(&stored, spec)?;
        let (provider, user, accounts) = (&spec.slug, flow.user, grants.len());
        self.recorder.record(
            call,
            &Outcome::Connected {
                provider,
                user,
                accounts,
            },
        );
        Ok(())
    }

    /// Returns the name of the account that the flow reconnects, with `@` if it is a handle; `None`
    /// if the flow connects a new account, or the account has no name or is no longer connected.
    pub(crate) async fn name_to_reconnect(
        &self,
        flow: &Flow,
    ) -> Result<Option<String>, ServiceError> {
        let Some(account) = &flow.reconnect_account else {
            return Ok(None);
        };
        let stored = self.connections.owned(flow.user, &flow.provider, account);
        let stored = stored.await?;
        let text = |key: &str| stored.as_ref()?.metadata.get(key)?.as_str();
        let handle = text("username").map(|handle| format!("@{handle}"));
        Ok(handle.or_else(|| text("display_name").map(str::to_owned)))
    }

    /// Drops the cached connections of the flow's user to these accounts.
    async fn invalidate(&self, flow: &Flow, accounts: &[ProviderAccountId]) {
        for account in accounts {
            let key = ConnectionKey {
                user: flow.user,
                provider: flow.provider.clone(),
                account: account.clone(),
            };
            self.caches.invalidate(&key).await;
        }
    }

    /// Stores the grant with the flow until a browser finishes the flow.
    async fn park(
        &self,
        call: &Call,
        spec: &ProviderSpec,
        flow: &Flow,
        params: &CallbackParams,
        granted: Granted,
    ) -> Result<CallbackResult, ServiceError> {
        let grant = pending_grant(&granted)?;
        let Granted { tokens, accounts } = granted;
        let receipt = receipt(flow, params);
        let now = self.clock.now();
        let outcome = FlowOutcome::Pending {
            status: if accounts.len() > 1 {
                FlowStatus::Choose
            } else {
                FlowStatus::Pending
            },
            grant: &grant,
            receipt_hash: &sha256(&receipt),
            finish_expires_at: now + self.settings.flow_ttl,
        };
        if !self.flows.record_outcome(flow, &outcome, now).await? {
            // The user was deleted during the exchange.
            self.revocations
                .revoke_unsaved(call, spec, &tokens.tokens, &grant.accounts)
                .await?;
            return Err(ServiceError::invalid_state());
        }
        let flow_id = flow.id.clone();
        Ok(match flow.finish_challenge {
            Some(_) => CallbackResult::Pending { flow_id, receipt },
            None => CallbackResult::Choose {
                flow_id,
                receipt,
                accounts,
            },
        })
    }

    /// Returns how long the account's grant lasts. Platforms that issue a refresh token only at the
    /// first consent omit it at a reconnect; the stored one is then kept, with its known expiry.
    async fn lifecycle(
        &self,
        spec: &ProviderSpec,
        flow: &Flow,
        tokens: &StoredTokens,
        account: &ProviderAccountId,
    ) -> Result<GrantLifecycle, ServiceError> {
        let mut lifecycle = GrantLifecycle {
            is_refreshable: spec.can_refresh(tokens.refresh.is_some()),
            grant_expires_at: tokens.grant_expires_at,
        };
        if tokens.refresh.is_none() {
            let connections = &self.connections;
            let stored = connections.owned(flow.user, &spec.slug, account).await?;
            if let Some(kept) = stored.filter(keeps_refresh_token) {
                lifecycle.is_refreshable = spec.can_refresh(true);
                let known = lifecycle.grant_expires_at;
                lifecycle.grant_expires_at = known.or(kept.tokens.grant_expires_at);
            }
        }
        Ok(lifecycle)
    }

    /// Returns when a new connection is first due for a refresh or a session check; `None` for
    /// never.
    fn first_due(
        &self,
        spec: &ProviderSpec,
        granted: &GrantedTokens,
        issued_at: Timestamp,
        lifecycle: GrantLifecycle,
    ) -> Option<Timestamp> {
        let GrantedTokens { tokens, verified } = granted;
        if spec.lifecycle == Lifecycle::Checked {
            return Some(issued_at + CHECK_EVERY).filter(|_| *verified);
        }
        let expires_at = tokens.expires_at;
        let is_refreshable = lifecycle.is_refreshable;
        is_refreshable.then(|| self.timing.due(spec, issued_at, expires_at, 0))
    }

    /// Builds the row of one account's grant.
    fn grant<'a>(
        &'a self,
        spec: &'a ProviderSpec,
        flow: &'a Flow,
        (consent, tokens): (&Consent<'_>, &'a StoredTokens),
        (account, metadata): (&'a ProviderAccountId, &'a serde_json::Value),
        lifecycle: GrantLifecycle,
    ) -> Grant<'a> {
        let granted = ScopeSet::parse(tokens.scope.as_deref().unwrap_or_default());
        let requested = ScopeSet::parse(&flow.requested_scope);
        let missing = spec.vocabulary.missing_scopes(&requested, &granted);
        let issued_at = tokens.issued_at.unwrap_or_else(|| self.clock.now());
        let GrantLifecycle {
            is_refreshable,
            grant_expires_at,
        } = lifecycle;
        let lifetime = (issued_at, tokens.expires_at);
        let timed = TimedStatus::at(issued_at, is_refreshable, lifetime, grant_expires_at);
        Grant {
            user: flow.user,
            provider: &spec.slug,
            account,
            tokens,
            next_status_at: timed.next_status_at,
            requested_scope: &flow.requested_scope,
            metadata,
            reason: match (consent.tokens.verified, missing.is_empty()) {
                (false, _) => Some(StatusReason::Unverified),
                (true, false) => Some(StatusReason::ScopeMissing),
                (true, true) => None,
            },
            next_refresh_at: self.first_due(spec, consent.tokens, issued_at, lifecycle),
            at: issued_at,
            correlation_id: &flow.correlation_id,
            digests: &self.encryption,
        }
    }
}

/// Returns whether a consent without a refresh token leaves the stored one in use. A rejected one
/// is dropped.
fn keeps_refresh_token(stored: &Connection) -> bool {
    stored.tokens.refresh.is_some() && stored.status != ConnectionStatus::Expired
}

/// Converts granted tokens to the form in which a parked flow stores them.
fn pending_grant(granted: &Granted) -> Result<PendingGrant, ServiceError> {
    let Granted { tokens, accounts } = granted;
    let access_token = tokens.tokens.access.clone();
    Ok(PendingGrant {
        access_token: access_token.ok_or_else(ServiceError::internal)?,
        refresh_token: tokens.tokens.refresh.clone(),
        token_details: to_json(tokens),
        accounts: to_json(accounts),
    })
}

/// Converts a grant that was not stored to its error.
fn check_stored(stored: &StoredGrant, spec: &ProviderSpec) -> Result<(), ServiceError> {
    match stored {
        StoredGrant::Stored(_) => Ok(()),
        StoredGrant::FlowEnded => Err(ServiceError::invalid_state()),
        StoredGrant::OwnedByAnother => Err(already_connected(spec)),
    }
}

/// Returns the error for an account that belongs to another user.
pub(crate) fn already_connected(spec: &ProviderSpec) -> ServiceError {
    let name = &spec.name;
    let detail = format!(
        "This {name} account is already connected by another user. Disconnect it there first, or \
         sign in with a different {name} account."
    );
    ServiceError::new(ErrorCode::AccountAlreadyConnected, detail)
}
