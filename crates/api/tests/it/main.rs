//! The API from outside: each promise to its callers is a test named after it.
//!
//! `stand.rs` is a whole service over a simulated platform and a clock that stands still,
//! `caller.rs` the people and programs who call it, `answer.rs` what they get, with what must be
//! true of every answer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail as loudly as the test itself"
)]

mod answer;
mod callback;
mod caller;
mod chooser;
mod connect;
mod console;
mod cors;
mod credentials;
mod described;
mod disconnect;
mod document;
mod envelope;
mod events;
mod flows;
mod hosted_form;
mod hostile_input;
mod images;
mod operator;
mod pages;
mod platforms;
mod posted_callback;
mod providers;
mod refresh;
mod report;
mod secrets;
mod sessions;
mod stand;
mod status;
mod token;
mod tokens;
mod users;
mod who_may_call;
mod whole_way;
