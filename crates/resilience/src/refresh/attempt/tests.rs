use super::super::AllRules;
use super::super::lease::{ATTEMPT_MS, LeaseRow};
use super::*;

/// Draws the shortest pause.
struct NoJitter;

impl Entropy for NoJitter {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

const STRICT: Tolerance = Tolerance {
    rotates: true,
    replay_window_ms: 0,
};
const WITH_REPLAY_WINDOW: Tolerance = Tolerance {
    rotates: true,
    replay_window_ms: 30_000,
};
const STEADY: Tolerance = Tolerance {
    rotates: false,
    replay_window_ms: 0,
};

fn ticket(in_doubt_for_ms: Option<i64>) -> Ticket {
    Ticket {
        generation: 1,
        attempt: 1,
        taken_at_ms: 0,
        in_doubt_for_ms,
    }
}

/// The row as the attempts of these tests left it.
const ROW: LeaseRow = LeaseRow {
    generation: 1,
    attempt: 1,
    lease_expires_at_ms: Some(20_000),
    in_doubt_since_ms: None,
    token_source: None,
    dead: false,
};

fn attempt(tolerance: Tolerance) -> Attempt<AllRules> {
    Attempt::new(AllRules, tolerance, ticket(None), false, 0)
}

fn failure(verdict: Verdict) -> Failure {
    Failure {
        verdict,
        unprocessed: false,
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

/// Answers every request with `failure`, a second after it was sent, until the attempt is over.
fn run(mut attempt: Attempt<AllRules>, failure: Failure) -> End {
    let mut now_ms = 0;
    let mut step = attempt.begin(now_ms);
    loop {
        step = match step {
            Step::Send { .. } => {
                now_ms += 1_000;
                attempt.answered(Err(failure), &NoJitter, now_ms)
            }
            Step::Pause { for_ms } => {
                now_ms += for_ms;
                attempt.resume(Some(&ROW), now_ms)
            }
            Step::Store => panic!("nothing was bought"),
            Step::End(end) => return end,
        }
    }
}

#[test]
fn a_pair_is_stored_at_once() {
    let mut attempt = attempt(STRICT);
    assert_eq!(
        attempt.begin(0),
        Step::Send {
            within_ms: ATTEMPT_MS
        }
    );
    assert_eq!(attempt.answered(Ok(()), &NoJitter, 5), Step::Store);
}

#[test]
fn what_was_surely_not_processed_is_sent_three_times_and_leaves_no_doubt() {
    for tolerance in [STRICT, WITH_REPLAY_WINDOW, STEADY] {
        let end = run(attempt(tolerance), refused_connection());
        assert_eq!(
            (end.sent, end.verdict, end.ending.in_doubt),
            (3, Verdict::Transient, false)
        );
    }
}

#[test]
fn what_may_have_been_processed_is_sent_again_only_where_that_is_forgiven() {
    let unknown = failure(Verdict::Unknown);
    let end = run(attempt(STRICT), unknown);
    assert_eq!((end.sent, end.ending.in_doubt), (1, true));
    let end = run(attempt(WITH_REPLAY_WINDOW), unknown);
    assert_eq!((end.sent, end.ending.in_doubt), (3, true));
    let end = run(attempt(STEADY), unknown);
    assert_eq!(
        (end.sent, end.ending.in_doubt),
        (3, false),
        "a token that stays cannot be lost"
    );
    let short = Tolerance {
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
fn an_inherited_doubt_is_resolved_inside_the_window_or_after_the_end_of_the_access_token() {
    let end_of = |tolerance, age_ms, access_ended| {
        Attempt::new(AllRules, tolerance, ticket(Some(age_ms)), access_ended, 0).begin(0)
    };
    let ending = AttemptOutcome {
        dead: false,
        in_doubt: true,
        under_way: false,
    };
    let held_back = Step::End(End {
        verdict: Verdict::Unknown,
        ending,
        lost: false,
        sent: 0,
    });
    let sent = Step::Send {
        within_ms: ATTEMPT_MS,
    };
    assert_eq!(end_of(STRICT, 0, false), held_back);
    assert_eq!(end_of(STRICT, 0, true), sent);
    assert_eq!(end_of(WITH_REPLAY_WINDOW, 29_999, false), sent);
    assert_eq!(end_of(WITH_REPLAY_WINDOW, 30_000, false), held_back);
    assert_eq!(end_of(WITH_REPLAY_WINDOW, 30_000, true), sent);
    assert_eq!(end_of(STEADY, i64::MAX / 2, false), sent);
}

#[test]
fn a_refusal_in_doubt_is_a_loss_where_tokens_rotate_and_nowhere_else() {
    let refused = failure(Verdict::Terminal);
    let lost = |tolerance, doubt| {
        run(
            Attempt::new(AllRules, tolerance, ticket(doubt), true, 0),
            refused,
        )
        .lost
    };
    assert!(lost(STRICT, Some(20_000)) && lost(WITH_REPLAY_WINDOW, Some(20_000)));
    assert!(!lost(STRICT, None) && !lost(STEADY, Some(20_000)));
    let mut attempt = attempt(WITH_REPLAY_WINDOW);
    attempt.begin(0);
    attempt.answered(Err(failure(Verdict::Unknown)), &NoJitter, 0);
    attempt.resume(Some(&ROW), 0);
    let Step::End(end) = attempt.answered(Err(refused), &NoJitter, 0) else {
        panic!("it is over")
    };
    assert!(
        end.lost && end.ending.dead && end.ending.in_doubt,
        "the doubt of this very attempt counts too"
    );
}

#[test]
fn a_refusal_that_could_mean_something_else_is_confirmed_once() {
    let bare = Failure {
        confirm: true,
        ..failure(Verdict::Terminal)
    };
    assert_eq!(run(attempt(STEADY), bare).sent, 2);
    assert_eq!(run(attempt(STEADY), failure(Verdict::Terminal)).sent, 1);
}

#[test]
fn no_request_follows_a_block_a_wrong_registration_or_what_the_user_must_mend() {
    for verdict in [Verdict::Blocked, Verdict::Config, Verdict::UserAction] {
        let end = run(attempt(STEADY), failure(verdict));
        assert_eq!((end.sent, end.ending.in_doubt), (1, false), "{verdict:?}");
    }
}

#[test]
fn a_wait_that_does_not_fit_into_the_attempt_ends_it() {
    let limited = |wait_ms| Failure {
        wait_ms: Some(wait_ms),
        unprocessed: true,
        ..failure(Verdict::RateLimited)
    };
    assert_eq!(run(attempt(STRICT), limited(ATTEMPT_MS - 1_001)).sent, 2);
    assert_eq!(run(attempt(STRICT), limited(ATTEMPT_MS - 1_000)).sent, 1);
    assert_eq!(run(attempt(STRICT), limited(i64::MAX)).sent, 1);
}

#[test]
fn a_holder_who_was_stopped_sends_nothing_more() {
    let mut stopped = attempt(STRICT);
    let Step::End(end) = stopped.begin(ATTEMPT_MS) else {
        panic!("too late")
    };
    assert_eq!((end.sent, end.ending.in_doubt), (0, false));
    let mut stopped = attempt(STEADY);
    stopped.begin(0);
    stopped.answered(Err(refused_connection()), &NoJitter, 10);
    let Step::End(end) = stopped.resume(Some(&ROW), ATTEMPT_MS) else {
        panic!("too late")
    };
    assert_eq!((end.sent, end.verdict), (1, Verdict::Transient));
}

#[test]
fn nothing_is_sent_again_once_the_row_has_moved_on_or_cannot_be_read() {
    for row in [
        None,
        Some(LeaseRow {
            generation: 2,
            ..ROW
        }),
        Some(LeaseRow { attempt: 2, ..ROW }),
    ] {
        let mut waiting = attempt(STEADY);
        waiting.begin(0);
        waiting.answered(Err(refused_connection()), &NoJitter, 10);
        assert!(
            matches!(
                waiting.resume(row.as_ref(), 20),
                Step::End(End { sent: 1, .. })
            ),
            "{row:?}"
        );
    }
}
