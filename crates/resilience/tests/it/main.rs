//! The crate from outside: what its parts promise together.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test's helpers may fail as loudly as the test itself, and a run says how much it has seen"
)]

mod a28;
