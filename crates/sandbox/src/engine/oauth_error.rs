//! Errors of the token and revocation endpoints.

/// Why the token or revocation endpoint rejects a call (RFC 6749 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OAuthError {
    /// The client id or secret is missing or wrong.
    InvalidClient,
    /// A parameter is missing.
    InvalidRequest,
    /// The code is unknown, used, expired, belongs to another client, or was issued for another
    /// redirect URI.
    InvalidGrant,
    /// The grant type does not exist.
    UnsupportedGrantType,
    /// The client may not use this grant type.
    UnauthorizedClient,
    /// A scope does not exist.
    InvalidScope,
    /// The refresh token is missing, unknown, revoked, or belongs to another client.
    InvalidRefreshToken,
    /// The token to revoke belongs to another client.
    TokenOfOtherClient,
    /// The client exceeded its quota.
    RateLimited {
        /// Seconds until the next attempt.
        retry_after_seconds: i64,
    },
    /// The platform failed.
    ServerError,
}
