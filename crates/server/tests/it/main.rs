//! The program as its users meet it: the real binary, its commands, its listeners.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]

mod cli;
mod client;
mod console;
mod dev;
mod ending;
mod every_platform;
mod flows;
mod import_cycles;
mod layers;
mod limits;
mod platforms;
mod program;
mod public_surface;
mod refreshes;
mod shared_tables;
mod third_party;
