//! Tests of the service from outside: against simulated providers over real sockets, on both
//! databases, with a manual clock. Each test is named after the promise that it checks, and calls
//! to providers are counted exactly.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing helper should stop the test at once"
)]

mod avatars;
mod background_work;
mod bound_flows;
mod call_rates;
mod callbacks;
mod change_feed;
mod clock_steps;
mod concurrency;
mod console;
mod credentials;
mod database_lock;
mod database_outage;
mod disconnect;
mod event_streams;
mod failover;
mod flow_failures;
mod harness;
mod issuer;
mod key_check;
mod late_responses;
mod lifecycle;
mod lost_commits;
mod ownership;
mod panics;
mod pending_writes;
mod platform_words;
mod properties;
mod provider_outage;
mod races;
mod readable_responses;
mod reads;
mod recorder;
mod refresh_failures;
mod refresh_responses;
mod refusals;
mod replicas;
mod row_changes;
mod rows_inserted_again;
mod secrets;
mod session_credentials;
mod slow_commits;
mod spans;
mod stale_rows;
mod take_over;
mod unknown_outcome;
mod unreadable_rows;
mod users;
mod waits;
mod wrong_times;
