//! What a consent can be asked to get wrong, on the page or by `misbehave=` in the authorization address.

/// How the platform treats this one consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Misbehaviour {
    #[default]
    None,
    /// The token endpoint takes [`SLOW_S`](Self::SLOW_S) seconds.
    SlowToken,
    /// Every refresh of this grant is refused as if the person had withdrawn it.
    RefreshRefused,
    /// The first exchange is answered with 429.
    RateLimited,
    /// The first exchange is answered with 500 and an empty body.
    ServerError,
    /// The code belongs to somebody else than the person chosen.
    WrongAccount,
    /// The state comes back altered.
    StateMangled,
    /// The code has ended when it arrives.
    CodeExpired,
    /// The consent page lacks its opener policy.
    CoopOff,
    /// The way back carries a failure instead of a code.
    DialogError,
}

impl Misbehaviour {
    /// How long the slow token endpoint takes.
    pub(crate) const SLOW_S: u64 = 5;
    /// How long the busy token endpoint asks to wait.
    pub(crate) const RETRY_AFTER_S: i64 = 3;

    /// Every value with its word in addresses and its line in the page's list.
    pub(crate) const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::None, "none", "Nothing: behave well"),
        (Self::SlowToken, "slow-token", "Slow token: five seconds"),
        (Self::RefreshRefused, "refresh-refused", "Refuse every refresh (400)"),
        (Self::RateLimited, "rate-limited", "Answer 429 with Retry-After once"),
        (Self::ServerError, "server-error", "Answer 500 once"),
        (Self::WrongAccount, "wrong-account", "Sign in somebody else"),
        (Self::StateMangled, "state-mangled", "Mangle the state"),
        (Self::CodeExpired, "code-expired", "Send an expired code"),
        (Self::CoopOff, "coop-off", "Leave out the opener policy"),
        (Self::DialogError, "dialog-error", "Come back with a failure"),
    ];

    /// The value that `word` names, if any.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, slug, _)| *slug == word).map(|(value, ..)| value)
    }
}
