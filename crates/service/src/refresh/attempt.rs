//! One refresh attempt under its lease: executes the steps that the state machine of
//! `evergrant_resilience::refresh::attempt` decides.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{AdapterError, Cause, ErrorClass, HeldTokens, ProviderSpec};
use evergrant_model::{Clock, ErrorCode, ScopeSet, StatusReason, Timestamp, TokenSet, whole_ms};
use evergrant_resilience::refresh::AllRules;
use evergrant_resilience::refresh::attempt::{Attempt, FailedAttempt, Failure, Step};
use evergrant_store::{
    Connection, ConnectionRepository, RefreshRepository, RefreshedGrant, StoredTokens,
};
use tokio::time::{Instant, sleep, timeout};

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::connections::expiry::TimedStatus;
use crate::connections::lookup::by_id;
use crate::connections::revocation_queue::RevocationQueue;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::refresh::context::{AttemptContext, refresh_policy};
use crate::refresh::failure::FailedRefreshes;
use crate::refresh::lost_tokens::LostTokens;
use crate::refresh::outcome::{RefreshFailure, RefreshOutcome, newer, verdict_of};
use crate::refresh::pending_writes::PendingWrites;
use crate::refresh::pending_writes::first_commit::FirstCommit;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::refresh_time::RefreshTiming;

/// The response to the last request.
enum Response {
    /// No request was sent.
    None,
    Tokens(Box<IssuedTokens>),
    Error(AdapterError),
}

impl Response {
    /// Returns the response with these tokens, which has just arrived.
    fn tokens(tokens: TokenSet, sent_at: Timestamp) -> Self {
        Self::Tokens(Box::new(IssuedTokens {
            tokens,
            sent_at,
            received_at: Instant::now(),
        }))
    }

    /// Returns the response in the terms of the attempt's state machine.
    fn result(&self) -> Result<(), Failure> {
        match self {
            Self::Error(error) => Err(Failure {
                verdict: verdict_of(error),
                unprocessed: error.is_known_unprocessed(),
                pending: error.cause() == Cause::Timeout,
                confirm: error.needs_confirmation(),
                wait_ms: error.retry_after().map(whole_ms),
            }),
            Self::None | Self::Tokens(_) => Ok(()),
        }
    }
}

/// New tokens and the times of their request and response.
struct IssuedTokens {
    tokens: TokenSet,
    sent_at: Timestamp,
    received_at: Instant,
}

/// Executes refresh attempts.
pub(crate) struct Attempts {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) encryption: TokenEncryption,
    pub(crate) timing: RefreshTiming,
    pub(crate) failures: Arc<FailedRefreshes>,
    pub(crate) pending: Arc<PendingWrites>,
    pub(crate) lost: Arc<LostTokens>,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Attempts {
    /// Executes one attempt under its lease and stores the result.
    ///
    /// # Errors
    ///
    /// The failure that all waiters of this refresh receive.
    pub(crate) async fn run(&self, context: AttemptContext<'_>) -> RefreshOutcome {
        let tokens = self.decrypt(&context).await?;
        let refresh_policy = refresh_policy(context.provider.spec());
        let (id, ticket) = (context.leased.connection.id, context.leased.ticket);
        let access_expired = context.access_expired;
        let mut attempt = Attempt::new(AllRules, refresh_policy, ticket, access_expired, 0);
        let (mut step, mut response) = (attempt.start(context.elapsed_ms()), Response::None);
        loop {
            step = match step {
                Step::Send { within_ms } => {
                    response = self.send(&context, &tokens, duration(within_ms)).await;
                    let result = response.result();
                    attempt.on_response(result, self.ids.entropy(), context.elapsed_ms())
                }
                Step::Pause { for_ms } => {
                    sleep(duration(for_ms)).await;
                    let row = self.refreshes.lease(id).await.ok().flatten();
                    let row = row.filter(|_| context.provider.admits_retry(&context.permit));
                    attempt.resume(row.as_ref(), context.elapsed_ms())
                }
                Step::Store => {
                    let outcome = self.store(&context, response).await;
                    context.provider.settle(&context.permit, None).await;
                    return outcome;
                }
                Step::End(failed) => return self.record_failure(&context, failed, response).await,
            }
        }
    }

    /// Decrypts the stored tokens, and records the connection as unreadable if that fails.
    async fn decrypt(&self, context: &AttemptContext<'_>) -> Result<HeldTokens, RefreshFailure> {
        let connection = &context.leased.connection;
        let StoredTokens {
            access, refresh, ..
        } = &connection.tokens;
        match self.encryption.decrypt(access.as_ref(), refresh.as_ref()) {
            Ok(tokens) => Ok(tokens),
            Err(error) => {
                let leased = Some(&context.leased);
                self.failures
                    .record_unreadable(context.call, connection, leased)
                    .await;
                Err(RefreshFailure::of(&error))
            }
        }
    }

    /// Sends one refresh request. An error is reported to the circuit breaker here; a success only
    /// once the tokens are stored.
    async fn send(
        &self,
        context: &AttemptContext<'_>,
        tokens: &HeldTokens,
        time_limit: Duration,
    ) -> Response {
        let (provider, sent_at) = (context.provider, self.clock.now());
        let connection = &context.leased.connection;
        self.recorder
            .record(context.call, &Outcome::RefreshStarted { connection });
        let mut request = pin!(provider.refresh_permitted(&context.permit, tokens));
        let result = match timeout(time_limit, &mut request).await {
            Ok(result) => result,
            Err(_elapsed) => return self.late_response(context, request, sent_at).await,
        };
        match result {
            Ok(tokens) => Response::tokens(tokens, sent_at),
            Err(error) => {
                provider.settle(&context.permit, Some(&error)).await;
                Response::Error(error)
            }
        }
    }

    /// Reports to the circuit breaker that the provider did not respond in time, and reads a
    /// response that arrives before the lease ends: it may hold the only copy of new tokens, or say
    /// that the grant has ended.
    async fn late_response(
        &self,
        context: &AttemptContext<'_>,
        request: Pin<&mut impl Future<Output = Result<TokenSet, AdapterError>>>,
        sent_at: Timestamp,
    ) -> Response {
        let timed_out = AdapterError::timed_out();
        let settle = context.provider.settle(&context.permit, Some(&timed_out));
        settle.await;
        match timeout(context.lease_left(), request).await {
            Ok(Ok(tokens)) => Response::tokens(tokens, sent_at),
            Ok(Err(error)) if is_final(&error) => Response::Error(error),
            _ => Response::Error(timed_out),
        }
    }

    /// Records an attempt that ended without tokens.
    async fn record_failure(
        &self,
        context: &AttemptContext<'_>,
        failed: FailedAttempt,
        response: Response,
    ) -> RefreshOutcome {
        let error = match response {
            Response::Error(error) => error,
            // No request was sent, because it could have revoked a valid grant.
            Response::None | Response::Tokens(_) => AdapterError::previous_attempt_in_doubt(),
        };
        self.failures.record(context, &failed, &error).await
    }

    /// Stores the new tokens. They are the only copy, so they become a pending write if the commit
    /// fails or takes long.
    async fn store(&self, context: &AttemptContext<'_>, response: Response) -> RefreshOutcome {
        let Response::Tokens(issued) = response else {
            return Err(RefreshFailure::internal().caused_by("no tokens to store"));
        };
        let _held = self.pending.hold(&context.leased);
        let connection = &context.leased.connection;
        let encrypted = self.encryption.encrypt(&issued.tokens, issued.sent_at);
        let encrypted = encrypted.map_err(|error| RefreshFailure::of(&error))?;
        let new = self.refreshed_grant(context, issued.sent_at, &encrypted);
        let key = ConnectionKey::from(connection);
        let mark = self.caches.connections.mark(&key);
        let commit = self.pending.commit(context.call, &context.leased, &new);
        let stored = match commit.await {
            FirstCommit::Ended(stored) => stored,
            FirstCommit::Pending(connection) => return Ok(connection),
        };
        let outcome = Outcome::RefreshSucceeded {
            connection,
            stored: stored.is_some(),
            response_to_commit: issued.received_at.elapsed(),
        };
        self.recorder.record(context.call, &outcome);
        self.caches.statuses.invalidate(&connection.user).await;
        let Some(newest) = stored else {
            self.caches.connections.invalidate(&key).await;
            return self.superseded(context, &new).await;
        };
        self.lost.keep(&newest);
        let now = self.clock.now();
        self.caches
            .connections
            .replace(key, Arc::clone(&newest), now, mark)
            .await;
        Ok(newest)
    }

    /// Returns the row that stores the new tokens.
    fn refreshed_grant<'a>(
        &'a self,
        context: &'a AttemptContext<'_>,
        sent_at: Timestamp,
        tokens: &'a StoredTokens,
    ) -> RefreshedGrant<'a> {
        let (connection, spec) = (&context.leased.connection, context.provider.spec());
        let has_refresh = tokens.refresh.is_some() || connection.tokens.refresh.is_some();
        let (now, refreshable) = (self.clock.now(), spec.can_refresh(has_refresh));
        let grant_expires_at = tokens
            .grant_expires_at
            .or(connection.tokens.grant_expires_at);
        let timed = TimedStatus::at(now, refreshable, (now, tokens.expires_at), grant_expires_at);
        let due = self
            .timing
            .due(spec, sent_at, tokens.expires_at, connection.id.get());
        RefreshedGrant {
            tokens,
            next_status_at: timed.next_status_at,
            status: timed.status,
            reason: missing_scopes(connection, spec, tokens.scope.as_deref()),
            next_refresh_at: Some(due),
            at: sent_at,
            correlation_id: &context.call.correlation_id,
            digests: &self.encryption,
        }
    }

    /// Returns the connection whose newer tokens were stored meanwhile. If another program has
    /// deleted the row, the new tokens are kept in case that it inserts the row again. If the user
    /// has disconnected the account, they are revoked, so that they do not outlive the connection.
    async fn superseded(
        &self,
        context: &AttemptContext<'_>,
        new: &RefreshedGrant<'_>,
    ) -> RefreshOutcome {
        let connection = &context.leased.connection;
        let newest = by_id(&self.connections, &self.database, connection.id).await;
        let newest = newest.map_err(|error| RefreshFailure::of(&error));
        if matches!(&newest, Err(failure) if failure.code() == ErrorCode::AccountNotFound) {
            self.keep_or_revoke(context, new)
                .await
                .map_err(|error| RefreshFailure::of(&error))?;
        }
        newer(newest?)
    }

    async fn keep_or_revoke(
        &self,
        context: &AttemptContext<'_>,
        new: &RefreshedGrant<'_>,
    ) -> Result<(), ServiceError> {
        let connection = &context.leased.connection;
        let (key, ticket) = (connection.into(), &context.leased.ticket);
        let keep = self.refreshes.keep_for_deleted_row(&key, ticket, new);
        if self.database.query(keep).await? {
            return Ok(());
        }
        let (call, spec, facts) = (context.call, context.provider.spec(), &connection.metadata);
        self.revocations
            .revoke_unsaved(call, spec, new.tokens, facts)
            .await
    }
}

/// Returns whether the error proves that the grant has ended.
fn is_final(error: &AdapterError) -> bool {
    error.class() == ErrorClass::NeedsReauth && !error.needs_confirmation()
}

/// Returns `SCOPE_MISSING` if the refresh granted fewer scopes than the consent requested. A
/// response without scopes grants the stored ones (RFC 6749, section 6).
fn missing_scopes(
    connection: &Connection,
    spec: &ProviderSpec,
    scope: Option<&str>,
) -> Option<StatusReason> {
    let granted = ScopeSet::parse(scope.or(connection.tokens.scope.as_deref())?);
    let requested = ScopeSet::parse(connection.requested_scope.as_deref()?);
    let missing = spec.vocabulary.missing_scopes(&requested, &granted);
    (!missing.is_empty()).then_some(StatusReason::ScopeMissing)
}

fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}
