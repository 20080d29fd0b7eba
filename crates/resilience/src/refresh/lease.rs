//! Who may renew a connection, and whose result counts: the transitions of one connection's row.
//!
//! Two things guard a grant. The *lease* spares calls: while one replica holds it, no other asks
//! the platform. The *generation* guards the row: a pair of tokens is stored only over the pair
//! that it was bought with. A lease may be lost (its holder was stopped for longer than it lasts,
//! the database failed over), so nothing but calls may depend on it. Each lease has a number that
//! only rises; where two attempts did overlap, the one whose request was sent last is the one that
//! the platform believes in, and that is the higher number.
//!
//! The store reads a row under its lock, asks here, and writes down what it is told.

pub use super::row::{
    ATTEMPT_MS, AttemptOutcome, LEASE_MS, LeaseRow, SETTLE_MS, Ticket, TokenSource,
};
use super::rules::Rules;

/// The answer to a request for the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It is the asker's, who may call the platform now.
    Taken(LeaseRow, Ticket),
    /// Somebody else has it for so much longer, in milliseconds.
    Busy {
        /// At least 1.
        for_ms: i64,
    },
    /// There is another pair than the one that the asker saw.
    Moved,
    /// The grant has ended: nothing is to be sent.
    Dead,
}

/// Who asks for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The generation of the pair that it knows.
    pub seen: i64,
    /// For how long it has had the database without a break, in milliseconds.
    pub settled_for_ms: i64,
}

/// Asks for the lease.
#[must_use]
pub fn take(rules: &impl Rules, row: &LeaseRow, asker: LeaseRequest, now_ms: i64) -> Lease {
    if !rules.is_newest(row, asker.seen) {
        return Lease::Moved;
    }
    if rules.stays_dead(row) {
        return Lease::Dead;
    }
    if !rules.is_free(row, now_ms) {
        let for_ms = row
            .lease_expires_at_ms
            .map_or(1, |until| (until - now_ms).max(1));
        return Lease::Busy { for_ms };
    }
    let answer_may_be_pending =
        row.lease_expires_at_ms.is_some() || row.in_doubt_since_ms.is_some();
    if answer_may_be_pending && !rules.may_take_over(asker.settled_for_ms) {
        return Lease::Busy {
            for_ms: (SETTLE_MS - asker.settled_for_ms).max(1),
        };
    }
    let abandoned = row
        .lease_expires_at_ms
        .filter(|_| rules.marks_abandoned_in_doubt(row));
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
    Lease::Taken(
        taken,
        Ticket {
            generation: row.generation,
            attempt,
            taken_at_ms: now_ms,
            in_doubt_for_ms,
        },
    )
}

/// The row once the pair of this attempt is stored; `None` where it must not be.
#[must_use]
pub fn store_tokens(rules: &impl Rules, row: &LeaseRow, ticket: &Ticket) -> Option<LeaseRow> {
    rules.accepts_tokens(row, ticket).then(|| LeaseRow {
        generation: row.generation + 1,
        // A lease that somebody took meanwhile is theirs to give back, and what they sent may have
        // ended the grant.
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

/// The row once this attempt has ended without a pair; `None` where its end concerns nobody any
/// more.
#[must_use]
pub fn record_outcome(
    rules: &impl Rules,
    row: &LeaseRow,
    ticket: &Ticket,
    ending: AttemptOutcome,
) -> Option<LeaseRow> {
    rules.accepts_ending(row, ticket).then(|| LeaseRow {
        lease_expires_at_ms: row
            .lease_expires_at_ms
            .filter(|_| rules.keeps_lease(ending)),
        in_doubt_since_ms: row
            .in_doubt_since_ms
            .or(Some(ticket.taken_at_ms))
            .filter(|_| ending.in_doubt),
        dead: ending.dead,
        ..*row
    })
}

/// The row once a consent, or another program, has brought a pair of its own. An attempt that is
/// under way concerns the old pair: its lease is over, and leaves no doubt about the new one.
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

    fn knowing(seen: i64) -> LeaseRequest {
        LeaseRequest {
            seen,
            settled_for_ms: i64::MAX,
        }
    }

    fn taken(row: &LeaseRow, now_ms: i64) -> (LeaseRow, Ticket) {
        match take(&AllRules, row, knowing(row.generation), now_ms) {
            Lease::Taken(row, ticket) => (row, ticket),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lease_is_one_holders_until_it_ends() {
        let (row, ticket) = taken(&LeaseRow::default(), NOW);
        assert_eq!(
            (ticket.attempt, ticket.in_doubt_for_ms, row.generation),
            (1, None, 0)
        );
        assert_eq!(
            take(&AllRules, &row, knowing(0), NOW),
            Lease::Busy { for_ms: LEASE_MS }
        );
        assert_eq!(
            take(&AllRules, &row, knowing(0), NOW + LEASE_MS - 1),
            Lease::Busy { for_ms: 1 }
        );
        let (_, second) = taken(&row, NOW + LEASE_MS);
        assert_eq!(
            (second.attempt, second.in_doubt_for_ms),
            (2, Some(LEASE_MS)),
            "the first one may have sent"
        );
    }

    #[test]
    fn a_lease_given_back_leaves_no_doubt() {
        let (row, ticket) = taken(&LeaseRow::default(), NOW);
        let ended = record_outcome(
            &AllRules,
            &row,
            &ticket,
            AttemptOutcome {
                dead: false,
                in_doubt: false,
                under_way: false,
            },
        )
        .unwrap();
        assert_eq!(taken(&ended, NOW).1.in_doubt_for_ms, None);
    }

    #[test]
    fn a_doubt_lasts_until_a_pair_is_stored_and_keeps_its_beginning() {
        let (row, first) = taken(&LeaseRow::default(), NOW);
        let doubtful = record_outcome(
            &AllRules,
            &row,
            &first,
            AttemptOutcome {
                dead: false,
                in_doubt: true,
                under_way: false,
            },
        )
        .unwrap();
        let (row, second) = taken(&doubtful, NOW + 5_000);
        assert_eq!(second.in_doubt_for_ms, Some(5_000));
        let still = record_outcome(
            &AllRules,
            &row,
            &second,
            AttemptOutcome {
                dead: false,
                in_doubt: true,
                under_way: false,
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
    fn nobody_asks_while_the_platform_may_still_be_acting() {
        let (row, ticket) = taken(&LeaseRow::default(), NOW);
        let slow = AttemptOutcome {
            dead: false,
            in_doubt: true,
            under_way: true,
        };
        let row = record_outcome(&AllRules, &row, &ticket, slow).unwrap();
        assert_eq!(
            take(&AllRules, &row, knowing(0), NOW + 15_000),
            Lease::Busy { for_ms: 5_000 }
        );
    }

    #[test]
    fn a_clock_turned_back_holds_no_lease_for_hours() {
        let (row, _) = taken(&LeaseRow::default(), NOW);
        let an_hour_earlier = NOW - 3_600_000;
        assert!(matches!(
            take(&AllRules, &row, knowing(0), an_hour_earlier),
            Lease::Taken(..)
        ));
    }

    #[test]
    fn of_two_results_the_one_sent_last_stays() {
        let (row, first) = taken(&LeaseRow::default(), NOW);
        let (row, second) = taken(&row, NOW + LEASE_MS);
        let by_first = store_tokens(&AllRules, &row, &first).unwrap();
        assert_eq!(
            by_first.lease_expires_at_ms, row.lease_expires_at_ms,
            "the lease is the second one's"
        );
        let by_second = store_tokens(&AllRules, &by_first, &second).unwrap();
        assert_eq!(
            (
                by_second.generation,
                by_second.token_source.map(|pair| pair.attempt)
            ),
            (2, Some(2))
        );
        let the_other_way_round = store_tokens(&AllRules, &row, &second).unwrap();
        assert_eq!(store_tokens(&AllRules, &the_other_way_round, &first), None);
    }

    #[test]
    fn a_consent_is_not_overwritten_by_a_renewal_that_began_before_it() {
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
                    under_way: false
                }
            ),
            None
        );
        assert_eq!(
            taken(&replaced, NOW + LEASE_MS).1.in_doubt_for_ms,
            None,
            "the old attempt sent nothing of the new pair"
        );
    }

    #[test]
    fn a_refusal_told_to_a_holder_who_lost_the_lease_kills_nothing() {
        let (row, first) = taken(&LeaseRow::default(), NOW);
        let (row, second) = taken(&row, NOW + LEASE_MS);
        let dead = AttemptOutcome {
            dead: true,
            in_doubt: false,
            under_way: false,
        };
        assert_eq!(record_outcome(&AllRules, &row, &first, dead), None);
        assert!(record_outcome(&AllRules, &row, &second, dead).unwrap().dead);
    }

    #[test]
    fn whoever_saw_an_old_pair_or_a_dead_grant_gets_no_lease() {
        let row = LeaseRow {
            generation: 3,
            ..LeaseRow::default()
        };
        assert_eq!(take(&AllRules, &row, knowing(2), NOW), Lease::Moved);
        assert_eq!(
            take(&AllRules, &LeaseRow { dead: true, ..row }, knowing(3), NOW),
            Lease::Dead
        );
    }

    #[test]
    fn after_an_outage_whoever_holds_an_answer_goes_first() {
        let (row, _) = taken(&LeaseRow::default(), NOW);
        let returning = LeaseRequest {
            seen: 0,
            settled_for_ms: 1_000,
        };
        assert_eq!(
            take(&AllRules, &row, returning, NOW + LEASE_MS),
            Lease::Busy {
                for_ms: SETTLE_MS - 1_000
            }
        );
        assert!(
            matches!(
                take(&AllRules, &LeaseRow::default(), returning, NOW),
                Lease::Taken(..)
            ),
            "nothing was left"
        );
    }
}
