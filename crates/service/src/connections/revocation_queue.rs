//! Revocation of grants at the platform, after the connection was deleted here.
//!
//! The transaction that deletes the connection moves the tokens to a queue. Neither a crash nor an
//! outage of the platform can therefore leave a grant valid that the user believes to be revoked.
//! The first attempt is made at once; a job ([`super::retry_revocations`]) then retries for a day.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{
    ErrorClass, PlatformAdapter, ProviderSpec, RemoteRevocation, RevocationReach,
};
use evergrant_model::{Call, Clock, CorrelationId, ProviderAccountId, Revocation, SignedDuration};
use evergrant_store::{
    ConnectionRepository, Flow, FlowFailure, FlowRepository, NewRevocation,
    Revocation as QueuedRevocation, RevocationRepository, StoreError, StoredTokens,
};
use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::ServiceError;
use crate::authorization::failure::details_of;
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tokens::encryption::TokenEncryption;

/// How long a revocation is retried.
const RETRY_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long a revocation is reserved for the process that queued or claimed it.
pub(super) const RESERVED_FOR: SignedDuration = SignedDuration::from_mins(1);
/// The time for the first attempts at several revocations. Together with the longest request it is
/// shorter than [`RESERVED_FOR`].
const FIRST_ATTEMPTS_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum number of concurrent revocation requests to one platform by one operation.
pub(super) const CONCURRENCY: usize = 8;

/// A flow that was ended without connecting an account.
pub(crate) struct AbandonedFlow {
    /// The id of the queued revocation of its grant; `None` if it held none, or the platform cannot
    /// revoke.
    pub(crate) queued: Option<String>,
}

/// Revokes grants, and queues those that a platform did not revoke.
pub(crate) struct RevocationQueue {
    pub(crate) revocations: RevocationRepository,
    pub(crate) connections: ConnectionRepository,
    pub(crate) flows: FlowRepository,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl RevocationQueue {
    /// Creates a queue entry for a grant at this platform; `None` if the platform cannot revoke.
    /// `facts` is the metadata of the account, or the list of the accounts that the grant reaches.
    pub(crate) fn plan(
        &self,
        spec: &ProviderSpec,
        facts: &Value,
        correlation_id: &CorrelationId,
    ) -> Option<NewRevocation> {
        let now = self.clock.now();
        spec.capabilities.revoke.then(|| NewRevocation {
            id: self.ids.name(),
            provider: spec.slug.clone(),
            provider_user_id: provider_user_id(spec, facts),
            next_attempt_at: now + RESERVED_FOR,
            expires_at: now + RETRY_FOR,
            correlation_id: correlation_id.clone(),
        })
    }

    /// Revokes tokens that are not stored in any connection or flow.
    pub(crate) async fn revoke_unsaved(
        &self,
        call: &Call,
        spec: &ProviderSpec,
        tokens: &StoredTokens,
        facts: &Value,
    ) -> Result<(), ServiceError> {
        let Some(plan) = self.plan(spec, facts, &call.correlation_id) else {
            return Ok(());
        };
        self.enqueue(&plan, tokens).await?;
        self.try_now(call, &plan.id, None).await.map(drop)
    }

    /// Queues tokens for revocation by the job.
    pub(crate) async fn enqueue(
        &self,
        plan: &NewRevocation,
        tokens: &StoredTokens,
    ) -> Result<(), StoreError> {
        self.revocations.queue(plan, tokens).await
    }

    /// Ends a flow with this error and queues the revocation of the grant that it holds. Returns
    /// `None` if the flow had already ended.
    pub(crate) async fn abandon_flow(
        &self,
        call: &Call,
        flow: &Flow,
        error: &ServiceError,
    ) -> Result<Option<AbandonedFlow>, ServiceError> {
        let provider = self.providers.by_slug(&flow.provider);
        let facts = flow
            .grant
            .as_ref()
            .map_or(&Value::Null, |grant| &grant.accounts);
        let plan =
            provider.and_then(|provider| self.plan(provider.spec(), facts, &flow.correlation_id));
        let (code, now) = (error.code(), self.clock.now());
        let details = details_of(error, now);
        let failure = FlowFailure {
            details: Some(&details),
            ..code.into()
        };
        let ended = self
            .flows
            .abandon(flow, failure, plan.as_ref(), now)
            .await?;
        if !ended {
            return Ok(None);
        }
        let (provider, flow, error) = (&flow.provider, &flow.id, None);
        self.recorder.record(
            call,
            &Outcome::FlowFailed {
                provider,
                flow,
                code,
                error,
            },
        );
        let queued = plan.map(|plan| plan.id);
        Ok(Some(AbandonedFlow { queued }))
    }

    /// Makes one attempt at a queued revocation. `account` is the account that it concerns, if
    /// known: a rate-limit pause of that account delays the attempt.
    pub(crate) async fn try_now(
        &self,
        call: &Call,
        id: &str,
        account: Option<&ProviderAccountId>,
    ) -> Result<Revocation, ServiceError> {
        match self.revocations.by_id(id).await? {
            Some(queued) => self.attempt(call, &queued, account).await,
            // Another process has completed it.
            None => Ok(Revocation::Revoked),
        }
    }

    /// Makes the first attempt at each of these queued revocations, several at a time. Failures are
    /// logged. The job makes the attempts that the reservation is too short for, or that a shutdown
    /// prevents.
    pub(crate) async fn try_all(&self, call: &Call, ids: &[String]) {
        let attempts = stream::iter(ids).for_each_concurrent(CONCURRENCY, async |id| {
            if let Err(error) = self.try_now(call, id, None).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    revocation.id = id,
                    error,
                    "first revocation attempt failed; the queue will retry"
                );
            }
        });
        let _ = tokio::time::timeout(FIRST_ATTEMPTS_TIMEOUT, attempts).await;
    }

    /// Makes one attempt. A final result removes the revocation from the queue.
    pub(super) async fn attempt(
        &self,
        call: &Call,
        queued: &QueuedRevocation,
        account: Option<&ProviderAccountId>,
    ) -> Result<Revocation, ServiceError> {
        let Ok(provider) = self.providers.configured(&queued.provider) else {
            return Ok(Revocation::Pending);
        };
        let (access, refresh) = (queued.access_token.as_ref(), queued.refresh_token.as_ref());
        let Ok(tokens) = self.encryption.decrypt(access, refresh) else {
            return self.drop_unreadable(call, queued).await;
        };
        if self.has_siblings(provider.spec(), queued).await? {
            return self.finish(call, queued, Revocation::Kept).await;
        }
        let revoked = match account {
            Some(account) => provider.for_account(account).revoke_access(&tokens).await,
            None => provider.revoke_access(&tokens).await,
        };
        let outcome = match revoked {
            Ok(RemoteRevocation::Revoked) => Revocation::Revoked,
            Ok(RemoteRevocation::Unsupported) => Revocation::Unsupported,
            // These classes mean that the platform no longer knows the grant.
            Err(error) if is_ended(error.class()) => Revocation::Revoked,
            Err(error) => {
                let (provider, error) = (&queued.provider, &error);
                self.recorder
                    .record(call, &Outcome::RevocationFailed { provider, error });
                return Ok(Revocation::Pending);
            }
        };
        self.finish(call, queued, outcome).await
    }

    /// Removes a revocation from the queue, because no key decrypts its tokens, now or later.
    async fn drop_unreadable(
        &self,
        call: &Call,
        queued: &QueuedRevocation,
    ) -> Result<Revocation, ServiceError> {
        self.revocations.delete(&queued.id).await?;
        let provider = &queued.provider;
        self.recorder
            .record(call, &Outcome::RevocationUnreadable { provider });
        Ok(Revocation::Unsupported)
    }

    /// Removes a revocation with a final result from the queue.
    async fn finish(
        &self,
        call: &Call,
        queued: &QueuedRevocation,
        revocation: Revocation,
    ) -> Result<Revocation, ServiceError> {
        self.revocations.delete(&queued.id).await?;
        let provider = &queued.provider;
        self.recorder.record(
            call,
            &Outcome::Revoked {
                provider,
                revocation,
            },
        );
        Ok(revocation)
    }

    /// Returns whether the revocation would end other connections.
    ///
    /// That is so if the platform revokes all grants of a user at once and that user of the
    /// platform has another connection here, or is unknown.
    async fn has_siblings(
        &self,
        spec: &ProviderSpec,
        queued: &QueuedRevocation,
    ) -> Result<bool, ServiceError> {
        let (RevocationReach::Person, Some(key)) = (spec.revocation_reach, &spec.person_key) else {
            return Ok(false);
        };
        match &queued.provider_user_id {
            Some(id) => Ok(self
                .connections
                .exists_for_provider_user(&spec.slug, key, id)
                .await?),
            None => Ok(true),
        }
    }
}

/// Returns whether a failure of this class shows that the grant has already ended.
fn is_ended(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::NeedsReauth | ErrorClass::TokenExpired)
}

/// Returns the platform's id of the user who gave the grant, from the metadata of the account or of
/// the first of several accounts.
fn provider_user_id(spec: &ProviderSpec, facts: &Value) -> Option<String> {
    let key = spec.person_key.as_deref()?;
    let metadata = facts
        .get(0)
        .map_or(Some(facts), |account| account.get("metadata"))?;
    metadata.get(key)?.as_str().map(str::to_owned)
}
