//! The state of a connection, as the app and the user see it.

crate::string_enum! {
    /// How a connection stands.
    #[non_exhaustive]
    pub enum ConnectionStatus: Serialize {
        /// A working token can be had now.
        Connected = "connected",
        /// It works now, but automatic renewal will not keep it: the user should act in time.
        Expiring = "expiring",
        /// It does not work until the user connects again.
        Expired = "expired",
        /// Trouble of ours or the platform's; nothing is lost.
        Error = "error",
    }
}

impl ConnectionStatus {
    /// Whether a token can be had.
    #[must_use]
    pub fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Expiring)
    }
}

crate::string_enum! {
    /// Why a connection stands as it does.
    #[non_exhaustive]
    pub enum StatusReason: Serialize {
        /// The user withdrew access at the platform.
        RevokedByUser = "REVOKED_BY_USER",
        /// The platform no longer accepts the refresh token.
        RefreshTokenInvalid = "REFRESH_TOKEN_INVALID",
        /// The session or token reached its end and nothing renews it.
        SessionEnded = "SESSION_ENDED",
        /// A rotated refresh token was lost between the platform and us.
        LostInFlight = "LOST_IN_FLIGHT",
        /// The platform does not answer.
        ProviderUnavailable = "PROVIDER_UNAVAILABLE",
        /// The user must do something at the platform first.
        UserActionAtProvider = "USER_ACTION_AT_PLATFORM",
        /// The stored token cannot be decrypted with any known key.
        DecryptionError = "DECRYPTION_ERROR",
        /// The user granted less than the app asked for.
        ScopeMissing = "SCOPE_MISSING",
        /// The credential could not be checked with the platform.
        Unverified = "UNVERIFIED",
        /// A renewal failed and is tried again; the token still works.
        RefreshRetrying = "REFRESH_RETRYING",
    }
}

crate::string_enum! {
    /// What happened to a grant at the platform when it was given up here.
    #[non_exhaustive]
    pub enum Revocation: Serialize {
        /// The platform confirmed that the grant has ended.
        Revoked = "revoked",
        /// The platform did not confirm yet; we go on asking for a day.
        Pending = "pending",
        /// The platform has no way to revoke.
        Unsupported = "unsupported",
        /// Revoking would end other connections of the same person, so it was left alone.
        Kept = "kept",
    }
}

crate::string_enum! {
    /// What happened to a user's connections.
    #[non_exhaustive]
    pub enum EventKind: Serialize {
        /// An account was connected or reconnected.
        Connected = "connected",
        /// A token was renewed.
        Refreshed = "refreshed",
        /// A connection will end unless the user acts.
        Expiring = "expiring",
        /// A connection ended.
        Expired = "expired",
        /// A renewal failed for now.
        Error = "error",
        /// An account was disconnected.
        Disconnected = "disconnected",
        /// A flow changed its state.
        Flow = "flow",
        /// A credential of a caller works no more; for ourselves, no user is told.
        CredentialEnded = "credential_ended",
    }
}
