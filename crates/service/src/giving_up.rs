//! Giving up a grant: erased here in any case, and revoked at the platform as far as the platform can.
//!
//! The tokens move to a queue in the same transaction that removes them from their place, so neither a crash nor an
//! outage of the platform leaves a grant alive that the user believes ended. The queue is tried at once, and then for
//! a day.

use evergrant_adapters::{ErrorClass, PlatformAdapter, ProviderSpec, RemoteRevocation, RevocationReach};
use evergrant_model::{CorrelationId, ErrorCode, ProviderAccountId, Revocation, Timestamp};
use evergrant_store::{Flow, NewRevocation};
use serde_json::Value;

use crate::ServiceError;
use crate::service::Inner;
use crate::vault::SealedTokens;

/// How long we go on asking.
const GIVE_UP_SECONDS: i64 = 24 * 60 * 60;
/// How long a revocation belongs to whoever queued it, before a worker takes it up.
const OWN_SECONDS: i64 = 60;
const LONGEST_WAIT_SECONDS: i64 = 60 * 60;

impl Inner {
    /// A place in the queue for a grant at this platform; `None` where the platform cannot revoke. `facts` is what is
    /// known of the account, or of the accounts, that the grant reaches.
    pub(crate) fn plan_revocation(
        &self,
        spec: &ProviderSpec,
        facts: &Value,
        correlation_id: &CorrelationId,
    ) -> Option<NewRevocation> {
        let now = self.now();
        spec.capabilities.revoke.then(|| NewRevocation {
            id: self.random_name(),
            provider: spec.slug.clone(),
            person: person(spec, facts),
            next_attempt_at: now.plus_seconds(OWN_SECONDS),
            expires_at: now.plus_seconds(GIVE_UP_SECONDS),
            correlation_id: correlation_id.clone(),
        })
    }

    /// Gives up tokens that were bought a moment ago and are stored nowhere.
    pub(crate) async fn give_up_tokens(
        &self,
        spec: &ProviderSpec,
        tokens: &SealedTokens,
        facts: &Value,
        correlation_id: &CorrelationId,
    ) -> Result<(), ServiceError> {
        let Some(plan) = self.plan_revocation(spec, facts, correlation_id) else { return Ok(()) };
        self.store.revocations().queue(&plan, &tokens.access, tokens.refresh.as_ref()).await?;
        self.revoke_queued(&plan.id, None).await.map(drop)
    }

    /// Gives up the grant of a parked flow, which ends with this code.
    pub(crate) async fn give_up_flow(&self, flow: &Flow, code: ErrorCode) -> Result<(), ServiceError> {
        let platform = self.platform(flow.provider.as_str()).ok();
        let facts = flow.grant.as_ref().map_or(&Value::Null, |grant| &grant.accounts);
        let plan = platform.and_then(|platform| self.plan_revocation(platform.spec(), facts, &flow.correlation_id));
        let ended = self.store.flows().abandon(flow, code, plan.as_ref(), self.now()).await?;
        match plan {
            Some(plan) if ended => self.revoke_queued(&plan.id, None).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Tries a queued revocation once and says what became of the grant. `account` is the one it concerns, where known.
    pub(crate) async fn revoke_queued(
        &self,
        id: &str,
        account: Option<&ProviderAccountId>,
    ) -> Result<Revocation, ServiceError> {
        let Some(queued) = self.store.revocations().by_id(id).await? else { return Ok(Revocation::Revoked) };
        self.try_revocation(&queued, account).await
    }

    /// Takes up a revocation that is due; whether there was one.
    pub(crate) async fn work_off_a_revocation(&self) -> Result<bool, ServiceError> {
        let now = self.now();
        let again_at = now.plus_seconds(OWN_SECONDS);
        let Some(queued) = self.store.revocations().claim(now, again_at).await? else { return Ok(false) };
        let outcome = self.try_revocation(&queued, None).await;
        if matches!(outcome, Ok(Revocation::Pending)) {
            if queued.expires_at <= now {
                tracing::warn!(provider = %queued.provider, correlation_id = queued.correlation_id,
                    "a grant was not revoked within a day; the platform may still hold it");
                self.store.revocations().delete(&queued.id).await?;
            } else {
                self.store.revocations().reschedule(&queued.id, next_try(now, queued.attempts)).await?;
            }
        }
        outcome.map(|_| true)
    }

    async fn try_revocation(
        &self,
        queued: &evergrant_store::Revocation,
        account: Option<&ProviderAccountId>,
    ) -> Result<Revocation, ServiceError> {
        let Ok(platform) = self.configured(queued.provider.as_str()) else { return Ok(Revocation::Pending) };
        let held = self.open_both(queued.access_token.as_ref(), queued.refresh_token.as_ref());
        let Ok(held) = held else {
            // What cannot be read cannot be revoked, now or later.
            self.store.revocations().delete(&queued.id).await?;
            return Ok(Revocation::Unsupported);
        };
        if self.has_siblings(platform.spec(), queued).await? {
            self.store.revocations().delete(&queued.id).await?;
            return Ok(Revocation::Kept);
        }
        let outcome = match account {
            Some(account) => platform.for_account(account).revoke_access(&held).await,
            None => platform.revoke_access(&held).await,
        };
        let outcome = match outcome {
            Ok(RemoteRevocation::Revoked) => Revocation::Revoked,
            Ok(RemoteRevocation::Unsupported) => Revocation::Unsupported,
            // Only a grant that is gone already is refused so.
            Err(error) if matches!(error.class(), ErrorClass::NeedsReauth | ErrorClass::TokenExpired) => {
                Revocation::Revoked
            }
            Err(error) => {
                tracing::warn!(provider = %queued.provider, correlation_id = queued.correlation_id, error = %error,
                    "a grant is not revoked yet");
                return Ok(Revocation::Pending);
            }
        };
        self.store.revocations().delete(&queued.id).await?;
        Ok(outcome)
    }
}

impl Inner {
    /// Whether revoking would end other connections: where it reaches a person and not a grant, and that person has
    /// another connection here, or nobody knows who it was.
    async fn has_siblings(
        &self,
        spec: &ProviderSpec,
        queued: &evergrant_store::Revocation,
    ) -> Result<bool, ServiceError> {
        let (RevocationReach::Person, Some(key)) = (spec.revocation_reach, &spec.person_key) else { return Ok(false) };
        match &queued.person {
            Some(person) => Ok(self.store.connections().exists_for_person(&spec.slug, key, person).await?),
            None => Ok(true),
        }
    }
}

/// Who gave the grant, by what is known of an account, or of the first of several.
fn person(spec: &ProviderSpec, facts: &Value) -> Option<String> {
    let key = spec.person_key.as_deref()?;
    let metadata = facts.get(0).map_or(Some(facts), |account| account.get("metadata"))?;
    metadata.get(key)?.as_str().map(str::to_owned)
}

fn next_try(now: Timestamp, attempts: i32) -> Timestamp {
    let doublings = attempts.clamp(0, 6);
    now.plus_seconds((OWN_SECONDS << doublings).min(LONGEST_WAIT_SECONDS))
}
