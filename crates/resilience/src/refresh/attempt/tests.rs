use super::super::AllRules;
use super::super::lease::{DEFAULT_TIMEOUT_MS, LeaseRow};
use super::*;

/// Draws the shortest delay.
struct NoJitter;

impl Entropy for NoJitter {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// The time at which the attempts of these tests start.
const START: i64 = 1_000_000;
const STRICT: RefreshPolicy = RefreshPolicy::STRICT;
const WITH_REPLAY_WINDOW: RefreshPolicy = RefreshPolicy {
    rotates: true,
    replay_window_ms: 30_000,
    ..RefreshPolicy::STRICT
};
const STEADY: RefreshPolicy = RefreshPolicy {
    rotates: false,
    replay_window_ms: 0,
    ..RefreshPolicy::STRICT
};

fn ticket(in_doubt_for_ms: Option<i64>) -> Ticket {
    Ticket {
        generation: 1,
        attempt: 1,
        taken_at_ms: 0,
        in_doubt_for_ms,
    }
}

/// The row while the attempts of these tests hold their lease.
const ROW: LeaseRow = LeaseRow {
    generation: 1,
    attempt: 1,
    lease_expires_at_ms: Some(20_000),
    in_doubt_since_ms: None,
    token_source: None,
    dead: false,
};

fn attempt(refresh_policy: RefreshPolicy) -> Attempt<AllRules> {
    Attempt::new(AllRules, refresh_policy, ticket(None), false, START)
}

fn failure(verdict: Verdict) -> Failure {
    Failure {
        verdict,
        unprocessed: false,
        pending: false,
        confirm: false,
        wait_ms: None,
    }
}

fn refused_connection() -> Failure {
    Failure {
        unprocessed: true,
        ..failure(Verdict::Transient)
    }
}

/// Fails every request with `failure` one second after it was sent, until the attempt ends.
fn run(mut attempt: Attempt<AllRules>, failure: Failure) -> FailedAttempt {
    let mut now_ms = START;
    let mut step = attempt.start(now_ms);
    loop {
        step = match step {
            Step::Send { .. } => {
                now_ms += 1_000;
                attempt.on_response(Err(failure), &NoJitter, now_ms)
            }
            Step::Pause { for_ms } => {
                now_ms += for_ms;
                attempt.resume(Some(&ROW), now_ms)
            }
            Step::Store => panic!("no tokens were obtained"),
            Step::End(failed) => return failed,
        }
    }
}

#[test]
fn successful_response_is_stored_at_once() {
    let mut attempt = attempt(STRICT);
    assert_eq!(
        attempt.start(START),
        Step::Send {
            within_ms: DEFAULT_TIMEOUT_MS
        }
    );
    assert_eq!(
        attempt.on_response(Ok(()), &NoJitter, START + 5),
        Step::Store
    );
}

#[test]
fn unprocessed_request_is_sent_three_times_without_doubt() {
    for refresh_policy in [STRICT, WITH_REPLAY_WINDOW, STEADY] {
        let failed = run(attempt(refresh_policy), refused_connection());
        assert_eq!(
            (failed.sent, failed.verdict, failed.outcome.in_doubt),
            (3, Verdict::Transient, false)
        );
    }
}

#[test]
fn possibly_processed_request_is_repeated_only_if_replay_is_accepted() {
    let unknown = failure(Verdict::Unknown);
    let failed = run(attempt(STRICT), unknown);
    assert_eq!((failed.sent, failed.outcome.in_doubt), (1, true));
    let failed = run(attempt(WITH_REPLAY_WINDOW), unknown);
    assert_eq!((failed.sent, failed.outcome.in_doubt), (3, true));
    let failed = run(attempt(STEADY), unknown);
    assert_eq!(
        (failed.sent, failed.outcome.in_doubt),
        (3, false),
        "a token that is not rotated cannot be lost"
    );
    let short = RefreshPolicy {
        replay_window_ms: 1_500,
        ..WITH_REPLAY_WINDOW
    };
    assert_eq!(
        run(attempt(short), unknown).sent,
        2,
        "the window closes during the second request"
    );
}

#[test]
fn request_without_answer_may_still_be_processed() {
    let unanswered = Failure {
        pending: true,
        ..failure(Verdict::Unknown)
    };
    assert!(run(attempt(STRICT), unanswered).outcome.in_flight);
    for answered in [failure(Verdict::Unknown), failure(Verdict::Transient)] {
        assert!(!run(attempt(STRICT), answered).outcome.in_flight);
    }
    let mut attempt = attempt(WITH_REPLAY_WINDOW);
    attempt.start(START);
    attempt.on_response(Err(unanswered), &NoJitter, START);
    attempt.resume(Some(&ROW), START);
    let busy = Failure {
        wait_ms: Some(60_000),
        ..failure(Verdict::Transient)
    };
    let Step::End(failed) = attempt.on_response(Err(busy), &NoJitter, START) else {
        panic!("the attempt has not ended")
    };
    assert!(failed.outcome.in_flight, "the first request is unanswered");
}

#[test]
fn inherited_doubt_blocks_sending_until_replay_is_safe() {
    let first_step = |refresh_policy, age_ms, access_expired| {
        Attempt::new(
            AllRules,
            refresh_policy,
            ticket(Some(age_ms)),
            access_expired,
            START,
        )
        .start(START)
    };
    let outcome = AttemptOutcome {
        dead: false,
        in_doubt: true,
        in_flight: false,
    };
    let not_sent = Step::End(FailedAttempt {
        verdict: Verdict::Unknown,
        outcome,
        lost: false,
        sent: 0,
    });
    let sent = Step::Send {
        within_ms: DEFAULT_TIMEOUT_MS,
    };
    assert_eq!(first_step(STRICT, 0, false), not_sent);
    assert_eq!(first_step(STRICT, 0, true), sent);
    assert_eq!(first_step(WITH_REPLAY_WINDOW, 29_999, false), sent);
    assert_eq!(first_step(WITH_REPLAY_WINDOW, 30_000, false), not_sent);
    assert_eq!(first_step(WITH_REPLAY_WINDOW, 30_000, true), sent);
    assert_eq!(first_step(STEADY, i64::MAX / 2, false), sent);
}

#[test]
fn rejection_in_doubt_is_a_loss_only_with_rotation() {
    let refused = failure(Verdict::Terminal);
    let lost = |refresh_policy, doubt| {
        run(
            Attempt::new(AllRules, refresh_policy, ticket(doubt), true, START),
            refused,
        )
        .lost
    };
    assert!(lost(STRICT, Some(20_000)) && lost(WITH_REPLAY_WINDOW, Some(20_000)));
    assert!(!lost(STRICT, None) && !lost(STEADY, Some(20_000)));
    let mut attempt = attempt(WITH_REPLAY_WINDOW);
    attempt.start(START);
    attempt.on_response(Err(failure(Verdict::Unknown)), &NoJitter, START);
    attempt.resume(Some(&ROW), START);
    let Step::End(failed) = attempt.on_response(Err(refused), &NoJitter, START) else {
        panic!("the attempt has not ended")
    };
    assert!(
        failed.lost && failed.outcome.dead && failed.outcome.in_doubt,
        "the attempt's own doubt counts"
    );
}

#[test]
fn ambiguous_rejection_is_confirmed_once() {
    let bare = Failure {
        confirm: true,
        ..failure(Verdict::Terminal)
    };
    assert_eq!(run(attempt(STEADY), bare).sent, 2);
    assert_eq!(run(attempt(STEADY), failure(Verdict::Terminal)).sent, 1);
}

#[test]
fn rate_limited_blocked_config_and_user_action_failures_are_not_retried() {
    let ends_attempt = [
        Verdict::RateLimited,
        Verdict::Blocked,
        Verdict::Config,
        Verdict::UserAction,
    ];
    for verdict in ends_attempt {
        let unprocessed = Failure {
            unprocessed: true,
            ..failure(verdict)
        };
        let failed = run(attempt(STEADY), unprocessed);
        assert_eq!(
            (failed.sent, failed.outcome.in_doubt),
            (1, false),
            "{verdict:?}"
        );
    }
}

#[test]
fn requested_wait_beyond_the_deadline_ends_the_attempt() {
    let unavailable = |wait_ms| Failure {
        wait_ms: Some(wait_ms),
        unprocessed: true,
        ..failure(Verdict::Transient)
    };
    assert_eq!(
        run(attempt(STRICT), unavailable(DEFAULT_TIMEOUT_MS - 1_001)).sent,
        2
    );
    assert_eq!(
        run(attempt(STRICT), unavailable(DEFAULT_TIMEOUT_MS - 1_000)).sent,
        1
    );
    assert_eq!(run(attempt(STRICT), unavailable(i64::MAX)).sent, 1);
}

#[test]
fn suspended_holder_sends_no_further_request() {
    let mut stopped = attempt(STRICT);
    let Step::End(failed) = stopped.start(START + DEFAULT_TIMEOUT_MS) else {
        panic!("too late")
    };
    assert_eq!((failed.sent, failed.outcome.in_doubt), (0, false));
    let mut stopped = attempt(STEADY);
    stopped.start(START);
    stopped.on_response(Err(refused_connection()), &NoJitter, START + 10);
    let Step::End(failed) = stopped.resume(Some(&ROW), START + DEFAULT_TIMEOUT_MS) else {
        panic!("too late")
    };
    assert_eq!((failed.sent, failed.verdict), (1, Verdict::Transient));
}

#[test]
fn changed_or_unreadable_row_prevents_a_retry() {
    for row in [
        None,
        Some(LeaseRow {
            generation: 2,
            ..ROW
        }),
        Some(LeaseRow { attempt: 2, ..ROW }),
    ] {
        let mut waiting = attempt(STEADY);
        waiting.start(START);
        waiting.on_response(Err(refused_connection()), &NoJitter, START + 10);
        assert!(
            matches!(
                waiting.resume(row.as_ref(), START + 20),
                Step::End(FailedAttempt { sent: 1, .. })
            ),
            "{row:?}"
        );
    }
}

#[test]
fn requests_are_sent_within_the_timeout_of_the_provider() {
    let slow = RefreshPolicy {
        timeout_ms: 60_000,
        ..STRICT
    };
    let send_at = |elapsed_ms| attempt(slow).start(START + elapsed_ms);
    assert_eq!(send_at(0), Step::Send { within_ms: 60_000 });
    assert_eq!(send_at(59_999), Step::Send { within_ms: 1 });
    assert!(matches!(send_at(60_000), Step::End(_)));
}
