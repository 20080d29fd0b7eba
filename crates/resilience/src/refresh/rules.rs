//! The conditions that protect a grant, one method each, so that a test can disable them one at a
//! time and show that each is needed.

use super::failure::{Failure, RefreshPolicy, Verdict};
use super::row::{AttemptOutcome, Holder, LeaseRow, RECOVERY_WAIT_MS, Ticket};

/// The conditions of a refresh. The provided methods are the rules that the program uses.
pub trait Rules {
    /// Returns whether the lease is free. A lease that ends much later than any lease could was
    /// written before the clock was set back, and is ignored.
    fn is_free(&self, refresh_policy: RefreshPolicy, row: &LeaseRow, now_ms: i64) -> bool {
        let latest_ms = now_ms.saturating_add(2 * refresh_policy.lease_ms());
        row.lease_expires_at_ms
            .is_none_or(|until| until <= now_ms || until > latest_ms)
    }

    /// Returns whether a lease may be taken over before it expires. If the holder may be calling
    /// the provider, the two requests must both be accepted, so the attempt of the caller must end
    /// within the replay window.
    fn may_take_over_early(
        &self,
        holder: Holder,
        refresh_policy: RefreshPolicy,
        in_doubt_for_ms: i64,
    ) -> bool {
        match holder {
            Holder::Unknown => false,
            Holder::SessionEnded => refresh_policy
                .accepts_replay_after(in_doubt_for_ms.saturating_add(refresh_policy.timeout_ms)),
            Holder::ProcessEnded => true,
        }
    }

    /// Returns whether an abandoned attempt may be taken over by a process that has been connected
    /// to the database for `database_up_for_ms`.
    fn may_take_over(&self, database_up_for_ms: i64) -> bool {
        database_up_for_ms >= RECOVERY_WAIT_MS
    }

    /// Returns whether the caller knows the newest token set. A reader of an older one needs the
    /// newer one, not another refresh.
    fn is_newest(&self, row: &LeaseRow, known_generation: i64) -> bool {
        row.generation == known_generation
    }

    /// Returns whether the grant is dead, so that no request is sent for it.
    fn stays_dead(&self, row: &LeaseRow) -> bool {
        row.dead
    }

    /// Returns whether an expired lease counts as a request that may have been sent.
    fn marks_abandoned_in_doubt(&self) -> bool {
        true
    }

    /// Returns whether a token set may be stored that was obtained with this generation's refresh
    /// token: it replaces that generation, or the result of an earlier attempt with the same token,
    /// because this attempt's request was then sent last.
    fn accepts_tokens(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.generation == ticket.generation || self.was_sent_last(row, ticket)
    }

    /// Returns whether the stored token set was obtained with the same refresh token by an earlier
    /// attempt.
    fn was_sent_last(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.token_source.is_some_and(|source| {
            source.source_generation == ticket.generation && source.attempt < ticket.attempt
        })
    }

    /// Returns whether the outcome of a failed attempt may be recorded: only if no other attempt
    /// has started since, and only for the token set that was sent.
    fn accepts_outcome(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.generation == ticket.generation && row.attempt == ticket.attempt
    }

    /// Returns whether the lease of an ended attempt is kept until it expires, because the provider
    /// may still be processing a request.
    fn keeps_lease(&self, outcome: AttemptOutcome) -> bool {
        outcome.in_flight
    }

    /// Returns whether a request may still be sent. A process that was suspended must not act on an
    /// expired lease.
    fn is_in_time(&self, refresh_policy: RefreshPolicy, elapsed_ms: i64) -> bool {
        elapsed_ms < refresh_policy.timeout_ms
    }

    /// Returns whether an attempt may continue after a pause, given the current row: another
    /// attempt may have started or stored a token set meanwhile.
    fn may_continue(&self, row: &LeaseRow, ticket: &Ticket) -> bool {
        row.generation == ticket.generation && row.attempt == ticket.attempt
    }

    /// Returns whether a refresh token in doubt may be sent: if the provider accepts a replay, or
    /// if the access token has expired, so that nothing can be lost.
    fn may_send_in_doubt(
        &self,
        refresh_policy: RefreshPolicy,
        in_doubt_for_ms: i64,
        access_expired: bool,
    ) -> bool {
        refresh_policy.accepts_replay_after(in_doubt_for_ms) || access_expired
    }

    /// Returns whether the request may be sent again after `failure` within the same attempt.
    /// `in_doubt_for_ms` is the age of the attempt's first request that the provider may have
    /// processed, at the time of the next request.
    fn may_send_again(
        &self,
        refresh_policy: RefreshPolicy,
        failure: &Failure,
        in_doubt_for_ms: Option<i64>,
    ) -> bool {
        let replayable =
            in_doubt_for_ms.is_none_or(|age_ms| refresh_policy.accepts_replay_after(age_ms));
        match failure.verdict {
            Verdict::Transient | Verdict::Unknown => replayable,
            // An error with another possible cause is confirmed by a second request.
            Verdict::Terminal => failure.confirm,
            // After a rate limit, all attempts would send again together.
            Verdict::RateLimited | Verdict::Blocked | Verdict::UserAction | Verdict::Config => {
                false
            }
        }
    }

    /// Returns whether a rejection after a request with an unknown result means that the provider
    /// rotated the refresh token and its response was lost.
    fn is_lost(&self, refresh_policy: RefreshPolicy, in_doubt: bool) -> bool {
        refresh_policy.rotates && in_doubt
    }
}

/// The rules that the program uses: all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllRules;

impl Rules for AllRules {}
