//! The rules with one of them taken away, to see that each is there for something.

use evergrant_resilience::renewal::Rules;
use evergrant_resilience::renewal::attempt::{Failure, Tolerance};
use evergrant_resilience::renewal::lease::{Ending, LeaseRow, Ticket};

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
    SharedLease: fn is_free(row: &LeaseRow, now_ms: i64) = true;
    HastyTakeOver: fn may_take_over(settled_for_ms: i64) = true;
    OldReader: fn is_newest(row: &LeaseRow, seen: i64) = true;
    Undead: fn stays_dead(row: &LeaseRow) = false;
    Carefree: fn doubts_the_abandoned(row: &LeaseRow) = false;
    LastWriterWins: fn accepts_pair(row: &LeaseRow, ticket: &Ticket) = true;
    FirstWriterWins: fn was_sent_last(row: &LeaseRow, ticket: &Ticket) = false;
    Hearsay: fn accepts_ending(row: &LeaseRow, ticket: &Ticket) = true;
    Sleepwalker: fn is_in_time(elapsed_ms: i64) = true;
    Impatient: fn keeps_lease(ending: Ending) = false;
    Blinkered: fn may_go_on(row: &LeaseRow, ticket: &Ticket) = true;
    Gambler: fn may_send_in_doubt(tolerance: Tolerance, doubt_age_ms: i64, access_ended: bool) = true;
    Hammer: fn may_send_again(tolerance: Tolerance, failure: &Failure, doubt_age_ms: Option<i64>) = true;
    Scapegoat: fn is_lost(tolerance: Tolerance, in_doubt: bool) = false;
}
