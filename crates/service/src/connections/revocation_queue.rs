//! Revocation of grants: the tokens are deleted here in any case, and revoked at the platform as
//! far as the platform can.
//!
//! The tokens move to a queue in the same transaction that deletes the connection, so neither a
//! crash nor an outage of the platform leaves a grant valid that the user believes ended. The first
//! attempt is made at once; the queue then retries for a day.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{
    ErrorClass, PlatformAdapter, ProviderSpec, RemoteRevocation, RevocationReach,
};
use evergrant_model::{
    Call, Clock, CorrelationId, ErrorCode, ProviderAccountId, Revocation, Timestamp,
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

/// How long a revocation is retried, in seconds.
const RETRY_SECONDS: i64 = 24 * 60 * 60;
/// How long a queued revocation is reserved for the process that queued it, in seconds.
const RESERVED_SECONDS: i64 = 60;
/// The pause after a failed attempt.
const BACKOFF: Backoff = Backoff {
    first_ms: RESERVED_SECONDS as u64 * 1000,
    longest_ms: 3_600_000,
};
/// The most revocations per run.
const BATCH: usize = 100;

/// Revokes grants now, and retries those that a platform did not revoke.
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
    /// A queue entry for a grant at this platform; `None` if the platform cannot revoke. `facts` is
    /// what is known of the account, or of the accounts, that the grant reaches.
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
            person: person(spec, facts),
            next_attempt_at: now.plus_seconds(RESERVED_SECONDS),
            expires_at: now.plus_seconds(RETRY_SECONDS),
            correlation_id: correlation_id.clone(),
        })
    }

    /// Revokes tokens that were issued a moment ago and are stored nowhere.
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

    /// Queues tokens that are stored nowhere, without an attempt now.
    pub(crate) async fn enqueue(
        &self,
        plan: &NewRevocation,
        tokens: &StoredTokens,
    ) -> Result<(), StoreError> {
        self.revocations.queue(plan, tokens).await
    }

    /// Ends a flow with this code and revokes the grant that it holds; `false` if it had ended.
    pub(crate) async fn abandon_flow(
        &self,
        call: &Call,
        flow: &Flow,
        code: ErrorCode,
    ) -> Result<bool, ServiceError> {
        let platform = self.providers.by_slug(&flow.provider);
        let facts = flow
            .grant
            .as_ref()
            .map_or(&Value::Null, |grant| &grant.accounts);
        let plan =
            platform.and_then(|platform| self.plan(platform.spec(), facts, &flow.correlation_id));
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

    /// Makes one attempt at a queued revocation and returns what became of the grant. `account` is
    /// the account that it concerns, if known: its rate-limit pause is respected.
    pub(crate) async fn try_now(
        &self,
        call: &Call,
        id: &str,
        account: Option<&ProviderAccountId>,
    ) -> Result<Revocation, ServiceError> {
        match self.revocations.by_id(id).await? {
            Some(queued) => self.attempt(call, &queued, account).await,
            None => Ok(Revocation::Revoked),
        }
    }

    /// Makes one attempt at each of these queued revocations.
    pub(crate) async fn try_all(&self, call: &Call, ids: &[String]) {
        for id in ids {
            if let Err(error) = self.try_now(call, id, None).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "first revocation attempt failed; the queue retries it"
                );
            }
        }
    }

    /// Takes a revocation that is due and makes one attempt; `false` if none is due.
    async fn retry_one(&self, call: &Call) -> Result<bool, ServiceError> {
        let now = self.clock.now();
        let reserved_until = now.plus_seconds(RESERVED_SECONDS);
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
            // The claim has postponed this one; the others must not wait for it.
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
        let pause_ms = BACKOFF.ceiling_ms(u32::try_from(queued.attempts).unwrap_or(0));
        let next = now.plus_ms(i64::try_from(pause_ms).unwrap_or(i64::MAX));
        Ok(self.revocations.reschedule(&queued.id, next).await?)
    }

    async fn attempt(
        &self,
        call: &Call,
        queued: &QueuedRevocation,
        account: Option<&ProviderAccountId>,
    ) -> Result<Revocation, ServiceError> {
        let Ok(platform) = self.providers.configured(queued.provider.as_str()) else {
            return Ok(Revocation::Pending);
        };
        let (access, refresh) = (queued.access_token.as_ref(), queued.refresh_token.as_ref());
        let Ok(held) = self.encryption.decrypt(access, refresh) else {
            // Tokens that cannot be decrypted cannot be revoked, now or later.
            self.revocations.delete(&queued.id).await?;
            self.recorder.record(
                call,
                &Outcome::RevocationUnreadable {
                    provider: &queued.provider,
                },
            );
            return Ok(Revocation::Unsupported);
        };
        if self.has_siblings(platform.spec(), queued).await? {
            return self.finish(call, queued, Revocation::Kept).await;
        }
        let revoked = match account {
            Some(account) => platform.for_account(account).revoke_access(&held).await,
            None => platform.revoke_access(&held).await,
        };
        let outcome = match revoked {
            Ok(RemoteRevocation::Revoked) => Revocation::Revoked,
            Ok(RemoteRevocation::Unsupported) => Revocation::Unsupported,
            // The platform rejects only a grant that has already ended in this way.
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

    /// Whether the revocation would end other connections: it ends all grants of a person, and that
    /// person has another connection here, or is unknown.
    async fn has_siblings(
        &self,
        spec: &ProviderSpec,
        queued: &QueuedRevocation,
    ) -> Result<bool, ServiceError> {
        let (RevocationReach::Person, Some(key)) = (spec.revocation_reach, &spec.person_key) else {
            return Ok(false);
        };
        match &queued.person {
            Some(person) => Ok(self
                .connections
                .exists_for_person(&spec.slug, key, person)
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

fn is_ended(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::NeedsReauth | ErrorClass::TokenExpired)
}

/// The person who gave the grant, by what is known of an account, or of the first of several.
fn person(spec: &ProviderSpec, facts: &Value) -> Option<String> {
    let key = spec.person_key.as_deref()?;
    let metadata = facts
        .get(0)
        .map_or(Some(facts), |account| account.get("metadata"))?;
    metadata.get(key)?.as_str().map(str::to_owned)
}
