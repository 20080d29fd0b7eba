//! One attempt to renew: what to do next, given what the platform said. No clock, no network, no
//! database.
//!
//! A blind retry on a platform that rotates kills a grant that still works, so a request is sent
//! again only where the first surely was not processed or where the platform forgives. Everything
//! else ends the attempt. So does an unknown result: the token is then *in doubt* until a pair is
//! stored.

use evergrant_model::Entropy;

pub use super::failure::{Failure, Tolerance, Verdict};
use super::row::{ATTEMPT_MS, AttemptOutcome, LeaseRow, Ticket};
use super::rules::Rules;
use crate::Backoff;

/// How often a request to a platform is sent within one attempt.
pub const MAX_TRIES: u32 = 3;
/// The pause before a request is sent again.
pub const BACKOFF: Backoff = Backoff {
    first_ms: 200,
    longest_ms: 2_000,
};

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send the request, and give it up after so many milliseconds.
    Send {
        /// At least 1.
        within_ms: i64,
    },
    /// Wait so many milliseconds, then [`resume`](Attempt::resume).
    Pause {
        /// 0 or more.
        for_ms: i64,
    },
    /// Store the pair.
    Store,
    /// It is over without a pair.
    End(End),
}

/// How an attempt is over without a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// What the last request came to; `Unknown` where none was allowed.
    pub verdict: Verdict,
    /// What the row is to remember.
    pub ending: AttemptOutcome,
    /// Whether a refusal is due to a pair that was lost on its way to us.
    pub lost: bool,
    /// How many requests were sent.
    pub sent: u32,
}

/// An attempt under way. Moments are milliseconds of one monotonic clock.
#[derive(Debug, Clone)]
pub struct Attempt<R> {
    rules: R,
    tolerance: Tolerance,
    ticket: Ticket,
    access_ended: bool,
    began_ms: i64,
    sent: u32,
    last_sent_ms: i64,
    /// When the first request was sent that the platform may have acted on.
    first_uncertain_send_ms: Option<i64>,
    last: Option<Failure>,
}

impl<R: Rules> Attempt<R> {
    /// An attempt whose lease was asked for at `began_ms`. `access_ended` says that the held access
    /// token is worth nothing any more.
    #[must_use]
    pub fn new(
        rules: R,
        tolerance: Tolerance,
        ticket: Ticket,
        access_ended: bool,
        began_ms: i64,
    ) -> Self {
        Self {
            rules,
            tolerance,
            ticket,
            access_ended,
            began_ms,
            sent: 0,
            last_sent_ms: began_ms,
            first_uncertain_send_ms: None,
            last: None,
        }
    }

    /// What to do first.
    pub fn begin(&mut self, now_ms: i64) -> Step {
        self.send(now_ms)
    }

    /// What to do once a pause is over, given the row as it is then; `None` where it cannot be
    /// read.
    pub fn resume(&mut self, row: Option<&LeaseRow>, now_ms: i64) -> Step {
        let goes_on = row.is_some_and(|row| self.rules.may_go_on(row, &self.ticket));
        if goes_on {
            self.send(now_ms)
        } else {
            self.end()
        }
    }

    /// What to do about an answer. Draws once from `entropy` for each failure.
    pub fn answered(
        &mut self,
        answer: Result<(), Failure>,
        entropy: &dyn Entropy,
        now_ms: i64,
    ) -> Step {
        let Err(failure) = answer else {
            return Step::Store;
        };
        if matches!(failure.verdict, Verdict::Transient | Verdict::Unknown) && !failure.unprocessed
        {
            self.first_uncertain_send_ms
                .get_or_insert(self.last_sent_ms);
        }
        let before = self.last.replace(failure);
        let confirmed = failure.confirm && before.is_some_and(|before| before.confirm);
        let backoff_ms = i64::try_from(BACKOFF.delay_ms(self.sent.saturating_sub(1), entropy))
            .unwrap_or(i64::MAX);
        let for_ms = failure.wait_ms.unwrap_or(0).max(backoff_ms);
        let again =
            self.sent < MAX_TRIES && !confirmed && self.may_send_at(now_ms.saturating_add(for_ms));
        if again {
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
            within_ms: (ATTEMPT_MS - (now_ms - self.began_ms)).max(1),
        }
    }

    /// Whether a request does no harm at that moment, given what the attempt began with and what
    /// came of it so far.
    fn may_send_at(&self, at_ms: i64) -> bool {
        let inherited_age_ms = self
            .ticket
            .in_doubt_for_ms
            .map(|age_ms| age_ms.saturating_add(at_ms - self.began_ms));
        let own_age_ms = self
            .first_uncertain_send_ms
            .map(|since_ms| at_ms - since_ms);
        let bears_inherited = |age_ms| {
            self.rules
                .may_send_in_doubt(self.tolerance, age_ms, self.access_ended)
        };
        self.rules.is_in_time(at_ms - self.began_ms)
            && inherited_age_ms.is_none_or(bears_inherited)
            && self.last.is_none_or(|failure| {
                self.rules
                    .may_send_again(self.tolerance, &failure, own_age_ms)
            })
    }

    fn end(&self) -> Step {
        let in_doubt =
            self.ticket.in_doubt_for_ms.is_some() || self.first_uncertain_send_ms.is_some();
        let verdict = self
            .last
            .map_or(Verdict::Unknown, |failure| failure.verdict);
        let dead = verdict == Verdict::Terminal;
        let rotates = self.tolerance.rotates;
        let under_way = self.first_uncertain_send_ms.is_some() && !dead;
        let ending = AttemptOutcome {
            dead,
            in_doubt: in_doubt && rotates,
            under_way,
        };
        let lost = dead && self.rules.is_lost(self.tolerance, in_doubt);
        Step::End(End {
            verdict,
            ending,
            lost,
            sent: self.sent,
        })
    }
}

#[cfg(test)]
mod tests;
