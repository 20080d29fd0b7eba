//! Leases: which replica may refresh a connection, and which result is stored.
//!
//! Two mechanisms protect a grant. The *lease* saves calls: while one replica holds it, no other
//! sends a refresh request. The *generation* protects the row: a token set replaces only the token
//! set it was obtained with (compare-and-swap). A lease can be lost, because its holder was
//! suspended or the database failed over, so correctness never depends on it. Each lease has a
//! rising fencing token. If two attempts overlap, the provider honors the request sent last, which
//! is the one with the higher fencing token.
//!
//! The store reads a row under its lock, applies a function of this module, and writes the result.

pub use super::row::{
    ATTEMPT_MS, AttemptOutcome, LEASE_MS, LeaseRow, RECOVERY_WAIT_MS, Ticket, TokenSource,
};
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
}

/// Decides on a request for the lease.
#[must_use]
pub fn take(
    rules: &impl Rules,
    row: &LeaseRow,
    request: LeaseRequest,
    now_ms: i64,
) -> LeaseDecision {
    if !rules.is_newest(row, request.known_generation) {
        return LeaseDecision::Outdated;
    }
    if rules.stays_dead(row) {
        return LeaseDecision::Dead;
    }
    if !rules.is_free(row, now_ms) {
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
    grant(rules, row, now_ms)
}

/// Grants a free lease with the next fencing token. An abandoned attempt leaves the token in doubt
/// since the start of its lease.
fn grant(rules: &impl Rules, row: &LeaseRow, now_ms: i64) -> LeaseDecision {
    let abandoned = row
        .lease_expires_at_ms
        .filter(|_| rules.marks_abandoned_in_doubt());
    let in_doubt_since_ms = row
        .in_doubt_since_ms
        .or(abandoned.map(|until| (until - LEASE_MS).min(now_ms)));
    let attempt = row.attempt + 1;
    let taken = LeaseRow {
        attempt,
        lease_expires_at_ms: Some(now_ms + LEASE_MS),
        in_doubt_since_ms,
        ..*row
    };
    let in_doubt_for_ms = in_doubt_since_ms.map(|since| (now_ms - since).max(0));
    LeaseDecision::Granted(
        taken,
        Ticket {
            generation: row.generation,
            attempt,
            taken_at_ms: now_ms,
            in_doubt_for_ms,
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
mod tests {
    use super::super::AllRules;
    use super::*;

    const NOW: i64 = 1_767_225_600_000;

    fn knowing(known_generation: i64) -> LeaseRequest {
        LeaseRequest {
            known_generation,
            database_up_for_ms: i64::MAX,
        }
    }

    fn taken(row: &LeaseRow, now_ms: i64) -> (LeaseRow, Ticket) {
        match take(&AllRules, row, knowing(row.generation), now_ms) {
            LeaseDecision::Granted(row, ticket) => (row, ticket),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lease_has_one_holder_until_it_expires() {
        let (row, ticket) = taken(&LeaseRow::default(), NOW);
        assert_eq!(
            (ticket.attempt, ticket.in_doubt_for_ms, row.generation),
            (1, None, 0)
        );
        assert_eq!(
            take(&AllRules, &row, knowing(0), NOW),
            LeaseDecision::Busy { for_ms: LEASE_MS }
        );
        assert_eq!(
            take(&AllRules, &row, knowing(0), NOW + LEASE_MS - 1),
            LeaseDecision::Busy { for_ms: 1 }
        );
        let (_, second) = taken(&row, NOW + LEASE_MS);
        assert_eq!(
            (second.attempt, second.in_doubt_for_ms),
            (2, Some(LEASE_MS)),
            "the first holder may have sent a request"
        );
    }

    #[test]
    fn released_lease_leaves_no_doubt() {
        let (row, ticket) = taken(&LeaseRow::default(), NOW);
        let ended = record_outcome(
            &AllRules,
            &row,
            &ticket,
            AttemptOutcome {
                dead: false,
                in_doubt: false,
                in_flight: false,
            },
        )
        .unwrap();
        assert_eq!(taken(&ended, NOW).1.in_doubt_for_ms, None);
    }

    #[test]
    fn doubt_lasts_until_tokens_are_stored_and_keeps_its_start() {
        let (row, first) = taken(&LeaseRow::default(), NOW);
        let in_doubt = record_outcome(
            &AllRules,
            &row,
            &first,
            AttemptOutcome {
                dead: false,
                in_doubt: true,
                in_flight: false,
            },
        )
        .unwrap();
        let (row, second) = taken(&in_doubt, NOW + 5_000);
        assert_eq!(second.in_doubt_for_ms, Some(5_000));
        let still = record_outcome(
            &AllRules,
            &row,
            &second,
            AttemptOutcome {
                dead: false,
                in_doubt: true,
                in_flight: false,
            },
        )
        .unwrap();
        let (row, third) = taken(&still, NOW + 9_000);
        assert_eq!(third.in_doubt_for_ms, Some(9_000));
        let stored = store_tokens(&AllRules, &row, &third).unwrap();
        assert_eq!(
            (
                stored.in_doubt_since_ms,
                stored.generation,
                stored.lease_expires_at_ms
            ),
            (None, 1, None)
        );
    }

    #[test]
    fn lease_is_kept_while_the_provider_may_still_process_a_request() {
        let (row, ticket) = taken(&LeaseRow::default(), NOW);
        let slow = AttemptOutcome {
            dead: false,
            in_doubt: true,
            in_flight: true,
        };
        let row = record_outcome(&AllRules, &row, &ticket, slow).unwrap();
        assert_eq!(
            take(&AllRules, &row, knowing(0), NOW + 15_000),
            LeaseDecision::Busy { for_ms: 5_000 }
        );
    }

    #[test]
    fn clock_set_back_does_not_extend_a_lease() {
        let (row, _) = taken(&LeaseRow::default(), NOW);
        let earlier = |by_ms| take(&AllRules, &row, knowing(0), NOW - by_ms);
        assert_eq!(
            earlier(LEASE_MS),
            LeaseDecision::Busy {
                for_ms: 2 * LEASE_MS
            }
        );
        for by_ms in [LEASE_MS + 1, 3_600_000] {
            assert!(matches!(earlier(by_ms), LeaseDecision::Granted(..)));
        }
    }

    #[test]
    fn result_of_the_later_request_wins() {
        let (row, first) = taken(&LeaseRow::default(), NOW);
        let (row, second) = taken(&row, NOW + LEASE_MS);
        let by_first = store_tokens(&AllRules, &row, &first).unwrap();
        assert_eq!(
            by_first.lease_expires_at_ms, row.lease_expires_at_ms,
            "the lease belongs to the second attempt"
        );
        let by_second = store_tokens(&AllRules, &by_first, &second).unwrap();
        assert_eq!(
            (
                by_second.generation,
                by_second.token_source.map(|source| source.attempt)
            ),
            (2, Some(2))
        );
        assert_eq!(
            store_tokens(&AllRules, &by_second, &second),
            None,
            "stored once"
        );
        let second_stored_first = store_tokens(&AllRules, &row, &second).unwrap();
        assert_eq!(store_tokens(&AllRules, &second_stored_first, &first), None);
    }

    #[test]
    fn consent_is_not_overwritten_by_an_earlier_refresh() {
        let (row, ticket) = taken(&LeaseRow::default(), NOW);
        let replaced = replace_tokens(&row);
        assert_eq!(store_tokens(&AllRules, &replaced, &ticket), None);
        assert_eq!(
            record_outcome(
                &AllRules,
                &replaced,
                &ticket,
                AttemptOutcome {
                    dead: true,
                    in_doubt: false,
                    in_flight: false
                }
            ),
            None
        );
        assert_eq!(
            taken(&replaced, NOW + LEASE_MS).1.in_doubt_for_ms,
            None,
            "the old attempt did not send the new refresh token"
        );
    }

    #[test]
    fn rejection_reported_after_losing_the_lease_is_ignored() {
        let (row, first) = taken(&LeaseRow::default(), NOW);
        let (row, second) = taken(&row, NOW + LEASE_MS);
        let dead = AttemptOutcome {
            dead: true,
            in_doubt: false,
            in_flight: false,
        };
        assert_eq!(record_outcome(&AllRules, &row, &first, dead), None);
        let ended = record_outcome(&AllRules, &row, &second, dead).unwrap();
        assert!(ended.dead);
        let stored = store_tokens(&AllRules, &ended, &first).unwrap();
        assert!(
            !stored.dead,
            "the first attempt replaced the rejected token"
        );
    }

    #[test]
    fn outdated_or_dead_grant_gets_no_lease() {
        let row = LeaseRow {
            generation: 3,
            ..LeaseRow::default()
        };
        assert_eq!(
            take(&AllRules, &row, knowing(2), NOW),
            LeaseDecision::Outdated
        );
        assert_eq!(
            take(&AllRules, &LeaseRow { dead: true, ..row }, knowing(3), NOW),
            LeaseDecision::Dead
        );
    }

    #[test]
    fn abandoned_lease_is_taken_over_only_after_the_recovery_wait() {
        let (row, _) = taken(&LeaseRow::default(), NOW);
        let returning = LeaseRequest {
            known_generation: 0,
            database_up_for_ms: 1_000,
        };
        assert_eq!(
            take(&AllRules, &row, returning, NOW + LEASE_MS),
            LeaseDecision::Busy {
                for_ms: RECOVERY_WAIT_MS - 1_000
            }
        );
        assert!(
            matches!(
                take(&AllRules, &LeaseRow::default(), returning, NOW),
                LeaseDecision::Granted(..)
            ),
            "no attempt was abandoned"
        );
    }
}
