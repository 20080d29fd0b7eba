use super::super::AllRules;
use super::*;

const NOW: i64 = 1_767_225_600_000;

const STRICT: RefreshPolicy = RefreshPolicy::STRICT;
const STEADY: RefreshPolicy = RefreshPolicy {
    rotates: false,
    replay_window_ms: 0,
    ..RefreshPolicy::STRICT
};

fn knowing(known_generation: i64) -> LeaseRequest {
    LeaseRequest {
        known_generation,
        database_up_for_ms: i64::MAX,
        refresh_policy: STRICT,
    }
}

fn taken(row: &LeaseRow, now_ms: i64) -> (LeaseRow, Ticket) {
    match take(
        &AllRules,
        row,
        knowing(row.generation),
        Holder::Unknown,
        now_ms,
    ) {
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
        take(&AllRules, &row, knowing(0), Holder::Unknown, NOW),
        LeaseDecision::Busy {
            for_ms: DEFAULT_LEASE_MS
        }
    );
    assert_eq!(
        take(
            &AllRules,
            &row,
            knowing(0),
            Holder::Unknown,
            NOW + DEFAULT_LEASE_MS - 1
        ),
        LeaseDecision::Busy { for_ms: 1 }
    );
    let (_, second) = taken(&row, NOW + DEFAULT_LEASE_MS);
    assert_eq!(
        (second.attempt, second.in_doubt_for_ms),
        (2, Some(DEFAULT_LEASE_MS)),
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
        take(&AllRules, &row, knowing(0), Holder::Unknown, NOW + 15_000),
        LeaseDecision::Busy { for_ms: 5_000 }
    );
}

#[test]
fn clock_set_back_does_not_extend_a_lease() {
    let (row, _) = taken(&LeaseRow::default(), NOW);
    let earlier = |by_ms| take(&AllRules, &row, knowing(0), Holder::Unknown, NOW - by_ms);
    assert_eq!(
        earlier(DEFAULT_LEASE_MS),
        LeaseDecision::Busy {
            for_ms: 2 * DEFAULT_LEASE_MS
        }
    );
    for by_ms in [DEFAULT_LEASE_MS + 1, 3_600_000] {
        assert!(matches!(earlier(by_ms), LeaseDecision::Granted(..)));
    }
}

#[test]
fn result_of_the_later_request_wins() {
    let (row, first) = taken(&LeaseRow::default(), NOW);
    let (row, second) = taken(&row, NOW + DEFAULT_LEASE_MS);
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
        taken(&replaced, NOW + DEFAULT_LEASE_MS).1.in_doubt_for_ms,
        None,
        "the old attempt did not send the new refresh token"
    );
}

#[test]
fn lost_token_set_is_restored_only_over_an_earlier_one() {
    let (row, ticket) = taken(&LeaseRow::default(), NOW);
    let lost = store_tokens(&AllRules, &row, &ticket).unwrap();
    assert_eq!(
        restore_tokens(&row, &lost),
        Some(lost),
        "the lease of the attempt that stored the tokens is over"
    );
    assert_eq!(restore_tokens(&lost, &lost), None);
    assert_eq!(restore_tokens(&replace_tokens(&row), &lost), None);
    let (later, _) = taken(&row, NOW + DEFAULT_LEASE_MS);
    let restored = restore_tokens(&later, &lost).unwrap();
    assert_eq!(restored.lease_expires_at_ms, later.lease_expires_at_ms);
    assert_eq!((restored.attempt, restored.generation), (2, 1));
}

#[test]
fn rejection_reported_after_losing_the_lease_is_ignored() {
    let (row, first) = taken(&LeaseRow::default(), NOW);
    let (row, second) = taken(&row, NOW + DEFAULT_LEASE_MS);
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
        take(&AllRules, &row, knowing(2), Holder::Unknown, NOW),
        LeaseDecision::Outdated
    );
    assert_eq!(
        take(
            &AllRules,
            &LeaseRow { dead: true, ..row },
            knowing(3),
            Holder::Unknown,
            NOW
        ),
        LeaseDecision::Dead
    );
}

#[test]
fn abandoned_lease_is_taken_over_only_after_the_recovery_wait() {
    let (row, _) = taken(&LeaseRow::default(), NOW);
    let returning = LeaseRequest {
        database_up_for_ms: 1_000,
        ..knowing(0)
    };
    assert_eq!(
        take(
            &AllRules,
            &row,
            returning,
            Holder::Unknown,
            NOW + DEFAULT_LEASE_MS
        ),
        LeaseDecision::Busy {
            for_ms: RECOVERY_WAIT_MS - 1_000
        }
    );
    assert!(
        matches!(
            take(
                &AllRules,
                &LeaseRow::default(),
                returning,
                Holder::Unknown,
                NOW
            ),
            LeaseDecision::Granted(..)
        ),
        "no attempt was abandoned"
    );
}

/// Requests the lease `after_ms` of another process's attempt.
fn take_over(
    holder: Holder,
    refresh_policy: RefreshPolicy,
    row: &LeaseRow,
    after_ms: i64,
) -> LeaseDecision {
    let request = LeaseRequest {
        refresh_policy,
        ..knowing(0)
    };
    take(&AllRules, row, request, holder, NOW + after_ms)
}

#[test]
fn lease_of_ended_process_is_taken_over_at_once_and_leaves_doubt() {
    let (row, _) = taken(&LeaseRow::default(), NOW);
    let LeaseDecision::Granted(_, ticket) = take_over(Holder::ProcessEnded, STRICT, &row, 100)
    else {
        panic!("the lease is free")
    };
    assert_eq!((ticket.attempt, ticket.in_doubt_for_ms), (2, Some(100)));
    assert_eq!(
        take_over(Holder::Unknown, STEADY, &row, 100),
        LeaseDecision::Busy { for_ms: 19_900 }
    );
}

#[test]
fn ended_session_is_no_proof_unless_both_requests_are_accepted() {
    let (row, _) = taken(&LeaseRow::default(), NOW);
    let window = |replay_window_ms| RefreshPolicy {
        rotates: true,
        replay_window_ms,
        ..RefreshPolicy::STRICT
    };
    let is_granted = |refresh_policy, row: &LeaseRow| {
        let decision = take_over(Holder::SessionEnded, refresh_policy, row, 100);
        matches!(decision, LeaseDecision::Granted(..))
    };
    assert!(is_granted(STEADY, &row));
    assert!(!is_granted(STRICT, &row));
    assert!(!is_granted(window(DEFAULT_TIMEOUT_MS + 100), &row));
    assert!(is_granted(window(DEFAULT_TIMEOUT_MS + 101), &row));
    let doubted = LeaseRow {
        in_doubt_since_ms: Some(NOW - 1_000),
        ..row
    };
    assert!(!is_granted(window(DEFAULT_TIMEOUT_MS + 1_100), &doubted));
    assert!(is_granted(window(DEFAULT_TIMEOUT_MS + 1_101), &doubted));
}
