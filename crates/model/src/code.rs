//! The error codes that callers match on. They are part of the API: codes may be added, never
//! renamed.

crate::string_enum! {
    /// Why an operation failed: a stable code that callers match on.
    #[non_exhaustive]
    pub enum ErrorCode {
        /// No provider has this name.
        InvalidProvider = "INVALID_PROVIDER",
        /// The operator has not configured a client registration for this provider.
        ProviderNotConfigured = "PROVIDER_NOT_CONFIGURED",
        /// The user id is missing or malformed.
        InvalidUserId = "INVALID_USER_ID",
        /// The redirect URL is not on the operator's allow-list.
        InvalidRedirectUrl = "INVALID_REDIRECT_URL",
        /// The request body is not JSON, or its content type is not JSON.
        InvalidRequest = "INVALID_REQUEST",
        /// The authorization flow could not be started.
        OauthInitError = "OAUTH_INIT_ERROR",
        /// The provider ended the authorization with an error.
        OauthCallbackError = "OAUTH_CALLBACK_ERROR",
        /// The user denied access.
        OauthDenied = "OAUTH_DENIED",
        /// The state is unknown, already used, expired, or belongs to another flow.
        InvalidState = "INVALID_STATE",
        /// The provider rejected the authorization code.
        InvalidCode = "INVALID_CODE",
        /// The access token has expired and cannot be refreshed.
        TokenExpired = "TOKEN_EXPIRED",
        /// The provider refused the refresh for a reason that does not concern the user's grant.
        TokenRefreshError = "TOKEN_REFRESH_ERROR",
        /// The connection has no refresh token.
        NoRefreshToken = "NO_REFRESH_TOKEN",
        /// The connection has no access token.
        NoAccessToken = "NO_ACCESS_TOKEN",
        /// The grant is no longer valid. The user must connect again.
        ReconnectRequired = "RECONNECT_REQUIRED",
        /// The connection does not exist, or it belongs to another user.
        AccountNotFound = "ACCOUNT_NOT_FOUND",
        /// The account is connected to another user.
        AccountAlreadyConnected = "ACCOUNT_ALREADY_CONNECTED",
        /// The user consented with a different account than the one to reconnect.
        AccountMismatch = "ACCOUNT_MISMATCH",
        /// The consent does not give access to an account that can be connected.
        NoEligibleAccount = "NO_ELIGIBLE_ACCOUNT",
        /// The provider could not be reached.
        NetworkError = "NETWORK_ERROR",
        /// The provider did not respond in time.
        TimeoutError = "TIMEOUT_ERROR",
        /// Too many requests, by Evergrant's limit or the provider's.
        RateLimitError = "RATE_LIMIT_ERROR",
        /// The provider is temporarily unavailable. The connection is kept.
        ProviderUnavailable = "PROVIDER_UNAVAILABLE",
        /// The database is temporarily unavailable.
        DatabaseError = "DATABASE_ERROR",
        /// A secret could not be encrypted.
        EncryptionError = "ENCRYPTION_ERROR",
        /// A stored secret could not be decrypted.
        DecryptionError = "DECRYPTION_ERROR",
        /// The request is well formed but some of its fields are invalid.
        ValidationError = "VALIDATION_ERROR",
        /// The request has no credential or an invalid one.
        Unauthenticated = "UNAUTHENTICATED",
        /// The credential is valid but does not permit this operation.
        Forbidden = "FORBIDDEN",
        /// The server is overloaded.
        Overloaded = "OVERLOADED",
        /// The user does not exist.
        UserNotFound = "USER_NOT_FOUND",
        /// A unique value of the new user belongs to another user.
        UserConflict = "USER_CONFLICT",
        /// The flow does not exist, or it belongs to another user.
        FlowNotFound = "FLOW_NOT_FOUND",
        /// The request body exceeds the route's size limit.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// The route does not exist.
        NotFound = "NOT_FOUND",
        /// The route does not support this method.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// An internal error. The correlation id identifies its log lines.
        InternalError = "INTERNAL_ERROR",
    }
}

impl ErrorCode {
    /// Returns whether the same call may succeed later without any action by the user or the
    /// operator.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::TokenRefreshError
                | Self::NetworkError
                | Self::TimeoutError
                | Self::RateLimitError
                | Self::ProviderUnavailable
                | Self::DatabaseError
                | Self::Overloaded
        )
    }

    /// Returns whether the code tells something about the account with which a person signed in.
    #[must_use]
    pub fn is_account_specific(self) -> bool {
        matches!(
            self,
            Self::AccountAlreadyConnected | Self::AccountMismatch | Self::NoEligibleAccount
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_case_sensitive() {
        assert_eq!(
            ErrorCode::parse("INVALID_STATE"),
            Some(ErrorCode::InvalidState)
        );
        assert_eq!(ErrorCode::parse("invalid_state"), None);
    }
}
