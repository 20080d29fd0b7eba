//! Revocation of grants at the platform, after the connection was deleted here.
//!
//! The transaction that deletes the connection moves the tokens to a queue. Neither a crash nor an
//! outage of the platform can therefore leave a grant valid that the user believes to be revoked.
//! The first attempt is made at once; the queue then retries for a day.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{
    ErrorClass, PlatformAdapter, ProviderSpec, RemoteRevocation, RevocationReach,
};
use evergrant_model::{
    Call, Clock, CorrelationId, ErrorCode, ProviderAccountId, Revocation, SignedDuration, Timestamp,
};
use evergrant_resilience::Backoff;
use evergrant_store::{
    ConnectionRepository, Flow, FlowRepository, NewRevocation, Revocation as QueuedRevocation,
    RevocationRepository, StoreError, StoredTokens,
};
use serde_json::Value;

use crate::ServiceError;
use crate::identifiers::Identifiers;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tokens::encryption::TokenEncryption;

/// How long a revocation is retried.
const RETRY_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long a revocation is reserved for the process that queued or claimed it.
const RESERVED_FOR: SignedDuration = SignedDuration::from_mins(1);
/// The delays between attempts, without jitter.
const BACKOFF: Backoff = Backoff {
    first_ms: RESERVED_FOR.unsigned_abs().as_secs() * 1000,
    longest_ms: 3_600_000,
};
/// The maximum number of revocations per run.
const BATCH: usize = 100;

/// Revokes grants, and retries those that a platform did not revoke.
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

    /// Ends a flow with this code and revokes the grant that it holds. Returns `false` if the flow
    /// had already ended.
    pub(crate) async fn abandon_flow(
        &self,
        call: &Call,
        flow: &Flow,
        code: ErrorCode,
    ) -> Result<bool, ServiceError> {
        let provider = self.providers.by_slug(&flow.provider);
        let facts = flow
            .grant
            .as_ref()
            .map_or(&Value::Null, |grant| &grant.accounts);
        let plan =
            provider.and_then(|provider| self.plan(provider.spec(), facts, &flow.correlation_id));
        let ended = self
            .flows
            .abandon(flow, code, plan.as_ref(), self.clock.now())
            .await?;
        if ended {
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
        }
        match plan {
            Some(plan) if ended => self.try_now(call, &plan.id, None).await.map(|_| true),
            _ => Ok(ended),
        }
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

    /// Makes one attempt at each of these queued revocations. Failures are logged.
    pub(crate) async fn try_all(&self, call: &Call, ids: &[String]) {
        for id in ids {
            if let Err(error) = self.try_now(call, id, None).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    revocation.id = id,
                    error,
                    "first revocation attempt failed; the queue will retry"
                );
            }
        }
    }

    /// Claims a revocation that is due and makes one attempt. Returns `false` if none is due.
    async fn retry_one(&self, call: &Call) -> Result<bool, ServiceError> {
        let now = self.clock.now();
        let reserved_until = now + RESERVED_FOR;
        let Some(queued) = self.revocations.claim(now, reserved_until).await? else {
            return Ok(false);
        };
        let call = match CorrelationId::new(queued.correlation_id.clone()) {
            Ok(correlation_id) => call.continuing(&correlation_id),
            Err(_) => call.clone(),
        };
        match self.attempt(&call, &queued, None).await {
            Ok(Revocation::Pending) => self.postpone(&call, &queued, now).await?,
            Ok(_) => {}
            // The claim has already postponed this revocation; the run continues with the next.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    revocation.id = queued.id,
                    error,
                    "revocation attempt failed"
                );
            }
        }
        Ok(true)
    }

    /// Schedules the next attempt, or drops the revocation if its time limit has passed.
    async fn postpone(
        &self,
        call: &Call,
        queued: &QueuedRevocation,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        if queued.expires_at <= now {
            let provider = &queued.provider;
            self.recorder
                .record(call, &Outcome::RevocationAbandoned { provider });
            return Ok(self.revocations.delete(&queued.id).await?);
        }
        let delay_ms = BACKOFF.ceiling_ms(u32::try_from(queued.attempts).unwrap_or(0));
        let next = now + SignedDuration::from_millis(i64::try_from(delay_ms).unwrap_or(i64::MAX));
        Ok(self.revocations.reschedule(&queued.id, next).await?)
    }

    /// Makes one attempt. A final result removes the revocation from the queue.
    async fn attempt(
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

#[async_trait]
impl Job for RevocationQueue {
    fn name(&self) -> JobName {
        JobName::Revocations
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        for done in 0..BATCH {
            if !self.retry_one(call).await? {
                return Ok(Progress::done(done));
            }
        }
        Ok(Progress {
            items: BATCH,
            more: true,
        })
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
