//! Tests of the real binary: its commands, its listeners, and its behaviour with other processes.
//! Also the architecture tests of the workspace.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop at once"
)]

mod addresses;
mod cli;
mod client;
mod console;
mod database_faults;
mod dependencies;
mod dev;
mod development_schema;
mod every_provider;
mod faults;
mod flows;
mod import_cycles;
mod layers;
mod limits;
mod other_programs;
mod pooler;
mod program;
mod public_surface;
mod refreshes;
mod shared_tables;
mod shutdown;
mod simulation;
mod third_party;
