//! What a failed renewal means: for the connection, for the next attempt, and for whoever waited.
//!
//! No grant is declared dead on doubt. Only a terminal answer of the platform does so, only for the generation that the
//! attempt began with, and not while the platform refuses so many that it must be mistaken (`refusals.rs`).

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass, ProviderSpec};
use evergrant_model::{ConnectionStatus, CorrelationId, ErrorCode, EventKind, StatusReason, Timestamp};
use evergrant_resilience::renewal::attempt::{End, Verdict};
use evergrant_resilience::renewal::lease::{Ending, LEASE_MS};
use evergrant_store::{Connection, FailedRefresh, Leased};

use crate::ServiceError;
use crate::attempt::Run;
use crate::cache::ConnectionKey;
use crate::error::{code_of, sentence_for};
use crate::refresh::RefreshOutcome;
use crate::refusals::Belief;
use crate::service::Inner;

const FIRST_PAUSE_SECONDS: i64 = 15;
const LONGEST_PAUSE_SECONDS: i64 = 60 * 60;
/// Where something in front of the platform turns us away, knocking again soon makes it worse.
const BLOCKED_PAUSE_SECONDS: i64 = 5 * 60;

/// A failed renewal as every waiter of the attempt gets it.
#[derive(Debug, Clone)]
pub(crate) struct RefreshFailure {
    code: ErrorCode,
    retry_after_seconds: Option<i64>,
}

impl RefreshFailure {
    pub(crate) fn new(code: ErrorCode) -> Self {
        Self { code, retry_after_seconds: None }
    }

    pub(crate) fn of(error: &ServiceError) -> Self {
        Self { code: error.code(), retry_after_seconds: error.retry_after_seconds() }
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    pub(crate) fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }

    pub(crate) fn into_error(self, provider: &str) -> ServiceError {
        match self.code {
            ErrorCode::ReconnectRequired => ServiceError::reconnect_required(provider),
            ErrorCode::AccountNotFound => ServiceError::account_not_found(),
            ErrorCode::Overloaded => ServiceError::overloaded(),
            ErrorCode::DatabaseError => ServiceError::database_silent().retry_after(self.retry_after_seconds),
            code => ServiceError::new(code, sentence_for(code, provider)).retry_after(self.retry_after_seconds),
        }
    }
}

/// What a failed call means for a renewal.
pub(crate) fn verdict_of(error: &AdapterError) -> Verdict {
    match error.class() {
        ErrorClass::NeedsReauth => Verdict::Terminal,
        ErrorClass::NeedsUserAction => Verdict::UserAction,
        ErrorClass::RateLimited => Verdict::RateLimited,
        ErrorClass::ConfigError | ErrorClass::BadRequest | ErrorClass::ScopeMissing => Verdict::Config,
        ErrorClass::Transient => Verdict::Transient,
        ErrorClass::Blocked => Verdict::Blocked,
        ErrorClass::Unknown | ErrorClass::TokenExpired if error.is_surely_unprocessed() => Verdict::Transient,
        ErrorClass::Unknown | ErrorClass::TokenExpired => Verdict::Unknown,
    }
}

/// How the last attempt ended, where it failed, in one word that the row remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastFailure {
    /// As the attempt said.
    Verdict(Verdict),
    /// The platform refused the grant while it refused too many: it is asked once more.
    Suspect,
    /// Nothing was asked, because what is stored opens under no key.
    Unreadable,
}

impl LastFailure {
    const WORDS: [(Self, &'static str); 9] = [
        (Self::Verdict(Verdict::Transient), "transient"),
        (Self::Verdict(Verdict::Unknown), "unknown"),
        (Self::Verdict(Verdict::Blocked), "blocked"),
        (Self::Verdict(Verdict::RateLimited), "rate_limited"),
        (Self::Verdict(Verdict::Terminal), "terminal"),
        (Self::Verdict(Verdict::UserAction), "user_action"),
        (Self::Verdict(Verdict::Config), "config"),
        (Self::Suspect, "suspect"),
        (Self::Unreadable, "unreadable"),
    ];

    /// What the row remembers; `None` where the last attempt succeeded, or there was none.
    pub(crate) fn of(held: &Connection) -> Option<Self> {
        let word = held.last_outcome.as_deref()?;
        let known = Self::WORDS.iter().find(|(_, known)| *known == word);
        Some(known.map_or(Self::Verdict(Verdict::Transient), |(failure, _)| *failure))
    }

    pub(crate) fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(failure, _)| *failure == self).map_or("transient", |(_, word)| word)
    }

    /// What a caller is told who comes while the pause after such an end lasts.
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::Verdict(Verdict::RateLimited) => ErrorCode::RateLimitError,
            Self::Verdict(Verdict::Terminal) => ErrorCode::ReconnectRequired,
            Self::Verdict(Verdict::UserAction | Verdict::Config) => ErrorCode::TokenRefreshError,
            Self::Unreadable => ErrorCode::DecryptionError,
            Self::Verdict(Verdict::Transient | Verdict::Unknown | Verdict::Blocked) | Self::Suspect => {
                ErrorCode::ProviderUnavailable
            }
        }
    }
}

impl Inner {
    /// Records a failed attempt and answers what its waiters are told.
    pub(crate) async fn note(
        &self,
        run: &Run<'_>,
        leased: &Leased,
        end: &End,
        error: &AdapterError,
        correlation_id: &CorrelationId,
    ) -> RefreshOutcome {
        let (held, spec) = (&leased.held, run.platform.spec());
        let refusal =
            if end.verdict == Verdict::Terminal { Some(self.belief(run, held, end.lost).await) } else { None };
        let doubted = refusal == Some(Belief::Doubted);
        let failure = if doubted { LastFailure::Suspect } else { LastFailure::Verdict(end.verdict) };
        log(held, error, failure, correlation_id);
        let (status, reason) = self.standing(held, failure, end, error);
        let next = self.next_attempt(held, spec, failure, end, error);
        let failed = FailedRefresh {
            status,
            reason,
            outcome: failure.as_str(),
            next_refresh_at: next,
            event: event_for(held, status, reason),
            rejected: matches!(refusal, Some(Belief::Counted | Belief::Doubted)),
            at: self.now(),
            correlation_id,
        };
        let ending = Ending { dead: end.ending.dead && !doubted, ..end.ending };
        let recorded = self.store.refreshes().record_failure(leased, ending, &failed).await;
        self.caches.forget(&ConnectionKey::from(held)).await;
        match recorded {
            Ok(true) if refusal == Some(Belief::Counted) => drop(self.stops_for_refusals(run.platform, 0).await),
            Ok(true) => {}
            // Another pair was stored meanwhile: what the platform said of the old one matters to nobody. Or another
            // replica has taken the lease, and what comes of that is its own to tell.
            Ok(false) => {
                let newest = self.reread(held.id).await?;
                if newest.lease.generation > leased.ticket.generation {
                    return newer(newest);
                }
            }
            Err(error) => {
                self.note_trouble(&error);
                tracing::error!(connection.id = held.id.get(), correlation_id = %correlation_id,
                    error = &error as &dyn std::error::Error, "the end of an attempt is not recorded");
            }
        }
        Err(told(failure, error, next.map(|at| at.seconds_since(self.now()))))
    }

    /// Records that a row cannot be decrypted: ours to mend, so nothing is lost and no attempt is made meanwhile.
    pub(crate) async fn note_unreadable(&self, held: &Connection, leased: Option<&Leased>, trace: &CorrelationId) {
        tracing::error!(connection.id = held.id.get(), correlation_id = %trace,
            "a stored token opens under no key of the ring");
        let reason = Some(StatusReason::DecryptionError);
        let failed = FailedRefresh {
            status: ConnectionStatus::Error,
            reason,
            outcome: LastFailure::Unreadable.as_str(),
            next_refresh_at: Some(self.now().plus_seconds(LONGEST_PAUSE_SECONDS)),
            event: event_for(held, ConnectionStatus::Error, reason),
            rejected: false,
            at: self.now(),
            correlation_id: trace,
        };
        let recorded = match leased {
            Some(leased) => {
                let in_doubt = leased.ticket.doubt_age_ms.is_some();
                let ending = Ending { dead: false, in_doubt, under_way: false };
                self.store.refreshes().record_failure(leased, ending, &failed).await
            }
            None => self.store.refreshes().record_failed_check(held, &failed).await,
        };
        if let Err(error) = recorded {
            tracing::error!(error = &error as &dyn std::error::Error, "and could not be marked so");
        }
        self.caches.forget(&ConnectionKey::from(held)).await;
    }

    fn standing(
        &self,
        held: &Connection,
        failure: LastFailure,
        end: &End,
        error: &AdapterError,
    ) -> (ConnectionStatus, Option<StatusReason>) {
        match failure {
            // The platform rotated, and its answer never reached us.
            LastFailure::Verdict(Verdict::Terminal) if end.lost => {
                (ConnectionStatus::Expired, Some(StatusReason::LostInFlight))
            }
            LastFailure::Verdict(Verdict::Terminal) => {
                (ConnectionStatus::Expired, Some(error.reason().unwrap_or(StatusReason::RefreshTokenInvalid)))
            }
            LastFailure::Verdict(Verdict::UserAction) => {
                (ConnectionStatus::Error, Some(StatusReason::UserActionAtPlatform))
            }
            LastFailure::Verdict(Verdict::Config) => (held.status, error.reason().or(held.reason)),
            LastFailure::Verdict(_) if self.still_works(held) => {
                // A warning of an end stands whatever else goes wrong.
                let warned = held.status == ConnectionStatus::Expiring;
                let status = if warned { ConnectionStatus::Expiring } else { ConnectionStatus::Connected };
                (status, Some(StatusReason::RefreshRetrying))
            }
            LastFailure::Verdict(_) | LastFailure::Suspect | LastFailure::Unreadable => {
                (ConnectionStatus::Error, Some(StatusReason::ProviderUnavailable))
            }
        }
    }

    /// When the next attempt may begin; `None` for never.
    fn next_attempt(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        failure: LastFailure,
        end: &End,
        error: &AdapterError,
    ) -> Option<Timestamp> {
        let now = self.now();
        let grown = (FIRST_PAUSE_SECONDS << held.failures.clamp(0, 10)).min(LONGEST_PAUSE_SECONDS);
        // While the platform may still be acting nobody gets the lease.
        let pause = if end.ending.under_way { grown.max(LEASE_MS / 1000) } else { grown };
        let stated = error.retry_after_seconds();
        match failure {
            LastFailure::Verdict(Verdict::Terminal | Verdict::UserAction) => None,
            LastFailure::Verdict(Verdict::RateLimited) => Some(now.plus_seconds(stated.unwrap_or(pause).max(1))),
            LastFailure::Verdict(Verdict::Blocked) => Some(now.plus_seconds(pause.max(BLOCKED_PAUSE_SECONDS))),
            // The same token again before the held one has ended could end a grant that still works.
            LastFailure::Verdict(Verdict::Unknown) if !spec.forgives_after(LEASE_MS / 1000) => {
                held.expires_at.map(|end| end.max(now.plus_seconds(pause)))
            }
            _ => Some(now.plus_seconds(pause.max(stated.unwrap_or(0)))),
        }
    }
}

/// A connection with a newer pair than the one that was to be renewed, unless that grant has ended too.
pub(crate) fn newer(newest: Connection) -> RefreshOutcome {
    let is_dead = newest.status == ConnectionStatus::Expired;
    if is_dead { Err(RefreshFailure::new(ErrorCode::ReconnectRequired)) } else { Ok(Arc::new(newest)) }
}

/// What those who waited for the attempt are told.
fn told(failure: LastFailure, error: &AdapterError, wait_seconds: Option<i64>) -> RefreshFailure {
    let code = match failure {
        _ if error.is_of_ours() => ErrorCode::InternalError,
        LastFailure::Verdict(Verdict::Transient | Verdict::Unknown | Verdict::Blocked) => code_of(error),
        other => other.code(),
    };
    let told = RefreshFailure::new(code);
    wait_seconds.filter(|_| code.is_retryable()).map_or(told.clone(), |wait| told.retry_after(wait))
}

/// The user is told of a change, and of a change only.
pub(crate) fn event_for(
    held: &Connection,
    status: ConnectionStatus,
    reason: Option<StatusReason>,
) -> Option<EventKind> {
    match status {
        _ if (status, reason) == (held.status, held.reason) => None,
        ConnectionStatus::Expired => Some(EventKind::Expired),
        _ => Some(EventKind::Error),
    }
}

fn log(held: &Connection, error: &AdapterError, failure: LastFailure, correlation_id: &CorrelationId) {
    let id = held.id.get();
    if failure == LastFailure::Verdict(Verdict::Config) {
        tracing::error!(provider = %held.provider, connection.id = id, correlation_id = %correlation_id, error = %error,
            "the platform refuses our registration: check its client id, secret and addresses");
    } else {
        tracing::warn!(provider = %held.provider, connection.id = id, correlation_id = %correlation_id, error = %error,
            verdict = failure.as_str(), "not renewed");
    }
}
