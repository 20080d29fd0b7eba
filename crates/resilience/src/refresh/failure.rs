//! How a request to renew fails, and what a platform forgives.

/// What a platform does with a refresh token that it has seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// Whether a renewal may replace the refresh token.
    pub rotates: bool,
    /// How long a replaced one is still taken, in milliseconds; 0 where it ends at once or is
    /// unknown.
    pub replay_window_ms: i64,
}

impl Tolerance {
    /// Whether a token does no harm that was first sent so long ago.
    #[must_use]
    pub fn accepts_replay_after(self, age_ms: i64) -> bool {
        !self.rotates || age_ms < self.replay_window_ms
    }
}

/// How a renewal failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Trouble that passes.
    Transient,
    /// The call was sent; its result is unknown.
    Unknown,
    /// Something in front of the platform turned us away.
    Blocked,
    /// Not before the time that the platform states.
    RateLimited,
    /// The grant has ended.
    Terminal,
    /// The user must act at the platform.
    UserAction,
    /// Our registration is wrong: the operator's matter, never the user's.
    Config,
}

/// One failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub verdict: Verdict,
    /// Whether the platform surely did not act on it.
    pub unprocessed: bool,
    /// Whether the refusal could have another cause.
    pub confirm: bool,
    /// How long the platform asks to wait, in milliseconds.
    pub wait_ms: Option<i64>,
}
