//! The part of a connection's row that decides about refreshes, and what an attempt proves itself by
//! and reports.

/// How long a lease lasts on the database's clock, in milliseconds.
pub const LEASE_MS: i64 = 20_000;

/// How long an attempt may go on sending and waiting, in milliseconds: strictly shorter than its
/// lease, so that its last request is over before anybody else may begin.
pub const ATTEMPT_MS: i64 = 15_000;

/// How long a process must have had the database without a break before it takes over what another
/// left behind: after an outage, whoever holds an answer that could not be stored goes first.
pub const SETTLE_MS: i64 = 5_000;

/// The part of a connection's row that decides about refreshes. Moments are milliseconds on the
/// database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseRow {
    /// Rises by one with each pair of tokens that is stored; taking a lease does not raise it.
    pub generation: i64,
    /// The number of the lease taken last; rises by one with each.
    pub attempt: i64,
    /// When the lease ends; `None` where it was given back. One that ran out was left behind in the
    /// middle of a call.
    pub lease_expires_at_ms: Option<i64>,
    /// Since when it is unknown whether the platform processed a request with the stored refresh
    /// token.
    pub in_doubt_since_ms: Option<i64>,
    /// The attempt that bought the stored pair; `None` where a consent brought it.
    pub token_source: Option<TokenSource>,
    /// Whether the platform has refused the grant for good.
    pub dead: bool,
}

/// Where a stored pair comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenSource {
    /// The generation whose refresh token bought it.
    pub source_generation: i64,
    /// The number of the attempt's lease.
    pub attempt: i64,
}

/// What an attempt proves itself by when it comes back with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The generation whose refresh token it sends.
    pub generation: i64,
    /// The number of its lease.
    pub attempt: i64,
    /// When the lease was taken, on the database's clock.
    pub taken_at_ms: i64,
    /// How long ago the doubt began that the attempt inherits; `None` where there is none.
    pub in_doubt_for_ms: Option<i64>,
}

/// How an attempt ended that brought no pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptOutcome {
    /// Whether the platform has refused the grant for good.
    pub dead: bool,
    /// Whether the platform may have acted on a request without our learning of it.
    pub in_doubt: bool,
    /// Whether it may still be acting on one: nobody should ask it again before the lease has run
    /// out.
    pub under_way: bool,
}
