//! What happened to a request, in words that know no protocol above HTTP.

use crate::BlockKind;

/// Why a request has no usable response. Holds nothing from outside, so it may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A header value holds bytes that HTTP does not allow. Nothing was sent.
    #[error("the credential does not fit into a header")]
    InvalidHeader,
    /// The request cannot be formed. Nothing was sent.
    #[error("the call cannot be formed")]
    InvalidRequest,
    /// The host resolves to no public address. Nothing was sent.
    #[error("the platform's host leads to a private network")]
    PrivateNetwork,
    /// No connection came about. Nothing was sent.
    #[error("no connection to the platform came about")]
    NotConnected {
        /// Whether the time limit ended the attempt.
        timed_out: bool,
    },
    /// The request may have been processed, and no response began.
    #[error("the platform did not answer")]
    NoResponse {
        /// Whether the time limit ended the wait.
        timed_out: bool,
    },
    /// The response began and was not received in full.
    #[error("the platform's answer was cut off")]
    Interrupted {
        /// The HTTP status of the response.
        status: u16,
        /// Whether the time limit ended the transfer.
        timed_out: bool,
    },
}

impl RequestError {
    /// The message, without a final stop.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::InvalidHeader => "the credential does not fit into a header",
            Self::InvalidRequest => "the call cannot be formed",
            Self::PrivateNetwork => "the platform's host leads to a private network",
            Self::NotConnected { .. } => "no connection to the platform came about",
            Self::NoResponse { .. } => "the platform did not answer",
            Self::Interrupted { .. } => "the platform's answer was cut off",
        }
    }

    /// Whether the time limit caused it.
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
    /// The platform allows no more calls in this window.
    AllowanceSpent,
    /// Too many calls wait already.
    QueueFull,
    /// No place became free within the caller's patience.
    NoPlaceInTime,
    /// A block is active.
    Blocked(BlockKind),
}

/// A call that was not admitted. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct NotAdmitted {
    /// Why.
    pub refusal: Refusal,
    /// When to come back, in seconds, at least 1.
    pub retry_after_seconds: i64,
}

impl NotAdmitted {
    pub(crate) fn new(refusal: Refusal, retry_after_seconds: i64) -> Self {
        Self {
            refusal,
            retry_after_seconds: retry_after_seconds.max(1),
        }
    }

    /// The message, without a final stop.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self.refusal {
            Refusal::AllowanceSpent => "the platform takes no more calls for now",
            Refusal::QueueFull => "too many calls wait already",
            Refusal::NoPlaceInTime => "no call could be made in time",
            Refusal::Blocked(BlockKind::RateLimit) => "the platform has asked for a pause",
            Refusal::Blocked(BlockKind::Registration) => {
                "the platform does not accept our registration"
            }
            Refusal::Blocked(BlockKind::Breaker | BlockKind::MassRejection) => {
                "the platform is in trouble and left alone"
            }
        }
    }
}

/// How a call went, as far as the circuit breaker and the rate limits are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The platform did what was asked.
    Succeeded,
    /// The platform answered and refused.
    Refused,
    /// The platform answered 429, or says the same in its own words.
    RateLimited {
        /// The stated wait in seconds; `None` where none is stated.
        retry_after_seconds: Option<i64>,
    },
    /// The platform refused because it does not know our client registration.
    RegistrationRefused,
    /// The platform did not answer, or its answer reports trouble of its own.
    Failed,
}
