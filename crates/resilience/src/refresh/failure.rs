//! Failures of a refresh request, and what a provider states about refreshes.

/// The time that a provider may take for an attempt if its definition states none, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: i64 = 15_000;
/// The longest time that a provider may take for an attempt, in milliseconds.
const MAX_TIMEOUT_MS: i64 = 60_000;
/// How much longer than an attempt its lease is, in milliseconds, so that the result of the last
/// request is recorded before another holder may start.
const LEASE_MARGIN_MS: i64 = 5_000;
/// Duration of a lease with the default timeout, in milliseconds.
pub const DEFAULT_LEASE_MS: i64 = DEFAULT_TIMEOUT_MS + LEASE_MARGIN_MS;

/// How long a provider may take, and how it treats a refresh token that was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Whether a refresh may replace the refresh token (rotation).
    pub rotates: bool,
    /// How long a replaced refresh token is still accepted, in milliseconds; 0 if it is invalid at
    /// once or the window is unknown.
    pub replay_window_ms: i64,
    /// Time from the request of the lease within which requests are sent, in milliseconds.
    pub timeout_ms: i64,
}

impl RefreshPolicy {
    /// A provider that accepts each refresh token once, with the default timeout.
    pub const STRICT: Self = Self {
        rotates: true,
        replay_window_ms: 0,
        timeout_ms: DEFAULT_TIMEOUT_MS,
    };

    /// Returns the duration of a lease on the database's clock, in milliseconds. The last request
    /// of an attempt ends before another holder may start.
    #[must_use]
    pub fn lease_ms(self) -> i64 {
        self.timeout_ms.clamp(1, MAX_TIMEOUT_MS) + LEASE_MARGIN_MS
    }

    /// Returns whether a token that was first sent `age_ms` ago can be sent again without risk.
    #[must_use]
    pub fn accepts_replay_after(self, age_ms: i64) -> bool {
        !self.rotates || age_ms < self.replay_window_ms
    }
}

/// The class of a refresh failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A temporary failure.
    Transient,
    /// The request was sent and its result is unknown.
    Unknown,
    /// A proxy or firewall in front of the provider refused the request.
    Blocked,
    /// The provider limits the rate of requests.
    RateLimited,
    /// The grant is no longer valid.
    Terminal,
    /// The user must take action at the provider.
    UserAction,
    /// The client registration is wrong. The operator must correct it; the user cannot.
    Config,
}

/// One failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The class of the failure.
    pub verdict: Verdict,
    /// Whether the provider certainly did not process the request.
    pub unprocessed: bool,
    /// Whether the provider may still be processing the request: it neither responded nor closed
    /// the connection.
    pub pending: bool,
    /// Whether the error may have another cause, so that a second request should confirm it.
    pub confirm: bool,
    /// Wait time that the provider requests, in milliseconds; `None` if it states none.
    pub wait_ms: Option<i64>,
}
