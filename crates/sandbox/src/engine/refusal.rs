//! Why a platform refuses a call of an app.

/// Why the token or revocation endpoint refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The client id and secret are missing or wrong.
    InvalidClient,
    /// A parameter is missing.
    InvalidRequest,
    /// The code is wrong, used, expired, another client's, or came with another redirect address.
    InvalidGrant,
    /// No such grant type.
    UnsupportedGrantType,
    /// A grant type that this kind of app may not use.
    UnauthorizedClient,
    /// An unknown scope.
    InvalidScope,
    /// The refresh token is missing, wrong, withdrawn, or another client's.
    DeadRefreshToken,
    /// A token to revoke that is another client's.
    ForeignToken,
    /// Too many calls.
    RateLimited {
        /// When to come back.
        retry_after_s: i64,
    },
    /// The platform is in trouble.
    ServerError,
}
