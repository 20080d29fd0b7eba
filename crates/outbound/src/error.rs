//! Errors of requests, rejected admissions and call outcomes. Nothing here knows a protocol above
//! HTTP.

use evergrant_model::SignedDuration;

use crate::BlockKind;

/// Why a request has no complete response. Holds no data from the response, so it is safe to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A credential contains bytes that an HTTP header cannot carry. Nothing was sent.
    #[error("the credential contains characters that an HTTP header cannot carry")]
    InvalidHeader,
    /// The request is malformed. Nothing was sent.
    #[error("the request could not be built")]
    InvalidRequest,
    /// The host resolves to no public address. Nothing was sent.
    #[error("the provider's host resolves to a private network")]
    PrivateNetwork,
    /// The connection could not be established. Nothing was sent.
    #[error("could not connect to the provider")]
    NotConnected {
        /// Whether the connect or total time limit expired.
        timed_out: bool,
    },
    /// The request may have been processed, and no response started.
    #[error("the provider did not respond")]
    NoResponse {
        /// Whether the total time limit expired.
        timed_out: bool,
    },
    /// The response started and was not received completely.
    #[error("the provider's response was cut off")]
    Interrupted {
        /// The HTTP status of the response.
        status: u16,
        /// Whether the total time limit expired.
        timed_out: bool,
    },
}

impl RequestError {
    /// Returns the `Display` text as a static string.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::InvalidHeader => {
                "the credential contains characters that an HTTP header cannot carry"
            }
            Self::InvalidRequest => "the request could not be built",
            Self::PrivateNetwork => "the provider's host resolves to a private network",
            Self::NotConnected { .. } => "could not connect to the provider",
            Self::NoResponse { .. } => "the provider did not respond",
            Self::Interrupted { .. } => "the provider's response was cut off",
        }
    }

    /// Returns whether an expired time limit caused the error.
    #[must_use]
    pub fn timed_out(self) -> bool {
        match self {
            Self::NotConnected { timed_out }
            | Self::NoResponse { timed_out }
            | Self::Interrupted { timed_out, .. } => timed_out,
            Self::InvalidHeader | Self::InvalidRequest | Self::PrivateNetwork => false,
        }
    }
}

/// Why a call was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The provider's rate limit allows no call before the caller's deadline.
    RateLimitReached,
    /// The queue for call slots is full.
    QueueFull,
    /// No call slot became free within [`crate::AdmissionRequest::max_wait`].
    QueueTimeout,
    /// A provider block is active.
    Blocked(BlockKind),
}

/// A call that was not admitted. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct NotAdmitted {
    /// Why the call was rejected.
    pub refusal: Refusal,
    /// The time until a retry may be admitted, at least a second.
    pub retry_after: SignedDuration,
}

impl NotAdmitted {
    pub(crate) fn new(refusal: Refusal, retry_after: SignedDuration) -> Self {
        Self {
            refusal,
            retry_after: retry_after.max(SignedDuration::from_secs(1)),
        }
    }

    /// Returns the `Display` text as a static string.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self.refusal {
            Refusal::RateLimitReached => "the provider's rate limit is exhausted",
            Refusal::QueueFull => "too many calls are queued",
            Refusal::QueueTimeout => "no call slot became free in time",
            Refusal::Blocked(BlockKind::RateLimit) => "the provider asked for a pause",
            Refusal::Blocked(BlockKind::Registration) => {
                "the provider does not accept the client registration"
            }
            Refusal::Blocked(BlockKind::Breaker | BlockKind::MassRejection) => {
                "calls to the provider are blocked by its circuit breaker"
            }
        }
    }
}

/// The outcome of a call, as far as the circuit breaker and the rate limits are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The provider processed the call.
    Succeeded,
    /// The provider responded and rejected the call.
    Rejected,
    /// The provider responded with 429, or with an equivalent code of its own.
    RateLimited {
        /// The stated wait; `None` if none is stated.
        retry_after: Option<SignedDuration>,
    },
    /// The provider did not respond, or its response reports a failure of its own.
    Failed,
}
