//! What a failed renewal means: for the connection, for the next attempt, and for whoever waited.
//!
//! No grant is declared dead on doubt. Only a terminal answer of the platform does so, and only for the generation that
//! the attempt began with.

use evergrant_adapters::{AdapterError, ErrorClass, ProviderSpec};
use evergrant_model::{ConnectionStatus, CorrelationId, ErrorCode, EventKind, StatusReason, Timestamp};
use evergrant_store::{Connection, FailedRefresh};

use crate::ServiceError;
use crate::cache::ConnectionKey;
use crate::error::{code_of, sentence_for};
use crate::refresh::RefreshOutcome;
use crate::service::Inner;

const FIRST_PAUSE_SECONDS: i64 = 15;
const LONGEST_PAUSE_SECONDS: i64 = 60 * 60;

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
            code => ServiceError::new(code, sentence_for(code, provider)).retry_after(self.retry_after_seconds),
        }
    }
}

/// How an attempt ended, in one word that the row remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Surely not processed, or safe to send again.
    Transient,
    /// Sent, and nobody knows what became of it.
    Unknown,
    /// Not before the time that the platform states.
    RateLimited,
    /// The grant has ended.
    Terminal,
    /// The user must act at the platform.
    UserAction,
    /// Our registration is wrong: the operator's matter, never the user's.
    Config,
}

impl Verdict {
    fn of(error: &AdapterError) -> Self {
        match error.class() {
            ErrorClass::NeedsReauth => Self::Terminal,
            ErrorClass::NeedsUserAction => Self::UserAction,
            ErrorClass::RateLimited => Self::RateLimited,
            ErrorClass::ConfigError | ErrorClass::BadRequest | ErrorClass::ScopeMissing => Self::Config,
            ErrorClass::Transient | ErrorClass::Blocked => Self::Transient,
            ErrorClass::Unknown | ErrorClass::TokenExpired if error.is_surely_unprocessed() => Self::Transient,
            ErrorClass::Unknown | ErrorClass::TokenExpired => Self::Unknown,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Unknown => "unknown",
            Self::RateLimited => "rate_limited",
            Self::Terminal => "terminal",
            Self::UserAction => "user_action",
            Self::Config => "config",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Transient, Self::Unknown, Self::RateLimited, Self::Terminal, Self::UserAction, Self::Config]
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
    }

    /// What a caller is told who comes while the pause after such an end lasts.
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::RateLimited => ErrorCode::RateLimitError,
            Self::Terminal => ErrorCode::ReconnectRequired,
            Self::UserAction | Self::Config => ErrorCode::TokenRefreshError,
            Self::Transient | Self::Unknown => ErrorCode::ProviderUnavailable,
        }
    }
}

/// Ends the remembered word of a failure that followed one of unknown fate.
const STILL_IN_DOUBT: &str = "+unknown";

/// The last attempt, where it failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastFailure {
    /// How it ended.
    pub(crate) verdict: Verdict,
    /// Whether it, or one before it since the last success, may have been processed without our learning of it.
    pub(crate) in_doubt: bool,
}

impl LastFailure {
    /// What the row remembers; `None` where the last attempt succeeded, or there was none.
    pub(crate) fn of(held: &Connection) -> Option<Self> {
        let text = held.last_outcome.as_deref()?;
        let (word, doubt) = text.strip_suffix(STILL_IN_DOUBT).map_or((text, false), |word| (word, true));
        let verdict = Verdict::parse(word).unwrap_or(Verdict::Transient);
        Some(Self { verdict, in_doubt: doubt || verdict == Verdict::Unknown })
    }

    /// What the row is to remember of an attempt that ended so.
    fn word(held: &Connection, verdict: Verdict) -> String {
        let doubt = Self::of(held).is_some_and(|last| last.in_doubt) && verdict != Verdict::Unknown;
        format!("{}{}", verdict.as_str(), if doubt { STILL_IN_DOUBT } else { "" })
    }
}

impl Inner {
    /// Records a failed attempt and answers what its waiters are told.
    pub(crate) async fn note(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        error: &AdapterError,
        correlation_id: &CorrelationId,
    ) -> RefreshOutcome {
        let verdict = Verdict::of(error);
        log(held, error, verdict, correlation_id);
        let (status, reason) = self.standing(held, spec, verdict, error);
        let next = self.next_attempt(held, spec, verdict, error);
        let failed = FailedRefresh {
            status,
            reason,
            outcome: &LastFailure::word(held, verdict),
            next_refresh_at: next,
            event: event_for(held, status, reason),
            at: self.now(),
            correlation_id,
        };
        let recorded = self.store.record_failed_refresh(held, &failed).await;
        self.caches.forget(&ConnectionKey::from(held)).await;
        match recorded {
            Ok(true) => {}
            // Another pair was stored meanwhile: what the platform said of the old one matters to nobody.
            Ok(false) => return self.newest(held).await,
            Err(error) => tracing::error!(connection.id = held.id.get(), correlation_id = %correlation_id,
                error = &error as &dyn std::error::Error, "the end of an attempt is not recorded"),
        }
        let code = match verdict {
            Verdict::Transient | Verdict::Unknown => code_of(error),
            verdict => verdict.code(),
        };
        let wait = next.map(|at| at.seconds_since(self.now()));
        let failure = RefreshFailure::new(code);
        Err(wait.filter(|_| code.is_retryable()).map_or(failure.clone(), |wait| failure.retry_after(wait)))
    }

    async fn newest(&self, held: &Connection) -> RefreshOutcome {
        match self.store.connection_by_id(held.id).await {
            Ok(Some(newest)) => Ok(std::sync::Arc::new(newest)),
            Ok(None) => Err(RefreshFailure::of(&ServiceError::account_not_found())),
            Err(error) => Err(RefreshFailure::of(&error.into())),
        }
    }

    /// Records that a row cannot be decrypted: ours to mend, so nothing is lost and no attempt is made meanwhile.
    pub(crate) async fn note_unreadable(&self, held: &Connection, correlation_id: &CorrelationId) {
        tracing::error!(connection.id = held.id.get(), correlation_id = %correlation_id,
            "a stored token opens under no key of the ring");
        let failed = FailedRefresh {
            status: ConnectionStatus::Error,
            reason: Some(StatusReason::DecryptionError),
            outcome: &LastFailure::word(held, Verdict::Config),
            next_refresh_at: Some(self.now().plus_seconds(LONGEST_PAUSE_SECONDS)),
            event: event_for(held, ConnectionStatus::Error, Some(StatusReason::DecryptionError)),
            at: self.now(),
            correlation_id,
        };
        if let Err(error) = self.store.record_failed_refresh(held, &failed).await {
            tracing::error!(error = &error as &dyn std::error::Error, "and could not be marked so");
        }
        self.caches.forget(&ConnectionKey::from(held)).await;
    }

    fn standing(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        verdict: Verdict,
        error: &AdapterError,
    ) -> (ConnectionStatus, Option<StatusReason>) {
        // A refusal after an attempt of unknown fate: the platform rotated, and its answer never reached us.
        let lost = spec.rotates && LastFailure::of(held).is_some_and(|last| last.in_doubt);
        match verdict {
            Verdict::Terminal if lost => (ConnectionStatus::Expired, Some(StatusReason::LostInFlight)),
            Verdict::Terminal => {
                let reason = error.reason().unwrap_or(StatusReason::RefreshTokenInvalid);
                (ConnectionStatus::Expired, Some(reason))
            }
            Verdict::UserAction => (ConnectionStatus::Error, Some(StatusReason::UserActionAtPlatform)),
            Verdict::Config => (held.status, error.reason().or(held.reason)),
            _ if self.still_works(held) => (ConnectionStatus::Connected, Some(StatusReason::RefreshRetrying)),
            _ => (ConnectionStatus::Error, Some(StatusReason::ProviderUnavailable)),
        }
    }

    /// When the next attempt may begin; `None` for never.
    fn next_attempt(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        verdict: Verdict,
        error: &AdapterError,
    ) -> Option<Timestamp> {
        let now = self.now();
        let pause = (FIRST_PAUSE_SECONDS << held.failures.clamp(0, 10)).min(LONGEST_PAUSE_SECONDS);
        match verdict {
            Verdict::Terminal | Verdict::UserAction => None,
            Verdict::RateLimited => Some(now.plus_seconds(error.retry_after_seconds().unwrap_or(pause).max(1))),
            // The same token again before the held one has ended could end a grant that still works.
            Verdict::Unknown if !spec.may_resend_refresh() => {
                held.expires_at.map(|end| end.max(now.plus_seconds(pause)))
            }
            _ => Some(now.plus_seconds(pause.max(error.retry_after_seconds().unwrap_or(0)))),
        }
    }
}

/// The user is told of a change, and of a change only.
fn event_for(held: &Connection, status: ConnectionStatus, reason: Option<StatusReason>) -> Option<EventKind> {
    match status {
        _ if (status, reason) == (held.status, held.reason) => None,
        ConnectionStatus::Expired => Some(EventKind::Expired),
        _ => Some(EventKind::Error),
    }
}

fn log(held: &Connection, error: &AdapterError, verdict: Verdict, correlation_id: &CorrelationId) {
    let id = held.id.get();
    if verdict == Verdict::Config {
        tracing::error!(provider = %held.provider, connection.id = id, correlation_id = %correlation_id, error = %error,
            "the platform refuses our registration: check its client id, secret and addresses");
    } else {
        tracing::warn!(provider = %held.provider, connection.id = id, correlation_id = %correlation_id, error = %error,
            verdict = verdict.as_str(), "not renewed");
    }
}
