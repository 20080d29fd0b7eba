//! The program `evergrant`: it reads the settings, puts the parts together and serves, or does one
//! thing and ends.

mod commands;
mod console;
mod dev;
mod failure;
mod hardening;
mod listener;
mod output;
mod serve;
mod settings;
mod signals;
mod telemetry;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Whoever opens a TLS connection first would otherwise have to choose; an earlier choice is as
    // good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::failure(&failure),
    }
}
