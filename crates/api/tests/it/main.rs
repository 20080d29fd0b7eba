//! Tests of the HTTP API from a caller's point of view. Each test is named after a promise to the
//! callers.
//!
//! `harness.rs` starts a complete service with simulated providers and a manual clock. `caller.rs`
//! builds requests for each kind of credential. `response.rs` holds a response and checks what must
//! be true of every response. `openapi_conformance.rs` checks each response against the OpenAPI
//! document.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers may panic like the tests that use them"
)]

mod access_control;
mod admin_listener;
mod callback;
mod caller;
mod chooser;
mod connect;
mod console;
mod cors;
mod credential_form;
mod credentials;
mod disconnect;
mod document;
mod envelope;
mod error_log;
mod events;
mod fake_providers;
mod flows;
mod harness;
mod hostile_input;
mod images;
mod lifecycle;
mod openapi_conformance;
mod pages;
mod posted_callback;
mod providers;
mod public_path;
mod refresh;
mod report;
mod response;
mod secrets;
mod sessions;
mod status;
mod token;
mod tokens;
mod users;
