//! The part of a connection's row that the refresh protocol uses, and the ticket and outcome of an
//! attempt.

/// Time a process must have been connected to the database without interruption before it takes
/// over an abandoned attempt, in milliseconds. After an outage this gives a process that holds an
/// unsaved response the first chance to store it.
pub const RECOVERY_WAIT_MS: i64 = 5_000;

/// The part of a connection's row that the refresh protocol uses. Times are milliseconds on the
/// database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseRow {
    /// Number of token sets stored so far. Taking a lease does not change it.
    pub generation: i64,
    /// Number of leases taken so far; the fencing token of the latest one.
    pub attempt: i64,
    /// End of the current lease; `None` if it was released. An expired lease was abandoned,
    /// possibly during a request.
    pub lease_expires_at_ms: Option<i64>,
    /// Time since which it is unknown whether the provider processed a request with the stored
    /// refresh token; `None` if there is no such request.
    pub in_doubt_since_ms: Option<i64>,
    /// The attempt that obtained the stored token set; `None` if a consent did.
    pub token_source: Option<TokenSource>,
    /// Whether the provider has permanently rejected the grant.
    pub dead: bool,
}

/// The refresh that obtained a stored token set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenSource {
    /// The generation whose refresh token was exchanged.
    pub source_generation: i64,
    /// The fencing token of the attempt.
    pub attempt: i64,
}

/// What is known about the process that took the current lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// It may be running.
    Unknown,
    /// Its session with the database has ended: it crashed, its network is cut, or the database
    /// ended the session. It may be calling the provider.
    SessionEnded,
    /// It has ended.
    ProcessEnded,
}

/// Proof that an attempt holds a lease, presented again with its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The generation whose refresh token the attempt sends.
    pub generation: i64,
    /// The fencing token of the lease.
    pub attempt: i64,
    /// Time at which the lease was taken, in milliseconds on the database's clock.
    pub taken_at_ms: i64,
    /// How long the token was in doubt when the lease was taken, in milliseconds; `None` if it was
    /// not.
    pub in_doubt_for_ms: Option<i64>,
}

/// What to record about an attempt that obtained no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptOutcome {
    /// Whether the provider has permanently rejected the grant.
    pub dead: bool,
    /// Whether the provider may have processed a request whose response was not received.
    pub in_doubt: bool,
    /// Whether the provider may still be processing a request. The lease is then kept until it
    /// expires, so that no other request is sent meanwhile.
    pub in_flight: bool,
}
