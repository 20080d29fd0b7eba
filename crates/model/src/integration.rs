//! The state of a connection as the app and the user see it.

crate::string_enum! {
    /// The status of a connection.
    #[non_exhaustive]
    pub enum ConnectionStatus: Serialize {
        /// A valid token is available.
        Connected = "connected",
        /// A valid token is available, but it will expire and cannot be refreshed automatically.
        /// The user should reconnect in time.
        Expiring = "expiring",
        /// No valid token is available until the user reconnects.
        Expired = "expired",
        /// No valid token is available because of a temporary failure. The grant is kept.
        Error = "error",
    }
}

impl ConnectionStatus {
    /// Returns whether a valid token is available.
    #[must_use]
    pub fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Expiring)
    }
}

crate::string_enum! {
    /// The reason for a connection's status.
    #[non_exhaustive]
    pub enum StatusReason: Serialize {
        /// The user revoked access at the provider.
        RevokedByUser = "REVOKED_BY_USER",
        /// The provider no longer accepts the refresh token.
        RefreshTokenInvalid = "REFRESH_TOKEN_INVALID",
        /// The session or token expired and cannot be refreshed.
        SessionEnded = "SESSION_ENDED",
        /// The response with a rotated refresh token was lost in transit.
        LostInFlight = "LOST_IN_FLIGHT",
        /// The provider does not respond.
        ProviderUnavailable = "PROVIDER_UNAVAILABLE",
        /// The user must take an action at the provider first.
        UserActionAtProvider = "USER_ACTION_AT_PLATFORM",
        /// The stored token cannot be decrypted with any configured key.
        DecryptionError = "DECRYPTION_ERROR",
        /// The user granted fewer scopes than the app requires.
        ScopeMissing = "SCOPE_MISSING",
        /// The credential could not be verified with the provider.
        Unverified = "UNVERIFIED",
        /// A refresh failed and will be retried. The current token is still valid.
        RefreshRetrying = "REFRESH_RETRYING",
    }
}

crate::string_enum! {
    /// The result of revoking a grant at the provider.
    #[non_exhaustive]
    pub enum Revocation: Serialize {
        /// The provider confirmed the revocation.
        Revoked = "revoked",
        /// The provider has not confirmed yet. Evergrant retries for a day.
        Pending = "pending",
        /// The provider does not support revocation.
        Unsupported = "unsupported",
        /// The grant was not revoked, because that would end other connections of the same platform
        /// user.
        Kept = "kept",
    }
}

crate::string_enum! {
    /// The kind of change to a user's connections.
    #[non_exhaustive]
    pub enum EventKind: Serialize {
        /// An account was connected or reconnected.
        Connected = "connected",
        /// A token was refreshed.
        Refreshed = "refreshed",
        /// A connection will expire unless the user reconnects.
        Expiring = "expiring",
        /// A connection expired.
        Expired = "expired",
        /// A refresh failed temporarily.
        Error = "error",
        /// An account was disconnected.
        Disconnected = "disconnected",
        /// An authorization flow changed its state.
        Flow = "flow",
        /// Any connection may have changed. Internal: event streams send a reset.
        Reset = "reset",
        /// A caller's credential was revoked. Internal: no user is notified.
        CredentialEnded = "credential_ended",
    }
}
