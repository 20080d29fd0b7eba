//! What things are: ids, secret types, time, token sets, statuses and error codes.
//!
//! The lowest layer: no I/O, no async, nothing of ours below it. Every crate above speaks in these
//! types, so a bare `String` in a signature is always some text without a meaning of its own.

mod call;
mod clock;
mod code;
mod entropy;
mod expiry;
mod ids;
mod integration;
mod secret;
mod string_enum;
mod token_set;

pub use call::{Actor, Call};
pub use clock::{Clock, ManualClock, SteadyClock, SystemClock, Timestamp};
pub use code::ErrorCode;
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use expiry::{Freshness, Lifetime, SKEW_SECONDS, is_token_expired};
pub use ids::{
    ApiKeyId, ConnectionId, CorrelationId, ExternalId, FlowId, InvalidId, ProviderAccountId,
    ProviderSlug, SessionId, UserId,
};
pub use integration::{ConnectionStatus, EventKind, Revocation, StatusReason};
pub use secret::{
    AccessToken, AuthorizationCode, ClientSecret, FlowState, PkceVerifier, RefreshToken,
};
pub use token_set::{AccountInfo, ScopeSet, TokenSet};

#[doc(hidden)]
pub use serde as __serde;
