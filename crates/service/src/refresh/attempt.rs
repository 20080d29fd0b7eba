//! One attempt to refresh under its lease: carries out the steps of
//! `evergrant_resilience::refresh::attempt`.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{AdapterError, HeldTokens, ProviderSpec};
use evergrant_model::{Clock, ErrorCode, ScopeSet, StatusReason, Timestamp, TokenSet};
use evergrant_resilience::refresh::AllRules;
use evergrant_resilience::refresh::attempt::{Attempt, End, Failure, Step, Tolerance};
use evergrant_store::{
    Connection, ConnectionRepository, RefreshRepository, RefreshedGrant, StoredTokens,
};
use tokio::time::{Instant, sleep, timeout};

use crate::cache::{Caches, ConnectionKey};
use crate::connections::expiry::TimedStatus;
use crate::connections::lookup::by_id;
use crate::connections::revocation_queue::RevocationQueue;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::refresh::context::AttemptContext;
use crate::refresh::failure::FailedRefreshes;
use crate::refresh::outcome::{RefreshFailure, RefreshOutcome, newer, verdict_of};
use crate::refresh::pending_writes::PendingWrites;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::refresh_time::RefreshTiming;

/// How often new tokens are written before they become a pending write.
const WRITE_TRIES: u32 = 3;

/// The platform's answer to the last request.
enum Answer {
    None,
    Tokens(Box<IssuedTokens>),
    Error(AdapterError),
}

/// New tokens and the times that they depend on.
struct IssuedTokens {
    tokens: TokenSet,
    sent_at: Timestamp,
    answered_at: Instant,
}

/// Carries out attempts.
pub(crate) struct Attempts {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) encryption: TokenEncryption,
    pub(crate) timing: RefreshTiming,
    pub(crate) failures: Arc<FailedRefreshes>,
    pub(crate) pending: Arc<PendingWrites>,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Attempts {
    /// Refreshes under the lease, and stores the result.
    pub(crate) async fn run(&self, context: AttemptContext<'_>) -> RefreshOutcome {
        let held = &context.leased.held;
        let stored = (held.tokens.access.as_ref(), held.tokens.refresh.as_ref());
        let tokens = match self.encryption.decrypt(stored.0, stored.1) {
            Ok(tokens) => tokens,
            Err(error) => {
                let leased = Some(&context.leased);
                self.failures
                    .record_unreadable(context.call, held, leased)
                    .await;
                return Err(RefreshFailure::of(&error));
            }
        };
        let tolerance = tolerance(context.platform.spec());
        let (ticket, access_ended) = (context.leased.ticket, context.access_ended);
        let mut attempt = Attempt::new(AllRules, tolerance, ticket, access_ended, 0);
        let (mut step, mut answer) = (attempt.begin(context.elapsed_ms()), Answer::None);
        loop {
            step = match step {
                Step::Send { within_ms } => {
                    answer = self.send(&context, &tokens, within_ms).await;
                    let result = result_of(&answer);
                    attempt.answered(result, self.ids.entropy(), context.elapsed_ms())
                }
                Step::Pause { for_ms } => {
                    sleep(duration(for_ms)).await;
                    let row = self.refreshes.lease(held.id).await.ok().flatten();
                    let row = row.filter(|_| context.platform.admits_again(&context.permit));
                    attempt.resume(row.as_ref(), context.elapsed_ms())
                }
                Step::Store => {
                    let stored = self.store(&context, answer).await;
                    context.platform.settle(&context.permit, None).await;
                    return stored;
                }
                Step::End(end) => return self.conclude(&context, end, answer).await,
            }
        }
    }

    async fn send(
        &self,
        context: &AttemptContext<'_>,
        tokens: &HeldTokens,
        within_ms: i64,
    ) -> Answer {
        let (platform, sent_at) = (context.platform, self.clock.now());
        let connection = &context.leased.held;
        self.recorder
            .record(context.call, &Outcome::RefreshStarted { connection });
        let request = platform.refresh_permitted(&context.permit, tokens);
        let answered = timeout(duration(within_ms), request).await;
        match answered.unwrap_or_else(|_elapsed| Err(AdapterError::timed_out())) {
            Ok(tokens) => {
                let answered_at = Instant::now();
                Answer::Tokens(Box::new(IssuedTokens {
                    tokens,
                    sent_at,
                    answered_at,
                }))
            }
            Err(error) => {
                platform.settle(&context.permit, Some(&error)).await;
                Answer::Error(error)
            }
        }
    }

    async fn conclude(
        &self,
        context: &AttemptContext<'_>,
        end: End,
        answer: Answer,
    ) -> RefreshOutcome {
        let error = match answer {
            Answer::Error(error) => error,
            // Nothing was sent, because it could have ended a valid grant.
            Answer::None | Answer::Tokens(_) => AdapterError::held_back(),
        };
        self.failures.record(context, &end, &error).await
    }

    /// Stores the new tokens. No other copy exists, so a write that fails becomes a pending write.
    async fn store(&self, context: &AttemptContext<'_>, answer: Answer) -> RefreshOutcome {
        let Answer::Tokens(issued) = answer else {
            return Err(RefreshFailure::internal());
        };
        let held = &context.leased.held;
        let encrypted = self.encryption.encrypt(&issued.tokens, issued.sent_at);
        let encrypted = encrypted.map_err(|error| RefreshFailure::of(&error))?;
        let new = self.refreshed_grant(context, issued.sent_at, &encrypted);
        let key = ConnectionKey::from(held);
        let mark = self.caches.connections.mark(&key);
        let Some(stored) = self.write(context, &new).await else {
            return Ok(self.pending.add(context.call, &context.leased, &new).await);
        };
        let (connection, answer_to_commit) = (held, issued.answered_at.elapsed());
        let outcome = Outcome::RefreshSucceeded {
            connection,
            stored: stored.is_some(),
            answer_to_commit,
        };
        self.recorder.record(context.call, &outcome);
        self.caches.statuses.invalidate(&held.user).await;
        let Some(newest) = stored.map(Arc::new) else {
            self.caches.connections.invalidate(&key).await;
            return self.superseded(context, &encrypted).await;
        };
        let now = self.clock.now();
        self.caches
            .connections
            .replace(key, Arc::clone(&newest), now, mark)
            .await;
        Ok(newest)
    }

    fn refreshed_grant<'a>(
        &self,
        context: &'a AttemptContext<'_>,
        sent_at: Timestamp,
        tokens: &'a StoredTokens,
    ) -> RefreshedGrant<'a> {
        let (held, spec) = (&context.leased.held, context.platform.spec());
        let has_refresh = tokens.refresh.is_some() || held.tokens.refresh.is_some();
        let (now, refreshable) = (self.clock.now(), spec.can_refresh(has_refresh));
        let grant_ends = tokens.grant_expires_at.or(held.tokens.grant_expires_at);
        let timed = TimedStatus::at(now, refreshable, (now, tokens.expires_at), grant_ends);
        let due = self
            .timing
            .due(spec, sent_at, tokens.expires_at, held.id.get());
        RefreshedGrant {
            tokens,
            next_status_at: timed.next_status_at,
            status: timed.status,
            reason: missing_scopes(held, tokens.scope.as_deref()),
            next_refresh_at: Some(due),
            at: sent_at,
            correlation_id: &context.call.correlation_id,
        }
    }

    /// Writes the new tokens. `Some(None)` means that a newer pair is stored or the connection was
    /// deleted; `None`, that the database did not accept the write.
    async fn write(
        &self,
        context: &AttemptContext<'_>,
        new: &RefreshedGrant<'_>,
    ) -> Option<Option<Connection>> {
        for _ in 0..WRITE_TRIES {
            match self.refreshes.store(&context.leased, new).await {
                Ok(stored) => return Some(stored),
                Err(error) => {
                    self.database.observe(&error);
                    tracing::warn!(
                        connection.id = context.leased.held.id.get(),
                        error = &error as &dyn std::error::Error,
                        "failed to store refreshed tokens"
                    );
                    if error.is_outage() || error.is_refused_write() {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// A newer pair was stored meanwhile, or the connection was deleted: then the new tokens are
    /// revoked, so that they do not outlive the connection.
    async fn superseded(
        &self,
        context: &AttemptContext<'_>,
        encrypted: &StoredTokens,
    ) -> RefreshOutcome {
        let held = &context.leased.held;
        let newest = by_id(&self.connections, &self.database, held.id).await;
        let newest = newest.map_err(|error| RefreshFailure::of(&error));
        if matches!(&newest, Err(failure) if failure.code() == ErrorCode::AccountNotFound) {
            let (call, spec) = (context.call, context.platform.spec());
            let revoked = self
                .revocations
                .revoke_unsaved(call, spec, encrypted, &held.metadata)
                .await;
            revoked.map_err(|error| RefreshFailure::of(&error))?;
        }
        newer(newest?)
    }
}

/// The reason of a connection whose refresh granted these scopes. An answer without scopes keeps
/// the stored ones.
fn missing_scopes(held: &Connection, scope: Option<&str>) -> Option<StatusReason> {
    let granted = ScopeSet::parse(scope.or(held.tokens.scope.as_deref())?);
    let missing = ScopeSet::parse(held.requested_scope.as_deref()?).missing_from(&granted);
    (!missing.is_empty()).then_some(StatusReason::ScopeMissing)
}

fn tolerance(spec: &ProviderSpec) -> Tolerance {
    let replay_window_ms = spec.replay_window_seconds.saturating_mul(1000);
    Tolerance {
        rotates: spec.rotates,
        replay_window_ms,
    }
}

/// An answer in the terms of the attempt's rules.
fn result_of(answer: &Answer) -> Result<(), Failure> {
    match answer {
        Answer::Error(error) => Err(Failure {
            verdict: verdict_of(error),
            unprocessed: error.is_surely_unprocessed(),
            confirm: error.needs_confirmation(),
            wait_ms: error
                .retry_after_seconds()
                .map(|seconds| seconds.saturating_mul(1000)),
        }),
        Answer::None | Answer::Tokens(_) => Ok(()),
    }
}

fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}
