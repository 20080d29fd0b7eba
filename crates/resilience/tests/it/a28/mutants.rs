//! The rules with one of them disabled, to show that each is needed.

use evergrant_resilience::refresh::Rules;
use evergrant_resilience::refresh::attempt::{Failure, RefreshPolicy};
use evergrant_resilience::refresh::lease::{AttemptOutcome, Holder, LeaseRow, Ticket};

macro_rules! without {
    ($($name:ident: fn $rule:ident($($arg:ident: $kind:ty),*) = $answer:literal;)*) => {$(
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        impl Rules for $name {
            fn $rule(&self, $($arg: $kind),*) -> bool {
                $(let _ = $arg;)*
                $answer
            }
        }
    )*};
}

without! {
    SharedLease: fn is_free(refresh_policy: RefreshPolicy, row: &LeaseRow, now_ms: i64) = true;
    Credulous: fn may_take_over_early(holder: Holder, refresh_policy: RefreshPolicy, in_doubt_for_ms: i64) = true;
    HastyTakeOver: fn may_take_over(database_up_for_ms: i64) = true;
    OldReader: fn is_newest(row: &LeaseRow, known_generation: i64) = true;
    Undead: fn stays_dead(row: &LeaseRow) = false;
    Carefree: fn marks_abandoned_in_doubt() = false;
    LastWriterWins: fn accepts_tokens(row: &LeaseRow, ticket: &Ticket) = true;
    FirstWriterWins: fn was_sent_last(row: &LeaseRow, ticket: &Ticket) = false;
    Hearsay: fn accepts_outcome(row: &LeaseRow, ticket: &Ticket) = true;
    Sleepwalker: fn is_in_time(refresh_policy: RefreshPolicy, elapsed_ms: i64) = true;
    Impatient: fn keeps_lease(outcome: AttemptOutcome) = false;
    Blinkered: fn may_continue(row: &LeaseRow, ticket: &Ticket) = true;
    Gambler: fn may_send_in_doubt(refresh_policy: RefreshPolicy, in_doubt_for_ms: i64, access_expired: bool) = true;
    Hammer: fn may_send_again(refresh_policy: RefreshPolicy, failure: &Failure, in_doubt_for_ms: Option<i64>) = true;
    Scapegoat: fn is_lost(refresh_policy: RefreshPolicy, in_doubt: bool) = false;
}
