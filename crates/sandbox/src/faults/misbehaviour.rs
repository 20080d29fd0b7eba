//! What a consent can be asked to get wrong, on the page or by `misbehave=` in the authorization
//! address.

evergrant_model::string_enum! {
    /// How the platform treats this one consent.
    #[derive(Default)]
    pub(crate) enum Misbehaviour {
        /// As it should.
        #[default]
        None = "none",
        /// The token endpoint takes [`SLOW_S`](Self::SLOW_S) seconds.
        SlowToken = "slow-token",
        /// Every refresh of this grant is refused as if the person had withdrawn it.
        RefreshRefused = "refresh-refused",
        /// The first exchange is answered with 429.
        RateLimited = "rate-limited",
        /// The first exchange is answered with 500 and an empty body.
        ServerError = "server-error",
        /// The code belongs to somebody else than the person chosen.
        WrongAccount = "wrong-account",
        /// The state comes back altered.
        StateMangled = "state-mangled",
        /// The code has ended when it arrives.
        CodeExpired = "code-expired",
        /// The consent page lacks its opener policy.
        CoopOff = "coop-off",
        /// The way back carries a failure instead of a code.
        DialogError = "dialog-error",
    }
}

impl Misbehaviour {
    /// How long the slow token endpoint takes.
    pub(crate) const SLOW_S: u64 = 5;
    /// How long the busy token endpoint asks to wait.
    pub(crate) const RETRY_AFTER_S: i64 = 3;

    /// What goes wrong, in the words of the pages.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::None => "Nothing: behave well",
            Self::SlowToken => "Slow token: five seconds",
            Self::RefreshRefused => "Refuse every refresh (400)",
            Self::RateLimited => "Answer 429 with Retry-After once",
            Self::ServerError => "Answer 500 once",
            Self::WrongAccount => "Sign in somebody else",
            Self::StateMangled => "Mangle the state",
            Self::CodeExpired => "Send an expired code",
            Self::CoopOff => "Leave out the opener policy",
            Self::DialogError => "Come back with a failure",
        }
    }
}
