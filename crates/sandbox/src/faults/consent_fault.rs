//! Faults of a single consent, selected on the consent page or with `misbehave=` in the
//! authorization URL.

evergrant_model::string_enum! {
    /// The fault to inject into one consent and the grant it creates.
    #[derive(Default)]
    pub(crate) enum ConsentFault {
        /// No fault.
        #[default]
        None = "none",
        /// The token endpoint takes [`SLOW_SECONDS`](Self::SLOW_SECONDS) to respond.
        SlowToken = "slow-token",
        /// Every refresh of this grant fails as if the person had revoked it.
        RefreshRefused = "refresh-refused",
        /// The first code exchange returns 429.
        RateLimited = "rate-limited",
        /// The first code exchange returns 500 and an empty body.
        ServerError = "server-error",
        /// The code belongs to a person other than the selected one.
        WrongAccount = "wrong-account",
        /// The callback carries an altered `state`.
        StateMangled = "state-mangled",
        /// The code has already expired when it reaches the app.
        CodeExpired = "code-expired",
        /// The consent page lacks the header `Cross-Origin-Opener-Policy`.
        CoopOff = "coop-off",
        /// The callback carries an error instead of a code.
        DialogError = "dialog-error",
    }
}

impl ConsentFault {
    /// Delay of a slow token response in seconds.
    pub(crate) const SLOW_SECONDS: u64 = 5;
    /// `Retry-After` of a rate-limited code exchange in seconds.
    pub(crate) const RETRY_AFTER_SECONDS: i64 = 3;

    /// Returns the label of the fault on the sandbox's pages.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::SlowToken => "Delay tokens by 5 seconds",
            Self::RefreshRefused => "Reject every refresh (400)",
            Self::RateLimited => "Rate-limit the exchange once (429)",
            Self::ServerError => "Fail the exchange once (500)",
            Self::WrongAccount => "Sign in as another person",
            Self::StateMangled => "Alter the state parameter",
            Self::CodeExpired => "Issue an expired code",
            Self::CoopOff => "Omit the opener policy header",
            Self::DialogError => "Return an error instead of a code",
        }
    }
}
