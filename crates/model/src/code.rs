//! The error codes that callers match on. They are part of the contract: added to, never renamed.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, retryable: $retryable:literal;)*) => {
        /// Why a call did not do what was asked, in one stable word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as it appears in answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Whether the same call may succeed later without anybody's help.
            #[must_use]
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// The code written as `text`, if there is one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// No platform of that name.
    InvalidProvider = "INVALID_PROVIDER", retryable: false;
    /// The operator has not registered a client with this platform.
    ProviderNotConfigured = "PROVIDER_NOT_CONFIGURED", retryable: false;
    /// The user id is missing or malformed.
    InvalidUserId = "INVALID_USER_ID", retryable: false;
    /// The address to return to is not on the operator's list.
    InvalidRedirectUrl = "INVALID_REDIRECT_URL", retryable: false;
    /// The body is not JSON, or is not sent as JSON.
    InvalidRequest = "INVALID_REQUEST", retryable: false;
    /// The consent could not be begun.
    OauthInitError = "OAUTH_INIT_ERROR", retryable: false;
    /// The platform ended the consent with an error of its own.
    OauthCallbackError = "OAUTH_CALLBACK_ERROR", retryable: false;
    /// The user did not allow access.
    OauthDenied = "OAUTH_DENIED", retryable: false;
    /// The state is unknown, used, expired or another flow's.
    InvalidState = "INVALID_STATE", retryable: false;
    /// The platform did not accept the authorization code.
    InvalidCode = "INVALID_CODE", retryable: false;
    /// The access token has ended and nothing can renew it.
    TokenExpired = "TOKEN_EXPIRED", retryable: false;
    /// The platform refused the refresh for a reason of ours or its own.
    TokenRefreshError = "TOKEN_REFRESH_ERROR", retryable: true;
    /// This connection holds nothing that could renew its access token.
    NoRefreshToken = "NO_REFRESH_TOKEN", retryable: false;
    /// This connection holds no access token.
    NoAccessToken = "NO_ACCESS_TOKEN", retryable: false;
    /// The grant has ended; only the user can bring it back, by connecting again.
    ReconnectRequired = "RECONNECT_REQUIRED", retryable: false;
    /// No such connection, or it is another user's: the answer is the same.
    AccountNotFound = "ACCOUNT_NOT_FOUND", retryable: false;
    /// The account belongs to another user.
    AccountAlreadyConnected = "ACCOUNT_ALREADY_CONNECTED", retryable: false;
    /// The user consented with another account than the one to be reconnected.
    AccountMismatch = "ACCOUNT_MISMATCH", retryable: false;
    /// The consent yielded no account that can be connected.
    NoEligibleAccount = "NO_ELIGIBLE_ACCOUNT", retryable: false;
    /// The platform could not be reached.
    NetworkError = "NETWORK_ERROR", retryable: true;
    /// The platform did not answer in time.
    TimeoutError = "TIMEOUT_ERROR", retryable: true;
    /// Too many calls, ours or the platform's limit.
    RateLimitError = "RATE_LIMIT_ERROR", retryable: true;
    /// The platform is in trouble; nothing is lost.
    ProviderUnavailable = "PROVIDER_UNAVAILABLE", retryable: true;
    /// The database is in trouble; nothing is lost.
    DatabaseError = "DATABASE_ERROR", retryable: true;
    /// A secret could not be encrypted.
    EncryptionError = "ENCRYPTION_ERROR", retryable: false;
    /// A stored secret could not be decrypted.
    DecryptionError = "DECRYPTION_ERROR", retryable: false;
    /// The request is well formed but some of its fields are not acceptable.
    ValidationError = "VALIDATION_ERROR", retryable: false;
    /// No credential, or one that is not valid.
    Unauthenticated = "UNAUTHENTICATED", retryable: false;
    /// The credential is valid and may not do this.
    Forbidden = "FORBIDDEN", retryable: false;
    /// More requests than can be served now.
    Overloaded = "OVERLOADED", retryable: true;
    /// No such user.
    UserNotFound = "USER_NOT_FOUND", retryable: false;
    /// No such flow, or it is another user's: the answer is the same.
    FlowNotFound = "FLOW_NOT_FOUND", retryable: false;
    /// The body is larger than the route takes.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", retryable: false;
    /// No such route.
    NotFound = "NOT_FOUND", retryable: false;
    /// The route does not know this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", retryable: false;
    /// Something of ours failed; the correlation id finds it in the log.
    InternalError = "INTERNAL_ERROR", retryable: true;
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::parse("invalid_state"), None);
    }
}
