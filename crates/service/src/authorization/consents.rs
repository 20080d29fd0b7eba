//! What becomes of a consent: connections, or a parked flow that a browser must finish.

use std::sync::Arc;

use evergrant_adapters::{Lifecycle, ProviderSpec};
use evergrant_encryption::digest::sha256;
use evergrant_model::{
    Call, Clock, ErrorCode, ProviderAccountId, ScopeSet, StatusReason, Timestamp,
};
use evergrant_store::{
    ConnectionRepository, Flow, FlowEnd, FlowRepository, FlowStatus, Grant, PendingGrant,
    StoredGrant, StoredTokens,
};

use crate::authorization::outcome::{
    CallbackEnd, CallbackParams, Consent, Granted, GrantedTokens, receipt, to_json,
};
use crate::cache::{Caches, ConnectionKey};
use crate::connections::expiry::TimedStatus;
use crate::connections::lookup::account_id;
use crate::connections::revocation_queue::RevocationQueue;
use crate::connections::session_checks::CHECK_EVERY_SECONDS;
use crate::outcome::{Outcome, Recorder};
use crate::tokens::refresh_time::RefreshTiming;
use crate::{ServiceError, ServiceSettings};

/// Stores consents.
pub(crate) struct Consents {
    pub(crate) flows: FlowRepository,
    pub(crate) connections: ConnectionRepository,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) timing: RefreshTiming,
    pub(crate) caches: Arc<Caches>,
    pub(crate) settings: Arc<ServiceSettings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Consents {
    /// Stores what a consent granted, or parks it if the flow must be finished or an account
    /// chosen.
    pub(crate) async fn settle(
        &self,
        call: &Call,
        spec: &ProviderSpec,
        flow: &Flow,
        params: &CallbackParams,
        granted: Granted,
    ) -> Result<CallbackEnd, ServiceError> {
        if flow.challenge.is_some() || granted.accounts.len() > 1 {
            return self.park(call, spec, flow, params, granted).await;
        }
        let Granted { tokens, accounts } = &granted;
        let consent = Consent { tokens, accounts };
        match self.store(call, spec, flow, &consent).await {
            Ok(()) => {
                let account = accounts
                    .first()
                    .map_or_else(String::new, |first| first.id.clone());
                Ok(CallbackEnd::Connected { account })
            }
            Err(error) => {
                let known = to_json(accounts);
                self.revocations
                    .revoke_unsaved(call, spec, &tokens.tokens, &known)
                    .await?;
                Err(error)
            }
        }
    }

    /// Stores the grant for each account and ends the flow, in one transaction.
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
        // A platform that states no scopes has granted those that were requested (RFC 6749 §5.1).
        let mut tokens = consent.tokens.tokens.clone();
        tokens.scope.get_or_insert_with(|| flow.scope.clone());
        let accounts = consent.accounts.iter().zip(&ids);
        let grants: Vec<_> = accounts
            .map(|(account, id)| {
                self.grant(spec, flow, (consent, &tokens), (id, &account.metadata))
            })
            .collect();
        let stored = self
            .connections
            .store_grants(&grants, &flow.id, flow.status)
            .await?;
        for account in &ids {
            let (user, provider, account) = (flow.user, spec.slug.clone(), account.clone());
            self.caches
                .invalidate(&ConnectionKey {
                    user,
                    provider,
                    account,
                })
                .await;
        }
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

    /// Keeps the grant until the browser that started the flow finishes it.
    async fn park(
        &self,
        call: &Call,
        spec: &ProviderSpec,
        flow: &Flow,
        params: &CallbackParams,
        granted: Granted,
    ) -> Result<CallbackEnd, ServiceError> {
        let Granted { tokens, accounts } = granted;
        let receipt = receipt(flow, params);
        let several = accounts.len() > 1;
        let grant = PendingGrant {
            access_token: tokens
                .tokens
                .access
                .clone()
                .ok_or_else(ServiceError::internal)?,
            refresh_token: tokens.tokens.refresh.clone(),
            facts: to_json(&tokens),
            accounts: to_json(&accounts),
        };
        let now = self.clock.now();
        let end = FlowEnd::Pending {
            status: if several {
                FlowStatus::Choose
            } else {
                FlowStatus::Pending
            },
            grant: &grant,
            receipt_hash: &sha256(&receipt),
            finish_by: now.plus_seconds(self.settings.flow_ttl_seconds),
        };
        if !self.flows.settle(flow, &end, now).await? {
            // The user was deleted during the exchange.
            self.revocations
                .revoke_unsaved(call, spec, &tokens.tokens, &grant.accounts)
                .await?;
            return Err(ServiceError::invalid_state());
        }
        let flow_id = flow.id.clone();
        Ok(match flow.challenge {
            Some(_) => CallbackEnd::Pending { flow_id, receipt },
            None => CallbackEnd::Choose {
                flow_id,
                receipt,
                accounts,
            },
        })
    }

    /// When a new connection is refreshed or checked first.
    fn first_due(
        &self,
        spec: &ProviderSpec,
        granted: &GrantedTokens,
        issued_at: Timestamp,
    ) -> Option<Timestamp> {
        let GrantedTokens { tokens, verified } = granted;
        if spec.lifecycle == Lifecycle::Checked {
            return Some(issued_at.plus_seconds(CHECK_EVERY_SECONDS)).filter(|_| *verified);
        }
        let refreshable = spec.can_refresh(tokens.refresh.is_some());
        refreshable.then(|| self.timing.due(spec, issued_at, tokens.expires_at, 0))
    }

    fn grant<'a>(
        &self,
        spec: &'a ProviderSpec,
        flow: &'a Flow,
        (consent, tokens): (&Consent<'_>, &'a StoredTokens),
        (account, metadata): (&'a ProviderAccountId, &'a serde_json::Value),
    ) -> Grant<'a> {
        let granted = ScopeSet::parse(tokens.scope.as_deref().unwrap_or_default());
        let missing = ScopeSet::parse(&flow.scope).missing_from(&granted);
        let issued_at = tokens.issued_at.unwrap_or_else(|| self.clock.now());
        let refreshable = spec.can_refresh(tokens.refresh.is_some());
        let lifetime = (issued_at, tokens.expires_at);
        let timed = TimedStatus::at(issued_at, refreshable, lifetime, tokens.grant_expires_at);
        Grant {
            user: flow.user,
            provider: &spec.slug,
            account,
            tokens,
            next_status_at: timed.next_status_at,
            requested_scope: &flow.scope,
            metadata,
            reason: match (consent.tokens.verified, missing.is_empty()) {
                (false, _) => Some(StatusReason::Unverified),
                (true, false) => Some(StatusReason::ScopeMissing),
                (true, true) => None,
            },
            next_refresh_at: self.first_due(spec, consent.tokens, issued_at),
            at: issued_at,
            correlation_id: &flow.correlation_id,
        }
    }
}

fn check_stored(stored: &StoredGrant, spec: &ProviderSpec) -> Result<(), ServiceError> {
    match stored {
        StoredGrant::Stored(_) => Ok(()),
        StoredGrant::FlowOver => Err(ServiceError::invalid_state()),
        StoredGrant::OwnedByAnother => {
            let name = &spec.name;
            let detail = format!("This {name} account is already connected by somebody else.");
            Err(ServiceError::new(
                ErrorCode::AccountAlreadyConnected,
                detail,
            ))
        }
    }
}
