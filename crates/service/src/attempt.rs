//! One attempt to renew, under its lease: the steps of `resilience::renewal::attempt`, carried out.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{AdapterError, HeldTokens, Permit, Platform, ProviderSpec};
use evergrant_model::{CorrelationId, ErrorCode, ScopeSet, StatusReason, Timestamp, TokenSet};
use evergrant_resilience::renewal::AllRules;
use evergrant_resilience::renewal::attempt::{Attempt, End, Failure, Step, Tolerance};
use evergrant_store::{Connection, Leased, RefreshedGrant};
use tokio::time::{Instant, sleep, timeout};

use crate::cache::ConnectionKey;
use crate::failed_refresh::{RefreshFailure, newer, verdict_of};
use crate::refresh::RefreshOutcome;
use crate::service::{Inner, IntegrationsService};
use crate::turns::Turning;

/// How often a renewed pair is offered to the database before it is kept aside.
const STORE_TRIES: u32 = 3;

/// What an attempt is made with.
pub(crate) struct Run<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) permit: Permit,
    /// When the lease was asked for: from there its time is counted.
    pub(crate) asked_at: Instant,
    /// Whether the held access token is worth nothing any more.
    pub(crate) access_ended: bool,
}

impl Run<'_> {
    fn elapsed_ms(&self) -> i64 {
        milliseconds(self.asked_at.elapsed())
    }
}

/// What the last request came to.
enum Answer {
    None,
    Tokens(Box<TokenSet>, Timestamp, Instant),
    Error(AdapterError),
}

impl IntegrationsService {
    /// Renews under the lease, and stores what comes of it.
    pub(crate) async fn attempt(&self, run: Run<'_>, leased: Leased, correlation_id: &CorrelationId) -> RefreshOutcome {
        let held = &leased.held;
        let tokens = match self.open_both(held.access_token.as_ref(), held.refresh_token.as_ref()) {
            Ok(tokens) => tokens,
            Err(error) => {
                self.note_unreadable(held, Some(&leased), correlation_id).await;
                return Err(RefreshFailure::of(&error));
            }
        };
        let spec = run.platform.spec();
        let mut attempt = Attempt::new(AllRules, tolerance(spec), leased.ticket, run.access_ended, 0);
        let (mut step, mut answer) = (attempt.begin(run.elapsed_ms()), Answer::None);
        loop {
            step = match step {
                Step::Send { within_ms } => {
                    answer = self.send(&run, held, &tokens, within_ms, correlation_id).await;
                    attempt.answered(told(&answer), &*self.entropy, run.elapsed_ms())
                }
                Step::Pause { for_ms } => {
                    sleep(duration(for_ms)).await;
                    let row = self.store.refreshes().lease(held.id).await.ok().flatten();
                    let row = row.filter(|_| run.platform.admits_again(&run.permit));
                    attempt.resume(row.as_ref(), run.elapsed_ms())
                }
                Step::Store => {
                    let kept = self.keep(&leased, spec, answer, correlation_id).await;
                    run.platform.settle(&run.permit, None).await;
                    return kept;
                }
                Step::End(end) => return self.conclude(&run, &leased, end, answer, correlation_id).await,
            }
        }
    }

    async fn send(
        &self,
        run: &Run<'_>,
        held: &Connection,
        tokens: &HeldTokens,
        within_ms: i64,
        correlation_id: &CorrelationId,
    ) -> Answer {
        let sent_at = self.now();
        tracing::info!(provider = %held.provider, connection.id = held.id.get(), correlation_id = %correlation_id,
            "renewing");
        let answered = timeout(duration(within_ms), run.platform.refresh_permitted(&run.permit, tokens)).await;
        match answered.unwrap_or_else(|_elapsed| Err(AdapterError::timed_out())) {
            Ok(new) => Answer::Tokens(Box::new(new), sent_at, Instant::now()),
            Err(error) => {
                run.platform.settle(&run.permit, Some(&error)).await;
                Answer::Error(error)
            }
        }
    }

    async fn conclude(
        &self,
        run: &Run<'_>,
        leased: &Leased,
        end: End,
        answer: Answer,
        correlation_id: &CorrelationId,
    ) -> RefreshOutcome {
        let error = match answer {
            Answer::Error(error) => error,
            // Nothing was sent, because it could have done harm.
            Answer::None | Answer::Tokens(..) => AdapterError::held_back(),
        };
        self.note(run, leased, &end, &error, correlation_id).await
    }

    /// Stores the renewed pair. It exists nowhere else: a database that does not take it is asked until it does.
    async fn keep(
        &self,
        leased: &Leased,
        spec: &ProviderSpec,
        answer: Answer,
        correlation_id: &CorrelationId,
    ) -> RefreshOutcome {
        let Answer::Tokens(tokens, sent_at, heard_at) = answer else {
            return Err(RefreshFailure::new(ErrorCode::InternalError));
        };
        let (held, sealed) = (&leased.held, self.seal(&tokens).map_err(|error| RefreshFailure::of(&error))?);
        let scope = tokens.scope.as_ref().map(ToString::to_string);
        let turning = self.turning(spec, held, &tokens);
        let new = RefreshedGrant {
            access_token: &sealed.access,
            refresh_token: sealed.refresh.as_ref(),
            expires_at: tokens.expires_at,
            grant_expires_at: tokens.grant_expires_at,
            next_status_at: turning.next,
            token_type: tokens.token_type.as_deref(),
            scope: scope.as_deref(),
            status: turning.status,
            reason: remark(held, scope.as_deref()),
            next_refresh_at: Some(self.due(spec, sent_at, tokens.expires_at, held.id.get())),
            issued_at: sent_at,
            correlation_id,
        };
        let key = ConnectionKey::from(held);
        let mark = self.caches.connections.mark(&key);
        let Some(stored) = self.offer_new(leased, &new).await else {
            return Ok(self.keep_unstored(leased, &new).await);
        };
        tracing::info!(provider = %held.provider, connection.id = held.id.get(), correlation_id = %correlation_id,
            stored = stored.is_some(), reply_to_commit_us = heard_at.elapsed().as_micros(), "renewed");
        self.caches.statuses.forget(&held.user).await;
        let Some(newest) = stored.map(Arc::new) else {
            self.caches.connections.forget(&key).await;
            return self.superseded(leased, spec, &sealed, correlation_id).await;
        };
        self.caches.connections.replace(key, Arc::clone(&newest), self.now(), mark).await;
        Ok(newest)
    }

    /// What came of offering a pair to the database; `None` where it does not take it.
    async fn offer_new(&self, leased: &Leased, new: &RefreshedGrant<'_>) -> Option<Option<Connection>> {
        for _ in 0..STORE_TRIES {
            match self.store.refreshes().store(leased, new).await {
                Ok(stored) => return Some(stored),
                Err(error) => {
                    self.note_trouble(&error);
                    tracing::warn!(error = &error as &dyn std::error::Error, "a renewed pair is not stored yet");
                    if error.is_outage() || error.is_refused_write() {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Another pair was stored meanwhile, or the connection is gone: then what the platform has just issued must not
    /// outlive it.
    async fn superseded(
        &self,
        leased: &Leased,
        spec: &ProviderSpec,
        sealed: &crate::vault::SealedTokens,
        correlation_id: &CorrelationId,
    ) -> RefreshOutcome {
        let newest = self.reread(leased.held.id).await;
        if matches!(&newest, Err(failure) if failure.code() == ErrorCode::AccountNotFound) {
            let given_up = self.give_up_tokens(spec, sealed, &leased.held.metadata, correlation_id).await;
            given_up.map_err(|error| RefreshFailure::of(&error))?;
        }
        newer(newest?)
    }
}

impl Inner {
    /// How the connection will stand with these tokens, as far as time is concerned.
    fn turning(&self, spec: &ProviderSpec, held: &Connection, tokens: &TokenSet) -> Turning {
        let has_refresh = tokens.refresh.is_some() || held.refresh_token.is_some();
        let grant_ends = tokens.grant_expires_at.or(held.grant_expires_at);
        Turning::of(spec.can_renew(has_refresh), (self.now(), tokens.expires_at), grant_ends, self.now())
    }
}

/// A remark on a connection whose renewal brought these scopes; without scopes the old remark on scopes stays.
fn remark(held: &Connection, scope: Option<&str>) -> Option<StatusReason> {
    let granted = scope.or(held.scope.as_deref())?;
    let missing = ScopeSet::parse(held.requested_scope.as_deref()?).missing_from(&ScopeSet::parse(granted));
    (!missing.is_empty()).then_some(StatusReason::ScopeMissing)
}

fn tolerance(spec: &ProviderSpec) -> Tolerance {
    Tolerance { rotates: spec.rotates, replay_window_ms: spec.replay_window_seconds.saturating_mul(1000) }
}

/// An answer as the rules of a renewal see it.
fn told(answer: &Answer) -> Result<(), Failure> {
    match answer {
        Answer::Error(error) => Err(Failure {
            verdict: verdict_of(error),
            unprocessed: error.is_surely_unprocessed(),
            confirm: error.needs_confirmation(),
            wait_ms: error.retry_after_seconds().map(|seconds| seconds.saturating_mul(1000)),
        }),
        Answer::None | Answer::Tokens(..) => Ok(()),
    }
}

fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
