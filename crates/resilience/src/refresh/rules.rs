//! Every condition that stands between a grant and its death, one method each, so that a test can
//! take them away one at a time and see what they are there for.

use super::failure::{Failure, Tolerance, Verdict};
use super::row::{ATTEMPT_MS, AttemptOutcome, LEASE_MS, LeaseRow, SETTLE_MS, Ticket};

/// The conditions of a renewal. The methods as they stand are the ones that the program runs by.
pub trait Rules {
    /// Whether nobody holds the lease. One that ends later than any lease could was written by a
    /// clock that has been turned back since.
    fn is_free(&self, row: &LeaseRow, now_ms: i64) -> bool {
        row.lease_expires_at_ms
            .is_none_or(|until| until <= now_ms || until > now_ms.saturating_add(2 * LEASE_MS))
    }

    /// Whether what another left behind may be taken over, by somebody who has had the database for
    /// so long.
    fn may_take_over(&self, settled_for_ms: i64) -> bool {
        settled_for_ms >= SETTLE_MS
    }

    /// Whether the asker knows the newest pair: a reader of an old one needs the new one, not
    /// another renewal.
    fn is_newest(&self, row: &LeaseRow, seen: i64) -> bool {
        row.generation == seen
    }

    /// Whether a dead grant is left alone.
    fn stays_dead(&self, row: &LeaseRow) -> bool {
        row.dead
    }

    /// Whether a lease that ran out counts as a request that may have been sent.
    fn marks_abandoned_in_doubt(&self, row: &LeaseRow) -> bool {
        row.lease_expires_at_ms.is_some()
    }

    /// Whether a pair may be stored that was bought with this generation's token: over that
    /// generation, or over what an earlier attempt made of it, for then this one's request was sent
    /// last.
    fn accepts_tokens(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.generation == ticket.generation || self.was_sent_last(row, ticket)
    }

    /// Whether the stored pair was bought with the same token as this one's, by a request sent
    /// earlier.
    fn was_sent_last(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.token_source.is_some_and(|pair| {
            pair.source_generation == ticket.generation && pair.attempt < ticket.attempt
        })
    }

    /// Whether a refusal may be believed: only while nobody has begun another attempt since, and
    /// for the pair that the refused token belongs to.
    fn accepts_ending(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.generation == ticket.generation && row.attempt == ticket.attempt
    }

    /// Whether the lease of an attempt that is over goes on to its end, because the platform may
    /// still be acting.
    fn keeps_lease(&self, ending: AttemptOutcome) -> bool {
        ending.under_way
    }

    /// Whether a request may still be sent: a holder who was stopped for longer must not act on a
    /// lease that is over.
    fn is_in_time(&self, elapsed_ms: i64) -> bool {
        elapsed_ms < ATTEMPT_MS
    }

    /// Whether an attempt may go on that has waited, given the row as it is now: somebody may have
    /// stored a pair since, or have begun another attempt.
    fn may_go_on(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.generation == ticket.generation && row.attempt == ticket.attempt
    }

    /// Whether a token may be sent although a platform may have acted on it already: where that
    /// does no harm, or where the access token has ended, so that nothing is left to lose.
    fn may_send_in_doubt(
        &self,
        tolerance: Tolerance,
        in_doubt_for_ms: i64,
        access_ended: bool,
    ) -> bool {
        tolerance.accepts_replay_after(in_doubt_for_ms) || access_ended
    }

    /// Whether the same request may follow this failure within the attempt. `in_doubt_for_ms` says how
    /// old the first of its own requests will be by then that the platform may have acted on.
    fn may_send_again(
        &self,
        tolerance: Tolerance,
        failure: &Failure,
        in_doubt_for_ms: Option<i64>,
    ) -> bool {
        let forgiven = in_doubt_for_ms.is_none_or(|age_ms| tolerance.accepts_replay_after(age_ms));
        match failure.verdict {
            Verdict::Transient | Verdict::Unknown => forgiven,
            Verdict::RateLimited => forgiven && failure.unprocessed,
            // A refusal that could mean something else is asked for once more.
            Verdict::Terminal => failure.confirm,
            Verdict::Blocked | Verdict::UserAction | Verdict::Config => false,
        }
    }

    /// Whether a refusal after a request of unknown fate means that the platform rotated and its
    /// answer never came.
    fn is_lost(&self, tolerance: Tolerance, in_doubt: bool) -> bool {
        tolerance.rotates && in_doubt
    }
}

/// The rules as the program runs by them.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllRules;

impl Rules for AllRules {}
