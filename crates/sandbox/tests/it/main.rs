//! The sandbox from outside: each promise about the simulated platforms is a test named after it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail as loudly as the test itself"
)]

mod acme;
mod callbacks;
mod consent;
mod control;
mod data;
mod faults;
mod harness;
mod instagram;
mod instagram_content;
mod instagram_insights;
mod instagram_limits;
mod instagram_login;
mod instagram_tokens;
mod limits;
mod meta;
mod onlyfans;
mod pages;
mod refresh;
mod revoke;
mod state;
mod tiktok;
mod token;
