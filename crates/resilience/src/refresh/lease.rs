//! Leases: which replica may refresh a connection, and which result is stored.
//!
//! Two mechanisms protect a grant. The *lease* saves calls: while one replica holds it, no other
//! sends a refresh request. The *generation* protects the row: a token set replaces only the token
//! set it was obtained with (compare-and-swap). A lease can be lost, because its holder was
//! suspended or the database failed over, so correctness never depends on it. Each lease has a
//! rising fencing token. If two attempts overlap, the provider honors the request sent last, which
//! is the one with the higher fencing token. The lease of a process that has ended is taken over
//! before it expires; see `docs/decisions/0036-take-over-leases-early.md`.
//!
//! The store reads a row under its lock, applies a function of this module, and writes the result.

pub use super::failure::{DEFAULT_LEASE_MS, DEFAULT_TIMEOUT_MS, RefreshPolicy};
pub use super::row::{AttemptOutcome, Holder, LeaseRow, RECOVERY_WAIT_MS, Ticket, TokenSource};
use super::rules::Rules;

/// The decision on a request for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseDecision {
    /// The caller holds the lease and may send a refresh request.
    Granted(LeaseRow, Ticket),
    /// Another process holds the lease.
    Busy {
        /// Time until it may be requested again, in milliseconds, at least 1.
        for_ms: i64,
    },
    /// The stored token set is not the one that the caller knows.
    Outdated,
    /// The grant is dead; no request is sent.
    Dead,
}

/// A request for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The generation of the token set that the caller knows.
    pub known_generation: i64,
    /// How long the caller has been connected to the database without interruption, in
    /// milliseconds.
    pub database_up_for_ms: i64,
    /// How long the provider may take, and what it accepts when a refresh token is sent twice.
    pub refresh_policy: RefreshPolicy,
}

/// Decides on a request for the lease.
#[must_use]
pub fn take(
    rules: &impl Rules,
    row: &LeaseRow,
    request: LeaseRequest,
    holder: Holder,
    now_ms: i64,
) -> LeaseDecision {
    if !rules.is_newest(row, request.known_generation) {
        return LeaseDecision::Outdated;
    }
    if rules.stays_dead(row) {
        return LeaseDecision::Dead;
    }
    let policy = request.refresh_policy;
    let in_doubt_for_ms =
        in_doubt_since(rules, row, policy, now_ms).map_or(0, |since| now_ms - since);
    let is_free = rules.is_free(policy, row, now_ms)
        || rules.may_take_over_early(holder, policy, in_doubt_for_ms);
    if !is_free {
        let for_ms = row
            .lease_expires_at_ms
            .map_or(1, |until| (until - now_ms).max(1));
        return LeaseDecision::Busy { for_ms };
    }
    let answer_may_be_pending =
        row.lease_expires_at_ms.is_some() || row.in_doubt_since_ms.is_some();
    if answer_may_be_pending && !rules.may_take_over(request.database_up_for_ms) {
        return LeaseDecision::Busy {
            for_ms: (RECOVERY_WAIT_MS - request.database_up_for_ms).max(1),
        };
    }
    grant(rules, row, policy, now_ms)
}

/// Returns the time since which the token of a row without a running attempt is in doubt: an
/// abandoned attempt leaves it in doubt since the start of its lease.
fn in_doubt_since(
    rules: &impl Rules,
    row: &LeaseRow,
    policy: RefreshPolicy,
    now_ms: i64,
) -> Option<i64> {
    let abandoned = row
        .lease_expires_at_ms
        .filter(|_| rules.marks_abandoned_in_doubt());
    row.in_doubt_since_ms
        .or(abandoned.map(|until| until - policy.lease_ms()))
        .map(|since| since.min(now_ms))
}

/// Grants a free lease with the next fencing token.
fn grant(rules: &impl Rules, row: &LeaseRow, policy: RefreshPolicy, now_ms: i64) -> LeaseDecision {
    let in_doubt_since_ms = in_doubt_since(rules, row, policy, now_ms);
    let attempt = row.attempt + 1;
    let taken = LeaseRow {
        attempt,
        lease_expires_at_ms: Some(now_ms + policy.lease_ms()),
        in_doubt_since_ms,
        ..*row
    };
    LeaseDecision::Granted(
        taken,
        Ticket {
            generation: row.generation,
            attempt,
            taken_at_ms: now_ms,
            in_doubt_for_ms: in_doubt_since_ms.map(|since| now_ms - since),
        },
    )
}

/// Returns the row after the attempt's token set is stored; `None` if it must not be stored.
#[must_use]
pub fn store_tokens(rules: &impl Rules, row: &LeaseRow, ticket: &Ticket) -> Option<LeaseRow> {
    rules.accepts_tokens(row, ticket).then(|| LeaseRow {
        generation: row.generation + 1,
        // A lease that another attempt took meanwhile stays with that attempt, and its request may
        // have ended the grant.
        lease_expires_at_ms: row
            .lease_expires_at_ms
            .filter(|_| row.attempt != ticket.attempt),
        in_doubt_since_ms: row
            .in_doubt_since_ms
            .filter(|_| row.attempt != ticket.attempt),
        token_source: Some(TokenSource {
            source_generation: ticket.generation,
            attempt: ticket.attempt,
        }),
        dead: false,
        ..*row
    })
}

/// Returns the row that stores again the tokens of `lost`, a state that the database has lost.
/// `None` if the row has not gone back to an earlier token set.
#[must_use]
pub fn restore_tokens(row: &LeaseRow, lost: &LeaseRow) -> Option<LeaseRow> {
    // The lease of the attempt that obtained the lost tokens has come back with the row. That of a
    // later attempt stays.
    let is_later = row.attempt > lost.attempt;
    (row.generation < lost.generation).then(|| LeaseRow {
        generation: lost.generation,
        attempt: row.attempt.max(lost.attempt),
        lease_expires_at_ms: row.lease_expires_at_ms.filter(|_| is_later),
        in_doubt_since_ms: row.in_doubt_since_ms.filter(|_| is_later),
        token_source: lost.token_source,
        dead: false,
    })
}

/// Returns the row after the attempt ended without tokens; `None` if a later attempt or token set
/// supersedes it.
#[must_use]
pub fn record_outcome(
    rules: &impl Rules,
    row: &LeaseRow,
    ticket: &Ticket,
    outcome: AttemptOutcome,
) -> Option<LeaseRow> {
    rules.accepts_outcome(row, ticket).then(|| LeaseRow {
        lease_expires_at_ms: row
            .lease_expires_at_ms
            .filter(|_| rules.keeps_lease(outcome)),
        in_doubt_since_ms: row
            .in_doubt_since_ms
            .or(Some(ticket.taken_at_ms))
            .filter(|_| outcome.in_doubt),
        dead: outcome.dead,
        ..*row
    })
}

/// Returns the row after a consent or another program stored a new token set. An attempt in
/// progress concerns the old token set: its lease ends, and the new token set is not in doubt.
#[must_use]
pub fn replace_tokens(row: &LeaseRow) -> LeaseRow {
    let generation = row.generation + 1;
    LeaseRow {
        generation,
        lease_expires_at_ms: None,
        in_doubt_since_ms: None,
        token_source: None,
        dead: false,
        attempt: row.attempt,
    }
}

#[cfg(test)]
mod tests;
