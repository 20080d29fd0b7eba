//! The program `evergrant`: reads the settings, assembles the service, and serves it or runs one
//! command.

mod commands;
mod console;
mod database;
mod dev;
mod failure;
mod hardening;
mod listener;
mod output;
mod serve;
mod settings;
mod shutdown;
mod signals;
mod telemetry;
mod uptime;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    // rustls panics on the first TLS connection if no provider is installed. This fails only if one
    // is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::print_failure(&failure),
    }
}
