//! The shared domain types: ids, secrets, time, token sets, statuses and error codes.
//!
//! This is the lowest layer: it performs no I/O, is not async, and depends on no other crate of the
//! workspace. Every other crate uses these types, so that a plain `String` in a signature is text
//! without further meaning.

mod call;
mod clock;
mod code;
mod entropy;
mod expiry;
mod ids;
mod integration;
mod log_excerpt;
mod secret;
mod shared_clock;
mod string_enum;
mod token_set;

pub use call::{Actor, Call};
pub use clock::{Clock, MAX_CLOCK_ERROR, ManualClock, Stopwatch, SystemClock, Timestamp, whole_ms};
pub use code::ErrorCode;
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use expiry::{
    EARLIEST_EXPIRY_SECONDS, Freshness, Lifetime, MAX_LIFETIME, SKEW, is_token_expired,
    plausible_expiry,
};
pub use ids::{
    ApiKeyId, ConnectionId, CorrelationId, ExternalId, FlowId, InvalidId, ProviderAccountId,
    ProviderSlug, SessionId, UserId,
};
pub use integration::{ConnectionStatus, EventKind, Revocation, StatusReason};
pub use jiff::SignedDuration;
pub use log_excerpt::{log_excerpt, safe_code};
pub use secret::{
    AccessToken, AuthorizationCode, ClientSecret, FlowState, PkceVerifier, RefreshToken,
};
pub use shared_clock::SharedClock;
pub use token_set::{AccountInfo, ScopeSet, TokenSet};

#[doc(hidden)]
pub use serde as __serde;
