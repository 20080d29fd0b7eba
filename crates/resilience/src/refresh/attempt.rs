//! One refresh attempt as a state machine: the next step after each response, without a clock,
//! network or database.
//!
//! A blind retry at a provider that rotates refresh tokens revokes a working grant. A request is
//! therefore sent again only if the first one was certainly not processed, or if the provider
//! accepts a replay. Any other failure ends the attempt, and so does an unknown result: the refresh
//! token is then *in doubt* until a token set is stored.

use evergrant_model::Entropy;

pub use super::failure::{Failure, RefreshPolicy, Verdict};
use super::row::{AttemptOutcome, LeaseRow, Ticket};
use super::rules::Rules;
use crate::Backoff;

/// Maximum number of requests per attempt.
pub const MAX_TRIES: u32 = 3;
/// Delay before a request is sent again.
pub const BACKOFF: Backoff = Backoff {
    first_ms: 200,
    longest_ms: 2_000,
};

/// The next step of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send the request and cancel it after `within_ms`.
    Send {
        /// Timeout in milliseconds, at least 1.
        within_ms: i64,
    },
    /// Wait for `for_ms`, then call [`resume`](Attempt::resume).
    Pause {
        /// Delay in milliseconds, at least 0.
        for_ms: i64,
    },
    /// Store the obtained tokens.
    Store,
    /// The attempt ended without tokens.
    End(FailedAttempt),
}

/// Why an attempt ended without tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The class of the last failure; `Unknown` if no request was allowed.
    pub verdict: Verdict,
    /// What to record in the row.
    pub outcome: AttemptOutcome,
    /// Whether the grant was lost because the response with the rotated token never arrived.
    pub lost: bool,
    /// Number of requests sent.
    pub sent: u32,
}

/// An attempt in progress. Times are milliseconds of one monotonic clock.
#[derive(Debug, Clone)]
pub struct Attempt<R> {
    rules: R,
    refresh_policy: RefreshPolicy,
    ticket: Ticket,
    access_expired: bool,
    started_ms: i64,
    sent: u32,
    last_sent_ms: i64,
    /// Send time of the first request that the provider may have processed.
    first_uncertain_send_ms: Option<i64>,
    /// Whether the provider may still be processing a request.
    pending: bool,
    last: Option<Failure>,
}

impl<R: Rules> Attempt<R> {
    /// Creates an attempt whose lease was requested at `started_ms`. `access_expired` states that
    /// the stored access token has expired or was rejected.
    #[must_use]
    pub fn new(
        rules: R,
        refresh_policy: RefreshPolicy,
        ticket: Ticket,
        access_expired: bool,
        started_ms: i64,
    ) -> Self {
        Self {
            rules,
            refresh_policy,
            ticket,
            access_expired,
            started_ms,
            sent: 0,
            last_sent_ms: started_ms,
            first_uncertain_send_ms: None,
            pending: false,
            last: None,
        }
    }

    /// Returns the first step.
    pub fn start(&mut self, now_ms: i64) -> Step {
        self.send(now_ms)
    }

    /// Returns the step after a pause, given the current row; `None` if the row cannot be read.
    pub fn resume(&mut self, row: Option<&LeaseRow>, now_ms: i64) -> Step {
        let continues = row.is_some_and(|row| self.rules.may_continue(row, &self.ticket));
        if continues {
            self.send(now_ms)
        } else {
            self.end()
        }
    }

    /// Returns the step after a response. Draws once from `entropy` for each failure.
    pub fn on_response(
        &mut self,
        response: Result<(), Failure>,
        entropy: &dyn Entropy,
        now_ms: i64,
    ) -> Step {
        let Err(failure) = response else {
            return Step::Store;
        };
        if matches!(failure.verdict, Verdict::Transient | Verdict::Unknown) && !failure.unprocessed
        {
            self.first_uncertain_send_ms
                .get_or_insert(self.last_sent_ms);
            self.pending |= failure.pending;
        }
        let previous = self.last.replace(failure);
        let confirmed = failure.confirm && previous.is_some_and(|previous| previous.confirm);
        let backoff_ms = i64::try_from(BACKOFF.delay_ms(self.sent.saturating_sub(1), entropy))
            .unwrap_or(i64::MAX);
        let for_ms = failure.wait_ms.unwrap_or(0).max(backoff_ms);
        let retry =
            self.sent < MAX_TRIES && !confirmed && self.may_send_at(now_ms.saturating_add(for_ms));
        if retry {
            Step::Pause { for_ms }
        } else {
            self.end()
        }
    }

    fn send(&mut self, now_ms: i64) -> Step {
        if !self.may_send_at(now_ms) {
            return self.end();
        }
        self.sent += 1;
        self.last_sent_ms = now_ms;
        Step::Send {
            within_ms: (self.refresh_policy.timeout_ms - (now_ms - self.started_ms)).max(1),
        }
    }

    /// Returns whether a request at `at_ms` is safe, given the inherited doubt and the results so
    /// far.
    fn may_send_at(&self, at_ms: i64) -> bool {
        let inherited_age_ms = self
            .ticket
            .in_doubt_for_ms
            .map(|age_ms| age_ms.saturating_add(at_ms - self.started_ms));
        let own_age_ms = self
            .first_uncertain_send_ms
            .map(|since_ms| at_ms - since_ms);
        let accepts_inherited = |age_ms| {
            self.rules
                .may_send_in_doubt(self.refresh_policy, age_ms, self.access_expired)
        };
        self.rules
            .is_in_time(self.refresh_policy, at_ms - self.started_ms)
            && inherited_age_ms.is_none_or(accepts_inherited)
            && self.last.is_none_or(|failure| {
                self.rules
                    .may_send_again(self.refresh_policy, &failure, own_age_ms)
            })
    }

    fn end(&self) -> Step {
        let in_doubt =
            self.ticket.in_doubt_for_ms.is_some() || self.first_uncertain_send_ms.is_some();
        let verdict = self
            .last
            .map_or(Verdict::Unknown, |failure| failure.verdict);
        let dead = verdict == Verdict::Terminal;
        let rotates = self.refresh_policy.rotates;
        let in_flight = self.pending && !dead;
        let outcome = AttemptOutcome {
            dead,
            in_doubt: in_doubt && rotates,
            in_flight,
        };
        let lost = dead && self.rules.is_lost(self.refresh_policy, in_doubt);
        Step::End(FailedAttempt {
            verdict,
            outcome,
            lost,
            sent: self.sent,
        })
    }
}

#[cfg(test)]
mod tests;
