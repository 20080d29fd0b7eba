//! The service from outside: against a simulated platform over real sockets, on both databases, by
//! a clock that stands still. Each promise is a test named after it, and calls to the platform are
//! counted exactly.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail as loudly as the test itself"
)]

mod bound;
mod callbacks;
mod clocks;
mod console;
mod credentials;
mod crowds;
mod disconnect;
mod faults;
mod feed;
mod harness;
mod images;
mod issuer;
mod key_check;
mod outage;
mod outcomes;
mod ownership;
mod panics;
mod properties;
mod races;
mod reads;
mod recorder;
mod refusals;
mod replicas;
mod secrets;
mod sessions;
mod spans;
mod trouble;
mod unknown;
mod users;
mod whole_way;
