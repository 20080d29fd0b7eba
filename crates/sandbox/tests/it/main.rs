//! Tests of the sandbox through its HTTP endpoints. Each test name states a property of a simulated
//! provider.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers may panic like the tests themselves"
)]

mod acme;
mod callbacks;
mod consent;
mod control;
mod faults;
mod harness;
mod instagram;
mod instagram_login;
mod meta;
mod onlyfans;
mod pages;
mod reddit;
mod state;
mod tiktok;
