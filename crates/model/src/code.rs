//! The error codes that callers match on. They are part of the contract: added to, never renamed.

crate::string_enum! {
    /// Why an operation failed, as a stable word for callers to match on.
    #[non_exhaustive]
    pub enum ErrorCode {
        /// No platform of that name.
        InvalidProvider = "INVALID_PROVIDER",
        /// The operator has not registered a client with this platform.
        ProviderNotConfigured = "PROVIDER_NOT_CONFIGURED",
        /// The user id is missing or malformed.
        InvalidUserId = "INVALID_USER_ID",
        /// The address to return to is not on the operator's list.
        InvalidRedirectUrl = "INVALID_REDIRECT_URL",
        /// The body is not JSON, or is not sent as JSON.
        InvalidRequest = "INVALID_REQUEST",
        /// The consent could not be begun.
        OauthInitError = "OAUTH_INIT_ERROR",
        /// The platform ended the consent with an error of its own.
        OauthCallbackError = "OAUTH_CALLBACK_ERROR",
        /// The user did not allow access.
        OauthDenied = "OAUTH_DENIED",
        /// The state is unknown, used, expired or another flow's.
        InvalidState = "INVALID_STATE",
        /// The platform did not accept the authorization code.
        InvalidCode = "INVALID_CODE",
        /// The access token has ended and nothing can renew it.
        TokenExpired = "TOKEN_EXPIRED",
        /// The platform refused the refresh for a reason of ours or its own.
        TokenRefreshError = "TOKEN_REFRESH_ERROR",
        /// This connection holds nothing that could renew its access token.
        NoRefreshToken = "NO_REFRESH_TOKEN",
        /// This connection holds no access token.
        NoAccessToken = "NO_ACCESS_TOKEN",
        /// The grant has ended; only the user can bring it back, by connecting again.
        ReconnectRequired = "RECONNECT_REQUIRED",
        /// No such connection, or it is another user's: the answer is the same.
        AccountNotFound = "ACCOUNT_NOT_FOUND",
        /// The account belongs to another user.
        AccountAlreadyConnected = "ACCOUNT_ALREADY_CONNECTED",
        /// The user consented with another account than the one to be reconnected.
        AccountMismatch = "ACCOUNT_MISMATCH",
        /// The consent yielded no account that can be connected.
        NoEligibleAccount = "NO_ELIGIBLE_ACCOUNT",
        /// The platform could not be reached.
        NetworkError = "NETWORK_ERROR",
        /// The platform did not answer in time.
        TimeoutError = "TIMEOUT_ERROR",
        /// Too many calls, ours or the platform's limit.
        RateLimitError = "RATE_LIMIT_ERROR",
        /// The platform is in trouble; nothing is lost.
        ProviderUnavailable = "PROVIDER_UNAVAILABLE",
        /// The database is in trouble; nothing is lost.
        DatabaseError = "DATABASE_ERROR",
        /// A secret could not be encrypted.
        EncryptionError = "ENCRYPTION_ERROR",
        /// A stored secret could not be decrypted.
        DecryptionError = "DECRYPTION_ERROR",
        /// The request is well formed but some of its fields are not acceptable.
        ValidationError = "VALIDATION_ERROR",
        /// No credential, or one that is not valid.
        Unauthenticated = "UNAUTHENTICATED",
        /// The credential is valid and may not do this.
        Forbidden = "FORBIDDEN",
        /// More requests than can be served now.
        Overloaded = "OVERLOADED",
        /// No such user.
        UserNotFound = "USER_NOT_FOUND",
        /// No such flow, or it is another user's: the answer is the same.
        FlowNotFound = "FLOW_NOT_FOUND",
        /// The body is larger than the route takes.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// No such route.
        NotFound = "NOT_FOUND",
        /// The route does not know this method.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// Something of ours failed; the correlation id finds it in the log.
        InternalError = "INTERNAL_ERROR",
    }
}

impl ErrorCode {
    /// Whether the same call may succeed later without any action by the user or the operator.
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
                | Self::InternalError
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
